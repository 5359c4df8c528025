"""Causes where every request was rejected: a credential, or the scopes after all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scopeprobe.diagnosis.causes import codes_said_of
from scopeprobe.diagnosis.confidence import WORDS, Sign
from scopeprobe.diagnosis.describe import told_to_another
from scopeprobe.diagnosis.error_patterns import patterns_in
from scopeprobe.diagnosis.observations import LikelyCause, Observations
from scopeprobe.diagnosis.outcomes import may_be_about_scopes
from scopeprobe.model.answer import Unauthenticated, alike
from scopeprobe.model.experiment import Experiment

CONTROL = "the request without scope"
"""The failure that causes in front of the scopes are rivals for."""
_OTHERWISE_UNSAID = ("secret_rejected", "unknown_client")
"""What a rejection that tells nothing is mostly about."""
_SAID_ELSEWHERE = ("secret_rejected", "unknown_client")
"""What a region of a provider answers to a client of another one, too."""
_SINCE_EVER = {"unknown_client", "wrong_region", "wrong_auth_method"}
"""What does not come over night."""
_SAYS_UNKNOWN = Sign(WORDS, 0.85, "unknown_client")
"""Words of error_texts.toml, of a server that error_patterns.toml has no row for."""


def rejected_causes(seen: Observations, failures: Sequence[Experiment]) -> Iterator[LikelyCause]:
    """Rivals for requests that failed to authenticate, and never got past."""
    named = {code for code in codes_said_of("credentials") if _says(seen, code, failures)}
    regions = ("wrong_region",) if seen.case.client.server.other_regions else ()
    for code in sorted(named | {*_OTHERWISE_UNSAID, *regions}):
        yield _rival(seen, code, failures)
    yield from _scopes_after_all(seen, failures)


def _says(seen: Observations, code: str, failures: Sequence[Experiment]) -> bool:
    found = seen.pattern(code)
    return found is not None and found[0] in failures


def _rival(seen: Observations, code: str, failures: Sequence[Experiment]) -> LikelyCause:
    signs, evidence = [Sign("rejected")], seen.evidence(failures[0], failures[-1])
    advice, value = "", None
    found = seen.pattern(code)
    if found is not None and found[0] in failures:
        experiment, pattern = found
        signs.append(pattern.sign)
        evidence = (*seen.evidence(experiment), f"words of {pattern.servers}")
        advice, value = pattern.advice, pattern.method
    elif code == "unknown_client" and any(map(_is_unknown, failures)):
        signs.append(_SAYS_UNKNOWN)
    elif code == "wrong_region":
        elsewhere = (seen.pattern(said) for said in _SAID_ELSEWHERE)
        signs += [pattern.sign for _, pattern in filter(None, elsewhere)]
    if code == "wrong_auth_method" and not _untried_methods(seen, failures):
        signs.append(Sign("other_methods_were_rejected"))
    if code in _SINCE_EVER and (worked := seen.case.known.last_worked) is not None:
        signs.append(Sign("worked_before"))
        evidence = (*evidence, f"it got a token on {worked:%Y-%m-%d}, as it is configured")
    return LikelyCause(code, tuple(signs), evidence, CONTROL, advice=advice, value=value)


def _untried_methods(seen: Observations, failures: Sequence[Experiment]) -> set[str]:
    """Other methods that the server names, or may have where it names none."""
    case = seen.case
    tried = {e.question.change.auth_method for e in failures}
    able = {method.value for method in case.other_methods if method not in tried}
    return able if case.methods is None else able & set(case.methods)


def _is_unknown(experiment: Experiment) -> bool:
    answer = experiment.answer
    return isinstance(answer, Unauthenticated) and answer.unknown_client


def _scopes_after_all(seen: Observations, failures: Sequence[Experiment]) -> Iterator[LikelyCause]:
    """The scopes, on a server that may answer 401 to them: a contrast would rule them out."""
    case, first = seen.case, failures[0]
    known = [told for told in case.known.told_to_others if told.is_authenticated]
    like = [told for told in known if alike(told.answer, first.answer)]
    if case.words_scopes_otherwise(first.answer) or not may_be_about_scopes(first, case):
        return
    signs = [Sign("others_were_told_so" if like else "rejected_for_its_scope")]
    speaks = any(pattern.cause in _OF_SCOPES for e in failures for pattern in patterns_in(e))
    signs += [Sign("says_scope")] if speaks else []
    is_missing_told = speaks or any(told.scopes is None for told in like)
    if case.wanted and seen.control in failures and not is_missing_told:
        signs.append(Sign("rejected_without_scope"))
    lone = [e.question.scopes for e in failures if len(e.question.asked) == 1]
    if alone := [scopes[0] for scopes in lone if scopes and scopes != case.wanted]:
        is_hopeful = case.is_hopeful(alone[-1])
        signs.append(Sign("hopeful_scope_rejected" if is_hopeful else "lone_scope_rejected"))
    denied = [
        f"the last run found `{scope}` denied" for scope in filter(case.was_denied, case.wanted)
    ]
    signs += [Sign("denied_before")] if denied else []
    yield LikelyCause(
        "scope_refused" if case.wanted else "scope_required",
        tuple(signs),
        (*seen.evidence(failures[0], failures[-1]), *map(told_to_another, like), *denied),
        CONTROL,
        is_kept=bool(speaks or like or denied),
        scopes=case.wanted,
    )


_OF_SCOPES = {"scope_refused", "scope_required", "scope_unknown"}
