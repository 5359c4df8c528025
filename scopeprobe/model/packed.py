"""Facts and permission maps of many clients, held in few bytes each and unpacked one at a time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, overload

import msgspec

from scopeprobe.model.answer import Fact
from scopeprobe.model.cell import Cell, Evidence, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName, Registration
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import ClientId

_FASTEST = 1
"""Level of compression: scopes of one client resemble one another, and shrink at any."""

_encode = msgspec.msgpack.Encoder().encode
_decode_facts = msgspec.msgpack.Decoder(tuple[Fact, ...]).decode


class PackedFacts:
    """What one client was told, to be gone through again and again."""

    __slots__ = ("_packed",)

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._packed = zlib.compress(_encode(tuple(facts)), _FASTEST)

    def __iter__(self) -> Iterator[Fact]:
        return iter(_decode_facts(zlib.decompress(self._packed)))


# -- cells


class _Particulars(NamedTuple):
    """What a cell says beside its client and scope; few differ within a map."""

    audience: str
    verdict: Verdict
    reason: Reason
    evidence: Evidence
    http_status: int | None
    error: str
    error_description: str
    limited_to: str


_particulars_of: Callable[[Cell], Any] = attrgetter(*_Particulars._fields)


class _Cells(msgspec.Struct, array_like=True):
    client: ClientName
    client_id: ClientId
    particulars: tuple[_Particulars, ...]
    scopes: tuple[Scope, ...]
    positions: tuple[int, ...]
    """Of what each of the scopes met, among the particulars."""


_decode_cells = msgspec.msgpack.Decoder(_Cells).decode


def pack_cells(cells: Sequence[Cell]) -> bytes:
    """The cells of one client. Equal ones give equal bytes."""
    if not cells:
        return b""
    found: dict[_Particulars, int] = {}
    positions = [found.setdefault(one, len(found)) for one in map(_particulars_of, cells)]
    first, scopes = cells[0], tuple(cell.scope for cell in cells)
    packed = _Cells(first.client, first.client_id, tuple(found), scopes, tuple(positions))
    return zlib.compress(_encode(packed), _FASTEST)


def unpack_cells(packed: bytes) -> tuple[Cell, ...]:
    """Raises msgspec.MsgspecError, zlib.error or IndexError for what `pack_cells` did not write."""
    if not packed:
        return ()
    cells = _decode_cells(zlib.decompress(packed))
    client, client_id = cells.client, cells.client_id
    met = [cells.particulars[position] for position in cells.positions]
    return tuple(
        [
            Cell(client, client_id, one.audience, scope, *one[1:])
            for scope, one in zip(cells.scopes, met, strict=True)
        ]
    )


class PackedMap(NamedTuple):
    """The permission map of one client, in few bytes."""

    client: ClientName
    cells: bytes
    registration: Registration | None = None

    @classmethod
    def of(cls, permissions: PermissionMap) -> PackedMap:
        return cls(permissions.client, pack_cells(permissions.cells), permissions.registration)

    def unpacked(self) -> PermissionMap:
        return PermissionMap(self.client, unpack_cells(self.cells), self.registration)


class PackedMaps(Sequence[PermissionMap]):
    """Permission maps, sorted by client, of which no more than one is unpacked at a time."""

    def __init__(self, packed: Iterable[PackedMap]) -> None:
        self.packed = tuple(packed)

    def __iter__(self) -> Iterator[PermissionMap]:
        return (one.unpacked() for one in self.packed)

    def __len__(self) -> int:
        return len(self.packed)

    @overload
    def __getitem__(self, index: int) -> PermissionMap: ...
    @overload
    def __getitem__(self, index: slice) -> PackedMaps: ...
    def __getitem__(self, index: int | slice) -> PermissionMap | PackedMaps:
        if isinstance(index, slice):
            return PackedMaps(self.packed[index])
        return self.packed[index].unpacked()
