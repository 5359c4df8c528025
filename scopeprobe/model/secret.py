"""A value that can be sent and never shown."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """A value that can be sent but not shown: no repr, no pickle, no equality that leaks length."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not serialised")
