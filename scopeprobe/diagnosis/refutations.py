"""What rules out each theory of `theories.toml`: requests and answers of the log, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from scopeprobe.diagnosis.causes.scopes import spelling_given
from scopeprobe.diagnosis.describe import told_to_another
from scopeprobe.diagnosis.observations import Observations
from scopeprobe.diagnosis.outcomes import (
    is_accepting,
    is_past_credentials,
    left_out,
    may_be_about_scopes,
    may_be_about_the_body,
    speaks_plainly,
)
from scopeprobe.model.answer import (
    GrantNotAllowed,
    Refusal,
    Refused,
    alike,
    is_plain_about_scope,
)
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import AS_CONFIGURED
from scopeprobe.model.scope_names import Scope

# -- what several of them rest on


def _token(seen: Observations) -> Experiment | None:
    """A token that was issued to the request as far as it was mended."""
    return next((e for e in seen.at_base() if is_accepting(e.answer)), None)


def _shown(seen: Observations, experiment: Experiment | None) -> Iterator[str]:
    if experiment is not None:
        yield from seen.evidence(experiment)


def _was_read(seen: Observations) -> Iterator[str]:
    """The server read the request: it gave a token, or refused something that stood in it."""
    past = (e for e in seen.at_base() if is_past_credentials(e) and not may_be_about_the_body(e))
    yield from _shown(seen, _token(seen) or next(past, None))


def _others_get_tokens(seen: Observations) -> Iterator[str]:
    """The same server reads the same kind of request of another client."""
    for told in seen.case.known.told_to_others:
        if told.is_authenticated:
            yield f"{told.client} gets tokens from the same endpoint, asked in the same way"
            return
    if (worked := seen.case.known.last_worked) is not None:
        yield f"it got a token there on {worked:%Y-%m-%d}, asked in the same way"


def _fails_without_scope(seen: Observations) -> Iterator[str]:
    """The request without scope is refused alike, which on this server no missing scope is."""
    control, whole = seen.control, seen.find(seen.case.wanted)
    if control is None or whole is None or not alike(control.answer, whole.answer):
        return
    if is_plain_about_scope(control.answer) or may_be_about_scopes(control, seen.case):
        return
    yield from seen.evidence(control)
    for told in seen.case.known.told_to_others:
        if told.is_authenticated and told.scopes and isinstance(told.answer, Refusal):
            yield told_to_another(told)


def _is_about_credentials(seen: Observations) -> Iterator[str]:
    """The server says itself that it means the credentials."""
    plain = (e for e in seen.at_base() if speaks_plainly(e, "credentials"))
    yield from _shown(seen, next(plain, None))


def _all_granted(seen: Observations) -> Iterator[str]:
    """Every scope that is wanted was issued, in one token or in several."""
    issued = [e for e in seen.at_base() if is_accepting(e.answer) and not left_out(e, seen.log)]
    asked = [
        next((e for e in issued if scope in e.question.asked), None) for scope in seen.case.wanted
    ]
    if asked and all(asked):
        yield from seen.evidence(*filter(None, asked))


def _behind_the_scopes(seen: Observations) -> Iterator[str]:
    """No scope is wanted, or none has a say: the failure is the same without."""
    if not seen.case.wanted:
        yield "no scope is asked for"
    yield from _all_granted(seen)
    yield from _fails_without_scope(seen)
    yield from _is_about_credentials(seen)


# -- a predicate a theory


def _body_encoding(seen: Observations) -> Iterator[str]:
    yield from _was_read(seen)
    if seen.case.client.auth_method is not AuthMethod.CLIENT_SECRET_BASIC:
        yield from _is_about_credentials(seen)
    yield from _others_get_tokens(seen)


_OAUTH_CODES = {
    *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"),
    *("unsupported_grant_type", "invalid_scope", "access_denied", "invalid_target"),
}
"""RFC 6749 section 5.2, RFC 8707 section 2."""


def _firewall(seen: Observations) -> Iterator[str]:
    answered = (e for e in seen.at_base() if getattr(e.answer, "error", "") in _OAUTH_CODES)
    spoke = _token(seen) or next(answered, None)
    for line in _shown(seen, spoke):
        yield f"{line}: an answer of OAuth (RFC 6749 section 5), not of something in front of it"


def _white_space(seen: Observations) -> Iterator[str]:
    lone = [e for e in seen.at_base() if len(e.question.asked) == 1]
    wanted = seen.case.wanted
    refused = [e for e in lone if isinstance(e.answer, Refusal) and e.question.scopes != wanted]
    if len(wanted) == 1:
        yield f"one scope is asked for, `{wanted[0]}`: there is no white space between scopes"
    if seen.is_authenticated:
        yield from _shown(seen, next(iter(refused), None))
    yield from _behind_the_scopes(seen)


def _not_granted(seen: Observations) -> Iterator[str]:
    refused = [e for e in seen.at_base() if _is_refused_alone(seen, e)]
    given = [spelling_given(seen, scope) for e in refused for scope in e.question.asked]
    if given and all(given):
        yield from seen.evidence(*(pair[1] for pair in given if pair))
    yield from _behind_the_scopes(seen)


def _spelling(seen: Observations) -> Iterator[str]:
    refused = [e for e in seen.at_base() if _is_refused_alone(seen, e)]
    exist = [line for e in refused for line in _exists(seen, e)]
    if refused and len(exist) == len(refused):
        yield from exist
    yield from _behind_the_scopes(seen)


def _is_refused_alone(seen: Observations, experiment: Experiment) -> bool:
    scopes = experiment.question.asked
    is_lone = len(scopes) == 1 and scopes[0] in seen.case.wanted
    is_judged = seen.is_authenticated or is_plain_about_scope(experiment.answer)
    return is_lone and is_judged and isinstance(experiment.answer, Refusal)


def _exists(seen: Observations, refused: Experiment) -> Iterator[str]:
    """The first thing that shows that the server knows this scope."""
    (scope,) = refused.question.scopes or ("",)
    if seen.case.advertises(Scope(scope)):
        yield f"the metadata advertises `{scope}`"
        return
    if any(scope in client.granted for client in seen.case.known.behavior.earlier_clients):
        yield f"another client was granted `{scope}`"
        return
    canary = seen.canary
    is_refused = canary is not None and isinstance(canary.answer, Refusal)
    if canary is not None and is_refused and not alike(canary.answer, refused.answer):
        yield "; ".join(seen.evidence(refused, canary))


def _basic_or_form(seen: Observations) -> Iterator[str]:
    if seen.base.auth_method is None:
        yield from _shown(seen, _token(seen))
    tried = _by_other_methods(seen)
    if not any(is_past_credentials(e) or may_be_about_scopes(e, seen.case) for e in tried):
        yield from seen.evidence(*tried)
    method = seen.case.client.auth_method.value
    if seen.case.methods == (method,):
        yield f"the server names {method} as the only method that it takes"


def _by_other_methods(seen: Observations) -> list[Experiment]:
    return [e for e in seen.log if e.question.change.auth_method is not None]


def undecided(theory: str, seen: Observations) -> str:
    """What was tried and settles nothing: a method that was rejected, perhaps for a scope."""
    tried = seen.evidence(*_by_other_methods(seen)) if theory == "basic_or_form" else ()
    if not tried:
        return ""
    return (
        f"It was tried without success ({'; '.join(tried)}), which settles it only for a scope that"
        " this client surely has: `--scope NAME`."
    )


def _assertion_type(seen: Observations) -> Iterator[str]:
    if seen.case.uses_assertion:
        yield from _shown(seen, _token(seen))
    elif seen.pattern("assertion_audience") is None and _method_is_not_asked_for(seen):
        method = seen.case.client.auth_method.value
        yield f"it authenticates with {method}: no assertion is sent, and none is asked for"


def _method_is_not_asked_for(seen: Observations) -> bool:
    said = seen.pattern("wrong_auth_method")
    return said is None or said[1].method is None or not said[1].method.signs_assertion


def _wrong_host(seen: Observations) -> Iterator[str]:
    if not seen.base.endpoint:
        yield from _shown(seen, _token(seen))
    known = (e for e in seen.log if e.question.change == AS_CONFIGURED)
    yield from _shown(seen, next((e for e in known if _knows_the_client(e)), None))


def _knows_the_client(experiment: Experiment) -> bool:
    """Words about this client's secret, lock or grant: where it is unknown, there is none."""
    is_of_grant = isinstance(experiment.answer, GrantNotAllowed) and not may_be_about_the_body(
        experiment
    )
    return is_of_grant or speaks_plainly(experiment, "credentials", but_of="unknown_client")


