"""`scopeprobe demo`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scopeprobe.cli import options
from scopeprobe.cli.logs import LogFormat
from scopeprobe.cli.terminal import Printed, Terminal
from scopeprobe.errors import InputError

if TYPE_CHECKING:
    from scopeprobe.inputs import Fleet

EXAMPLES = """
Examples:

  scopeprobe demo

  scopeprobe demo -o /tmp/demo
"""


def demo_command(
    *,
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
    from scopeprobe.audits.audit import Audit  # noqa: PLC0415 - heavy, not needed for --help
    from scopeprobe.cli.run_audit import Exit, run_audit  # noqa: PLC0415

    with _lab(port) as base_url:
        fleet = _write_inputs(out, int(base_url.rpartition(":")[2]))
        typer.echo(f"auditing {len(fleet.clients)} clients on the lab at {base_url}", err=True)
        try:
            run_audit(
                Audit(fleet, out),
                Terminal(LogFormat.CONSOLE, no_progress=no_progress),
                Printed.TABLE,
            )
        except typer.Exit as end:
            if end.exit_code in {Exit.COMPLETE, Exit.FAILED}:
                typer.echo(f"inputs: {out}/clients.toml, {out}/scopes.txt", err=True)
                raise typer.Exit from None
            raise


@contextmanager
def _lab(port: int) -> Iterator[str]:
    """The lab with the demo's servers, in a thread of its own. Gives its base URL."""
    from anyio.from_thread import start_blocking_portal  # noqa: PLC0415

    from scopeprobe.lab import Lab, demo_servers  # noqa: PLC0415

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
    from scopeprobe.inputs import read_clients  # noqa: PLC0415
    from scopeprobe.lab import demo_clients, demo_environment, demo_scopes  # noqa: PLC0415

    clients, scopes = out / "clients.toml", out / "scopes.txt"
    title = demo_clients(port).partition("\n")[0]
    try:
        is_taken = out.exists() and any(out.iterdir())
        is_ours = clients.is_file() and clients.read_text("utf-8").startswith(title)
        if is_taken and not is_ours:
            raise InputError([f"{out}: holds other things than a demo; choose another --out"])
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError([f"{out}: cannot be used: {error.strerror}"]) from error
    out.chmod(0o700)
    for path, text in ((clients, demo_clients(port)), (scopes, demo_scopes())):
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    environment = {**os.environ, **demo_environment()}
    return read_clients([clients], scopes_files=[scopes], environment=environment, stdin=sys.stdin)
