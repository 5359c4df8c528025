"""A value that can be sent and never shown."""

from __future__ import annotations

from typing import NoReturn, TypeAlias


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


RequestValue: TypeAlias = str | Secret
"""What a configured header or form parameter holds: a secret is sent, masked and never shown."""


def revealed(value: RequestValue) -> str:
    return value.reveal() if isinstance(value, Secret) else value
