"""Rights that a provider's own API tells, where scopes do not decide; packs say how to read it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from http import HTTPStatus
from itertools import product
from math import prod
from string import Formatter
from typing import NamedTuple, TypeAlias

import msgspec

from scopeprobe.model.http import HttpRequest, HttpResponse, Purpose
from scopeprobe.model.provider import RightsApi
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.masking import LONGEST_TEXT, Mask, printable
from scopeprobe.oauth.token_request import RequestWriter

MOST_RIGHTS = 20_000
"""Rights kept of one answer; of more, none is believed."""
_NEXT = ("nextUri", "nextPage", "nextLink", "next", "@odata.nextLink", "truncated", "hasMore")

_Trail: TypeAlias = Mapping[str, object]
"""What the way to a value passes, by the way so far; the document itself is at the empty one."""


class Rights(NamedTuple):
    """The rights of a token's bearer, sorted."""

    names: tuple[Scope, ...]
    limits: tuple[tuple[Scope, str], ...]
    """What limits those that no unlimited grant gives; of several grants, each."""


def rights_request(url: str, token: str, write: RequestWriter) -> HttpRequest:
    """Ask a provider's API what the bearer of a token may do."""
    return write.as_bearer(token, "GET", url, Purpose.RIGHTS)


def read_rights(
    api: RightsApi, response: HttpResponse, mask: Mask, candidates: Collection[Scope]
) -> Rights | None:
    """
    The rights that an answer tells; None where it tells none that can be relied on.

    A grant without one of the members that make a name hides a right, a list may go on elsewhere:
    what is left is no longer trustworthy. Rights that hold something secret are dropped.
    """
    document = _json(response)
    if document is None:
        return None
    trails = _trails(document, api.each)
    if trails is None or _goes_on(document):
        return None
    rights: dict[str, set[str]] = {}
    for trail in trails:
        names = list(_names(api.name, trail[api.each]))
        limit = ", ".join(_limits(api, trail, mask))
        for name in names:
            rights.setdefault(name, set()).add(limit)
        if not names or len(rights) > MOST_RIGHTS:
            return None
    whole = {right for right in rights if right in candidates or _shown(right, mask) == right}
    if any("*" in right for right in rights.keys() - whole):
        return None
    kept = [(Scope(right), sorted(rights[right])) for right in sorted(whole)]
    limits = [(right, limit) for right, found in kept if "" not in found for limit in found]
    return Rights(tuple(right for right, _ in kept), tuple(limits))


def _limits(api: RightsApi, trail: _Trail, mask: Mask) -> Iterator[str]:
    """What a grant is limited to; a limit is never lost, whatever becomes of its name."""
    for path in api.limits:
        value, member = _along(trail, path), path.rpartition(".")[2]
        if isinstance(value, dict):
            if value.get("id") != "*":
                names = (value.get("name"), value.get("id"))
                shown = (_shown(name, mask) for name in names if isinstance(name, str))
                yield next(filter(None, shown), member)
        elif value:
            yield member


def _along(trail: _Trail, path: str) -> object:
    """The value at the end of a path that leaves the trail somewhere; None where nothing is."""
    shared = path
    while shared not in trail:
        shared = shared.rpartition(".")[0]
    value = trail[shared]
    for member in filter(None, path.removeprefix(shared).split(".")):
        value = value.get(member) if isinstance(value, dict) else None
    return value


def _shown(right: str, mask: Mask) -> str:
    """What may be kept of a right that nobody asked about, or of a limit."""
    return printable(mask(right))[:LONGEST_TEXT]


def _goes_on(document: object) -> bool:
    """Whether the list goes on elsewhere, as far as the usual names tell."""
    return isinstance(document, dict) and any(document.get(name) for name in _NEXT)


def read_bearer(api: RightsApi, response: HttpResponse) -> str | None:
    """The `client_id` whose token it is; None where the answer does not say."""
    document = _json(response)
    trails = _trails(document, api.bearer) if document is not None else None
    bearer = trails[0][api.bearer] if trails else None
    return bearer if isinstance(bearer, str) else None


def _json(response: HttpResponse) -> object | None:
    if response.status != HTTPStatus.OK:
        return None
    try:
        document: object = msgspec.json.decode(response.body)
    except (ValueError, RecursionError):
        return None
    return document


def _trails(document: object, path: str) -> list[_Trail] | None:
    """The trails to all values at the end of a path; None where a step is missing or misfits."""
    trails: list[_Trail] = [{"": document}]
    passed = ""
    for step in path.split("."):
        name = step.removesuffix("[]")
        further = f"{passed}.{step}" if passed else step
        below: list[_Trail] = []
        for trail in trails:
            value = trail[passed]
            if not isinstance(value, dict) or name not in value:
                return None
            found = value[name]
            if step != name and not isinstance(found, list):
                return None
            below.extend({**trail, further: one} for one in (found if step != name else [found]))
        trails, passed = below, further
    return trails


def _names(template: str, grant: object) -> Iterator[str]:
    """Every name that a grant's members make; nothing where one is missing or is no text."""
    fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
    if not isinstance(grant, dict):
        return
    members = []
    for field in fields:
        value = grant.get(field)
        texts = value if isinstance(value, list) else [value]
        if not texts or not all(isinstance(text, str) and text for text in texts):
            return
        members.append(texts)
    if prod(map(len, members)) > MOST_RIGHTS:
        return
    for values in product(*members):
        name = template
        for field, value in zip(fields, values, strict=True):
            name = name.replace(f"{{{field}}}", value)
        yield name
