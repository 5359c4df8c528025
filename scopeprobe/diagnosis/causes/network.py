"""Causes in front of the authorization server: network, TLS, redirects, gateways, throttles."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from scopeprobe.diagnosis.causes.rejected import CONTROL
from scopeprobe.diagnosis.confidence import Sign
from scopeprobe.diagnosis.describe import times
from scopeprobe.diagnosis.error_patterns import ErrorPattern, patterns_in
from scopeprobe.diagnosis.observations import LikelyCause, Observations
from scopeprobe.diagnosis.outcomes import (
    is_failure,
    is_out_of_reach,
    is_said_of_credentials,
    may_be_about_the_body,
)
from scopeprobe.model.answer import TooLarge, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.experiment import Experiment

_NO_ENDPOINT = {404, 405, 410, 411, 501}
_GATEWAYS = {407, 502, 504}
_CODES = {
    Reason.UNREACHABLE: ("unreachable", "no_connection"),
    Reason.TIMED_OUT: ("unreachable", "no_answer_in_time"),
    Reason.TLS_FAILURE: ("tls_failure", "tls_not_trusted"),
    Reason.REDIRECTED: ("redirected", "redirect"),
}


def network_causes(seen: Observations) -> Iterator[LikelyCause]:
    first = seen.log[0]
    yield from _throttles(seen)
    pair = seen.pair("endpoint", lambda e: is_out_of_reach(e.answer), _is_answered)
    if pair is not None:
        worse, better = pair
        where = better.question.change.endpoint
        signs = (Sign("reached_elsewhere"),)
        yield LikelyCause("wrong_token_endpoint", signs, seen.evidence(worse, better), value=where)
    elif isinstance(first.answer, TooLarge):
        size = first.question.size
        advice = f"it finds {size:,} bytes of scopes too large; ask for fewer in one request"
        sign = "only_too_large" if any(_answered_without_scope(seen)) else "too_large"
        yield LikelyCause(
            "gateway_in_between",
            (Sign(sign),),
            seen.evidence(first, *_answered_without_scope(seen)),
            advice=advice,
        )
    elif not isinstance(first.answer, Unanswered) or is_said_of_credentials(first):
        return
    elif may_be_about_the_body(first):
        if not seen.base.content_type:
            yield from (_said(seen, first, pattern) for pattern in patterns_in(first))
    elif first.answer.reason is not Reason.THROTTLED:
        code, sign = _code(seen, first, first.answer)
        is_doubted = code == "not_a_token_endpoint" and seen.case.has_issued_before
        against = (Sign("endpoint_is_known"),) if is_doubted else ()
        evidence = seen.evidence(first, *_answered_without_scope(seen))
        failure = CONTROL if is_failure(first) else ""
        yield LikelyCause(code, (Sign(sign), *against), evidence, failure)


def _said(seen: Observations, first: Experiment, pattern: ErrorPattern) -> LikelyCause:
    evidence = (*seen.evidence(first), f"words of {pattern.servers}")
    return LikelyCause(pattern.cause, (pattern.sign,), evidence, advice=pattern.advice)


def _is_answered(experiment: Experiment) -> bool:
    return not is_out_of_reach(experiment.answer)


def _answered_without_scope(seen: Observations) -> Iterator[Experiment]:
    """The request without scope, where it does not meet the fault."""
    control = seen.control
    if control is not None and _is_answered(control):
        yield control


def _throttles(seen: Observations) -> Iterator[LikelyCause]:
    for experiment in seen.log:
        answer = experiment.answer
        is_last = isinstance(answer, Unanswered) and answer.reason is Reason.THROTTLED
        if experiment.throttled or is_last:
            count = experiment.throttled + is_last
            wait = answer.wait if isinstance(answer, Unanswered) else None
            asked = f" The server asked for a pause of {wait:.0f} s." if wait else ""
            advice = f"It throttled one request {times(count)}.{asked}"
            evidence = seen.evidence(experiment)
            yield LikelyCause("throttled", (Sign("throttle"),), evidence, advice=advice)
            return


def _code(seen: Observations, experiment: Experiment, answer: Unanswered) -> tuple[str, str]:
    if answer.status not in _GATEWAYS and (known := _CODES.get(answer.reason)):
        return known
    body = experiment.trace.body.lstrip()
    is_page = body[:1] == "<"
    gateway = seen.pattern("gateway_in_between")
    if answer.status in _NO_ENDPOINT:
        return "not_a_token_endpoint", "status_of_no_endpoint"
    if gateway is not None and is_page:
        return "gateway_in_between", "page_of_a_gateway"
    is_blocked = bool(body) and answer.status == HTTPStatus.FORBIDDEN
    if answer.status in _GATEWAYS or is_blocked or (is_page and _is_error(answer.status)):
        is_rejecting = answer.status == HTTPStatus.UNAUTHORIZED
        return "gateway_in_between", "page_under_401" if is_rejecting else "blocked"
    if answer.reason is Reason.SERVER_ERROR:
        return "server_error", "fault"
    return "not_a_token_endpoint", "page" if body else "nothing_to_read"


def _is_error(status: int | None) -> bool:
    return status is not None and status >= HTTPStatus.BAD_REQUEST
