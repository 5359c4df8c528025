"""A ruling: a verdict on one scope, with its reason. What several kinds of rulings share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from scopeprobe.model.answer import Answer, Issued, Refusal, Refused, Subject, TooLarge, Unanswered
from scopeprobe.model.behavior import ServerBehavior
from scopeprobe.model.cell import Evidence, Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.evidence import NOBODY, ServerEvidence
from scopeprobe.model.scope_names import Scope
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.lone_refusals import canary_is_refused


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict on one scope, its reason, and the answer that it rests on."""

    verdict: Verdict
    reason: Reason
    evidence: Evidence = Evidence.NONE
    because: Answer | None = None
    limited_to: str = ""
    told: str = ""
    """What a person has to see, where no answer says it."""


@dataclass(frozen=True)
class Known:
    """What a ruling may rest on: the facts of one client and target, and the server's behavior."""

    facts: ClientFacts
    behavior: ServerBehavior
    open_because: Reason
    """Why the asking stopped."""
    other_targets: ClientFacts
    """Facts of the client's other targets, whose credentials are the same."""

    @property
    def audience(self) -> str:
        return self.facts.audience

    @property
    def client(self) -> ClientName:
        return self.facts.name

    @cached_property
    def is_refused_the_canary(self) -> bool:
        return canary_is_refused(self.facts, self.server)

    @cached_property
    def met_by_others(self) -> tuple[frozenset[Scope], ...]:
        """Candidates that other clients met: by the kind of list that showed them, and refused."""
        refused = self.server.refused_alone.get(self.audience, NOBODY)
        return tuple(
            met.by_others(self.facts.assignment.candidates, self.client)
            for met in (*self.server.listed.values(), refused)
        )

    @cached_property
    def looks_at_names(self) -> bool:
        """
        A ruling may depend on what a scope is called.

        Where scopes are not sent, where a rights API tells of patterns, where tokens list what was
        not asked for, which may be the scope by another name, and where prefixes are open.
        """
        return (
            not self.facts.assignment.client.server.traits.send_scope
            or bool(self.behavior.open_shapes or self.facts.unasked)
            or any(issued.rights is not None for issued in self.facts.issued)
        )

    @property
    def server(self) -> ServerEvidence:
        """What all clients of the server show together."""
        return self.behavior.evidence


def unknown(reason: Reason, because: Answer | None = None) -> Ruling:
    return Ruling(Verdict.UNKNOWN, reason, because=because)


def contradictory(told: str, because: Answer | None = None) -> Ruling:
    """Answers disagree on the scope, or it may be listed under another name (rule 10)."""
    return Ruling(Verdict.UNKNOWN, Reason.CONTRADICTORY, because=because, told=told)


def denied(known: Known, refusal: Refusal) -> Ruling:
    is_unknown = isinstance(refusal, Refused) and (
        refusal.about is Subject.UNKNOWN_SCOPE
        or (known.behavior.tells_unknown_scopes and refusal.error == "invalid_scope")
    )
    reason = Reason.UNKNOWN_SCOPE if is_unknown else Reason.REFUSED_ALONE
    return Ruling(Verdict.DENIED, reason, Evidence.ALONE, refusal)


def granted_by_list(scope: Scope, issued: Issued) -> Ruling:
    """Granted, by the first of the lists that holds the scope."""
    if issued.confirmed is not None and scope in issued.confirmed:
        return Ruling(Verdict.GRANTED, Reason.INTROSPECTED, Evidence.TOKEN)
    in_response = issued.listed is not None and scope in issued.listed
    reason = Reason.LISTED_IN_RESPONSE if in_response else Reason.LISTED_IN_TOKEN
    return Ruling(Verdict.GRANTED, reason, Evidence.TOKEN)


def unanswered(known: Known, answer: Answer | None) -> Ruling:
    """No answer says anything of the scope."""
    match answer:
        case Unanswered(reason=reason):
            return unknown(reason, answer)
        case TooLarge():
            return unknown(Reason.MALFORMED_ANSWER, answer)
        case _:
            return unknown(known.open_because)
