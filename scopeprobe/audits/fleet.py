"""Read a fleet with all that is known of its providers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from scopeprobe import inputs
from scopeprobe.inputs import Fleet, Overrides
from scopeprobe.inputs.clients import NO_OVERRIDES
from scopeprobe.inputs.sources import Source
from scopeprobe.providers import read_packs


def read_clients(
    paths: Sequence[Source],
    *,
    scopes_files: Sequence[Source] = (),
    extra_scopes: Sequence[str] = (),
    providers: Sequence[Path] = (),
    overrides: Overrides = NO_OVERRIDES,
    scopes_from_metadata: bool = False,
    allow_literal_secrets: bool = False,
    environment: Mapping[str, str] = os.environ,
    stdin: TextIO | None = None,
) -> Fleet:
    """
    Read CLIENTS files, and let provider packs fill in what they know of servers.

    :param providers: folders with packs of one's own, which go before the shipped ones.
    The other parameters, and what is raised, are those of `scopeprobe.inputs.read_clients`.
    """
    return inputs.read_clients(
        paths,
        scopes_files=scopes_files,
        extra_scopes=extra_scopes,
        packs=read_packs(providers),
        overrides=overrides,
        scopes_from_metadata=scopes_from_metadata,
        allow_literal_secrets=allow_literal_secrets,
        environment=environment,
        stdin=stdin,
    )
