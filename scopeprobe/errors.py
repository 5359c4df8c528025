"""
Everything scopeprobe raises on purpose.

ScopeprobeError
├── InputError        the files, options or folder cannot be used: nothing was sent (exit 2)
│   ├── FolderInUse       another audit writes to the output folder
│   └── InputsChanged     a run cannot be resumed with inputs that differ from its own
├── StoreError        the output folder failed in the middle of a run: what is committed is kept
│   └── FolderGone        it was removed or moved away meanwhile, and all that is in it
└── LabError          the embedded authorization server cannot play what it was asked to

What a server does wrong is never raised: it is an `Unanswered` answer (model/answers.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class ScopeprobeError(Exception):
    """Base of the tree. Caught once, by the command line."""

    code = "error"


class InputError(ScopeprobeError):
    """All that is wrong with the inputs, one complaint a line, each with its place."""

    code = "input_error"

    def __init__(self, messages: Iterable[str]) -> None:
        self.messages = tuple(messages)
        super().__init__("\n".join(self.messages))


class FolderInUse(InputError):
    code = "folder_in_use"


class InputsChanged(InputError):
    code = "inputs_changed"


class StoreError(ScopeprobeError):
    code = "store_error"
    advice = "what was committed is kept: mend this, then go on with --resume"


class FolderGone(StoreError):
    code = "folder_gone"
    advice = "put it back and go on with --resume, or start again"

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: was removed or moved away while the run went on")


class LabError(ScopeprobeError):
    code = "lab_error"


def describe(error: BaseException) -> str:
    """
    What is wrong, for whoever reads it.

    Of a bug, its type and place: its message may quote what a server sent.
    """
    error = cause_of(error)
    if isinstance(error, ScopeprobeError):
        return str(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    code = trace.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"


def cause_of(error: BaseException) -> BaseException:
    """What went wrong first, where tasks that ran together raise a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def nearest(word: str, known: Iterable[str]) -> str:
    """Which of the known names was probably meant; empty where none is near."""
    return next(iter(get_close_matches(word, sorted(known), 1)), "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a complaint: which of the known names was probably meant; empty where none is."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""
