"""
A client that fails beside one that works: what they do otherwise, and which of it matters.

Of the differences those are tried that the failing client can take over with its own credentials
at its own server. It takes all of them at once first, since the other one is known to work; then
each is taken back, so that the last two requests differ in one step and fare differently.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from msgspec import structs

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.describe import shortened
from scopeprobe.diagnosis.experiments import diagnose
from scopeprobe.diagnosis.outcomes import failures_in, is_accepting
from scopeprobe.model.experiment import Experiment, ExperimentPlan
from scopeprobe.model.question import Question
from scopeprobe.model.secret import RequestValue
from scopeprobe.model.urls import origin_of

Take: TypeAlias = Callable[[Question], Question]
"""The same question with one difference taken over."""

_ELSEWHERE = "credentials go nowhere but to their own server"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the two clients do otherwise."""

    what: str
    mine: str
    its: str
    take: Take | None = None
    """None where it cannot be taken over."""
    untried: str = ""
    """Why it cannot."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A difference, and what its taking over came to."""

    what: str
    mine: str
    its: str
    found: str
    is_decisive: bool = False
    """Without it the request is refused, and with it and nothing else it is accepted."""


# -- the differences


def differences(mine: Case, its: Case) -> list[Difference]:
    """In the order in which a server looks at them."""
    return list(_differences(mine, its))


def _differences(mine: Case, its: Case) -> Iterator[Difference]:
    one, other = mine.client, its.client
    yield from _endpoint(mine, its)
    if one.grant_type is not other.grant_type:
        yield _untried("grant", one.grant_type, other.grant_type, "the grant is not changed")
    if one.auth_method is not other.auth_method:
        is_able = other.auth_method in mine.other_methods
        yield Difference(
            "auth method",
            one.auth_method,
            other.auth_method,
            _changing(auth_method=other.auth_method) if is_able else None,
            "" if is_able else f"{one.name} has no credential for it",
        )
    one_encoding, its_encoding = (case.client.server.traits.basic_encoding for case in (mine, its))
    if one_encoding is not its_encoding and (mine.encodes_differently or its.encodes_differently):
        take = _changing(basic_encoding=its_encoding)
        yield Difference("basic encoding", one_encoding, its_encoding, take)
    if other.binds_tokens and not one.binds_tokens:
        yield Difference("DPoP", "no", "yes", _changing(proof=True))
    elif one.binds_tokens and not other.binds_tokens:
        yield _untried("DPoP", "yes", "no", f"{one.name} sends it as configured")
    yield from _parameters(mine, its)
    yield from _connections(mine, its)
    if mine.wanted != its.wanted:
        scopes = its.wanted or None
        yield Difference(
            "scopes",
            shortened(mine.wanted) if mine.wanted else "none",
            shortened(its.wanted) if its.wanted else "none",
            lambda question: structs.replace(question, scopes=scopes),
        )


def _endpoint(mine: Case, its: Case) -> Iterator[Difference]:
    here, there = mine.client.server, its.client.server
    if here.endpoints.token == there.endpoints.token:
        return
    if origin_of(here.endpoints.token) == origin_of(there.endpoints.token):
        take = _changing(endpoint=there.endpoints.token)
        yield Difference("token endpoint", here.address, there.address, take)
        return
    yield _untried("server", here.address, there.address, _ELSEWHERE)
    one, other = urlsplit(here.address), urlsplit(there.address)
    if one.path != other.path:
        take = _changing(endpoint=urlunsplit(one._replace(path=other.path)))
        yield Difference("path of the endpoint", one.path, other.path, take)


def _parameters(mine: Case, its: Case) -> Iterator[Difference]:
    here, there = (dict(_sent(case)) for case in (mine, its))
    for name in dict.fromkeys((*here, *there)):
        one, other = here.get(name, ""), there.get(name, "")
        if one != other:
            yield Difference(name, one or "none", other or "none", _taking_parameter(name, other))
    one, other = (_names(_secret_parameters(case)) for case in (mine, its))
    if one != other:
        yield _untried("secret parameters", one, other, "their values go to their own server only")


def _sent(case: Case) -> Iterator[tuple[str, str]]:
    """The parameters beside credentials, grant, scope and what is secret."""
    target = case.target
    shown = {name: value for name, value in target.token_params if isinstance(value, str)}
    named = {"audience": target.audience, "resource": target.resource, **shown}
    return ((name, value) for name, value in named.items() if value)


def _secret_parameters(case: Case) -> Iterator[tuple[str, RequestValue]]:
    return ((name, value) for name, value in case.target.token_params if not isinstance(value, str))


def _connections(mine: Case, its: Case) -> Iterator[Difference]:
    here, there = mine.client.server.connection, its.client.server.connection
    why = "it is part of the connection"
    for what, one, other in (
        ("headers", _names(here.headers), _names(there.headers)),
        ("proxy", _yes(here.proxy), _yes(there.proxy)),
        ("CA file", _yes(here.ca_file), _yes(there.ca_file)),
    ):
        if one != other:
            yield _untried(what, one, other, why)


