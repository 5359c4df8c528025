"""
Which scopes does each OAuth 2.0 client really have, and why does the token endpoint say 401?

    fleet = read_clients([Path("clients.toml")], scopes_files=[Path("scopes.txt")])
    result = await audit(Audit(fleet, out=Path("scopeprobe-out")))
    for cell in result.cells:
        print(cell.client, cell.scope, cell.verdict, cell.reason)
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"
__all__ = [
    "Audit",
    "Explain",
    "Result",
    "__version__",
    "audit",
    "explain",
    "read_client",
    "read_clients",
]

_ROOMS = {
    "Audit": "scopeprobe.audits.order",
    "Explain": "scopeprobe.audits.explain",
    "Result": "scopeprobe.audits.audit",
    "audit": "scopeprobe.audits.audit",
    "explain": "scopeprobe.audits.explain",
    "read_client": "scopeprobe.inputs",
    "read_clients": "scopeprobe.inputs",
}


def __getattr__(name: str) -> object:
    """Open a room when its name is first used: the command line starts without all of them."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)
