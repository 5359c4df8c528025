"""Rights that a provider's own API tells, where scopes do not decide; packs say how to read it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from http import HTTPStatus
from itertools import product
from math import prod
from string import Formatter

import msgspec

from scopeprobe.model.http import HttpRequest, HttpResponse, Purpose
from scopeprobe.model.provider import RightsApi
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.masking import LONGEST_TEXT, Mask, printable
from scopeprobe.oauth.token_request import RequestWriter

MOST_RIGHTS = 20_000
"""Rights kept of one answer; of more, none is believed."""
_NEXT = ("nextUri", "nextPage", "nextLink", "next", "@odata.nextLink", "truncated", "hasMore")


def rights_request(url: str, token: str, write: RequestWriter) -> HttpRequest:
    """Ask a provider's API what the bearer of a token may do."""
    return write.as_bearer(token, "GET", url, Purpose.RIGHTS)


def read_rights(
    api: RightsApi, response: HttpResponse, mask: Mask, candidates: Collection[Scope]
) -> tuple[Scope, ...] | None:
    """
    The rights that an answer tells, sorted; None where it tells none that can be relied on.

    A grant without one of the members that make a name hides a right, a list may go on elsewhere:
    what is left is no longer trustworthy. Rights that hold something secret are dropped.
    """
    document = _json(response)
    if document is None:
        return None
    grants = _at(document, api.each)
    if grants is None or _goes_on(document):
        return None
    rights: set[str] = set()
    for grant in grants:
        names = list(_names(api.name, grant))
        rights.update(names)
        if not names or len(rights) > MOST_RIGHTS:
            return None
    whole = {right for right in rights if right in candidates or _shown(right, mask) == right}
    if any("*" in right for right in rights - whole):
        return None
    return tuple(map(Scope, sorted(whole)))


def _shown(right: str, mask: Mask) -> str:
    """What may be kept of a right that nobody asked about."""
    return printable(mask(right))[:LONGEST_TEXT]


def _goes_on(document: object) -> bool:
    """Whether the list goes on elsewhere, as far as the usual names tell."""
    return isinstance(document, dict) and any(document.get(name) for name in _NEXT)


def read_bearer(api: RightsApi, response: HttpResponse) -> str | None:
    """The `client_id` whose token it is; None where the answer does not say."""
    document = _json(response)
    found = _at(document, api.bearer) if document is not None else None
    return found[0] if found and isinstance(found[0], str) else None


def _json(response: HttpResponse) -> object | None:
    if response.status != HTTPStatus.OK:
        return None
    try:
        document: object = msgspec.json.decode(response.body)
    except (ValueError, RecursionError):
        return None
    return document


def _at(document: object, way: str) -> list[object] | None:
    """All values at the end of a way; None where a step of it is missing or of another kind."""
    values: list[object] = [document]
    for step in way.split("."):
        name = step.removesuffix("[]")
        below: list[object] = []
        for value in values:
            if not isinstance(value, dict) or name not in value:
                return None
            found = value[name]
            if step != name and not isinstance(found, list):
                return None
            below.extend(found if step != name else [found])
        values = below
    return values


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
