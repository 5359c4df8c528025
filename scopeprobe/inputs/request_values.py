"""Values of `headers` and `token_params`: text, or secrets that are kept elsewhere and masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from scopeprobe.inputs.secrets import LiteralSecret, SecretSource
from scopeprobe.model.secret import RequestValue, Secret

TELLING = re.compile(r"key|token|secret|password|auth|cookie", re.IGNORECASE)
"""Names of what is secret although the file holds it as text."""
SHORTEST_SECRET = 8
"""Letters. To mask shorter values would garble ordinary words."""


@cache
def one_secret(text: str) -> Secret:
    """The same for the same text: servers are compared, and secrets are not."""
    return Secret(text)


def written_values(given: Mapping[str, SecretSource]) -> tuple[tuple[str, RequestValue], ...]:
    """What stands in the file itself, sorted by name; as a secret where the name tells so."""
    return tuple(
        (name, one_secret(source.text) if _is_secret(name, source.text) else source.text)
        for name, source in sorted(given.items())
        if isinstance(source, LiteralSecret)
    )


def kept_elsewhere(given: Mapping[str, SecretSource], key: str) -> dict[str, SecretSource]:
    """Sources of the others, by the key in the file."""
    return {
        f"{key}.{name}": source
        for name, source in given.items()
        if not isinstance(source, LiteralSecret)
    }


def _is_secret(name: str, text: str) -> bool:
    return len(text) >= SHORTEST_SECRET and TELLING.search(name) is not None
