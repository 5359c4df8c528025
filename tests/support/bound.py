"""
Processes that end with the one that started them, however that one ends.

As a script it runs a command: `python bound.py PARENT COMMAND...`. It asks the kernel for SIGKILL
at its parent's end (PR_SET_PDEATHSIG of prctl(2), kept by execve) and becomes the command. Where
there is no prctl it becomes the command at once.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def bound(command: list[object]) -> list[str]:
    """The command as one that ends with this process."""
    return [sys.executable, "-IS", __file__, str(os.getpid()), *map(str, command)]


if __name__ == "__main__":
    parent, *words = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):
            sys.exit("whoever started this has ended already")
    os.execvp(words[0], words)
