"""Clients files, scopes files and secrets, read as one fleet."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TextIO

from scopeprobe.errors import InputError, did_you_mean
from scopeprobe.inputs.client_builder import CandidatesFrom, ClientBuilder, ClientDraft
from scopeprobe.inputs.clients_file import ClientsFile, read_clients_file
from scopeprobe.inputs.credentials import look_up_secrets, with_secrets
from scopeprobe.inputs.fleet import Fleet
from scopeprobe.inputs.outline import Outline
from scopeprobe.inputs.parsers import Document, read_document
from scopeprobe.inputs.precedence import Overrides
from scopeprobe.inputs.problems import NAME, Place, Problems
from scopeprobe.inputs.scopes import gather_scopes
from scopeprobe.inputs.secret_checks import check_literals, check_together
from scopeprobe.inputs.server_builder import ServerBuilder, ServerDraft
from scopeprobe.inputs.sources import Source, StandardInput, name_of
from scopeprobe.model.client import Client, ClientName
from scopeprobe.model.provider import Pack
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import Server
from scopeprobe.policy import unmatched_expectations
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

    def complaints(self, clients: Sequence[Client]) -> Iterator[str]:
        """What of it chooses nothing, and which clients and tags there are."""
        names = {client.name for client in clients}
        tags = {tag for client in clients for tag in client.tags}
        unmatched = [
            *(
                f"--client {glob}: is the name of no client{_what_there_is(glob, names)}"
                for glob in self.names
                if not any(fnmatchcase(name, glob) for name in names)
            ),
            *(
                f"--tag {tag}: no client has that tag{_what_there_is(tag, tags) or _NO_TAGS}"
                for tag in self.tags
                if tag not in tags
            ),
        ]
        yield from unmatched
        if not unmatched and not any(map(self.has, clients)):
            options = [f"--client {g}" for g in self.names] + [f"--tag {t}" for t in self.tags]
            yield f"{' '.join(options)}: chooses no client: none has both name and tag"


def _what_there_is(word: str, known: Iterable[str]) -> str:
    few = ", ".join(sorted(known)[:_MOST_NAMED])
    return did_you_mean(word, known) or (f"; there are {few}" if few else "")


EVERYBODY = Selection()
_MOST_NAMED = 10
_NO_TAGS = '; there is none: write tags = ["…"] in the tables of clients'


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
    environment: Mapping[str, str] | None = os.environ,
    stdin: TextIO | None = None,
) -> Fleet:
    """
    Read CLIENTS files as one fleet: a server of one file is known in all, defaults in their own.

    :param scopes_files: candidates of every target, after those of the clients files.
    :param extra_scopes: more of them, as `--scope` gives them: separated by white space.
    :param packs: what is known of providers; the first that knows a server describes it. The
        shipped ones unless given.
    :param scopes_from_metadata: targets may name no candidates; `resolve` adds those that the
        metadata of their server advertises.
    :param chosen: which clients; no secret of another is looked up.
    :param environment: where `{ env }` secrets are looked up; None: no secret is, of whatever kind.
    :param stdin: what `-` reads; standard input unless given.
    :raises InputError: with all that is wrong with all files, each with its place.
    """
    inputs = _Inputs(StandardInput(stdin))
    files = inputs.files_with_clients(paths)
    scopes = gather_scopes(scopes_files, extra_scopes, inputs.standard_input, inputs.problems)
    wanted = CandidatesFrom.METADATA if scopes_from_metadata else CandidatesFrom.INPUTS
    drafts = inputs.build(files, packs, overrides, scopes, wanted).clients
    described = tuple(_clients_of(drafts))
    if not inputs.problems.errors:  # else a client that cannot be read may be meant
        inputs.problems.errors += chosen.complaints(described)
        if not scopes_from_metadata:
            unmatched = unmatched_expectations(described)
            inputs.problems.errors += [str(one) for one in unmatched if not one.is_guard]
    selected = [draft for draft in drafts if draft.client is None or chosen.has(draft.client)]
    probed = [draft for draft in selected if not draft.is_skipped]
    clients = inputs.with_secrets(probed, environment, allow_literal_secrets)
    if not clients:
        raise InputError(["no client is left to probe: all that were chosen say `probe = false`"])
    return Fleet(
        clients,
        described=described,
        skipped=tuple(_clients_of(draft for draft in selected if draft.is_skipped)),
        notices=tuple(inputs.problems.notices),
        wants_advertised=scopes_from_metadata,
        drafts=tuple(probed) if environment is None else (),
    )


def clients_with_secrets(
    drafts: Sequence[ClientDraft], environment: Mapping[str, str] = os.environ
) -> tuple[tuple[Client, ...], tuple[str, ...]]:
    """
    Give clients the secrets that were not looked up when they were read.

    Returns them, and what is to be remarked. Raises InputError with all that is wrong.
    """
    problems = Problems()
    return _looked_up(drafts, environment, problems), tuple(problems.notices)


def read_servers(
    paths: Sequence[Source],
    *,
    packs: Sequence[Pack] | None = None,
    overrides: Overrides = NO_OVERRIDES,
    stdin: TextIO | None = None,
) -> tuple[dict[str, Server], dict[ClientName, Server]]:
    """
    Read only where tokens come from: the servers by their names, and by those of their clients.

    No secret is looked up, and no candidates are needed.

    :raises InputError: with all that is wrong with all files, each with its place.
    """
    inputs = _Inputs(StandardInput(stdin))
    built = inputs.build(inputs.files(paths), packs, overrides, (), CandidatesFrom.NOWHERE)
    inputs.problems.raise_errors()
    by_name = {name: draft.server for name, draft in built.servers.items() if draft is not None}
    by_client = {client.name: client.server for client in _clients_of(built.clients)}
    for server in by_client.values():
        by_name.setdefault(server.name, server)
    return by_name, by_client


def read_client(
    paths: Sequence[Source],
    name: str,
    *,
    scopes_files: Sequence[Source] = (),
    extra_scopes: Sequence[str] = (),
    packs: Sequence[Pack] | None = None,
    overrides: Overrides = NO_OVERRIDES,
    allow_literal_secrets: bool = False,
    environment: Mapping[str, str] = os.environ,
    stdin: TextIO | None = None,
) -> tuple[Client, tuple[Scope, ...], tuple[str, ...]]:
    """
    Read one client, the scopes of `--scope`, and what is to be remarked.

    No secret of another client is looked up, and no candidates are needed.

    :param scopes_files: candidates of every target, after those of the clients files.
    :param extra_scopes: what is asked for, as `--scope` gives it.
    :raises InputError: with all that is wrong, also where there is no such client.
    """
    inputs = _Inputs(StandardInput(stdin))
    candidates = gather_scopes(scopes_files, (), inputs.standard_input, inputs.problems)
    scopes = gather_scopes((), extra_scopes, inputs.standard_input, inputs.problems)
    drafts = inputs.drafts(paths, packs, overrides, candidates)
    names = [client.name for client in _clients_of(drafts)]
    if not inputs.problems.errors and name not in names:
        alike = did_you_mean(name, names)
        inputs.problems.errors.append(f"{name}: is no client of {name_of(paths[0])}{alike}")
    chosen = [draft for draft in drafts if draft.client is not None and draft.client.name == name]
    clients = inputs.with_secrets(chosen, environment, allow_literal_secrets)
    return clients[0], scopes, tuple(inputs.problems.notices)


def read_chosen(
    paths: Sequence[Source],
    is_chosen: Callable[[Client], bool],
    *,
    scopes_files: Sequence[Source] = (),
    packs: Sequence[Pack] | None = None,
    overrides: Overrides = NO_OVERRIDES,
    allow_literal_secrets: bool = False,
    environment: Mapping[str, str] = os.environ,
    stdin: TextIO | None = None,
) -> tuple[tuple[Client, ...], tuple[str, ...]]:
    """
    Read the clients that are chosen, perhaps none, and what is to be remarked.

    No secret of another client is looked up, and no candidates are needed.

    :param is_chosen: told of each client as the files describe it, without its secret.
    :raises InputError: with all that is wrong.
    """
    inputs = _Inputs(StandardInput(stdin))
    candidates = gather_scopes(scopes_files, (), inputs.standard_input, inputs.problems)
    drafts = inputs.drafts(paths, packs, overrides, candidates)
    chosen = [draft for draft in drafts if draft.client is not None and is_chosen(draft.client)]
    clients = inputs.with_secrets(chosen, environment, allow_literal_secrets)
    return clients, tuple(inputs.problems.notices)


def client_of_words(
    words: Mapping[str, str],
    secret: str,
    *,
    extra_scopes: Sequence[str] = (),
    packs: Sequence[Pack] | None = None,
    overrides: Overrides = NO_OVERRIDES,
) -> tuple[Client, tuple[Scope, ...], tuple[str, ...]]:
    """
    Build one client without files; else as `read_client` does.

    :param words: values of a client's entry, by the keys of a clients file.
    :raises InputError: with all that is wrong, called by the options.
    """
    target = {key: words[key] for key in ("audience", "resource") if key in words}
    entry: dict[str, object] = {key: word for key, word in words.items() if key not in target}
    entry |= {"name": _name_of(words["client_id"]), "client_secret": {"env": _SECRET}}
    entry |= {"targets": [target]} if target else {}
    inputs = _Inputs(StandardInput(None))
    data = {"clients": [entry]}
    place = Place(_WORDS, outline=Outline(data=data))
    document = Document(place, Path(), is_exposed=False)
    files = [read_clients_file(document, inputs.problems)]
    scopes = gather_scopes((), extra_scopes, inputs.standard_input, inputs.problems)
    drafts = inputs.build(files, packs, overrides, (), CandidatesFrom.NOWHERE).clients
    try:
        clients = inputs.with_secrets(drafts, {_SECRET: secret}, allow_literal_secrets=False)
    except InputError as error:
        raise InputError(map(_as_options, error.messages)) from None
    return clients[0], scopes, tuple(map(_as_options, inputs.problems.notices))


_WORDS, _SECRET = "command line", "SCOPEPROBE_CLIENT_SECRET"
_OPTIONS = {"token_endpoint", "client_id", "issuer", "audience", "resource"}


def _name_of(client_id: str) -> str:
    """The `client_id` where it can be a client's name."""
    return client_id if NAME.fullmatch(client_id) else "client"


