"""The program with short pauses after faults, so that a run with hundreds of them ends soon."""

import sys

from scopeprobe.cli import main
from scopeprobe.engine import retry

retry.FIRST_BACKOFF, retry.LONGEST_BACKOFF = 0.01, 0.05

sys.exit(main())
