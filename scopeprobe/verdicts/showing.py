"""How lists of a token stand to what was asked for: all that most rules look at of them."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from typing import NamedTuple

from scopeprobe.model.answer import Issued, Place
from scopeprobe.model.evidence import Form, Kind
from scopeprobe.model.scope_names import Scope


class Extent(IntEnum):
    """What one list holds of what was asked for."""

    EMPTY = 0
    """It holds nothing, whether anything was asked for or not."""
    GAPS = 1
    """Some names, and not all that was asked for."""
    EXACT = 2
    """What was asked for, and nothing else."""
    MORE = 3
    """All that was asked for, and other names."""

    @property
    def has_gaps(self) -> bool:
        """Something of what was asked for is missing, if anything was."""
        return self in {Extent.EMPTY, Extent.GAPS}


class Showing(NamedTuple):
    """
    How all lists of a token stand to its request; None where a place has no list.

    A client that asks for hundreds of scopes one by one has hundreds of tokens and few of these.
    """

    audience: str
    is_jwt: bool
    is_for_scopes: bool
    is_unconfirmed: bool
    answer: Extent | None
    token: Extent | None
    introspection: Extent | None

    @property
    def form(self) -> Form:
        return Form(self.audience, self.is_jwt)

    @property
    def lists(self) -> dict[Kind, Extent]:
        form = self.form
        places = zip(Place, (self.answer, self.token, self.introspection), strict=True)
        return {Kind(form, place): extent for place, extent in places if extent is not None}

    @property
    def may_leave_out(self) -> bool:
        """There are lists, and none holds all that was asked for; together they may."""
        lists = self.lists.values()
        return bool(lists) and all(extent.has_gaps for extent in lists)


def held(
    extent: Extent, asked: tuple[Scope, ...], issued: Issued, place: Place
) -> Collection[Scope]:
    """What a list of a token holds; the request serves for a list that holds the same."""
    match extent:
        case Extent.EMPTY:
            return ()
        case Extent.EXACT:
            return asked
        case _:
            return issued.places[place]


def showing_of(audience: str, asked: tuple[Scope, ...], issued: Issued) -> Showing:
    extents = (
        None if names is None else _extent(asked, names, issued, place)
        for place, names in zip(Place, issued.shown, strict=True)
    )
    return Showing(
        audience,
        issued.readable,
        bool(asked),
        issued.unconfirmed,
        *extents,
    )


def _extent(
    asked: tuple[Scope, ...], names: tuple[Scope, ...], issued: Issued, place: Place
) -> Extent:
    if not names:
        return Extent.EMPTY
    if names == asked:
        return Extent.EXACT
    listed = issued.places[place]
    if not listed.issuperset(asked):
        return Extent.GAPS
    return Extent.EXACT if len(listed) == len(set(asked)) else Extent.MORE
