"""When refusals are about scopes, and that of a lone one denies it (docs/design.md, rule 6)."""

from __future__ import annotations

from itertools import pairwise

from scopeprobe.model.answer import Fact, Issued, Refusal, Refused, Subject, is_plain_about_scope
from scopeprobe.model.evidence import ServerEvidence
from scopeprobe.model.scope_names import Scope
from scopeprobe.verdicts.client_facts import ClientFacts

NOT_THE_SCOPE = {Subject.TARGET, Subject.SCOPE_PARAMETER}
"""What a refusal may be about that holds for every scope alike."""


def denying_refusal(client: ClientFacts, scope: Scope, evidence: ServerEvidence) -> Fact | None:
    """
    The refusal that shows that this client is not given the scope; None where none does.

    A success of the same credentials follows it. Where neither code nor words say that it is the
    scope, one comes before as well; all answers to the question are alike; they were met twice
    with a success between, or are what the canary of some client met twice; and unless they look
    like failed authentication, which no parameter as such and no firewall causes, the server gives
    scopes to somebody.
    """
    answered = client.answered_alone(scope)
    if not answered or any(isinstance(fact.answer, Issued) for fact in answered):
        return None
    plain = [fact for fact in answered if is_plain_about_scope(fact.answer)]
    if plain:
        return next(filter(client.is_bracketed, reversed(plain)), None)
    return _unspecific(client, answered, evidence)


def _unspecific(client: ClientFacts, answered: list[Fact], evidence: ServerEvidence) -> Fact | None:
    bracketed = [fact for fact in answered if client.is_bracketed(fact)]
    likenesses = {client.likeness(fact) for fact in answered}
    if not bracketed or len(likenesses) > 1:
        return None
    last = bracketed[-1].answer
    if isinstance(last, Refused) and (last.about in NOT_THE_SCOPE or not evidence.gives_scopes):
        return None
    is_how_canaries_fare = likenesses <= evidence.canary_refusals
    return bracketed[-1] if is_how_canaries_fare or _is_met_twice(client, bracketed) else None


def _is_met_twice(client: ClientFacts, refusals: list[Fact]) -> bool:
    """Two of the refusals have a success between them."""
    return any(
        one.received < success.sent and success.received < other.sent
        for one, other in pairwise(refusals)
        for success in client.successes
    )


def refuses_a_set(client: ClientFacts, fact: Fact, evidence: ServerEvidence) -> bool:
    """
    A set was refused for its scopes, and not by a passing fault.

    Code or words say so, or the canary of some client met the same twice, or the same set did.
    """
    kind, asked = client.likeness(fact), fact.question.asked
    if kind is None or len(asked) < 2:  # noqa: PLR2004
        return False
    if is_plain_about_scope(fact.answer) or kind in evidence.canary_refusals:
        return True
    same = (f for f in client.with_others(asked[0]) if f.question.scopes == fact.question.scopes)
    return sum(client.likeness(one) == kind for one in same) > 1


def canary_is_refused(client: ClientFacts, evidence: ServerEvidence) -> bool:
    """
    The server refused an invented scope to a client that it gave tokens.

    What says that it is the scope needs no success behind it: nothing passing says so.
    """
    answered = client.answered_alone(client.assignment.canary)
    if not (answered and client.successes):
        return False
    if not all(isinstance(fact.answer, Refusal) for fact in answered):
        return False
    return (
        any(is_plain_about_scope(fact.answer) for fact in answered)
        or denying_refusal(client, client.assignment.canary, evidence) is not None
    )
