"""Causes in how the client authenticates."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.diagnosis.causes import codes_said_of
from scopeprobe.diagnosis.observations import LikelyCause, Observations
from scopeprobe.diagnosis.outcomes import (
    failures_in,
    is_accepting,
    is_out_of_reach,
    is_past_credentials,
)
from scopeprobe.model.answer import Unauthenticated
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import AS_CONFIGURED

_CAUSE_OF_CHANGE = {
    "endpoint": "wrong_token_endpoint",
    "auth_method": "wrong_auth_method",
    "trimmed": "white_space_in_credentials",
    "basic_encoding": "basic_encoding",
    "clock_shift": "assertion_clock_skew",
    "assertion_audience": "assertion_audience",
    "proof": "dpop_required",
}
"""What is wrong where a changed member of the request helps."""
_NAMED_ALONE = (
    "client_locked",
    "client_disabled",
    "secret_expired",
    "unknown_client",
    "secret_rejected",
)
"""Of these only the first that a server names counts, and nothing beside it."""
_DOUBTED = {"wrong_auth_method"}
"""Also said of a wrong secret."""
_PACK_KEYS = {"auth_method": "token_endpoint_auth_methods", "endpoint": "token_endpoint"}
_MOST_FOR_UNCONFIRMED = 0.75
"""The change helped, but no source confirms that the provider demands it."""
_MOST_FOR_SECRET = 0.8
"""Servers call a secret wrong also where it was sent in a wrong way."""
_SAID_ELSEWHERE = {"secret_rejected", "unknown_client"}
"""What a region of a provider answers to a client of another one, too."""
_WRONG_REGION = 0.4
"""Reported of Genesys Cloud (github.com/tishige/CallFlowVisualizer/issues/9)."""
_EITHER = (("secret_rejected", 0.55), ("unknown_client", 0.45))
"""Where a server answers an unknown client and a wrong secret alike."""


def credential_causes(seen: Observations) -> Iterator[LikelyCause]:
    found = list(_mended(seen))
    yield from found
    failures = failures_in(seen.log)
    if found or not failures or _is_only_about_scopes(seen):
        return
    found = list(_named(seen, failures))
    if all(cause.code in _DOUBTED for cause in found):
        found.extend(_either(seen, failures))
    yield from found
    if seen.case.client.server.other_regions and any(
        cause.code in _SAID_ELSEWHERE for cause in found
    ):
        yield LikelyCause("wrong_region", _WRONG_REGION, seen.evidence(failures[0], failures[-1]))


def _mended(seen: Observations) -> Iterator[LikelyCause]:
    """What was changed, and then the credentials were accepted."""
    for member, code in _CAUSE_OF_CHANGE.items():
        value = getattr(seen.base, member)
        if value == getattr(AS_CONFIGURED, member):
            continue
        pair = seen.pair(member, _is_worse, is_past_credentials)
        if pair is not None:
            worse, better = pair
            confidence = 0.97 if is_accepting(better.answer) else 0.85
            if _PACK_KEYS.get(member) in seen.case.unconfirmed:
                confidence = min(confidence, _MOST_FOR_UNCONFIRMED)
            found = "wrong_region" if _is_of_another_region(seen, member, value) else code
            yield LikelyCause(found, confidence, seen.evidence(worse, better), value=value)
        else:
            last = [e for e in seen.at_base() if is_past_credentials(e)]
            yield LikelyCause(code, 0.7, seen.evidence(seen.log[0], *last[:1]), value=value)


def _is_of_another_region(seen: Observations, member: str, value: object) -> bool:
    server = seen.case.client.server
    return member == "endpoint" and server.region_of(str(value)) in server.other_regions


def _is_worse(experiment: Experiment) -> bool:
    return not is_past_credentials(experiment) and not is_out_of_reach(experiment.answer)


def _is_only_about_scopes(seen: Observations) -> bool:
    """Some request as configured got past the credentials, or was never refused for them."""
    plain = [e for e in seen.log if e.question.change == AS_CONFIGURED]
    return any(is_accepting(e.answer) for e in plain)


def _named(seen: Observations, failures: list[Experiment]) -> Iterator[LikelyCause]:
    """What the server names in its own words."""
    for code in _NAMED_ALONE:
        if (cause := _named_as(code, seen, failures)) is not None:
            yield cause
            return
    for code in codes_said_of("credentials"):
        if (cause := _named_as(code, seen, failures)) is not None:
            yield cause


def _named_as(code: str, seen: Observations, failures: list[Experiment]) -> LikelyCause | None:
    found = seen.pattern(code)
    if found is None or found[0] not in failures:
        return None
    experiment, pattern = found
    return LikelyCause(
        code,
        min(pattern.confidence, _MOST_FOR_SECRET if code == "secret_rejected" else 1),
        (*seen.evidence(experiment), f"words of {pattern.servers}"),
        advice=pattern.advice,
        value=pattern.method,
    )


def _either(seen: Observations, failures: list[Experiment]) -> Iterator[LikelyCause]:
    """
    An unknown client or a wrong secret: where the server does not tell which, both.

    Where some request got past the credentials, the failure may as well be about the scopes.
    """
    evidence = seen.evidence(failures[0], failures[-1])
    is_named = any(
        isinstance(e.answer, Unauthenticated) and e.answer.unknown_client for e in failures
    )
    if is_named:
        yield LikelyCause("unknown_client", 0.85, evidence)
        return
    past = any(is_past_credentials(e) for e in seen.log)
    share = 0.8 if past else 1.0
    for code, confidence in _EITHER:
        yield LikelyCause(code, confidence * share, evidence)
