"""Clients files, scopes files and secrets as one fleet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TextIO

from scopeprobe.errors import InputError
from scopeprobe.inputs.clients_file import ClientsFile, read_clients_file
from scopeprobe.inputs.complaints import Remarks
from scopeprobe.inputs.credentials import equip, look_up_secrets
from scopeprobe.inputs.documents import read_document
from scopeprobe.inputs.enrolment import CandidatesFrom, Enrolled, Enrolment
from scopeprobe.inputs.fleet import Fleet
from scopeprobe.inputs.layers import Overrides
from scopeprobe.inputs.precautions import check_literals, check_together
from scopeprobe.inputs.scopes import gather_scopes
from scopeprobe.inputs.servers import ServerBuilder
from scopeprobe.inputs.sources import Source, StandardInput, name_of
from scopeprobe.model.client import Client, ClientName
from scopeprobe.model.provider import Pack
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import Server
from scopeprobe.providers import shipped_packs

NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which clients: by globs of names, and by tags of which one is enough; empty chooses all."""

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def has(self, client: Client) -> bool:
        is_named = not self.names or any(fnmatchcase(client.name, glob) for glob in self.names)
        return is_named and (not self.tags or not set(self.tags).isdisjoint(client.tags))

    def complaint(self, clients: Iterable[Client | None]) -> str:
        """Say that nobody was chosen, and what there is."""
        there = [client for client in clients if client is not None]
        options = [f"--client {glob}" for glob in self.names] + [f"--tag {t}" for t in self.tags]
        names = ", ".join(sorted(client.name for client in there)[:_MOST_NAMED])
        tags = ", ".join(sorted({tag for client in there for tag in client.tags})[:_MOST_NAMED])
        told = f"; tags: {tags}" if self.tags and tags else ""
        return f"{' '.join(options)}: chooses no client; there are {names}{told}"


EVERYBODY = Selection()
_MOST_NAMED = 10


def read_clients(
    paths: Sequence[Source],
    *,
    scopes_files: Sequence[Source] = (),
    extra_scopes: Sequence[str] = (),
    packs: Sequence[Pack] | None = None,
    overrides: Overrides = NO_OVERRIDES,
    scopes_from_metadata: bool = False,
    allow_literal_secrets: bool = False,
    chosen: Selection = EVERYBODY,
    environment: Mapping[str, str] = os.environ,
    stdin: TextIO | None = None,
) -> Fleet:
    """
    Read CLIENTS files as one fleet: a server of one file is known in all, defaults in their own.

    :param scopes_files: candidates of every target, after those of the clients files.
    :param extra_scopes: further ones, as `--scope` gives them: separated by white space.
    :param packs: what is known of providers; the first that knows a server describes it. The
        shipped ones unless given.
    :param scopes_from_metadata: targets may name no candidates; `resolve` adds those that the
        metadata of their server advertises.
    :param chosen: which clients; no secret of another is looked up.
    :param environment: where `{ env }` secrets are looked up.
    :param stdin: what `-` reads; standard input unless given.
    :raises InputError: with all complaints about all files, each with its place.
    """
    remarks = Remarks()
    standard_input = StandardInput(stdin)
    files = _files(paths, standard_input, remarks)
    scopes = gather_scopes(scopes_files, extra_scopes, standard_input, remarks)
    builder = ServerBuilder(overrides, shipped_packs() if packs is None else packs, remarks)
    wanted = CandidatesFrom.METADATA if scopes_from_metadata else CandidatesFrom.INPUTS
    enrolment = Enrolment(builder.all_of(files), builder, scopes, remarks, wanted)
    enrolled = enrolment.of_all(files)
    selected = [one for one in enrolled if one.client is None or chosen.has(one.client)]
    if enrolled and not selected:
        remarks.complaints.append(chosen.complaint(one.client for one in enrolled))
    spared = tuple(one.client for one in selected if one.is_spared and one.client is not None)
    asked = [one for one in selected if not one.is_spared]
    fleet = _fleet(asked, environment, remarks, allow_literal_secrets)
    if not asked:
        raise InputError(["no client is left to probe: all that were chosen say `probe = false`"])
    return replace(
        fleet,
        known=frozenset(one.client.name for one in enrolled if one.client is not None),
        spared=spared,
        wants_advertised=scopes_from_metadata,
    )


