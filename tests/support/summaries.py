"""Summaries of runs that never were, for what writes them down."""

from scopeprobe.reports.summary import Summary


def told(*findings, warnings=(), clients=()):
    return Summary(
        "20261124T000000Z-0000", "2026-11-24T00:00:00Z", "2026-11-24T00:00:01Z", True, True,
        {}, 1, 1, clients, (), (), findings, warnings=tuple(warnings),
    )  # fmt: skip
