"""Rights that a provider's own API tells, where scopes do not decide; packs say how to read it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import product
from math import prod
from string import Formatter
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import msgspec

from scopeprobe.model.client import Registration
from scopeprobe.model.http import HttpRequest, HttpResponse, Purpose
from scopeprobe.model.provider import RightsApi, RolesApi
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.urls import percent_encoded
from scopeprobe.oauth.masking import LONGEST_TEXT, Mask, printable
from scopeprobe.oauth.token_request import RequestWriter

MOST_RIGHTS = 20_000
"""Rights kept of one answer; of more, none is believed."""
MOST_ROLES = 100
"""Roles of one client that are read one by one; of more, none is."""
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


def roles_to_read(api: RightsApi, response: HttpResponse) -> tuple[str, ...]:
    """
    Where to read the roles of which an answer does not tell what they hold, each once.

    Nothing where it would be of no use: a role has no usable `id`, or they are too many.
    """
    if api.roles is None:
        return ()
    urls = [_url(api.roles, role) for role in _untold(_json(response), api.each)]
    if None in urls or len(set(urls)) > MOST_ROLES:
        return ()
    return tuple(dict.fromkeys(filter(None, urls)))


def read_rights(
    api: RightsApi,
    response: HttpResponse,
    mask: Mask,
    candidates: Collection[Scope],
    roles: Mapping[str, HttpResponse] = MappingProxyType({}),
) -> Rights | None:
    """
    The rights that an answer tells; None where it tells none that can be relied on.

    A grant without one of the members that make a name hides a right, a list may go on elsewhere,
    a role may not have been read: what is left is no longer trustworthy. Rights that hold something
    secret are dropped.

    :param roles: what was answered at each of `roles_to_read`.
    """
    document = _json(response)
    if document is None or not _fill_in(document, api, roles):
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


def _fill_in(document: object, api: RightsApi, roles: Mapping[str, HttpResponse]) -> bool:
    """Write into roles what was read of them; False where one of them was not read."""
    if api.roles is None:
        return True
    _, members = _holder(api.each)
    for role in _untold(document, api.each):
        answer = roles.get(_url(api.roles, role) or "")
        told = None if answer is None else _held(api.roles, answer)
        if told is None:
            return False
        role[members] = told
    return True


def _held(api: RolesApi, response: HttpResponse) -> list[object] | None:
    """What a role holds, with the members that the rights API has; None where it is not told."""
    document = _json(response)
    trails = None if document is None or _goes_on(document) else _trails(document, api.each)
    if trails is None:
        return None
    grants = [trail[api.each] for trail in trails]
    return [
        {name: grant.get(here) for name, here in api.members.items()}
        if isinstance(grant, dict)
        else None
        for grant in grants
    ]


def _untold(document: object, each: str) -> list[dict[str, object]]:
    """Who holds the last list of a path, where that list is empty or missing."""
    path, members = _holder(each)
    trails = _trails(document, path) or []
    holders = (trail[path] for trail in trails)
    return [one for one in holders if isinstance(one, dict) and not one.get(members)]


def _holder(each: str) -> tuple[str, str]:
    """The path to who holds the last list of a path, and the name of that list there."""
    path, _, members = each.rpartition(".")
    return path, members.removesuffix("[]")


def _url(api: RolesApi, role: Mapping[str, object]) -> str | None:
    """Where a role is told; None where its `id` would lead elsewhere."""
    name = role.get("id")
    if not isinstance(name, str) or not name.strip("."):
        return None
    return api.url.replace("{id}", percent_encoded(name))


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
    return _text(response, api.bearer)


def read_registration(api: RightsApi, response: HttpResponse, mask: Mask) -> Registration | None:
    """What the answer about a token's bearer says of the end of the client, if anything."""
    state = _shown(_text(response, api.state) or "", mask)
    try:
        moment = datetime.fromisoformat(_text(response, api.ends) or "")
        ends = moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    except (ValueError, OverflowError):
        ends = None
    told = Registration("" if state.lower() == "active" else state, ends)
    return None if told == Registration() else told


def _text(response: HttpResponse, path: str) -> str | None:
    """The text at the end of a path; None where there is none."""
    document = _json(response) if path else None
    trails = None if document is None else _trails(document, path)
    value = trails[0][path] if trails else None
    return value if isinstance(value, str) else None


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
