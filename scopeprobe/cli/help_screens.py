"""Help screens: what takes no value names no type."""

from __future__ import annotations

from typing import Any

import typer.core


class Command(typer.core.TyperCommand):
    """A command whose flags are shown without `<bool>`."""

    def get_params(self, ctx: Any) -> Any:  # noqa: ANN401 - typer keeps its types private
        return _without_types_of_flags(super().get_params(ctx))


class Group(typer.core.TyperGroup):
    """The same for a group of commands."""

    def get_params(self, ctx: Any) -> Any:  # noqa: ANN401 - typer keeps its types private
        return _without_types_of_flags(super().get_params(ctx))


def _without_types_of_flags(parameters: Any) -> Any:  # noqa: ANN401 - typer keeps its types private
    for one in parameters:
        if getattr(one, "is_flag", False) or getattr(one, "count", False):
            one.metavar = ""
    return parameters
