"""Write reports into the output folder: private, and never half written."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from scopeprobe.errors import StoreError
from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.client import ClientName
from scopeprobe.reports.csv_files import HEADER, matrix_csv, permission_rows
from scopeprobe.reports.formats import Format
from scopeprobe.reports.summary import Summary

MATRIX, SUMMARY, CLIENTS = "matrix.csv", "summary.json", "clients"


def write_reports(
    folder: Path,
    maps: Sequence[PermissionMap],
    summary: Summary,
    known: Collection[ClientName],
    formats: Collection[Format] = (),
) -> None:
    """
    Write all files of a run. `maps` are sorted by client; `known` are all clients of the inputs.

    `formats` are those that were asked for beside the CSV files.

    Maps of clients that are no longer in the inputs are removed, those of clients that were merely
    not selected stay. What cannot be written keeps none of the others from it: the first failure
    is raised at the end, StoreError where it is the disk's.
    """
    failures: list[Exception] = []
    for write in _writes(folder, maps, summary, known, formats):
        try:
            write()
        except Exception as error:  # noqa: BLE001 - raised below
            failures.append(error)
    for failure in failures:
        if isinstance(failure, OSError):
            place, why = failure.filename2 or failure.filename or folder, failure.strerror
            raise StoreError(f"{place}: the reports cannot be written: {why}") from failure
        raise failure


def _writes(
    folder: Path,
    maps: Sequence[PermissionMap],
    summary: Summary,
    known: Collection[ClientName],
    formats: Collection[Format],
) -> Iterator[Callable[[], None]]:
    """What there is to do, each independent of the others."""
    yield partial(_write_maps, folder, maps, known)
    yield lambda: _replace(folder / MATRIX, matrix_csv(maps))
    yield lambda: _replace(folder / SUMMARY, summary.as_json())
    for form in dict.fromkeys(formats):
        yield partial(_render, folder, form, maps, summary)


def _write_maps(folder: Path, maps: Sequence[PermissionMap], known: Collection[ClientName]) -> None:
    clients = folder / CLIENTS
    clients.mkdir(mode=0o700, exist_ok=True)
    all_rows = [HEADER]
    for permissions in maps:
        rows = permission_rows(permissions.cells)
        _replace(clients / f"{permissions.client}.csv", HEADER + rows)
        all_rows.append(rows)
    names = {f"{name}.csv" for name in known}
    for stale in clients.glob("*.csv"):
        if stale.name not in names:
            stale.unlink()
    _replace(folder / Format.CSV.file, "".join(all_rows))


def _render(folder: Path, form: Format, maps: Sequence[PermissionMap], summary: Summary) -> None:
    _replace(folder / form.file, form.render(maps, summary))


def write_file(path: Path, text: str) -> None:
    """Write one private file, whole or not at all. Raises StoreError where it cannot be."""
    try:
        _replace(path, text)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    """Write beside the file's place (0600), then rename: a reader sees the old or the new one."""
    draft = path.with_name(f".{path.name}.draft")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
            file.write(text.encode())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
