"""Read a fleet with all that is known of its providers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scopeprobe import inputs
from scopeprobe.inputs import Fleet
from scopeprobe.inputs.sources import Source
from scopeprobe.providers import read_packs


def read_clients(
    paths: Sequence[Source], *, providers: Sequence[Path] = (), **options: Any
) -> Fleet:
    """
    Read CLIENTS files, and let provider packs fill in what they know of servers.

    :param providers: folders with packs of one's own, which go before the shipped ones.
    :param options: those of `scopeprobe.inputs.read_clients`.
    :raises InputError: with all complaints about all files, each with its place.
    """
    return inputs.read_clients(paths, packs=read_packs(providers), **options)
