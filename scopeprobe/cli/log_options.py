"""How a run is shown to the person, or the log, in front of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from scopeprobe.cli.log_lines import DEBUG, INFO, WARNING
from scopeprobe.cli.logs import LogFormat
from scopeprobe.cli.options import OUTPUT, NoProgress, option


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    log_format: Annotated[
        LogFormat,
        option(
            "--log-format",
            help="For people or for machines; auto looks where they go.",
            panel=OUTPUT,
        ),
    ] = LogFormat.AUTO
    log_file: Annotated[
        Path | None,
        option(
            "--log-file",
            metavar="FILE",
            help="Every event as a line of JSON, appended.",
            panel=OUTPUT,
        ),
    ] = None
    quiet: Annotated[
        bool, option("--quiet", "-q", help="Warnings and errors only.", panel=OUTPUT)
    ] = False
    verbose: Annotated[
        int, option("--verbose", "-v", count=True, help="More logs; repeatable.", panel=OUTPUT)
    ] = 0
    no_progress: NoProgress = False

    @property
    def is_for_people(self) -> bool:
        return self.log_format.resolved(sys.stderr) is LogFormat.CONSOLE

    @property
    def level(self) -> int:
        """On a terminal, progress and table show what a log says elsewhere."""
        if self.quiet:
            return WARNING
        levels = [WARNING, INFO, DEBUG] if self.is_for_people else [INFO, DEBUG]
        return levels[min(self.verbose, len(levels) - 1)]