def _as_options(message: str) -> str:
    """A complaint about an entry as one about the options that it was made of."""
    told = re.sub(rf"^{_WORDS} \S+: ", "", message)
    key, colon, words = told.removeprefix("targets[0].").partition(":")
    option, _, value = key.partition(" ")
    if option not in _OPTIONS:
        return told
    return f"--{option.replace('_', '-')} {value}".rstrip() + colon + words


@dataclass(frozen=True, slots=True)
class _Built:
    servers: Mapping[str, ServerDraft | None]
    clients: Sequence[ClientDraft]


@dataclass(frozen=True, slots=True)
class _Inputs:
    """The way from files to clients, and all that is found wrong on it."""

    standard_input: StandardInput
    problems: Problems = field(default_factory=Problems)

    def files(self, paths: Sequence[Source]) -> list[ClientsFile]:
        files: list[ClientsFile] = []
        for path in paths:
            with self.problems.gathering():
                document = read_document(path, self.standard_input)
                files.append(read_clients_file(document, self.problems))
        return files

    def files_with_clients(self, paths: Sequence[Source]) -> list[ClientsFile]:
        files = self.files(paths)
        if not self.problems.errors and not any(file.clients for file in files):
            self.problems.errors.append(f"{', '.join(map(name_of, paths))}: there are no clients")
        return files

    def drafts(
        self,
        paths: Sequence[Source],
        packs: Sequence[Pack] | None,
        overrides: Overrides,
        candidates: tuple[Scope, ...],
    ) -> Sequence[ClientDraft]:
        """All clients of files; none needs candidates."""
        files = self.files_with_clients(paths)
        return self.build(files, packs, overrides, candidates, CandidatesFrom.NOWHERE).clients

    def build(
        self,
        files: Sequence[ClientsFile],
        packs: Sequence[Pack] | None,
        overrides: Overrides,
        scopes: tuple[Scope, ...],
        candidates_from: CandidatesFrom,
    ) -> _Built:
        """Build servers and clients; their secrets are still to be looked up."""
        builder = ServerBuilder(
            overrides, shipped_packs() if packs is None else packs, self.problems
        )
        servers = builder.build_all(files)
        clients = ClientBuilder(servers, builder, scopes, self.problems, candidates_from)
        return _Built(servers, clients.build_all(files))

    def with_secrets(
        self,
        drafts: Sequence[ClientDraft],
        environment: Mapping[str, str] | None,
        allow_literal_secrets: bool,
    ) -> tuple[Client, ...]:
        """Look up the secrets of clients. Raises InputError with all that was wrong until now."""
        check_literals(drafts, self.problems, are_allowed=allow_literal_secrets)
        if environment is None:
            self.problems.raise_errors()
            return tuple(_clients_of(drafts))
        return _looked_up(drafts, environment, self.problems)


def _looked_up(
    drafts: Sequence[ClientDraft], environment: Mapping[str, str], problems: Problems
) -> tuple[Client, ...]:
    secrets = look_up_secrets(drafts, environment, problems)
    clients = with_secrets(drafts, secrets, problems)
    check_together(clients, problems)
    problems.raise_errors()
    return tuple(one.client for one in clients)


def _clients_of(drafts: Iterable[ClientDraft]) -> Iterator[Client]:
    return (draft.client for draft in drafts if draft.client is not None)
