"""What typer says to people: help screens, and complaints of options."""

from __future__ import annotations

from typing import Any

import typer
import typer.core


class Command(typer.core.TyperCommand):
    """A command whose flags are shown without `<bool>`, and that speaks no Python."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - as below
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise

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
