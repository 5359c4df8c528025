"""All that is wrong with the inputs, each with its place, so that it is said at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from scopeprobe.errors import InputError
from scopeprobe.inputs.outline import Outline, Steps

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A client's name, which becomes a file name on every system."""


SHOWN = frozenset(
    {
        *("absent_scope", "allow_http", "allow_private", "basic_encoding", "burst", "ca_file"),
        *("client_rate", "in_flight", "max_auth_failures", "max_scope_bytes", "probe", "provider"),
        *("quiet", "rate", "region", "reserve", "retries", "secret_expires", "server", "timeout"),
        *("tls_client_certificate", "tls_client_key"),
    }
)
"""Keys whose values messages quote. Into others people paste secrets by mistake."""
CORRECT_THE_PATH = "correct the path: it starts in the folder of this file"
_LONGEST_SHOWN = 60
NO_OUTLINE = Outline()


@dataclass(frozen=True, slots=True)
class Place:
    """
    A file and the way to a value in it: `clients.toml:412 crm-07: server "kcc"`.

    Its line is looked for when it is written out: where nothing is wrong, nobody asks for it.
    """

    file: str
    steps: Steps = ()
    outline: Outline = field(default=NO_OUTLINE, repr=False, compare=False)

    def at(self, *steps: str | int) -> Place:
        """Go down by keys and by indices, which count from 0."""
        return Place(self.file, (*self.steps, *steps), self.outline)

    def __str__(self) -> str:
        """File and line, the client by its name, the way to the value, and the value."""
        way = self.steps[2:] if self.client else self.steps
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in way)
        where = " ".join(filter(None, (f"{self.file}{self._line}", self.client)))
        told = " ".join(filter(None, (path.removeprefix("."), self._value)))
        return ": ".join(filter(None, (where, told)))

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Become its text on the way to another process: the document stays here."""
        return str, (str(self),)

    @property
    def without_line(self) -> Place:
        return Place(self.file, self.steps, Outline(data=self.outline.data))

    @property
    def line(self) -> int | None:
        return self.outline.line_of(self.steps)

    @property
    def _line(self) -> str:
        return "" if self.line is None else f":{self.line}"

    @property
    def client(self) -> str:
        """The client in whose table it is: by its name, or by its index where it has none."""
        match self.steps:
            case ("clients", int() as index, *_):
                name = self.outline.value_at(("clients", index, "name"))
                is_sound = isinstance(name, str) and NAME.fullmatch(name) is not None
                return str(name) if is_sound else f"clients[{index}]"
            case _:
                return ""

    @property
    def _value(self) -> str:
        value = self.outline.value_at(self.steps)
        key = next((step for step in reversed(self.steps) if isinstance(step, str)), "")
        if key not in SHOWN or not isinstance(value, str | int | float):
            return ""
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


@dataclass(slots=True)
class Problems:
    """What is wrong with the inputs: errors forbid a run, notices do not."""

    errors: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def error(self, place: Place, words: str) -> None:
        self.errors.append(f"{place}: {words}")

    def notice(self, place: Place, words: str) -> None:
        """Without a line: to look for one may take as long as to read the file."""
        self.notices.append(f"{place.without_line}: {words}")

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Keep the errors of an InputError that is raised inside, and go on."""
        try:
            yield
        except InputError as error:
            self.errors.extend(error.messages)

    def raise_errors(self) -> None:
        """Raise all errors so far as one InputError; do nothing where there are none."""
        if self.errors:
            raise InputError(self.errors)
