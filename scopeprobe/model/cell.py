"""Verdicts, their reasons and their evidence: the words of the permission map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple, TypeAlias

import msgspec

from scopeprobe.model.client import ClientName, Registration
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import ClientId


class Word(StrEnum):
    """A word of which many are compared and looked up: by its text, as any other string is."""

    __hash__ = str.__hash__


class Verdict(Word):
    GRANTED = "granted"
    DENIED = "denied"
    UNENFORCED = "unenforced"
    UNAUTHENTICATED = "unauthenticated"
    UNKNOWN = "unknown"


class Reason(Word):
    """Why a cell says what it says: a closed list, grouped by verdict."""

    # granted
    LISTED_IN_RESPONSE = "listed_in_response"
    LISTED_IN_TOKEN = "listed_in_token"
    INTROSPECTED = "introspected"
    LISTED_BY_RIGHTS_API = "listed_by_rights_api"
    ACCEPTED_ALONE = "accepted_alone"
    ACCEPTED_IN_SET = "accepted_in_set"
    UNLISTED = "unlisted"
    # denied
    REFUSED_ALONE = "refused_alone"
    LEFT_OUT = "left_out"
    NAMED_IN_REFUSAL = "named_in_refusal"
    UNKNOWN_SCOPE = "unknown_scope"
    # unenforced
    CANARY_ISSUED = "canary_issued"
    SHAPE_UNENFORCED = "shape_unenforced"
    SCOPE_NOT_USED = "scope_not_used"
    # unauthenticated
    CREDENTIALS_REJECTED = "credentials_rejected"
    UNKNOWN_CLIENT = "unknown_client"
    # unknown, open: asking again may settle them
    NOT_ASKED = "not_asked"
    THROTTLED = "throttled"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    TLS_FAILURE = "tls_failure"
    REDIRECTED = "redirected"
    MALFORMED_ANSWER = "malformed_answer"
    SERVER_ERROR = "server_error"
    ENDPOINT_LEFT_ALONE = "endpoint_left_alone"
    CLIENT_LEFT_ALONE = "client_left_alone"
    BUDGET_SPENT = "budget_spent"
    DEADLINE = "deadline"
    QUIET = "quiet"
    INTERRUPTED = "interrupted"
    REFUSALS_UNBRACKETED = "refusals_unbracketed"
    # unknown, settled: asking again tells nothing new
    UNCONFIRMED = "unconfirmed"
    CONTRADICTORY = "contradictory"
    GRANT_NOT_ALLOWED = "grant_not_allowed"
    AUTHENTICATION_UNPROVED = "authentication_unproved"
    TOKEN_SHARED = "token_shared"
    NEEDS_TARGET = "needs_target"

    @property
    def is_open(self) -> bool:
        """Asking again may settle the cell."""
        return self in _OPEN

    @property
    def is_out_of_reach(self) -> bool:
        """The server gave no usable answer: it may as well not be there."""
        return self in _OUT_OF_REACH


_OPEN = frozenset(
    {
        Reason.NOT_ASKED,
        Reason.THROTTLED,
        Reason.TIMED_OUT,
        Reason.UNREACHABLE,
        Reason.TLS_FAILURE,
        Reason.REDIRECTED,
        Reason.MALFORMED_ANSWER,
        Reason.SERVER_ERROR,
        Reason.ENDPOINT_LEFT_ALONE,
        Reason.CLIENT_LEFT_ALONE,
        Reason.BUDGET_SPENT,
        Reason.DEADLINE,
        Reason.QUIET,
        Reason.INTERRUPTED,
        Reason.REFUSALS_UNBRACKETED,
    }
)
_OUT_OF_REACH = frozenset(
    {
        Reason.TIMED_OUT,
        Reason.UNREACHABLE,
        Reason.TLS_FAILURE,
        Reason.REDIRECTED,
        Reason.MALFORMED_ANSWER,
        Reason.SERVER_ERROR,
        Reason.ENDPOINT_LEFT_ALONE,
    }
)


class Evidence(Word):
    """What a verdict rests on."""

    ALONE = "alone"
    """The scope was asked for on its own."""
    SET = "set"
    """Asked in a set whose answer settles it."""
    TOKEN = "token"
    """Read from the answer's scope list, from the token, or from its introspection."""
    API = "api"
    """Read from a rights endpoint."""
    NONE = "none"


