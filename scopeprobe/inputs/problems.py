"""All that is wrong with the inputs, each with its place, so that it is said at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from scopeprobe.errors import InputError


@dataclass(frozen=True, slots=True)
class Place:
    """A file and the way to a value in it: `clients.toml: clients[3].client_secret`."""

    file: str
    path: str = ""

    def at(self, *steps: str | int) -> Place:
        """Go down by keys and by indices, which count from 0."""
        path = self.path
        for step in steps:
            if isinstance(step, int):
                path += f"[{step}]"
            else:
                path += f".{step}" if path else step
        return Place(self.file, path)

    def __str__(self) -> str:
        return f"{self.file}: {self.path}" if self.path else self.file


@dataclass(slots=True)
class Problems:
    """What is wrong with the inputs: errors forbid a run, notices do not."""

    errors: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def error(self, place: Place, words: str) -> None:
        self.errors.append(f"{place}: {words}")

    def notice(self, place: Place, words: str) -> None:
        self.notices.append(f"{place}: {words}")

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
