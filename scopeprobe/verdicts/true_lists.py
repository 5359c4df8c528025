"""Which lists show what tokens carry, and do not merely repeat the request (rules 1 and 3)."""

from __future__ import annotations

from scopeprobe.model.answer import Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.evidence import Kind
from scopeprobe.model.scope_names import Scope
from scopeprobe.verdicts.ruling import Known


def true_lists(known: Known, issued: Issued) -> dict[Kind, frozenset[Scope]]:
    """
    What the token is shown to carry, by kind: lists that show more than what was asked for.

    One that shows nothing has empty lists, where silence is an empty list.
    """
    shown = known.facts.kinds(issued)
    if not shown:
        form = known.facts.form(issued)
        shown = dict.fromkeys(known.server.empty_lists(form, known.client), frozenset())
    return {kind: names for kind, names in shown.items() if not repeats_requests(known, kind)}


def repeats_requests(known: Known, kind: Kind) -> bool:
    """A list of this kind shows the canary: to this client, or to others and nothing else known."""
    if kind in known.server.repeats_requests:
        return True
    if known.client in known.server.canary_shown.get(kind, ()):
        return True
    is_shown = kind in known.server.canary_shown
    return is_shown and not _lacks_the_canary_here(known, kind)


def lacks_the_canary(known: Known, kind: Kind) -> bool:
    """The canary was refused, or is missing from a list of this kind."""
    return _lacks_the_canary_here(known, kind) or (
        known.facts.canary is None
        and (kind in known.server.canary_missing or known.audience in known.server.canary_refused)
    )


def _lacks_the_canary_here(known: Known, kind: Kind) -> bool:
    """The same, shown by the answers to this client."""
    return (
        known.is_refused_the_canary
        or known.client in known.server.canary_missing.get(kind, ())
        or _is_silent_about_the_canary(known, kind)
    )


def _is_silent_about_the_canary(known: Known, kind: Kind) -> bool:
    """A token for the canary shows nothing, where silence is an empty list."""
    canary = known.facts.canary
    return (
        isinstance(canary, Issued)
        and not canary.tells
        and kind in known.server.empty_lists(known.facts.form(canary), known.client)
    )


def why_no_canary(known: Known) -> Reason:
    """Why it is not known whether this server would list anything that is asked for."""
    if known.facts.canary is not None:
        return Reason.UNCONFIRMED
    for fact in known.facts.about(known.facts.assignment.canary):
        if isinstance(fact.answer, Unanswered):
            return fact.answer.reason
    return known.open_because
