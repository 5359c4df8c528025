"""`python -m scopeprobe`."""

import sys

from scopeprobe.cli import main

sys.exit(main())
