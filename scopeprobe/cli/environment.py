"""Environment variables that set options, and those that only look as if they did."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from scopeprobe.errors import did_you_mean

PREFIX = "SCOPEPROBE_"
SECRET = f"{PREFIX}CLIENT_SECRET"
"""The secret of a client that stands in no file: the only variable that sets no option."""
COMPLETION = f"_{PREFIX}COMPLETE"
"""By which a shell asks what it is to offer at the cursor."""


def our_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}


def unknown_variables(commands: Iterable[Any]) -> Iterator[str]:
    """
    What to say of variables that set nothing; their values are never told.

    :param commands: all there are; none is imported where no variable is set.
    """
    if not (given := sorted(our_variables())):
        return
    known = {SECRET}.union(*map(_variables_of, commands))
    known = {name.removeprefix(PREFIX) for name in known}
    for name in (name.removeprefix(PREFIX) for name in given):
        if name not in known:
            near = did_you_mean(name, known).replace("mean ", f"mean {PREFIX}")
            yield f"{PREFIX}{name} sets no option of any command{near}"


def _variables_of(command: Any) -> set[str]:  # noqa: ANN401 - typer keeps its types private
    own = {str(one.envvar) for one in command.params if getattr(one, "envvar", None)}
    return own.union(*map(_variables_of, getattr(command, "commands", {}).values()))
