"""
Read `profiles/*.toml`.

A profile may be `like` another one and then states only what differs: table by table and key by
key, but a refusal with a `status` is a whole answer and replaces what stood there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from scopeprobe.errors import LabError
from scopeprobe.lab.schema import Profile

PROFILES = files("scopeprobe.lab") / "profiles"


def available_profiles(folder: Traversable = PROFILES) -> dict[str, str]:
    """Every profile's name with its one-line summary, sorted by name."""
    return {name: read_profile(name, folder=folder).summary for name in profile_names(folder)}


def abstract_profiles() -> dict[str, str]:
    """Profiles that show one trait each, of no real server."""
    return {
        name: summary
        for name, summary in available_profiles().items()
        if read_profile(name).conclusions is None
    }


def real_profiles() -> dict[str, str]:
    """Profiles of servers that exist, with what may be concluded about their clients."""
    return {
        name: summary
        for name, summary in available_profiles().items()
        if read_profile(name).conclusions is not None
    }


def read_profile(
    name: str, override: Mapping[str, Any] | None = None, *, folder: Traversable = PROFILES
) -> Profile:
    """Read one profile; keys of `override` replace its own."""
    return decode_profile(overlay(gather(name, folder), override or {}), place=f"{name}.toml")


def decode_profile(tables: Mapping[str, Any], *, place: str) -> Profile:
    """Turn parsed TOML into a profile; an error names the place and the key."""
    try:
        return msgspec.convert(tables, Profile)
    except msgspec.ValidationError as exc:
        raise LabError(f"{place}: {exc}") from exc


def profile_names(folder: Traversable) -> list[str]:
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )


def gather(name: str, folder: Traversable, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """The tables of a profile, laid over those of the profile that it is `like`."""
    if name in seen:
        raise LabError(f"{seen[-1]}.toml: like = {name!r} goes round in a circle")
    if name not in profile_names(folder):
        place = f"{seen[-1]}.toml: " if seen else ""
        raise LabError(f"{place}no manner {name!r}; there are {', '.join(profile_names(folder))}")
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
