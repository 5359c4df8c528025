"""Clients files, scopes files and secrets as one fleet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TextIO

from scopeprobe.errors import InputError
from scopeprobe.inputs.client_builder import CandidatesFrom, ClientBuilder, ClientDraft
from scopeprobe.inputs.clients_file import ClientsFile, read_clients_file
from scopeprobe.inputs.credentials import look_up_secrets, with_secrets
from scopeprobe.inputs.fleet import Fleet
from scopeprobe.inputs.parsers import read_document
from scopeprobe.inputs.precedence import Overrides
from scopeprobe.inputs.problems import Problems
from scopeprobe.inputs.scopes import gather_scopes
from scopeprobe.inputs.secret_checks import check_literals, check_together
from scopeprobe.inputs.server_builder import ServerBuilder
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

    def message(self, clients: Iterable[Client | None]) -> str:
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
    problems = Problems()
    standard_input = StandardInput(stdin)
    files = _files(paths, standard_input, problems)
    scopes = gather_scopes(scopes_files, extra_scopes, standard_input, problems)
    builder = ServerBuilder(overrides, shipped_packs() if packs is None else packs, problems)
    wanted = CandidatesFrom.METADATA if scopes_from_metadata else CandidatesFrom.INPUTS
    builder_of_clients = ClientBuilder(builder.all_of(files), builder, scopes, problems, wanted)
    drafts = builder_of_clients.of_all(files)
    selected = [one for one in drafts if one.client is None or chosen.has(one.client)]
    if drafts and not selected:
        problems.errors.append(chosen.message(one.client for one in drafts))
    skipped = tuple(one.client for one in selected if one.is_skipped and one.client is not None)
    asked = [one for one in selected if not one.is_skipped]
    fleet = _fleet(asked, environment, problems, allow_literal_secrets)
    if not asked:
        raise InputError(["no client is left to probe: all that were chosen say `probe = false`"])
    return replace(
        fleet,
        known=frozenset(one.client.name for one in drafts if one.client is not None),
        skipped=skipped,
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
    problems = Problems()
    standard_input = StandardInput(stdin)
    files: list[ClientsFile] = []
    for path in paths:
        with problems.gathering():
            files.append(read_clients_file(read_document(path, standard_input), problems))
    builder = ServerBuilder(overrides, shipped_packs() if packs is None else packs, problems)
    servers_by_name = builder.all_of(files)
    drafts = ClientBuilder(servers_by_name, builder, (), problems, CandidatesFrom.NOWHERE).of_all(
        files
    )
    if problems.errors:
        raise InputError(problems.errors)
    named = {
        name: server_draft.server
        for name, server_draft in servers_by_name.items()
        if server_draft is not None
    }
    own = {one.client.name: one.client.server for one in drafts if one.client is not None}
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
    problems = Problems()
    standard_input = StandardInput(stdin)
    files = _files(paths, standard_input, problems)
    scopes = gather_scopes((), extra_scopes, standard_input, problems)
    builder = ServerBuilder(overrides, shipped_packs() if packs is None else packs, problems)
    builder_of_clients = ClientBuilder(
        builder.all_of(files), builder, (), problems, CandidatesFrom.NOWHERE
    )
    drafts = builder_of_clients.of_all(files)
    names = [one.client.name for one in drafts if one.client is not None]
    if not problems.errors and name not in names:
        alike = "".join(f" (did you mean {near}?)" for near in get_close_matches(name, names, 1))
        problems.errors.append(f"{name}: is no client of {name_of(paths[0])}{alike}")
    chosen = [one for one in drafts if one.client is not None and one.client.name == name]
    fleet = _fleet(chosen, environment, problems, allow_literal_secrets)
    return fleet.clients[0], scopes, fleet.notices


def _files(
    paths: Sequence[Source], standard_input: StandardInput, problems: Problems
) -> list[ClientsFile]:
    files: list[ClientsFile] = []
    for path in paths:
        with problems.gathering():
            files.append(read_clients_file(read_document(path, standard_input), problems))
    if not problems.errors and not any(file.clients for file in files):
        problems.errors.append(f"{', '.join(map(name_of, paths))}: there are no clients")
    return files


def _fleet(
    drafts: Sequence[ClientDraft],
    environment: Mapping[str, str],
    problems: Problems,
    are_literals_allowed: bool,
) -> Fleet:
    check_literals(drafts, problems, are_allowed=are_literals_allowed)
    secrets = look_up_secrets(drafts, environment, problems)
    clients_with_secrets = with_secrets(drafts, secrets, problems)
    check_together(clients_with_secrets, problems)
    if problems.errors:
        raise InputError(problems.errors)
    clients = tuple(one.client for one in clients_with_secrets)
    known = frozenset(client.name for client in clients)
    return Fleet(clients, known, notices=tuple(problems.notices))
