"""The command line: reads options, opens the rooms, picks the exit code. Decides nothing."""

from scopeprobe.cli.app import main

__all__ = ["main"]
