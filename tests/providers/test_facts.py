"""Packs and the lab state the same facts, and each has the provider's own words beside it."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scopeprobe.lab import read_profile
from scopeprobe.model.provider import ProviderTraits
from scopeprobe.providers import shipped_packs

PACKS = {pack.name: pack for pack in shipped_packs()}
NO_FACTS = {"rights", "max_scope_bytes"}
"""Traits that are held elsewhere (to the vendor's SDK), or are our own caution."""


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pack: str
    says: dict[str, Any]
    plays: dict[str, Any]
    source: str
    words: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    facts: tuple[Fact, ...]


DATA = Path(__file__).parents[1] / "data" / "facts.toml"
FACTS = msgspec.toml.decode(DATA.read_bytes(), type=_File).facts


def plain(value):
    """As TOML would have it."""
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return value if isinstance(value, bool | int | float) else str(value)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.pack}-{'-'.join(fact.says)}")
def test_a_pack_and_the_lab_state_one_fact(fact):
    pack, profile = PACKS[fact.pack], read_profile(fact.pack)
    for name, value in fact.says.items():
        holder = pack.traits if name in {field.name for field in fields(ProviderTraits)} else pack
        assert plain(getattr(holder, name)) == value, name
    for place, value in fact.plays.items():
        found = profile
        for step in place.split("."):
            found = getattr(found, step)
        assert plain(found) == value, place
    assert fact.source
    assert fact.words


def said(pack):
    """What a pack says that is not so everywhere."""
    usual = ProviderTraits()
    for field in fields(ProviderTraits):
        is_usual = getattr(pack.traits, field.name) == getattr(usual, field.name)
        if not is_usual and field.name not in NO_FACTS:
            yield field.name
    if pack.client_rates:
        yield "client_rates"


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
def test_every_trait_of_a_pack_rests_on_words(pack):
    proved = {name for fact in FACTS if fact.pack == pack.name for name in fact.says}
    assert set(said(pack)) <= proved