def _names(values: Iterable[tuple[str, RequestValue]]) -> str:
    """Their values may be secret."""
    return ", ".join(name for name, _ in values) or "none"


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _untried(what: str, mine: str, its: str, why: str) -> Difference:
    return Difference(what, mine, its, untried=why)


def _changed(question: Question, **members: Any) -> Question:  # noqa: ANN401 - of RequestChange
    return structs.replace(question, change=structs.replace(question.change, **members))


def _changing(**members: Any) -> Take:  # noqa: ANN401 - members of RequestChange
    return partial(_changed, **members)


def _taking_parameter(name: str, value: str) -> Take:
    def take(question: Question) -> Question:
        change = question.change
        if not value:
            return _changed(question, dropped=(*change.dropped, name))
        return _changed(question, added=(*change.added, (name, value)))

    return take


# -- the requests that lead from one to the other


def compare(case: Case, found: Sequence[Difference]) -> ExperimentPlan:
    """Take over what the other client does otherwise, and then diagnose as ever."""
    log: list[Experiment] = []
    yield from _walk(case, [one.take for one in found if one.take is not None], log)
    spent = case.known.failures_spent + len(failures_in(log))
    first = log[0] if log else None
    if first is not None and failures_in([first]) and not any(is_accepting(e.answer) for e in log):
        spent -= 1  # the diagnosis counts it again
    case = replace(case, known=replace(case.known, failures_spent=spent))
    yield from _remembering(diagnose(case), log)


def _walk(case: Case, steps: Sequence[Take], log: list[Experiment]) -> ExperimentPlan:
    def ask(question: Question) -> Generator[Question, Experiment, bool]:
        known = next((e for e in log if e.question == question), None)
        if known is None:
            known = yield question
            log.append(known)
        return is_accepting(known.answer)

    as_it_is = Question(case.wanted or None)
    if (yield from ask(as_it_is)) or not steps:
        return
    if not (yield from ask(_taken(as_it_is, steps))):
        return
    needed = list(steps)
    for step in steps:
        without = [one for one in needed if one is not step]
        if without and (yield from ask(_taken(as_it_is, without))):
            needed = without


def _taken(question: Question, steps: Iterable[Take]) -> Question:
    for step in steps:
        question = step(question)
    return question


def _remembering(plan: ExperimentPlan, log: Sequence[Experiment]) -> ExperimentPlan:
    """Answer from the log what is asked again."""
    known = {experiment.question: experiment for experiment in log}
    try:
        question = next(plan)
        while True:
            question = plan.send(known.get(question) or (yield question))
    except StopIteration:
        return


def ask_once(case: Case) -> ExperimentPlan:
    """Ask as configured, to see that a client works."""
    yield Question(case.wanted or None)


# -- what came of it


def compared(
    case: Case, found: Sequence[Difference], log: Sequence[Experiment]
) -> tuple[Compared, ...]:
    """Say of each difference whether it decides."""
    return tuple(_compared(case, found, one, log) for one in found)


def _compared(
    case: Case, found: Sequence[Difference], one: Difference, log: Sequence[Experiment]
) -> Compared:
    if one.take is None:
        return Compared(one.what, one.mine, one.its, f"not tried: {one.untried}")
    numbers = {experiment.question: number for number, experiment in enumerate(log, start=1)}
    steps = [other.take for other in found if other.take is not None]
    pairs = list(_pairs(Question(case.wanted or None), steps, steps.index(one.take), log))
    for without, with_it in pairs:
        if not is_accepting(without.answer):
            told = (
                f"decides: refused without it (request {numbers[without.question]}), accepted with"
                f" it (request {numbers[with_it.question]})"
            )
            return Compared(one.what, one.mine, one.its, told, is_decisive=True)
    for without, with_it in pairs:
        both = f"requests {numbers[without.question]} and {numbers[with_it.question]}"
        return Compared(one.what, one.mine, one.its, f"makes no difference ({both})")
    return Compared(one.what, one.mine, one.its, "does not help: refused with it as well")


def _pairs(
    as_it_is: Question, steps: Sequence[Take], place: int, log: Sequence[Experiment]
) -> Iterator[tuple[Experiment, Experiment]]:
    """Experiments that differ in this step only; the second has it, and was accepted."""
    answered = {experiment.question: experiment for experiment in log}
    others = [number for number in range(len(steps)) if number != place]
    for count in range(len(others), -1, -1):
        for some in combinations(others, count):
            chosen = sorted((*some, place))
            without = answered.get(_taken(as_it_is, [steps[number] for number in some]))
            with_it = answered.get(_taken(as_it_is, [steps[number] for number in chosen]))
            if without is not None and with_it is not None and is_accepting(with_it.answer):
                yield without, with_it