def read_servers(
    paths: Sequence[Source],
    *,
    packs: Sequence[Pack] | None = None,
    overrides: Overrides = NO_OVERRIDES,
    stdin: TextIO | None = None,
) -> tuple[dict[str, Server], dict[ClientName, Server]]:
    """
    Read only where CLIENTS files say that tokens come from: servers by name, those of clients by
    the client's. No secret is looked up, and no candidate is missed.

    :raises InputError: with all complaints about all files, each with its place.
    """
    remarks = Remarks()
    standard_input = StandardInput(stdin)
    files: list[ClientsFile] = []
    for path in paths:
        with remarks.gathering():
            files.append(read_clients_file(read_document(path, standard_input), remarks))
    builder = ServerBuilder(overrides, shipped_packs() if packs is None else packs, remarks)
    homes = builder.all_of(files)
    enrolled = Enrolment(homes, builder, (), remarks, CandidatesFrom.NOWHERE).of_all(files)
    if remarks.complaints:
        raise InputError(remarks.complaints)
    named = {name: home.server for name, home in homes.items() if home is not None}
    own = {one.client.name: one.client.server for one in enrolled if one.client is not None}
    for server in own.values():
        named.setdefault(server.name, server)
    return named, own


def read_client(
    paths: Sequence[Source],
    name: str,
    *,
    extra_scopes: Sequence[str] = (),
    packs: Sequence[Pack] | None = None,
    overrides: Overrides = NO_OVERRIDES,
    allow_literal_secrets: bool = False,
    environment: Mapping[str, str] = os.environ,
    stdin: TextIO | None = None,
) -> tuple[Client, tuple[Scope, ...], tuple[str, ...]]:
    """
    Read one client of CLIENTS files: no secret of another is looked up, and it needs no candidates.

    :param extra_scopes: what is asked for, as `--scope` gives it; returned beside the client.
    :raises InputError: with all complaints, also where there is no such client.
    """
    remarks = Remarks()
    standard_input = StandardInput(stdin)
    files = _files(paths, standard_input, remarks)
    scopes = gather_scopes((), extra_scopes, standard_input, remarks)
    builder = ServerBuilder(overrides, shipped_packs() if packs is None else packs, remarks)
    enrolment = Enrolment(builder.all_of(files), builder, (), remarks, CandidatesFrom.NOWHERE)
    enrolled = enrolment.of_all(files)
    names = [one.client.name for one in enrolled if one.client is not None]
    if not remarks.complaints and name not in names:
        alike = "".join(f" (did you mean {near}?)" for near in get_close_matches(name, names, 1))
        remarks.complaints.append(f"{name}: is no client of {name_of(paths[0])}{alike}")
    chosen = [one for one in enrolled if one.client is not None and one.client.name == name]
    fleet = _fleet(chosen, environment, remarks, allow_literal_secrets)
    return fleet.clients[0], scopes, fleet.notices


def _files(
    paths: Sequence[Source], standard_input: StandardInput, remarks: Remarks
) -> list[ClientsFile]:
    files: list[ClientsFile] = []
    for path in paths:
        with remarks.gathering():
            files.append(read_clients_file(read_document(path, standard_input), remarks))
    if not remarks.complaints and not any(file.clients for file in files):
        remarks.complaints.append(f"{', '.join(map(name_of, paths))}: there are no clients")
    return files


def _fleet(
    enrolled: Sequence[Enrolled],
    environment: Mapping[str, str],
    remarks: Remarks,
    are_literals_allowed: bool,
) -> Fleet:
    check_literals(enrolled, remarks, are_allowed=are_literals_allowed)
    secrets = look_up_secrets(enrolled, environment, remarks)
    equipped = equip(enrolled, secrets, remarks)
    check_together(equipped, remarks)
    if remarks.complaints:
        raise InputError(remarks.complaints)
    clients = tuple(one.client for one in equipped)
    known = frozenset(client.name for client in clients)
    return Fleet(clients, known, notices=tuple(remarks.notices))
