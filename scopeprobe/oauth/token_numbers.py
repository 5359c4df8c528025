"""Which tokens are the same, told without keeping any (docs/design.md, rule 11)."""

from __future__ import annotations

import hashlib
import secrets


class TokenNumbers:
    """
    Numbers the tokens of one client in the order of their first showing.

    Only keyed digests are kept, in memory. The numbers begin anywhere, so that those of two
    invocations do not meet in one journal.
    """

    def __init__(self) -> None:
        self._keyed = hashlib.blake2b(key=secrets.token_bytes(16), digest_size=16)
        self._first = 1 + secrets.randbits(48)
        self._numbers: dict[bytes, int] = {}

    def of(self, token: str) -> int:
        """The number of a token; equal tokens have one, others another."""
        return self._numbers.setdefault(self._digest(token), self._first + len(self._numbers))

    def __contains__(self, token: str) -> bool:
        """Whether the token was numbered before."""
        return self._digest(token) in self._numbers

    def _digest(self, token: str) -> bytes:
        digest = self._keyed.copy()
        digest.update(token.encode())
        return digest.digest()
