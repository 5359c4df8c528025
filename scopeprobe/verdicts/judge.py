"""A verdict on each scope of one client, from facts alone. Nothing else makes verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, assert_never

from scopeprobe.model.answer import (
    Answer,
    Fact,
    GrantNotAllowed,
    Issued,
    Refusal,
    Refused,
    TooLarge,
    Unanswered,
    Unauthenticated,
    is_plain_about_scope,
)
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.behavior import ServerBehavior
from scopeprobe.model.cell import Cell, Evidence, Reason, Verdict
from scopeprobe.model.scope_names import Scope, prefix
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.gap_rulings import ruling_on_gaps
from scopeprobe.verdicts.list_rulings import ruling_on_names
from scopeprobe.verdicts.no_token_rulings import ruling_without_token
from scopeprobe.verdicts.refusal_rulings import ruling_on_refusals, ruling_on_refused_sets
from scopeprobe.verdicts.rights_rulings import confirmed, ruling_without_asking
from scopeprobe.verdicts.ruling import Known, Ruling, contradictory, unanswered, unknown
from scopeprobe.verdicts.silence_rulings import ruling_on_silence
from scopeprobe.verdicts.standing import Standing, standings
from scopeprobe.verdicts.true_lists import true_lists

MOST_UNLISTED = 1000
"""Scopes of a client that are shown although they are no candidates (docs/design.md, rule 14)."""


def judge(
    assignment: Assignment,
    behavior: ServerBehavior,
    facts: Iterable[Fact],
    open_because: Reason,
    other_targets: Iterable[Fact] = (),
) -> tuple[Cell, ...]:
    """
    Return a cell for every candidate, and for every other scope that a token carries.

    `open_because` is why the asking stopped: the reason of every cell that no fact speaks of.
    `other_targets` are the facts of the client's other targets, whose credentials are the same.
    Rules: docs/design.md, "Verdicts".
    """
    known = Known(
        ClientFacts(assignment, tuple(facts)),
        behavior,
        open_because,
        ClientFacts(assignment, tuple(other_targets)),
    )
    rulings = _rule_on_candidates(known)
    unlisted = sorted(_unlisted(known))
    rulings |= {scope: _rule_on_unlisted(known, scope) for scope in unlisted[:MOST_UNLISTED]}
    if more := unlisted[MOST_UNLISTED:]:
        last = unlisted[MOST_UNLISTED - 1]
        rulings[last] = replace(rulings[last], told=f"{len(more)} further scopes are not shown")
    return tuple(_cells(assignment, rulings))


def _cells(assignment: Assignment, rulings: Mapping[Scope, Ruling]) -> Iterator[Cell]:
    """What cells of one ruling have in common is worked out once."""
    client, audience = assignment.client, assignment.target.label
    common: dict[int, tuple[Any, ...]] = {}
    for scope in sorted(rulings):
        ruling = rulings[scope]
        if (told := common.get(id(ruling))) is None:
            told = common[id(ruling)] = _told(ruling)
        yield Cell(client.name, client.client_id, audience, scope, *told)


def _told(ruling: Ruling) -> tuple[Any, ...]:
    """The fields of a cell from its verdict on, in their order."""
    status, error, description = _particulars(ruling.because)
    return (
        ruling.verdict,
        ruling.reason,
        ruling.evidence,
        status,
        error,
        ruling.told or description,
        ruling.limited_to,
    )


def _particulars(answer: Answer | None) -> tuple[int | None, str, str]:
    match answer:
        case None | Issued():  # a token settled it, or nothing did
            return None, "", ""
        case TooLarge(status=status):
            return status, "", ""
        case Refused() | Unauthenticated() | GrantNotAllowed() | Unanswered():
            return answer.status, answer.error, answer.description
        case _:
            assert_never(answer)


def _unlisted(known: Known) -> set[Scope]:
    """Scopes that tokens carry without being candidates (docs/design.md, rule 14)."""
    facts, assignment = known.facts, known.facts.assignment
    own = {*assignment.candidates, *assignment.shapes, assignment.canary, Scope("")}
    sure = [showing for showing in facts.showings if not showing.is_unconfirmed]
    rights = (i.rights for showing in sure for _, i in facts.showings[showing] if i.rights)
    return set[Scope]().union(*facts.listed_by(sure).values(), *rights) - own


def _rule_on_unlisted(known: Known, scope: Scope) -> Ruling:
    if known.facts.lists(scope):
        return Ruling(Verdict.GRANTED, Reason.UNLISTED, Evidence.TOKEN)
    issued = next(i for i in reversed(known.facts.issued) if scope in (i.rights or ()))
    limited_to = issued.limited_to(scope)
    return Ruling(Verdict.GRANTED, Reason.UNLISTED, Evidence.API, limited_to=limited_to)


def _rule_on_candidates(known: Known) -> dict[Scope, Ruling]:
    """A ruling on each; those of one standing share theirs, which is worked out once."""
    rulings: dict[Standing, Ruling] = {}
    found: dict[Scope, Ruling] = {}
    for scope, standing in standings(known):
        if (ruling := rulings.get(standing)) is None:
            ruling = rulings[standing] = rule_on(known, scope)
        found[scope] = ruling
    return found


def rule_on(known: Known, scope: Scope) -> Ruling:
    ruling = _ruled(known, scope)
    if ruling.verdict is not Verdict.GRANTED:
        return ruling
    if (known.client, known.audience, prefix(scope)) in known.behavior.open_shapes:
        return Ruling(Verdict.UNENFORCED, Reason.SHAPE_UNENFORCED, ruling.evidence)
    return ruling


def _ruled(known: Known, scope: Scope) -> Ruling:
    facts = known.facts
    if not facts.successes:
        return ruling_without_token(known, scope)
    if not facts.assignment.client.server.traits.send_scope:
        return ruling_without_asking(known, scope)
    alone = facts.answered_alone(scope)
    sets = facts.with_others(scope)
    if scope in facts.issued_alone:
        alone, sets = [*alone, *sets], ()
    return (
        _ruling_on_lists(known, scope)
        or _ruling_on_tokens(known, scope, alone)
        or (ruling_on_refusals(known, scope, alone) if alone else None)
        or _ruling_on_tokens(known, scope, sets)
        or ruling_on_refused_sets(known, scope)
        or unanswered(known, facts.about(scope)[-1].answer if facts.about(scope) else None)
    )


def _ruling_on_lists(known: Known, scope: Scope) -> Ruling | None:
    """What a rights API adds to a list that was shown for the scope, counts with it."""
    ruling = ruling_on_names(known, scope)
    tokens = known.facts.tokens_for(scope)
    answer = tokens[-1].answer if tokens else None
    if ruling is None or not isinstance(answer, Issued):
        return ruling
    return confirmed(ruling, scope, answer)


def _ruling_on_tokens(known: Known, scope: Scope, answered: Iterable[Fact]) -> Ruling | None:
    """
    Rule by tokens that do not show the scope; None where none was issued.

    A refusal that says nothing of the scope, and has passed by now, was a fault.
    """
    tokens = [fact for fact in answered if isinstance(fact.answer, Issued)]
    if not tokens:
        return None
    last = max(fact.received for fact in tokens)
    for fact in known.facts.about(scope):
        is_passing = fact.received < last and not is_plain_about_scope(fact.answer)
        if isinstance(fact.answer, Refusal) and not is_passing:
            return contradictory("a token was issued for it, and it was refused alone", fact.answer)
    rulings = [_ruling_on_token(known, scope, fact) for fact in tokens]
    proved = (ruling for ruling in rulings if ruling.verdict is not Verdict.UNKNOWN)
    return next(proved, rulings[-1])


def _ruling_on_token(known: Known, scope: Scope, fact: Fact) -> Ruling:
    issued = fact.answer
    assert isinstance(issued, Issued)  # noqa: S101 - chosen so
    if known.facts.is_shared(issued):
        return unknown(Reason.TOKEN_SHARED)
    if kinds := true_lists(known, issued):
        ruling = ruling_on_gaps(known, scope, fact, kinds)
    else:
        ruling = ruling_on_silence(known, scope, fact)
    return confirmed(ruling, scope, issued)
