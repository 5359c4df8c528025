"""Causes in how the client authenticates."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.diagnosis.causes.rejected import rejected_causes
from scopeprobe.diagnosis.confidence import Sign
from scopeprobe.diagnosis.observations import LikelyCause, Observations
from scopeprobe.diagnosis.outcomes import (
    failures_in,
    is_accepting,
    is_out_of_reach,
    is_past_credentials,
    is_refused_for_no_scope,
)
from scopeprobe.model.answer import Unanswered
from scopeprobe.model.cell import Reason
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
    "content_type": "body_not_form",
}
"""What is wrong where a changed member of the request helps."""
_PACK_KEYS = {"auth_method": "token_endpoint_auth_methods", "endpoint": "token_endpoint"}


def credential_causes(seen: Observations) -> Iterator[LikelyCause]:
    found = list(_mended(seen))
    yield from found
    failures = [e for e in failures_in(seen.log) if not _is_throttled(e)]
    if found or not failures or _is_only_about_scopes(seen):
        return
    yield from rejected_causes(seen, failures)


def _is_throttled(experiment: Experiment) -> bool:
    answer = experiment.answer
    return isinstance(answer, Unanswered) and answer.reason is Reason.THROTTLED


def _mended(seen: Observations) -> Iterator[LikelyCause]:
    """What was changed, and then the credentials were accepted."""
    for member, code in _CAUSE_OF_CHANGE.items():
        value = getattr(seen.base, member)
        if value == getattr(AS_CONFIGURED, member):
            continue
        pair = seen.pair(member, _is_worse, is_past_credentials) or seen.pair(
            member, _has_no_token, _has_token
        )
        if pair is None:
            last = [e for e in seen.at_base() if is_past_credentials(e)]
            signs = [Sign("mended_with_others")]
            said = seen.pattern(code)
            signs += [said[1].sign] if said else []
            evidence = seen.evidence(said[0] if said else seen.log[0], *last[:1])
        else:
            is_whole = is_accepting(pair[1].answer)
            signs = [Sign("mended" if is_whole else "mended_in_part")]
            evidence = seen.evidence(*pair)
        if _PACK_KEYS.get(member) in seen.case.unconfirmed:
            signs.append(Sign("unconfirmed"))
        found = "wrong_region" if _is_of_another_region(seen, member, value) else code
        yield LikelyCause(found, tuple(signs), evidence, value=value)


def _is_of_another_region(seen: Observations, member: str, value: object) -> bool:
    server = seen.case.client.server
    return member == "endpoint" and server.region_of(str(value)) in server.other_regions


def _has_token(experiment: Experiment) -> bool:
    return is_accepting(experiment.answer)


def _has_no_token(experiment: Experiment) -> bool:
    return not is_accepting(experiment.answer)


def _is_worse(experiment: Experiment) -> bool:
    return not is_past_credentials(experiment) and not is_out_of_reach(experiment.answer)


def _is_only_about_scopes(seen: Observations) -> bool:
    """Some request as configured got past the credentials, or was never refused for them."""
    plain = [e for e in seen.log if e.question.change == AS_CONFIGURED]
    return any(is_accepting(e.answer) or is_refused_for_no_scope(e) for e in plain)
