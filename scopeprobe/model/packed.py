"""Facts and permission maps of many clients, held in few bytes each and unpacked one at a time."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

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


_NO_CELLS = _Cells(ClientName(""), ClientId(""), (), (), ())
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
    cells = _opened(packed)
    client, client_id = cells.client, cells.client_id
    met = [cells.particulars[position] for position in cells.positions]
    return tuple(
        [
            Cell(client, client_id, one.audience, scope, *one[1:])
            for scope, one in zip(cells.scopes, met, strict=True)
        ]
    )


def _opened(packed: bytes) -> _Cells:
    """Raises ValueError for what `pack_cells` did not write."""
    try:
        cells = _decode_cells(zlib.decompress(packed)) if packed else _NO_CELLS
    except zlib.error as error:
        raise ValueError(*error.args) from error
    if not set(cells.positions).issubset(range(len(cells.particulars))):
        raise ValueError("a cell says what its map does not have")
    return cells


class PackedMap(PermissionMap):
    """The permission map of one client, in few bytes; its cells are unpacked when asked for."""

    __slots__ = ("_read",)

    _read: Callable[[], bytes]

    def __init__(
        self, client: ClientName, packed: bytes, registration: Registration | None = None
    ) -> None:
        """Raises ValueError where the bytes are no map of the client."""
        if packed and _opened(packed).client != client:
            raise ValueError("a map is of another client")
        _fill(self, client, lambda: packed, registration)

    def __reduce__(self) -> tuple[type[PackedMap], tuple[object, ...]]:
        """Go to another process packed."""
        return PackedMap, (self.client, self.packed, self.registration)

    @classmethod
    def of(cls, permissions: PermissionMap) -> PackedMap:
        if isinstance(permissions, PackedMap):
            return permissions
        return cls(permissions.client, pack_cells(permissions.cells), permissions.registration)

    def read_by(self, read: Callable[[], bytes]) -> PackedMap:
        """The same map, its bytes held elsewhere: they are read whenever they are needed."""
        other = PackedMap.__new__(PackedMap)
        _fill(other, self.client, read, self.registration)
        return other

    @property
    def packed(self) -> bytes:
        """What `pack_cells` made of its cells."""
        return self._read()

    @property
    def cells(self) -> tuple[Cell, ...]:
        return _lately_unpacked(self.packed)

    @property
    def tally(self) -> Mapping[tuple[Verdict, Reason], int]:
        """The same as of any map; no cell is unpacked for it."""
        opened, tally = _opened(self.packed), Counter[tuple[Verdict, Reason]]()
        for position, count in Counter(opened.positions).items():
            one = opened.particulars[position]
            tally[one.verdict, one.reason] += count
        return tally

    def grants(self, audience: str, scope: Scope) -> bool:
        return (audience, scope) in _granted(self.packed)


def _fill(
    one: PackedMap,
    client: ClientName,
    read: Callable[[], bytes],
    registration: Registration | None,
) -> None:
    """Set the fields of a map, which is frozen from then on."""
    for name, value in (("client", client), ("_read", read), ("registration", registration)):
        object.__setattr__(one, name, value)


@lru_cache(maxsize=2)
def _lately_unpacked(packed: bytes) -> tuple[Cell, ...]:
    """Who asks for the cells of a client asks again before another client's turn comes."""
    return unpack_cells(packed)


@lru_cache(maxsize=2)
def _granted(packed: bytes) -> frozenset[tuple[str, Scope]]:
    cells = _lately_unpacked(packed)
    return frozenset((c.audience, c.scope) for c in cells if c.verdict is Verdict.GRANTED)
