"""What the templates of `causes.toml` may name."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterator, Sequence

from scopeprobe.diagnosis.describe import shortened
from scopeprobe.diagnosis.observations import LikelyCause, Observations
from scopeprobe.model.answer import Issued
from scopeprobe.model.scope_names import Scope

_MOST_NAMED = 12
_IDS = (
    *("x-ms-request-id", "x-correlation-id", "inin-correlation-id", "x-okta-request-id"),
    *("x-request-id", "cf-ray", "x-amzn-requestid", "traceparent"),
)
"""Headers by which an operator finds the request in the logs."""


class NextStepFields(UserDict[str, str]):
    """Fields of one cause's next step."""

    def __init__(self, seen: Observations, found: LikelyCause) -> None:
        client = seen.case.client
        scopes = _listed(found.scopes)
        super().__init__(
            client=client.name,
            client_id=client.client_id.strip(),
            server=client.server.name,
            endpoint=client.server.address,
            method=client.auth_method.value,
            grant=client.grant_type.value,
            right_endpoint=str(found.value or "").partition("?")[0],
            right_method=getattr(found.value, "value", str(found.value or "another one")),
            right_value=str(found.value or ""),
            right_encoding=getattr(found.value, "value", ""),
            right_audience=str(found.value or "what the server expects"),
            spelling=f"`{found.value}` instead of {scopes}",
            skew=f"{abs(_skew(seen)):.0f}",
            scopes=scopes,
            it="it" if len(found.scopes) == 1 else "them",
            without=_without(seen, found),
            advice=f" {found.advice}" if found.advice else "",
            came=found.advice or "its page came instead of the authorization server's answer",
            location=_location(seen),
            ids=_ids(seen),
            named_by=_named_by(seen, found),
            subject=_subject(client.subject),
            right_region=_right_region(seen, found),
            target=_target(found),
            rights=_rights(seen),
        )


def _listed(scopes: Sequence[Scope]) -> str:
    """Names of a long list are cut off: the minimal refusing sets have them all."""
    named = ", ".join(f"`{scope}`" for scope in scopes[:_MOST_NAMED])
    left = len(scopes) - _MOST_NAMED
    return named if left <= 0 else f"{named} and {left} more"


def _without(seen: Observations, found: LikelyCause) -> str:
    """The evidence in short: without the scope the same request is accepted."""
    it = "it" if len(found.scopes) == 1 else "them"
    for experiment in seen.at_base():
        asked = experiment.question.scopes
        if asked and isinstance(experiment.answer, Issued) and not set(found.scopes) & set(asked):
            return f": without {it} the same request is accepted"
    if seen.control is not None and isinstance(seen.control.answer, Issued):
        return f": without {it} the same request is accepted"
    return ""


def _skew(seen: Observations) -> float:
    return next((e.trace.skew for e in seen.log if e.trace.skew is not None), 0.0)


def _location(seen: Observations) -> str:
    found = next(filter(None, (e.trace.header("Location") for e in seen.log)), "elsewhere")
    return _inert(found.partition("?")[0])


def _ids(seen: Observations) -> str:
    ids = dict(_found_ids(seen))
    return f" Give them {', '.join(f'{k} {v}' for k, v in ids.items())}." if ids else ""


def _found_ids(seen: Observations) -> Iterator[tuple[str, str]]:
    for name in _IDS:
        if value := seen.log[0].trace.header(name):
            yield name, _inert(value)


def _named_by(seen: Observations, found: LikelyCause) -> str:
    named = (e.named_by for e in seen.case.endpoints if e.url == found.value)
    return next(named, "that one answers")


def _subject(subject: str) -> str:
    """In whose name was asked, where that decides as well."""
    return (
        f" This holds for the subject {subject}: for another one it may differ." if subject else ""
    )


def _right_region(seen: Observations, found: LikelyCause) -> str:
    """The region that accepts the credentials; where none is known to, how to ask the others."""
    server = seen.case.client.server
    if isinstance(found.value, str):
        right = server.region_of(found.value) or "the other one"
        return f"{right}, which accepts the credentials, instead of {server.region}."
    others = server.other_regions
    example = server.address.replace(server.region, others[0]) if others else ""
    shown = example if others and server.region_of(example) == others[0] else "URL"
    return (
        f"that of the client's organization, where it is not {server.region}: clients of other"
        f" regions are rejected alike. `--try-endpoint {shown}` asks another one with the same id"
        f" and secret; the others are {', '.join(others)}."
    )


def _target(found: LikelyCause) -> str:
    if not isinstance(found.value, tuple):
        return ""
    (name, value), *_ = found.value
    return f" With {name}={value} the same request is accepted."


def _rights(seen: Observations) -> str:
    """Which of the wanted rights the token has all the same, where that can be read."""
    wanted = seen.case.wanted
    answers = (e for e in seen.at_base() if e.question.scopes == wanted)
    experiment = next((e for e in answers if isinstance(e.answer, Issued)), None)
    if experiment is None or not isinstance(experiment.answer, Issued):
        return ""
    if experiment.answer.rights is None:
        return ""
    missing = [scope for scope in wanted if experiment.answer.allows(scope) is False]
    given = [scope for scope in wanted if experiment.answer.allows(scope)]
    shown = experiment.answer.rights
    limits = "; ".join(sorted({experiment.answer.limited_to(scope) for scope in given} - {""}))
    return _inert(
        f" Its roles decide: of what is wanted they give {shortened(given) if given else 'nothing'}"
        f"{f', and not {shortened(missing)}' if missing else ''}"
        f" (all that they give: {shortened(shown) if shown else 'nothing'})."
        f"{f' Of what is wanted some is limited to {limits}.' if limits else ''}"
        " Ask for roles, not for scopes."
    )


def _inert(text: str) -> str:
    """A server's words without the signs that Markdown or HTML would act on."""
    return text.translate(dict.fromkeys(map(ord, "`<>[]|")))
