"""The command line: reads options, calls the program, prints, and picks the exit code."""

from scopeprobe.cli.app import main

__all__ = ["main"]
