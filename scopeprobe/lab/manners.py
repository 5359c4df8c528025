"""
The reader of `manners/*.toml`.

A manner may be `like` another one and then states only what differs: table by table and key by key,
but a refusal with a `status` is a whole answer and replaces what stood there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from scopeprobe.errors import LabError
from scopeprobe.lab.schema import Manner

MANNERS = files("scopeprobe.lab") / "manners"


def available_manners(folder: Traversable = MANNERS) -> dict[str, str]:
    """Every manner's name with its one-line summary, sorted by name."""
    return {name: read_manner(name, folder=folder).summary for name in manner_names(folder)}


def abstract_manners() -> dict[str, str]:
    """Manners that play one trait each, and no server in particular."""
    return {
        name: summary
        for name, summary in available_manners().items()
        if read_manner(name).conclusions is None
    }


def real_manners() -> dict[str, str]:
    """Manners of servers that exist, with what may be concluded about their clients."""
    return {
        name: summary
        for name, summary in available_manners().items()
        if read_manner(name).conclusions is not None
    }


def read_manner(
    name: str, override: Mapping[str, Any] | None = None, *, folder: Traversable = MANNERS
) -> Manner:
    """Read one manner, with some of its keys replaced by those of `override`."""
    return decode_manner(overlay(gather(name, folder), override or {}), place=f"{name}.toml")


def decode_manner(tables: Mapping[str, Any], *, place: str) -> Manner:
    """Turn parsed TOML into a manner; a complaint says the place and the key."""
    try:
        return msgspec.convert(tables, Manner)
    except msgspec.ValidationError as exc:
        raise LabError(f"{place}: {exc}") from exc


def manner_names(folder: Traversable) -> list[str]:
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )


def gather(name: str, folder: Traversable, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """The tables of a manner, laid over those of the manner that it is `like`."""
    if name in seen:
        raise LabError(f"{seen[-1]}.toml: like = {name!r} goes round in a circle")
    if name not in manner_names(folder):
        place = f"{seen[-1]}.toml: " if seen else ""
        raise LabError(f"{place}no manner {name!r}; there are {', '.join(manner_names(folder))}")
    tables = parse_toml(folder / f"{name}.toml", place=f"{name}.toml")
    like = tables.pop("like", None)
    return tables if like is None else overlay(gather(like, folder, (*seen, name)), tables)


def parse_toml(path: Traversable, *, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise LabError(f"{place}: {exc}") from exc


def overlay(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `change` put over it, table by table; where both speak, it wins."""
    merged = dict(base)
    for key, value in change.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping) and "status" not in value:
            merged[key] = overlay(below, value)
        else:
            merged[key] = value
    return merged
