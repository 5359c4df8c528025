"""From TOML files to packs: `packs/` of this room, and folders of a user's own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Formatter
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from scopeprobe.errors import InputError
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.provider import Pack
from scopeprobe.model.server import BasicEncoding, Rate, RightsApi, Verify

SHIPPED = files("scopeprobe.providers") / "packs"

RateText: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]{1,9}/([0-9]{0,4})(s|min|h|day)$")]
_SECONDS = {"s": 1, "min": 60, "h": 3600, "day": 86400}


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _RightsTable(_Table, frozen=True, kw_only=True):
    url: str = ""
    each: str
    name: str
    bearer_url: str = ""
    bearer: str = ""

    def __post_init__(self) -> None:
        for url in filter(None, (self.url, self.bearer_url)):
            _check_url(url)
        _check_template(self.name, None)


class PackTable(_Table, frozen=True, kw_only=True):
    """The keys of a pack's file; `Pack` says what they mean."""

    title: str
    map_from: str
    limits: str = ""
    hosts: tuple[str, ...] = ()
    token_endpoint: str = ""
    token_endpoint_auth_methods: tuple[AuthMethod, ...] = ()
    regions: tuple[str, ...] = ()
    rate: tuple[RateText, ...] = ()
    client_rate: tuple[RateText, ...] = ()
    reserve: Annotated[float, Meta(ge=0, lt=1)] | None = None
    verify: Verify = Verify.TOKEN
    claims: tuple[str, ...] = ()
    send_scope: bool = True
    scope_of_target: str = ""
    lists_all: bool = False
    basic_encoding: BasicEncoding | None = None
    credentials_first: bool = False
    needs_target: bool = False
    absent_scope: Annotated[str, Meta(pattern="^as_requested$")] | None = None
    single_token: bool = False
    rights: _RightsTable | None = None
    introspection_endpoint: str = ""
    revocation_endpoint: str = ""
    deletes_tokens: bool = False
    max_scope_bytes: Annotated[int, Meta(gt=0)] | None = None
    sources: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if strangers := [key for key in self.unconfirmed if key not in self.__struct_fields__]:
            raise ValueError(f"unconfirmed: {strangers[0]} is no key of a pack")
        for host in self.hosts:
            _check_template(host, {"region"})
        endpoints = (self.token_endpoint, self.introspection_endpoint, self.revocation_endpoint)
        for url in filter(None, endpoints):
            _check_url(url)
        _check_template(self.scope_of_target, {"target"})
        numbers = (n for rate in (*self.rate, *self.client_rate) for n in _numbers(rate))
        if any(int(number) < 1 for number in numbers):
            raise ValueError("a rate must be at least 1, such as 1/h")


@cache
def shipped_packs() -> tuple[Pack, ...]:
    """The packs that come with the program, sorted by name."""
    return tuple(_packs_in(SHIPPED))


def read_packs(folders: Iterable[Path]) -> tuple[Pack, ...]:
    """
    Read packs of a user's own, and put the shipped ones behind them.

    Of two packs with one name the user's counts, and of two folders the first.

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
            table = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), PackTable)
        except OSError as error:
            messages.append(f"{file}: {error.strerror}")
        except ValueError as error:  # broken TOML, text that is not UTF-8, a key that is wrong
            messages.append(f"{file}: {error}")
        else:
            yield _pack(file.name.removesuffix(".toml"), table)
    if messages:
        raise InputError(messages)


def _pack(name: str, table: PackTable) -> Pack:
    said = {key: getattr(table, key) for key in table.__struct_fields__}
    rates, client_rates = said.pop("rate"), said.pop("client_rate")
    absent_scope, rights = said.pop("absent_scope"), said.pop("rights")
    return Pack(
        name=name,
        rates=tuple(map(_rate, rates)),
        client_rates=tuple(map(_rate, client_rates)),
        absent_scope_as_requested=absent_scope is not None,
        rights=RightsApi(**msgspec.structs.asdict(rights)) if rights else None,
        **said,
    )


def _rate(text: str) -> Rate:
    count, _, window = text.partition("/")
    unit = window.lstrip("0123456789")
    return Rate(int(count), int(window.removesuffix(unit) or 1) * _SECONDS[unit])


def _numbers(rate: str) -> list[str]:
    return re.findall(r"[0-9]+", rate)


def _check_url(template: str) -> None:
    """Credentials and tokens go there: https, or plain http on this machine."""
    _check_template(template, {"region"})
    parts = urlsplit(template.replace("{region}", "region.example"))
    is_local = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not parts.hostname or not (parts.scheme == "https" or is_local) or "#" in template:
        raise ValueError(f"{template} is no https URL")


def _check_template(text: str, known: set[str] | None) -> None:
    """Find a field that nobody fills in; None knows any name."""
    for _, field, form, conversion in Formatter().parse(text):
        if form or conversion or field == "":
            raise ValueError(f"{text} is no template: names in braces and no more")
        if field is not None and known is not None and field not in known:
            raise ValueError(f"{{{field}}} is none of {', '.join(sorted(known))}")
