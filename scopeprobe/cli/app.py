"""All commands, and what becomes of errors."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Annotated

import typer

import scopeprobe
from scopeprobe.cli import (
    audit,
    baseline,
    demo,
    diff,
    discover,
    explain,
    history,
    import_command,
    init,
    lab,
    plan,
    providers,
    report,
    runs,
    streams,
    validate,
)
from scopeprobe.errors import InputError, ScopeprobeError, StoreError


class Exit(IntEnum):
    """What a process that ends with an error ends with; the rest is in `audit`."""

    INPUT = 2
    INCOMPLETE = 3
    BUG = 70
    INTERRUPTED = 130


app = typer.Typer(
    name="scopeprobe",
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


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Which scopes does each OAuth 2.0 client really have, and why does a server say 401?"""
    if version:
        typer.echo(f"scopeprobe {scopeprobe.__version__}")
        raise typer.Exit


app.command("audit", epilog=audit.EXAMPLES)(audit.audit_command)
app.command("explain", epilog=explain.EXAMPLES)(explain.explain_command)
app.command("plan", epilog=plan.EXAMPLES)(plan.plan_command)
app.command("validate", epilog=validate.EXAMPLES)(validate.validate_command)
app.command("discover", epilog=discover.EXAMPLES)(discover.discover_command)
app.command("import", epilog=import_command.EXAMPLES)(import_command.import_command)
app.command("init", epilog=init.EXAMPLES)(init.init_command)
app.command("diff", epilog=diff.EXAMPLES)(diff.diff_command)
app.command("history", epilog=history.EXAMPLES)(history.history_command)
app.add_typer(baseline.app)
app.command("report", epilog=report.EXAMPLES)(report.report_command)
app.command("runs", epilog=runs.EXAMPLES)(runs.runs_command)
app.command("providers", epilog=providers.EXAMPLES)(providers.providers_command)
app.command("lab", epilog=lab.EXAMPLES)(lab.lab_command)
app.command("demo", epilog=demo.EXAMPLES)(demo.demo_command)


def main(argv: Sequence[str] | None = None) -> int:  # noqa: PLR0911 - an exit code each
    """
    Run the command line and return its exit code.

    :param argv: the words behind the program's name; those of the process unless given.
    """
    streams.open_all()
    try:
        app(args=None if argv is None else [*argv], prog_name="scopeprobe")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except InputError as error:
        _complain(*error.messages)
        return Exit.INPUT
    except StoreError as error:
        _complain(str(error), "what was committed is kept: mend this, then go on with --resume")
        return Exit.INCOMPLETE
    except ScopeprobeError as error:
        _complain(str(error))
        return Exit.INPUT
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback, it may hold secrets
        _complain(f"internal error: {_origin(error)}", "this is a bug of scopeprobe's")
        return Exit.BUG
    return 0


def _complain(*messages: str) -> None:
    for message in messages:
        streams.say(f"error: {message}")


def _origin(error: BaseException) -> str:
    """Type and place of an error, without its message: that may quote what a server sent."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