def _rotated_secret(seen: Observations) -> Iterator[str]:
    if not seen.base.trimmed:
        yield from _shown(seen, _token(seen))
    unknown = (e for e in seen.at_base() if speaks_plainly(e, "credentials", "secret_rejected"))
    behind = (e for e in seen.at_base() if _is_behind_the_secret(seen, e))
    yield from _shown(seen, next(unknown, None) or next(behind, None))


def _is_behind_the_secret(seen: Observations, experiment: Experiment) -> bool:
    """Refused for something that this server looks at only once it accepted the credentials."""
    if isinstance(experiment.answer, GrantNotAllowed | Refused):
        is_first = seen.case.known.behavior.rejects_credentials_first
        return is_first and is_past_credentials(experiment)
    return False


REFUTATIONS: dict[str, Callable[[Observations], Iterator[str]]] = {
    "body_encoding": _body_encoding,
    "content_type": _body_encoding,
    "firewall": _firewall,
    "scope_white_space": _white_space,
    "scope_spelling": _spelling,
    "scope_not_granted": _not_granted,
    "basic_or_form": _basic_or_form,
    "assertion_type": _assertion_type,
    "wrong_host": _wrong_host,
    "rotated_secret": _rotated_secret,
}
"""By the names of `theories.toml`: the evidence against each; none where it is open."""
