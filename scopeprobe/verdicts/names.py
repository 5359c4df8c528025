"""Names of scopes and rights held against each other."""

from __future__ import annotations

from scopeprobe.model.client import Scope


def covers(right: Scope, scope: Scope) -> bool:
    """
    Whether a right is the candidate or more than it: part by part, `*` standing for any.

    A candidate with `*` is covered by a right that says `*` there too: all of it is held.
    """
    parts, wanted = right.split(":"), scope.split(":")
    return len(parts) == len(wanted) and all(
        part in {"*", asked} for part, asked in zip(parts, wanted, strict=True)
    )


def resembles(name: Scope, scope: Scope) -> bool:
    """The same name in other cases, or one with the other as its last part: `api/read`, `read`."""
    one, other = name.lower(), scope.lower()
    return one == other or any(
        long.endswith(separator + short)
        for long, short in ((one, other), (other, one))
        for separator in "/:.#"
    )


def resource(scope: Scope) -> str:
    """The part of a name that tells its resource: up to the last slash; empty without one."""
    return scope.rpartition("/")[0]
