"""Provider packs, read from TOML files: those in `packs/`, and those of the user."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Formatter
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from scopeprobe.errors import InputError
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.provider import TRAITS, Pack, ProviderTraits, RightsApi, RolesApi
from scopeprobe.model.rate import parse_rate
from scopeprobe.model.urls import host_of, is_plain_http_abroad

SHIPPED = files("scopeprobe.providers") / "packs"


class PackTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of a pack's file beside those of `ProviderTraits`; `Pack` says what they mean."""

    title: str
    map_from: str
    limits: str = ""
    hosts: tuple[str, ...] = ()
    token_endpoint: str = ""
    token_endpoint_auth_methods: tuple[AuthMethod, ...] = ()
    regions: tuple[str, ...] = ()
    rate: tuple[str, ...] = ()
    client_rate: tuple[str, ...] = ()
    reserve: Annotated[float, Meta(ge=0, lt=1)] | None = None
    introspection_endpoint: str = ""
    revocation_endpoint: str = ""
    sources: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = {*self.__struct_fields__, *TRAITS}
        if strangers := [key for key in self.unconfirmed if key not in known]:
            raise ValueError(f"unconfirmed: {strangers[0]} is no key of a pack")
        for host in self.hosts:
            _check_template(host, {"region"})
        endpoints = (self.token_endpoint, self.introspection_endpoint, self.revocation_endpoint)
        for url in filter(None, endpoints):
            _check_url(url)


@cache
def shipped_packs() -> tuple[Pack, ...]:
    """The packs that come with scopeprobe, sorted by name."""
    return tuple(_packs_in(SHIPPED))


def read_packs(folders: Iterable[Path]) -> tuple[Pack, ...]:
    """
    Read the packs of a user, followed by the shipped ones.

    Of two packs with one name the user's counts, and among folders that of the first.

    :raises InputError: with every file that is no pack, and why.
    """
    messages: list[str] = []
    packs: dict[str, Pack] = {}
    for folder in folders:
        if not folder.is_dir():
            messages.append(f"{folder}: there is no such folder of provider packs")
            continue
        try:
            for pack in _packs_in(folder):
                packs.setdefault(pack.name, pack)
        except InputError as error:
            messages.extend(error.messages)
    if messages:
        raise InputError(messages)
    for pack in shipped_packs():
        packs.setdefault(pack.name, pack)
    return tuple(packs.values())


def _packs_in(folder: Traversable) -> Iterator[Pack]:
    messages = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".toml"):
            continue
        try:
            keys = tomllib.loads(file.read_text(encoding="utf-8"))
            pack = _pack(file.name.removesuffix(".toml"), keys)
        except OSError as error:
            messages.append(f"{file}: {error.strerror}")
        except ValueError as error:  # broken TOML, text that is not UTF-8, a key that is wrong
            messages.append(f"{file}: {error}")
        else:
            yield pack
    if messages:
        raise InputError(messages)


def _pack(name: str, keys: Mapping[str, object]) -> Pack:
    """Make a pack of the keys of its file. Raises ValueError where one is unknown or wrong."""
    table = msgspec.convert({k: v for k, v in keys.items() if k not in TRAITS}, PackTable)
    said = {key: getattr(table, key) for key in table.__struct_fields__}
    rates, client_rates = said.pop("rate"), said.pop("client_rate")
    return Pack(
        name=name,
        rates=tuple(map(parse_rate, rates)),
        client_rates=tuple(map(parse_rate, client_rates)),
        traits=_traits({k: v for k, v in keys.items() if k in TRAITS}),
        **said,
    )


def _traits(keys: Mapping[str, object]) -> ProviderTraits:
    traits = msgspec.convert(keys, ProviderTraits)
    _check_template(traits.scope_of_target, {"target"})
    if isinstance(rights := keys.get("rights"), dict):
        _check_keys(rights, RightsApi, "$.rights")
        if isinstance(roles := rights.get("roles"), dict):
            _check_keys(roles, RolesApi, "$.rights.roles")
    if traits.rights is not None:
        _check_template(traits.rights.name, None)
        _check_limits(traits.rights)
        for url in filter(None, (traits.rights.url, traits.rights.bearer_url)):
            _check_url(url)
        if traits.rights.roles is not None:
            _check_roles(traits.rights, traits.rights.roles)
    return traits


def _check_keys(table: Mapping[str, object], kind: type[RightsApi | RolesApi], place: str) -> None:
    """Refuse a key that a table of a pack does not have: a dataclass would overlook it."""
    known = {field.name for field in fields(kind)}
    if strangers := [key for key in table if key not in known]:
        raise ValueError(f"Object contains unknown field `{strangers[0]}` - at `{place}`")


def _check_roles(rights: RightsApi, roles: RolesApi) -> None:
    """Refuse roles that no path leads to, or from which no right could be made."""
    if "." not in rights.each:
        raise ValueError(f"{rights.each} leads through no role")
    if "{id}" not in roles.url:
        raise ValueError(f"{roles.url} does not tell one role from another: {{id}} is missing")
    _check_url(roles.url, {"region", "id"})
    named = {field for _, field, _, _ in Formatter().parse(rights.name) if field is not None}
    if missing := sorted(named - roles.members.keys()):
        raise ValueError(f"rights.roles.members lacks {missing[0]}")


def _check_limits(rights: RightsApi) -> None:
    """Refuse a way that leads through other lists than the way to a grant does."""
    for path in rights.limits:
        lists = path[: path.rfind("[]") + 2] if "[]" in path else ""
        if not f"{rights.each}.".startswith(f"{lists}." if lists else ""):
            raise ValueError(f"{path} leads through a list that {rights.each} does not")


def _check_url(template: str, known: Collection[str] = ("region",)) -> None:
    """Check a URL that gets credentials and tokens: https, or plain http on this machine."""
    _check_template(template, known)
    url = template.replace("{region}", "region.example")
    is_web = urlsplit(url).scheme in {"https", "http"} and bool(host_of(url))
    if not is_web or is_plain_http_abroad(url) or "#" in url:
        raise ValueError(f"{template} is no https URL")


def _check_template(text: str, known: Collection[str] | None) -> None:
    """Refuse a field that nobody fills in. `known`: None allows any name."""
    for _, field, form, conversion in Formatter().parse(text):
        if form or conversion or field == "":
            raise ValueError(f"{text} is no template: names in braces and no more")
        if field is not None and known is not None and field not in known:
            raise ValueError(f"{{{field}}} is none of {', '.join(sorted(known))}")
