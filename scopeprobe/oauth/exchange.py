"""One question on the wire, as a generator: whoever drives it does the I/O."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from scopeprobe.model.answers import Exchange, Question, Unanswered
from scopeprobe.model.clients import Client, Target
from scopeprobe.model.findings import Reason
from scopeprobe.oauth.answers import Reader
from scopeprobe.oauth.requests import request_writer


def exchanges(
    client: Client, target: Target, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Callable[[Question], Exchange]:
    """Return what opens an exchange for each of this client's questions."""
    write, reader = request_writer(client, target), Reader.of(client, target)

    def exchange(question: Question) -> Exchange:
        response = yield write(question)
        if isinstance(response, Reason):
            return Unanswered(response)
        return reader.read(question, response, now())

    return exchange
