"""What the templates of `causes.toml` may name."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterator

from scopeprobe.diagnosis.seen import left_out, visible
from scopeprobe.diagnosis.view import Found, View
from scopeprobe.diagnosis.words import shortened
from scopeprobe.model.answer import Issued

_IDS = (
    *("x-ms-request-id", "x-correlation-id", "inin-correlation-id", "x-okta-request-id"),
    *("x-request-id", "cf-ray", "x-amzn-requestid", "traceparent"),
)
"""Headers by which an operator finds the request in the logs."""


class Particulars(UserDict[str, str]):
    """Fields of one cause's next step."""

    def __init__(self, view: View, found: Found) -> None:
        client = view.case.client
        scopes = ", ".join(f"`{scope}`" for scope in found.scopes)
        super().__init__(
            client=client.name,
            client_id=client.client_id.strip(),
            server=client.server.name,
            endpoint=client.server.address,
            method=client.auth_method.value,
            grant=client.grant_type.value,
            right_endpoint=str(found.value or "").partition("?")[0],
            right_method=getattr(found.value, "value", str(found.value or "another one")),
            right_encoding=getattr(found.value, "value", ""),
            right_audience=str(found.value or "what the server expects"),
            spelling=f"`{found.value}` instead of {scopes}",
            skew=f"{abs(_skew(view)):.0f}",
            scopes=scopes,
            it="it" if len(found.scopes) == 1 else "them",
            without=_without(view, found),
            tell=f" {found.tell}" if found.tell else "",
            told=found.tell,
            came=found.tell or "its page came instead of the authorization server's answer",
            location=_location(view),
            ids=_ids(view),
            named_by=_named_by(view, found),
            regions=_regions(view),
            target=_target(found),
            rights=_rights(view),
        )


def _without(view: View, found: Found) -> str:
    """The evidence in short: without the scope the same request is accepted."""
    it = "it" if len(found.scopes) == 1 else "them"
    for experiment in view.at_base():
        asked = experiment.question.scopes
        if asked and isinstance(experiment.answer, Issued) and not set(found.scopes) & set(asked):
            return f": without {it} the same request is accepted"
    if view.control is not None and isinstance(view.control.answer, Issued):
        return f": without {it} the same request is accepted"
    return ""


def _skew(view: View) -> float:
    return next((e.trace.skew for e in view.log if e.trace.skew is not None), 0.0)


def _location(view: View) -> str:
    found = next(filter(None, (e.trace.header("Location") for e in view.log)), "elsewhere")
    return _inert(found.partition("?")[0])


def _ids(view: View) -> str:
    ids = dict(_found_ids(view))
    return f" Give them {', '.join(f'{k} {v}' for k, v in ids.items())}." if ids else ""


def _found_ids(view: View) -> Iterator[tuple[str, str]]:
    for name in _IDS:
        if value := view.log[0].trace.header(name):
            yield name, _inert(value)


def _named_by(view: View, found: Found) -> str:
    named = (e.named_by for e in view.case.endpoints if e.url == found.value)
    return next(named, "that one answers")


def _regions(view: View) -> str:
    server = view.case.client.server
    others = [region for region in server.regions if region != server.region]
    if not server.region or not others:
        return ""
    return f" {server.region} is one region of several; the others are {', '.join(others)}."


def _target(found: Found) -> str:
    if not isinstance(found.value, tuple):
        return ""
    (name, value), *_ = found.value
    return f" With {name}={value} the same request is accepted."


def _rights(view: View) -> str:
    """Which of the wanted rights the token has all the same, where that can be read."""
    wanted = view.case.wanted
    answers = (e for e in view.at_base() if e.question.scopes == wanted)
    experiment = next((e for e in answers if isinstance(e.answer, Issued)), None)
    if experiment is None or not isinstance(experiment.answer, Issued):
        return ""
    if experiment.answer.rights is None:
        return ""
    missing = left_out(experiment, view.log)
    given = [scope for scope in wanted if scope not in missing]
    shown = visible(experiment.answer) or ()
    return _inert(
        f" Its roles decide: of what is wanted they give {shortened(given) if given else 'nothing'}"
        f"{f', and not {shortened(missing)}' if missing else ''}"
        f" (all that they give: {shortened(shown) if shown else 'nothing'})."
        " Ask for roles, not for scopes."
    )


def _inert(text: str) -> str:
    """A server's words without the signs that Markdown or HTML would act on."""
    return text.translate(dict.fromkeys(map(ord, "`<>[]|")))
