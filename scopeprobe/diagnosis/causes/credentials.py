"""Causes in how the client authenticates."""

from __future__ import annotations

from collections.abc import Iterator

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

_MEMBERS = {
    "endpoint": "wrong_token_endpoint",
    "auth_method": "wrong_auth_method",
    "trimmed": "white_space_in_credentials",
    "basic_encoding": "basic_encoding",
    "clock_shift": "assertion_clock_skew",
    "assertion_audience": "assertion_audience",
    "proof": "dpop_required",
}
_TOLD = (
    *("client_locked", "client_disabled", "secret_expired", "unknown_client", "secret_rejected"),
    *("wrong_auth_method", "assertion_audience", "assertion_clock_skew", "dpop_required"),
)
"""What a server may say of credentials that it does not accept."""
_SETTLED = {*_TOLD} - {"wrong_auth_method"}
_PACK_KEYS = {"auth_method": "token_endpoint_auth_methods", "endpoint": "token_endpoint"}
_MOST_FOR_UNCONFIRMED = 0.75
"""The change helped; that it is what the provider demands rests on nobody's word."""
_MOST_FOR_SECRET = 0.8
"""Servers word whatever is wrong with a secret's way to them as a wrong secret."""
_EITHER = (("secret_rejected", 0.55), ("unknown_client", 0.45))
"""Where a server tells an unknown client and a wrong secret alike."""


def credential_causes(seen: Observations) -> Iterator[LikelyCause]:
    found = list(_mended(seen))
    yield from found
    failures = failures_in(seen.log)
    if found or not failures or _is_only_about_scopes(seen):
        return
    evidence = list(_told(seen, failures))
    yield from evidence
    if not any(one.code in _SETTLED for one in evidence):
        yield from _either(seen, failures)


def _mended(seen: Observations) -> Iterator[LikelyCause]:
    """What was changed, and then the credentials were accepted."""
    for member, code in _MEMBERS.items():
        value = getattr(seen.base, member)
        if value == getattr(AS_CONFIGURED, member):
            continue
        pair = seen.pair(member, _is_worse, is_past_credentials)
        if pair is not None:
            worse, better = pair
            confidence = 0.97 if is_accepting(better.answer) else 0.85
            if _PACK_KEYS.get(member) in seen.case.unconfirmed:
                confidence = min(confidence, _MOST_FOR_UNCONFIRMED)
            yield LikelyCause(code, confidence, seen.evidence(worse, better), value=value)
        else:
            last = [e for e in seen.at_base() if is_past_credentials(e)]
            yield LikelyCause(code, 0.7, seen.evidence(seen.log[0], *last[:1]), value=value)


def _is_worse(experiment: Experiment) -> bool:
    return not is_past_credentials(experiment) and not is_out_of_reach(experiment.answer)


def _is_only_about_scopes(seen: Observations) -> bool:
    """Some request as configured got past the credentials, or was never refused for them."""
    plain = [e for e in seen.log if e.question.change == AS_CONFIGURED]
    return any(is_accepting(e.answer) for e in plain)


def _told(seen: Observations, failures: list[Experiment]) -> Iterator[LikelyCause]:
    for code in _TOLD:
        said = seen.pattern(code)
        if said is not None and said[0] in failures:
            experiment, pattern = said
            evidence = (*seen.evidence(experiment), f"words of {pattern.said_by}")
            confidence = min(
                pattern.confidence, _MOST_FOR_SECRET if code == "secret_rejected" else 1
            )
            yield LikelyCause(code, confidence, evidence, tell=pattern.tell, value=pattern.method)
            if pattern.is_certain or code in {"unknown_client", "secret_rejected"}:
                return


def _either(seen: Observations, failures: list[Experiment]) -> Iterator[LikelyCause]:
    """
    The server tells no two of them apart: both, and neither of them surely.

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
