"""Where something is wrong, and all that is wrong, so that it can be said at once."""

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
    """What is to be said about the inputs: complaints forbid a run, notices do not."""

    messages: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def add(self, place: Place, words: str) -> None:
        self.messages.append(f"{place}: {words}")

    def notice(self, place: Place, words: str) -> None:
        self.notices.append(f"{place}: {words}")

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Keep the complaints of what is refused inside, and go on."""
        try:
            yield
        except InputError as error:
            self.messages.extend(error.messages)
