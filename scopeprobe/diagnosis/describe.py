"""Experiments in words: what was asked, and what was answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scopeprobe.diagnosis.case import ToldToAnother
from scopeprobe.model.answer import (
    Answer,
    GrantNotAllowed,
    Issued,
    Refused,
    TooLarge,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import AS_CONFIGURED, RequestChange
from scopeprobe.model.scope_names import Scope

MOST_NAMED = 6
"""Scopes that are written out of a longer list."""


def evidence(number: int, experiment: Experiment) -> str:
    """One experiment as a line of evidence."""
    question = experiment.question
    return f"request {number}, {asked(question.scopes, question.change)}: {answered(experiment)}"


def told_to_another(told: ToldToAnother) -> str:
    """What another client met, as a line of evidence that costs no request."""
    asked_for = "an invented scope" if told.is_canary else _named(told.scopes)
    credentials = ", whose credentials are good" if told.is_authenticated else ""
    told_it = f"to {asked_for} of {told.client}{credentials}, the same server answered"
    return f"{told_it} {_answer(told.answer)}"


def asked(scopes: tuple[Scope, ...] | None, change: RequestChange) -> str:
    """How a request differs from the one as configured, and which scopes it has."""
    named = _named(scopes)
    if change == AS_CONFIGURED:
        return f"{named}"
    return ", ".join((named, *_changes(change)))


def _named(scopes: tuple[Scope, ...] | None) -> str:
    return "without scope" if scopes is None else f"scope {shortened(scopes)}"


def _changes(change: RequestChange) -> Iterator[str]:
    if change.endpoint:
        yield f"at {change.endpoint.partition('?')[0]}"
    if change.auth_method is not None:
        yield f"with {change.auth_method.value}"
    if change.basic_encoding is not None:
        yield f"with Basic encoded {change.basic_encoding.value}"
    if change.trimmed:
        yield "without the white space around id and secret"
    if change.clock_shift:
        yield f"signed by a clock shifted {change.clock_shift:+.0f} s"
    if change.assertion_audience:
        yield f"with an assertion for {change.assertion_audience}"
    if change.proof:
        yield "with a DPoP proof"
    if change.content_type:
        yield f"as {change.content_type}"
    if change.scope_separator:
        yield f"with \u201c{change.scope_separator}\u201d between the scopes"
    yield from (f"with {name}={value}" for name, value in change.added)
    yield from (f"without {name}" for name in change.dropped)


def answered(experiment: Experiment) -> str:
    return _after_throttles(experiment) + _answer(experiment.answer)


def _after_throttles(experiment: Experiment) -> str:
    if not experiment.throttled:
        return ""
    return f"throttled {times(experiment.throttled)}, then "


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _answer(answer: Answer) -> str:
    match answer:
        case Issued():
            return f"a token{_shown(answer)}"
        case Unanswered(reason=reason, status=None, description=words):
            return ": ".join(filter(None, (reason.replace("_", " "), words)))
        case Unanswered(reason=reason, status=status):
            return f"{reason.replace('_', ' ')} ({status})"
        case TooLarge(status=status):
            return f"{status}, the request was too large"
        case Refused() | Unauthenticated() | GrantNotAllowed():
            text = f" \u201c{answer.description}\u201d" if answer.description else ""
            return f"{answer.status} {answer.error}{text}".rstrip()


def _shown(answer: Issued) -> str:
    shown = answer.listed if answer.listed is not None else answer.claimed
    if answer.rights is not None:
        return f", with the rights {shortened(answer.rights)}"
    if shown is None:
        return ""
    return f" with scope {shortened(shown)}" if shown else " without any scope"


def shortened(scopes: Sequence[str]) -> str:
    """Names, of which a long list shows the first only."""
    shown = " ".join(scopes[:MOST_NAMED])
    left = len(scopes) - MOST_NAMED
    return f"\u201c{shown}\u201d" if left <= 0 else f"\u201c{shown}\u201d and {left} more"
