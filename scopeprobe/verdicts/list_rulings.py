"""Rulings on lists that hold a scope (docs/design.md, rules 1, 9 and 10)."""

from __future__ import annotations

from operator import itemgetter

from scopeprobe.model.answer import Issued, names_on
from scopeprobe.model.cell import Evidence, Reason, Verdict
from scopeprobe.model.evidence import Kind, has_others
from scopeprobe.model.scope_names import Scope
from scopeprobe.verdicts.ruling import Known, Ruling, contradictory, granted_by_list, unknown
from scopeprobe.verdicts.true_lists import (
    lacks_the_canary,
    repeats_requests,
    true_lists,
    why_no_canary,
)


def ruling_on_names(known: Known, scope: Scope) -> Ruling | None:
    """
    Rule on a scope that some list of the client holds (rules 1, 9 and 10); None where none does.

    A list that shows the canary repeats the request: there a name counts only where it was asked
    for alone and another client was refused it, and nothing where other lists do more.
    """
    holding = [kind for kind, names in known.facts.listed.items() if scope in names]
    if not holding:
        return None
    if true := [kind for kind in holding if not repeats_requests(known, kind)]:
        return _shown(known, scope, true)
    if not all(repeats_requests(known, kind) for kind in known.facts.listed):
        return None
    is_policed = _is_given_alone_and_refused_to_others(known, scope)
    if _is_canary_of_this_client_alone(known) or not is_policed:
        return _repeated(known)
    return granted_by_list(scope, _showing(known, scope, holding))


def _shown(known: Known, scope: Scope, holding: list[Kind]) -> Ruling | None:
    """
    Rule on a scope in a list that does not merely repeat the request.

    None where it was never asked for, and the places of the token that shows it disagree.
    """
    alone = known.facts.answered_alone(scope)
    tokens = [fact.answer for fact in alone if isinstance(fact.answer, Issued)]
    if alone and not tokens:
        places = " and ".join(sorted({kind.place for kind in holding}))
        return contradictory(f"refused alone, though listed in the {places}", alone[-1].answer)
    shown = [fact.answer for fact in known.facts.showing(scope)]
    for issued in tokens or [answer for answer in shown if isinstance(answer, Issued)]:
        if told := _disagreement(known, scope, issued):
            return contradictory(told) if known.facts.tokens_for(scope) else None
    if tokens and all(issued.tells and scope not in issued.names for issued in tokens):
        return contradictory("listed, but not in the answer to the request for it alone")
    proving = [kind for kind in holding if lacks_the_canary(known, kind)]
    if not proving:
        return unknown(why_no_canary(known))
    if not any(_shows_more_than_was_asked(known, scope, kind) for kind in proving):
        was_cut_short = known.open_because is not Reason.NOT_ASKED
        return unknown(known.open_because if was_cut_short else Reason.UNCONFIRMED)
    return granted_by_list(scope, _showing(known, scope, holding))


def _shows_more_than_was_asked(known: Known, scope: Scope, kind: Kind) -> bool:
    """
    A list of this kind does not merely repeat what was asked, as far as this scope goes.

    It was listed without being asked for; or some list has a gap, or the canary was issued and not
    listed, or sets with one bad scope are refused; or it was asked for alone, and a known scope,
    which this one is by now, is refused alone: what is not given is not dropped here.
    """
    server = known.server
    if kind in server.has_gaps or known.audience in server.refuses_mixed_sets:
        return True
    if isinstance(known.facts.canary, Issued) and lacks_the_canary(known, kind):
        return True
    requests = {fact.question.scopes for fact in known.facts.showing(scope)}
    if any(scope not in (asked or ()) for asked in requests):
        return True
    return (scope,) in requests and known.audience in server.known_withheld


def _showing(known: Known, scope: Scope, holding: list[Kind]) -> Issued:
    """The last token with the scope in one of these lists; best one that was asked for it alone."""
    showing = [
        (fact.question.scopes == (scope,), fact.answer)
        for fact in known.facts.showing(scope)
        if isinstance(fact.answer, Issued)
        and any(scope in known.facts.kinds(fact.answer).get(kind, ()) for kind in holding)
    ]
    return max(reversed(showing), key=itemgetter(0))[1]


def _disagreement(known: Known, scope: Scope, issued: Issued) -> str:
    """Which place of the token shows the scope and which does not; empty where all agree."""
    shown = {kind.place: scope in names for kind, names in true_lists(known, issued).items()}
    if len(set(shown.values())) < 2:  # noqa: PLR2004
        return ""
    listing = " and ".join(place for place, is_listed in shown.items() if is_listed)
    lacking = " and ".join(place for place, is_listed in shown.items() if not is_listed)
    return f"listed in the {listing}, not in the {lacking}"


# -- lists that repeat the request


def _repeated(known: Known) -> Ruling:
    """Only lists that repeat the request hold the scope: whatever is asked for is issued here."""
    is_open = _is_canary_of_this_client_alone(known) or not known.server.withholds(known.audience)
    is_withheld = any(map(known.facts.is_withheld, known.facts.assignment.candidates))
    is_given_the_canary = known.facts.assignment.canary in names_on(known.facts.canary)
    if is_open and is_given_the_canary and not is_withheld:
        return Ruling(Verdict.UNENFORCED, Reason.CANARY_ISSUED, Evidence.TOKEN)
    return unknown(Reason.UNCONFIRMED)


def _is_canary_of_this_client_alone(known: Known) -> bool:
    """It was listed for this client, and refused to or left out for others: this one gets all."""
    shown = [kind for kind, met in known.server.canary_shown.items() if known.client in met]
    is_kept_from_others = has_others(
        known.server.canary_refused, known.audience, known.client
    ) or any(has_others(known.server.canary_missing, kind, known.client) for kind in shown)
    return bool(shown) and is_kept_from_others


def _is_given_alone_and_refused_to_others(known: Known, scope: Scope) -> bool:
    """A list that repeats the request tells no more of a set than that a token was issued."""
    return scope in known.facts.issued_alone and known.server.is_refused_to_others(
        known.audience, scope, known.client
    )
