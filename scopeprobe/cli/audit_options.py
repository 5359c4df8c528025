"""The options of `audit`, `plan` and `validate`, in groups, and what the program makes of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.audits.order import Resume
from scopeprobe.cli import complete
from scopeprobe.cli.inputs import SCOPES, clients_here, parsed, taken_from_here
from scopeprobe.cli.options import (
    BUDGETS,
    INPUTS,
    OUTPUT,
    PACE,
    POLICY,
    BaselineFile,
    Formats,
    LiteralSecrets,
    Out,
    PolicyFile,
    Providers,
    ScopesFiles,
    Split,
    Timeout,
    option,
)
from scopeprobe.engine.budgets import Budgets
from scopeprobe.errors import InputError, did_you_mean
from scopeprobe.inputs import (
    Fleet,
    Overrides,
    Selection,
    read_baseline,
    read_clients,
    read_policy,
)
from scopeprobe.inputs.units import parse_duration
from scopeprobe.model.assignment import Proof
from scopeprobe.model.cell import PermissionMap, Reason
from scopeprobe.model.finding import FindingKind
from scopeprobe.model.provider import Verify
from scopeprobe.model.rate import parse_rate
from scopeprobe.policy import Policy
from scopeprobe.providers import read_packs
from scopeprobe.reports.formats import Format, refuse_missing_extras


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOptions:
    """Where clients and candidates come from."""

    clients: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="CLIENTS",
            help="Clients files: TOML, YAML or JSON by their ending; - reads YAML or JSON from "
            "standard input. By default clients.toml of this folder, with its scopes.txt where no "
            "scopes are given.",
            show_default=False,
        ),
    ] = None
    scopes: ScopesFiles = None
    scope: Annotated[
        list[str] | None,
        option("--scope", metavar="'A B'", help="More candidates.", panel=INPUTS),
    ] = None
    client: Annotated[
        list[str] | None,
        option(
            "--client",
            metavar="GLOB",
            help="Only clients of that name; repeatable.",
            autocompletion=complete.clients,
            panel=INPUTS,
        ),
    ] = None
    tag: Annotated[
        list[str] | None,
        option(
            "--tag",
            metavar="TAG",
            help="Only clients with that tag; repeatable.",
            autocompletion=complete.tags,
            panel=INPUTS,
        ),
    ] = None
    providers: Providers = None
    scopes_from_metadata: Annotated[
        bool,
        option(
            "--scopes-from-metadata",
            help="Candidates are also the scopes_supported of each server's metadata.",
            panel=INPUTS,
        ),
    ] = False
    allow_literal_secrets: LiteralSecrets = False

    def fleet(
        self, overrides: Overrides, environment: Mapping[str, str] | None = os.environ
    ) -> Fleet:
        """Read all inputs, but no metadata. What is worth a notice stands in the fleet."""
        files, scopes = self._files
        fleet = read_clients(
            files,
            scopes_files=scopes,
            extra_scopes=self.scope or (),
            packs=read_packs(self.providers or ()),
            overrides=overrides,
            scopes_from_metadata=self.scopes_from_metadata,
            allow_literal_secrets=self.allow_literal_secrets,
            chosen=Selection(tuple(self.client or ()), tuple(self.tag or ())),
            environment=environment,
            stdin=sys.stdin,
        )
        if self.clients:
            return fleet
        taken = taken_from_here((*files, *(() if self.scopes else scopes)))
        return replace(fleet, notices=(taken, *fleet.notices))

    @property
    def _files(self) -> tuple[list[Path], list[Path]]:
        """Clients files and scopes files. Raises InputError where there are no clients files."""
        if self.clients:
            return self.clients, self.scopes or []
        are_given = self.scopes or self.scope or self.scopes_from_metadata
        scopes = [SCOPES] if not are_given and SCOPES.is_file() else self.scopes or []
        return clients_here(), scopes

    def words_to_explain(self, permissions: PermissionMap | None) -> tuple[str, ...]:
        """
        The words of a command line that make `explain` ask for what this client was asked.

        None: for all that need it.
        """
        packs = [word for folder in self.providers or () for word in ("--providers", folder)]
        literal = ["--allow-literal-secrets"] if self.allow_literal_secrets else []
        files, scopes_files = self._files
        scopes = [word for file in scopes_files for word in ("--scopes", str(file))]
        if permissions is None:
            return tuple(map(str, (*packs, *literal, *scopes, *files, "--all")))
        if self.scope:
            cells = (cell for cell in permissions.cells if cell.reason is not Reason.UNLISTED)
            asked = dict.fromkeys(cell.scope for cell in cells)
            scopes = ["--scope", " ".join(asked)]
        return tuple(map(str, (*packs, *literal, *scopes, *files, permissions.client)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofOptions:
    """What proves a verdict, and what becomes of tokens."""

    proof: Annotated[
        Proof, option("--proof", help="twice: every lone refusal is repeated once.")
    ] = Proof.SAFE
    verify: Annotated[
        Verify | None,
        option(
            "--verify",
            help="Where grants are confirmed; by default in the token, or what the provider pack"
            " says.",
        ),
    ] = None
    revoke: Annotated[bool, option("--revoke", help="Revoke every token that was issued.")] = False

    def added_to(self, overrides: Overrides) -> Overrides:
        return replace(overrides, verify=self.verify, revokes=self.revoke)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateOptions:
    """How fast servers are asked."""

    rate: Annotated[
        str | None,
        option(
            "--rate",
            metavar="N/s",
            help="Rate of servers without one of their own; a rate of the file it can only lower.",
            panel=PACE,
        ),
    ] = None
    client_rate: Annotated[
        str | None,
        option("--client-rate", metavar="N/s", help="The same for one client.", panel=PACE),
    ] = None

    def overrides(self) -> Overrides:
        """What takes the place of values of the clients files."""
        return Overrides(
            rate=parsed("--rate", self.rate, parse_rate),
            client_rate=parsed("--client-rate", self.client_rate, parse_rate),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceOptions(RateOptions):
    """The same, and what becomes of requests that fail."""

    in_flight: Annotated[
        int | None,
        option(
            "--in-flight",
            at_least=1,
            metavar="N",
            help="Requests under way at once, per server.",
            panel=PACE,
        ),
    ] = None
    timeout: Timeout = None
    retries: Annotated[
        int | None,
        option(
            "--retries",
            at_least=0,
            metavar="N",
            help="Retries after faults; never after a refusal.",
            panel=PACE,
        ),
    ] = None
    max_auth_failures: Annotated[
        int | None,
        option(
            "--max-auth-failures",
            at_least=1,
            metavar="N",
            help="Failed authentications in a row after which a client gets no more attempts.",
            panel=BUDGETS,
        ),
    ] = None

    def overrides(self) -> Overrides:
        return replace(
            RateOptions.overrides(self),
            in_flight=self.in_flight,
            timeout=parsed("--timeout", self.timeout, parse_duration),
            retries=self.retries,
            max_auth_failures=self.max_auth_failures,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOptions:
    """What a run may spend."""

    max_requests: Annotated[
        int | None,
        option(
            "--max-requests",
            at_least=1,
            metavar="N",
            help="Stop after this many requests.",
            panel=BUDGETS,
        ),
    ] = None
    max_requests_per_client: Annotated[
        int | None,
        option(
            "--max-requests-per-client",
            at_least=1,
            metavar="N",
            help="The same for each client.",
            panel=BUDGETS,
        ),
    ] = None
    max_tokens: Annotated[
        int | None,
        option(
            "--max-tokens",
            at_least=1,
            metavar="N",
            help="Stop after this many issued tokens.",
            panel=BUDGETS,
        ),
    ] = None
    max_time: Annotated[
        str | None,
        option("--max-time", metavar="2h", help="Stop asking after this long.", panel=BUDGETS),
    ] = None

    def budgets(self) -> Budgets:
        return Budgets(
            max_requests=self.max_requests,
            max_requests_per_client=self.max_requests_per_client,
            max_tokens=self.max_tokens,
            max_time=parsed("--max-time", self.max_time, parse_duration),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Which run it is: a new one, or one to go on with."""

    resume: Annotated[bool, option("--resume", help="Go on with the unfinished run of --out.")] = (
        False
    )
    resume_if_any: Annotated[
        bool,
        option(
            "--resume-if-any",
            help="The same where one was cut off within 12 hours, else a new run: for jobs that are"
            " restarted.",
        ),
    ] = False
    run: Annotated[
        str | None,
        option(
            "--run",
            metavar="ID",
            help="The run that --resume goes on with.",
            autocompletion=complete.runs,
        ),
    ] = None
    wait: Annotated[bool, option("--wait", help="Wait for another audit that writes to --out.")] = (
        False
    )

    def resumes(self) -> Resume:
        """Raises InputError where two options say different things."""
        if self.resume or self.run is not None:
            if self.resume_if_any:
                raise InputError(["--resume-if-any: give it without --resume and --run"])
            return Resume.MUST
        return Resume.IF_ANY if self.resume_if_any else Resume.NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """Where results go, and which of them fail the run."""

    out: Out = Path("scopeprobe-out")
    fail_on: Annotated[
        str,
        option(
            "--fail-on",
            metavar="LIST",
            help="Findings that make exit code 1: missing, excess, changed, unauthenticated,"
            " unknown, unenforced, secret_expiry, stale_waiver, unmatched_expectation; or never.",
            panel=OUTPUT,
            show_default="missing, excess, unauthenticated",
        ),
    ] = "missing,excess,unauthenticated"
    formats: Formats = None
    split_by: Split = None
    notify: Annotated[
        str | None,
        option(
            "--notify",
            metavar="REF",
            help="Where the Apprise URL is that is told of new findings: env:NAME, file:PATH or"
            " keyring:SERVICE/USER.",
            panel=OUTPUT,
        ),
    ] = None
    no_html: Annotated[
        bool,
        option(
            "--no-html",
            help="Leave report.html out, which is written by itself up to 200,000 cells.",
            panel=OUTPUT,
        ),
    ] = False

    def chosen_formats(self) -> tuple[Format, ...]:
        """Raises InputError for one that needs an extra that is not installed."""
        chosen = tuple(self.formats or ())
        refuse_missing_extras(chosen)
        return chosen

    def with_page(self) -> bool:
        """Raises InputError where the page is both asked for and not wanted."""
        if self.no_html and Format.HTML in (self.formats or ()):
            raise InputError(["--no-html: give it without -f html"])
        return not self.no_html

    def kinds(self) -> tuple[str, ...]:
        """The kinds of findings that fail a run. Raises InputError for one that does not exist."""
        kinds = tuple(kind.strip() for kind in self.fail_on.split(",") if kind.strip())
        if kinds == ("never",):
            return ()
        if unknown := [kind for kind in kinds if kind not in {*FindingKind}]:
            known = ", ".join(FindingKind)
            near = did_you_mean(unknown[0], FindingKind) or f"; there are {known}, never"
            raise InputError([f"--fail-on: no such kind: {', '.join(unknown)}{near}"])
        return kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOptions:
    """What the maps are compared with."""

    baseline: BaselineFile = None
    policy: PolicyFile = None
    previous: Annotated[
        str | None,
        option(
            "--previous",
            metavar="RUN",
            help="Find what changed since that run, or since the last: each cell is compared with"
            " its last proved verdict.",
            autocompletion=complete.runs,
            panel=POLICY,
        ),
    ] = None
    new_only: Annotated[
        bool, option("--new-only", help="Only findings that are new.", panel=POLICY)
    ] = False
    keep: Annotated[
        int,
        option(
            "--keep",
            at_least=1,
            metavar="N",
            help="How many finished runs are kept.",
            panel=POLICY,
        ),
    ] = 100

    def read(self, fleet: Fleet) -> Policy:
        return Policy(
            rules=() if self.policy is None else read_policy(self.policy, fleet),
            baseline=None if self.baseline is None else read_baseline(self.baseline),
        )

    def compared_with(self, fail_on: Collection[str]) -> str | None:
        """The run to compare with: the last one, where changes fail the run and none is named."""
        return self.previous or ("last" if FindingKind.CHANGED in fail_on else None)
