"""`python -m scopeprobe`."""

from scopeprobe.cli import main

main()
