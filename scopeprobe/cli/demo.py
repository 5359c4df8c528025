"""`scopeprobe demo`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from anyio.from_thread import start_blocking_portal

from scopeprobe.audits.order import Audit
from scopeprobe.cli import options
from scopeprobe.cli.exit_codes import Exit
from scopeprobe.cli.log_options import LogOptions
from scopeprobe.cli.logs import LogFormat
from scopeprobe.cli.run_audit import run_audit
from scopeprobe.cli.streams import say
from scopeprobe.cli.tell_findings import command
from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet, read_clients
from scopeprobe.lab import Lab, demo_clients, demo_environment, demo_scopes, demo_servers
from scopeprobe.reports.summary import Commands
from scopeprobe.reports.texts import counted

EXAMPLES = """
Examples:

  scopeprobe demo

  scopeprobe demo -o /tmp/demo
"""
NEXT = (
    "",
    "what next, with clients of your own:",
    "  scopeprobe init    writes clients.toml and scopes.txt, to be filled in",
    "  scopeprobe plan    says what an audit takes; no token request is sent",
    "  scopeprobe audit   asks, and writes the same files to scopeprobe-out",
)


def demo_command(
    *,
    context: typer.Context,
    out: Annotated[  # not from the environment: SCOPEPROBE_OUT is where the nightly maps are
        Path, typer.Option("--out", "-o", metavar="DIR", help="Output folder.")
    ] = Path("scopeprobe-demo"),
    port: Annotated[
        int, options.option("--port", min=0, max=65535, metavar="N", help="0: any free port.")
    ] = 0,
    no_progress: options.NoProgress = False,
) -> None:
    """
    Start the lab on loopback, audit its sample fleet, show where the results are.

    Nothing leaves this machine. The inputs are written beside the results, to be read and changed.
    """
    with _lab(port) as base_url:
        fleet = _write_inputs(out, int(base_url.rpartition(":")[2]))
        say(f"auditing {counted(len(fleet.clients), 'client')} on the lab at {base_url}")
        say(f"inputs: {out}/clients.toml, {out}/scopes.txt")
        logs = LogOptions(log_format=LogFormat.CONSOLE, no_progress=no_progress)
        order = Audit(fleet, out, commands=Commands(history=command("history", out, ())))
        code = run_audit(order, logs, options.TABLE, words=context.obj)
    for line in NEXT:
        say(line)
    if code not in {Exit.DONE, Exit.FAILED}:
        raise typer.Exit(code)


@contextmanager
def _lab(port: int) -> Iterator[str]:
    """The lab with the demo's servers, in a thread of its own. Gives its base URL."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Lab(demo_servers()).serve(port)) as base_url,
    ):
        yield base_url


def _write_inputs(out: Path, port: int) -> Fleet:
    """
    Write the demo's inputs into the output folder and read them as any others.

    Raises InputError where the folder holds anything but an earlier demo.
    """
    clients, scopes = out / "clients.toml", out / "scopes.txt"
    title = demo_clients(port).partition("\n")[0]
    try:
        is_taken = out.exists() and any(out.iterdir())
        is_ours = clients.is_file() and clients.read_text("utf-8").startswith(title)
        if is_taken and not is_ours:
            raise InputError([f"{out}: holds other things than a demo; choose another --out"])
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        told = f"{out}: cannot be used: {error.strerror}; choose another --out"
        raise InputError([told]) from error
    out.chmod(0o700)
    for path, text in ((clients, demo_clients(port)), (scopes, demo_scopes())):
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    environment = {**os.environ, **demo_environment()}
    return read_clients([clients], scopes_files=[scopes], environment=environment, stdin=sys.stdin)