CellKey: TypeAlias = tuple[str, str, str]
"""Client, audience, scope."""
PROVED = frozenset({Verdict.GRANTED, Verdict.DENIED, Verdict.UNENFORCED})


class Cell(msgspec.Struct, frozen=True, gc=False):
    """The verdict on one (client, audience, scope) cell."""

    client: ClientName
    client_id: ClientId
    audience: str
    scope: Scope
    verdict: Verdict
    reason: Reason
    evidence: Evidence = Evidence.NONE
    http_status: int | None = None
    error: str = ""
    error_description: str = ""
    limited_to: str = ""
    """What limits a right that is granted: divisions, a condition; empty where nothing does."""

    @property
    def is_open(self) -> bool:
        return self.verdict is Verdict.UNKNOWN and self.reason.is_open

    @property
    def is_proved(self) -> bool:
        """The server's answers prove what the cell says."""
        return self.verdict in PROVED

    @property
    def key(self) -> CellKey:
        """What identifies the cell, and what maps are sorted by."""
        return self.client, self.audience, self.scope


def what_stood_in_the_way(cells: Iterable[Cell]) -> str:
    """What most cells say of why there was no usable answer, or no login; empty where none does."""
    told = Counter(
        " ".join(filter(None, (str(cell.http_status or ""), cell.error_description or cell.error)))
        for cell in cells
        if cell.verdict is Verdict.UNAUTHENTICATED
        or (cell.verdict is Verdict.UNKNOWN and cell.reason.is_out_of_reach)
    )
    del told[""]
    return min(told, key=lambda words: (-told[words], words), default="")


class Column(NamedTuple):
    """One value of a cell, as files hold it: the attribute of this name."""

    name: str
    read: Callable[[str], object] | None = str
    """From the text of a file to the field of this name; None: the column is no field of a cell."""
    is_new: bool = False
    """Files of before lack it; there it is empty."""


def _status(text: str) -> int | None:
    if text and not text.isdecimal():
        raise ValueError("http_status must be a number")
    return int(text) if text else None


COLUMNS = (
    Column("client"),
    Column("client_id"),
    Column("audience"),
    Column("scope"),
    Column("verdict", Verdict),
    Column("reason", Reason),
    Column("evidence", Evidence),
    Column("http_status", _status),
    Column("error"),
    Column("error_description"),
    Column("limited_to", is_new=True),
)
"""What is written of a cell: the columns of its CSV files and the members of its JSON, in order."""
values_of: Callable[[Cell], tuple[str | int | None, ...]] = attrgetter(
    *(column.name for column in COLUMNS)
)
"""The values of a cell, in the order of the columns."""


@dataclass(frozen=True, slots=True)
class PermissionMap:
    """All cells of one client, sorted by audience and scope."""

    client: ClientName
    cells: tuple[Cell, ...]
    registration: Registration | None = None
    """What the server said of the client's own end; a map that is read from a CSV file has none."""

    @property
    def tally(self) -> Mapping[tuple[Verdict, Reason], int]:
        """How many cells have each verdict and reason; empty where there are no cells."""
        return Counter((cell.verdict, cell.reason) for cell in self.cells)

    @property
    def is_unauthenticated(self) -> bool:
        """The credentials were accepted for nothing at all."""
        return {verdict for verdict, _ in self.tally} == {Verdict.UNAUTHENTICATED}

    def grants(self, audience: str, scope: Scope) -> bool:
        return any(
            cell.verdict is Verdict.GRANTED
            for cell in self.cells
            if (cell.audience, cell.scope) == (audience, scope)
        )
