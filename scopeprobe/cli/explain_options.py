"""Whom `explain` is about: a client of clients files, or one that options describe."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import anyio
import typer

from scopeprobe.audits.discover import with_issuer
from scopeprobe.audits.needs import LastRun
from scopeprobe.cli import complete, options
from scopeprobe.cli.environment import SECRET
from scopeprobe.cli.inputs import clients_here, files_and_name, parsed, taken_from_here
from scopeprobe.errors import InputError
from scopeprobe.inputs import Overrides, client_of_words, read_chosen, read_client
from scopeprobe.inputs.units import parse_duration
from scopeprobe.model.client import Client
from scopeprobe.model.provider import Pack
from scopeprobe.model.scope_names import Scope

WITHOUT_FILES = "Without files"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientWords:
    """A client that stands in no file."""

    client_id: Annotated[
        str | None,
        options.option(
            "--client-id",
            metavar="ID",
            help=f"A client that stands in no file. Its secret is that of {SECRET}, or asked for.",
            panel=WITHOUT_FILES,
        ),
    ] = None
    token_endpoint: Annotated[
        str | None,
        options.option(
            "--token-endpoint",
            metavar="URL",
            help="Where it asks for its tokens.",
            panel=WITHOUT_FILES,
        ),
    ] = None
    issuer: Annotated[
        str | None,
        options.option(
            "--issuer",
            metavar="URL",
            help="Or whose metadata says where.",
            panel=WITHOUT_FILES,
        ),
    ] = None
    audience: Annotated[
        str | None,
        options.option(
            "--audience",
            metavar="URL",
            help="The audience that it asks for.",
            panel=WITHOUT_FILES,
        ),
    ] = None
    resource: Annotated[
        str | None,
        options.option(
            "--resource",
            metavar="URL",
            help="The resource that it asks for.",
            panel=WITHOUT_FILES,
        ),
    ] = None

    client_secret: Annotated[
        str | None, typer.Option("--client-secret", "--secret", hidden=True)
    ] = None

    @property
    def given(self) -> dict[str, str]:
        """What was given, by the keys of a clients file."""
        words = {
            "client_id": self.client_id,
            "token_endpoint": self.token_endpoint,
            "issuer": self.issuer,
            "audience": self.audience,
            "resource": self.resource,
        }
        return {key: word for key, word in words.items() if word is not None}


@dataclass(frozen=True, slots=True)
class ToBeExplained:
    """Clients, what they are to ask for, and what is to be remarked about the inputs."""

    clients: tuple[Client, ...]
    scopes: tuple[Scope, ...] | None
    """None: the candidates of each."""
    notices: tuple[str, ...]
    like: Client | None = None
    """A client that works, to be compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainInputs(ClientWords):
    """Whom to explain, and what it asks for."""

    clients: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="CLIENTS... NAME",
            help="Clients files (by default clients.toml of this folder), and the name of the"
            " client.",
            show_default=False,
            autocompletion=complete.clients_or_files,
        ),
    ] = None
    scope: Annotated[
        list[str] | None,
        options.option(
            "--scope",
            metavar="'A B'",
            help="What it asks for, '' for no scope; by default its candidates.",
        ),
    ] = None
    scopes: options.ScopesFiles = None
    like: Annotated[
        str | None,
        options.option(
            "--like",
            metavar="NAME",
            help="Compare with this client of the files, which works.",
            autocompletion=complete.clients,
        ),
    ] = None
    all: Annotated[
        bool,
        typer.Option("--all", help="Every client of the last run that needs it, by cause."),
    ] = False
    allow_literal_secrets: options.LiteralSecrets = False
    timeout: options.Timeout = None

    def read(self, packs: tuple[Pack, ...], out: Path) -> ToBeExplained:
        """Read all inputs. Raises InputError with all that is wrong."""
        words = self.clients or []
        if self.like is not None and (self.all or self.given or not words):
            raise InputError(["--like NAME: give CLIENTS and the NAME of the one that fails"])
        if self.all:
            return self._all(packs, out)
        if self.given and words:
            raise InputError(["explain: give CLIENTS and a NAME, or --client-id; not both"])
        if self.given or not words:
            return self._of_words(packs)
        is_url = len(words) == 1 and ":/" in str(words[0])
        files, name = (words, None) if is_url else files_and_name(words)
        if name is None:
            raise InputError([_about_one_word(str(words[0]))])
        client, wanted, notices = read_client(
            files,
            name,
            scopes_files=self.scopes or (),
            extra_scopes=self.scope or (),
            packs=packs,
            overrides=self._overrides,
            allow_literal_secrets=self.allow_literal_secrets,
            stdin=sys.stdin,
        )
        taken = () if {*files} <= {*words} else (taken_from_here(files),)
        like = self._like(packs, files)
        return ToBeExplained((client,), wanted if self.scope else None, (*taken, *notices), like)

    def _like(self, packs: tuple[Pack, ...], files: list[Path]) -> Client | None:
        if self.like is None:
            return None
        client, *_ = read_client(
            files,
            self.like,
            scopes_files=self.scopes or (),
            packs=packs,
            overrides=self._overrides,
            allow_literal_secrets=self.allow_literal_secrets,
            stdin=sys.stdin,
        )
        return client

    def _all(self, packs: tuple[Pack, ...], out: Path) -> ToBeExplained:
        """Those of the last run that need it."""
        if self.given or self.scope:
            raise InputError(["explain --all: give CLIENTS, and neither --scope nor --client-id"])
        files = self.clients or clients_here()
        taken = () if self.clients else (taken_from_here(files),)
        last = LastRun.of(out)
        clients, notices = read_chosen(
            files,
            last.needs,
            scopes_files=self.scopes or (),
            packs=packs,
            overrides=self._overrides,
            allow_literal_secrets=self.allow_literal_secrets,
            stdin=sys.stdin,
        )
        return ToBeExplained(tuple(map(last.narrowed, clients)), None, (*taken, *notices))

    def _of_words(self, packs: tuple[Pack, ...]) -> ToBeExplained:
        """The client that options describe."""
        client, wanted, notices = client_of_words(
            {**self.given, "client_id": self._client_id()},
            secret_of(self._client_id()),
            extra_scopes=self.scope or (),
            packs=packs,
            overrides=self._overrides,
        )
        return ToBeExplained((anyio.run(with_issuer, client),), wanted, notices)

    @property
    def _overrides(self) -> Overrides:
        return Overrides(timeout=parsed("--timeout", self.timeout, parse_duration))

    def _client_id(self) -> str:
        """Raises InputError where too little is given to find client and server, or too much."""
        if self.client_secret is not None:
            message = (
                "--client-secret: others can read it in the list of processes, and it stays in the"
                f" history of the shell; set {SECRET} instead, or leave it out to be asked for it"
            )
            raise InputError([message])
        if self.client_id is None and self.given:
            raise InputError(["--client-id ID is missing: whom is it about?"])
        if self.client_id is None:
            message = (
                "explain: give CLIENTS and the NAME of one client; or, without files,"
                " --client-id ID and --token-endpoint URL or --issuer URL"
            )
            raise InputError([message])
        if self.token_endpoint is None and self.issuer is None:
            message = (
                "--token-endpoint URL is missing: where does the client ask for its tokens?"
                " Or give --issuer URL, whose metadata says so"
            )
            raise InputError([message])
        return self.client_id


def _about_one_word(word: str) -> str:
    scheme, is_url, rest = word.partition(":/")  # of the two slashes, a path keeps one
    if is_url:
        url = f"{scheme}://{rest.lstrip('/')}"
        return f"explain: a URL needs its option: --token-endpoint {url} --client-id ID"
    return "explain: give CLIENTS and the NAME of one client, or --all"


def secret_of(client_id: str) -> str:
    """
    The secret out of the environment, or as the user types it in.

    Raises InputError where there is neither the variable nor a terminal.
    """
    if secret := os.environ.get(SECRET):
        return secret
    if not sys.stdin.isatty():
        message = (
            f"the secret of {client_id} is missing: set {SECRET}, or run this on a terminal,"
            " where it is asked for and not shown"
        )
        raise InputError([message])
    typed: str = typer.prompt(f"Secret of {client_id}", hide_input=True, err=True)
    return typed
