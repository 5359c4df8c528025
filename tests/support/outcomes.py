"""Permission maps of a few cells, each with what became of it."""

from scopeprobe.model.cell import Cell, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.server import ClientId

GRANTED = Verdict.GRANTED, Reason.LISTED_IN_RESPONSE
DENIED = Verdict.DENIED, Reason.REFUSED_ALONE
UNENFORCED = Verdict.UNENFORCED, Reason.CANARY_ISSUED
REJECTED = Verdict.UNAUTHENTICATED, Reason.CREDENTIALS_REJECTED
LATE = Verdict.UNKNOWN, Reason.TIMED_OUT
AWAY = Verdict.UNKNOWN, Reason.UNREACHABLE


def permissions(client, *outcomes, audience="", ends=None, **common):
    """The map of a client whose scopes are called s0, s1, …; all its cells have this in common."""
    return PermissionMap(
        ClientName(client),
        tuple(
            Cell(
                ClientName(client), ClientId(f"{client}-id"), audience, f"s{n}", verdict, reason,
                **common,
            )
            for n, (verdict, reason) in enumerate(outcomes)
        ),
        ends,
    )  # fmt: skip


def by_key(*maps):
    return {cell.key: cell for one in maps for cell in one.cells}
