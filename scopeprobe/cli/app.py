"""The commands by name, and the exit code of every error."""

from __future__ import annotations

import logging
import resource
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
import typer.main

import scopeprobe
from scopeprobe.cli import environment, streams
from scopeprobe.cli.exit_codes import Exit
from scopeprobe.cli.help_screens import Command, Group
from scopeprobe.errors import InputError, ScopeprobeError, StoreError, cause_of, describe


class Entry(NamedTuple):
    """A command: where it is defined, and its line in the list of commands."""

    module: str
    name: str
    """Of a function, or of a group of commands."""
    help: str
    """The first paragraph of its own help, so that the list is shown without importing it."""


COMMANDS: Mapping[str, Entry] = {
    "audit": Entry(
        "audit",
        "audit_command",
        "Probe clients x candidates: permission maps, reports, exit code.",
    ),
    "explain": Entry(
        "explain",
        "explain_command",
        "Why does this client get a 401? Which scope triggers it, or is it not the scope at all?",
    ),
    "replay": Entry(
        "replay",
        "replay_command",
        "Explain again, from the evidence that `explain --bundle FILE` wrote. Nothing is sent.",
    ),
    "plan": Entry(
        "plan",
        "plan_command",
        "What an audit would take: requests, tokens and time by strategy. No token request is"
        " sent.",
    ),
    "validate": Entry(
        "validate",
        "validate_command",
        "Read the inputs, resolve the secrets, print what would be used. Nothing is sent.",
    ),
    "discover": Entry(
        "discover",
        "discover_command",
        "Read the metadata of servers: endpoints, authentication methods, scopes_supported.",
    ),
    "import": Entry(
        "import_command",
        "import_command",
        "Turn a product's export of its applications into a clients file, or add them to one.",
    ),
    "init": Entry(
        "init",
        "init_command",
        "Write a commented clients.toml and scopes.txt to start from. Nothing is overwritten.",
    ),
    "diff": Entry(
        "diff",
        "diff_command",
        "Compare two permission maps: gained, lost and changed scopes, new and gone clients.",
    ),
    "history": Entry(
        "history",
        "history_command",
        "When did the cells of a client change? Nights that proved nothing are skipped.",
    ),
    "report": Entry(
        "report",
        "report_command",
        "Render a stored run again, byte for byte as it was. Nothing is sent.",
    ),
    "runs": Entry(
        "runs",
        "runs_command",
        "List the stored runs of an output folder, the newest first.",
    ),
    "providers": Entry(
        "providers",
        "providers_command",
        "The provider packs: regions, limits, what their map is read from.",
    ),
    "docs": Entry(
        "docs",
        "docs_command",
        "Show a page of the manual, or what a code means.",
    ),
    "schema": Entry(
        "schema",
        "schema_command",
        "Print the JSON Schema of a file: for editors that complete and check what you write.",
    ),
    "lab": Entry(
        "lab",
        "lab_command",
        "Run the embedded authorization server by itself, on loopback, until Ctrl-C.",
    ),
    "demo": Entry(
        "demo",
        "demo_command",
        "Start the lab on loopback, audit its sample fleet, show where the results are.",
    ),
    "baseline": Entry(
        "baseline",
        "app",
        "Accept what the last run found, or show what was accepted and waived.",
    ),
}


def load(name: str) -> Any:  # noqa: ANN401 - typer keeps the types of its commands private
    """Import a command."""
    entry = COMMANDS[name]
    module = import_module(f"scopeprobe.cli.{entry.module}")
    command = getattr(module, entry.name)
    if not isinstance(command, typer.Typer):
        function = command
        command = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        command.command(name, cls=Command, epilog=module.EXAMPLES)(function)
    return typer.main.get_command(command)


def unknown_variables() -> Iterator[str]:
    """What to say of variables of the environment that look like options of ours."""
    return environment.unknown_variables(load(name) for name in COMMANDS)


class ImportedWhenCalled(Group):
    """Lists commands by their lines in COMMANDS; imports the one that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as of `load`
        name, listed, rest = super().resolve_command(ctx, args)
        if listed and args[0] != "audit":  # whose standard error may be a log
            for text in unknown_variables():
                streams.say(f"notice: {text}")
        return name, listed and load(args[0]), rest

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as of `load`
        try:
            return super().invoke(ctx)
        except typer.Abort:  # Ctrl-C or the end of the input, at a question
            streams.say("\ninterrupted: nothing was sent")
            raise typer.Exit(Exit.INTERRUPTED) from None


app = typer.Typer(
    name="scopeprobe",
    cls=ImportedWhenCalled,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog=(
        "Probe only clients whose credentials you were given for this, on servers whose operator "
        "agreed. Probes issue real tokens, appear in sign-in logs, may be billed and may raise "
        "alarms. A permission map is sensitive."
    ),
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"scopeprobe {scopeprobe.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Which scopes does each OAuth 2.0 client really have, and why does a server say 401?"""


def _only_listed() -> None:
    """Stands in the list of commands for one that is not imported."""


for _name, _entry in COMMANDS.items():
    app.command(_name, help=_entry.help)(_only_listed)


def run(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line and return its exit code.

    :param argv: the words behind the program's name; those of the process unless given.
    """
    streams.open_all()
    _dump_no_core()
    words = sys.argv[1:] if argv is None else [*argv]
    with _no_tracebacks():
        return _run(words)


def _run(words: Sequence[str]) -> int:
    try:
        _refuse_what_terminals_act_on(words)
        app(args=words, prog_name="scopeprobe", obj=tuple(words))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback, it may hold secrets
        return _complain_of(cause_of(error))
    return Exit.DONE


def _refuse_what_terminals_act_on(words: Sequence[str]) -> None:
    """Refuse arguments that no file and no option has: messages quote them."""
    given = [(f"argument {number}", word) for number, word in enumerate(words, start=1)]
    given += environment.our_variables().items()
    wrong = [place for place, text in given if streams.inert(text) != text or "\n" in text]
    if wrong:
        raise InputError(f"{place}: holds a control character, or is no UTF-8" for place in wrong)


@contextmanager
def _no_tracebacks() -> Iterator[None]:
    """Say of what nobody can catch what is said of other bugs: tracebacks may hold secrets."""

    def tell(error: BaseException | None) -> None:
        if error is not None:
            _complain(f"internal error: {describe(error)}", "this is a bug of scopeprobe's")

    hooks = threading.excepthook, sys.unraisablehook
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda told: tell(told.exc_value)
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda told: tell(told.exc_value)
    logging.getLogger().addHandler(_SILENCE)  # asyncio and aiohttp log theirs
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        logging.getLogger().removeHandler(_SILENCE)


_SILENCE = logging.NullHandler()


def _dump_no_core() -> None:
    """Secrets are in memory: where the process crashes, that is not to be written anywhere."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def _complain_of(error: BaseException) -> int:
    """Say what went wrong and what to do, and return the exit code for it."""
    notes = getattr(error, "__notes__", ())
    match error:
        case StoreError():
            _complain(str(error), *notes, error.advice)
            return Exit.INCOMPLETE
        case InputError():
            _complain(*error.messages)
        case ScopeprobeError():
            _complain(str(error))
        case _:
            _complain(f"internal error: {describe(error)}", *notes, "this is a bug of scopeprobe's")
            return Exit.BUG
    return Exit.INPUT


def _complain(*messages: str) -> None:
    for message in messages:
        streams.say(f"error: {message}")
