"""How a run is shown to the person, or the log, in front of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from scopeprobe.cli.logs import DEBUG, INFO, WARNING, LogFormat


class Printed(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    OPENMETRICS = "openmetrics"


@dataclass(frozen=True, slots=True)
class Terminal:
    """What was asked for with the options of logs and progress."""

    log_format: LogFormat = LogFormat.AUTO
    log_file: Path | None = None
    quiet: bool = False
    verbose: int = 0
    no_progress: bool = False

    @property
    def is_for_people(self) -> bool:
        return self.log_format.resolved(sys.stderr) is LogFormat.CONSOLE

    @property
    def level(self) -> int:
        """On a terminal the progress and the table tell what a log tells elsewhere."""
        if self.quiet:
            return WARNING
        levels = [WARNING, INFO, DEBUG] if self.is_for_people else [INFO, DEBUG]
        return levels[min(self.verbose, len(levels) - 1)]
