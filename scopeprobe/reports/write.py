"""Write reports into the output folder: private, never half written, and never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path

from scopeprobe.errors import InputError, StoreError
from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.client import ClientName
from scopeprobe.policy.history import Past
from scopeprobe.reports.csv_files import HEADER, matrix_csv, permission_rows
from scopeprobe.reports.findings import FINDINGS_HEADER
from scopeprobe.reports.formats import Format
from scopeprobe.reports.page import PAGE_BEGINS
from scopeprobe.reports.summary import Summary

_digest = partial(blake2b, digest_size=16)
MATRIX, SUMMARY, CLIENTS = "matrix.csv", "summary.json", "clients"
WRITTEN = f"{Format.FINDINGS.file}, {Format.CSV.file}, {MATRIX}, {CLIENTS}/, {SUMMARY}"
"""What every run writes, in words."""


def refuse_foreign_files(
    folder: Path,
    clients: Collection[ClientName],
    written: Mapping[str, str],
    formats: Collection[Format] = (),
) -> None:
    """
    Raise InputError where a file of a run would overwrite one that is none.

    `written` are the files that this folder's runs wrote for clients, with their digests.
    `formats` are those that the run may write beside the CSV files.
    """
    there = folder / CLIENTS
    if there.is_symlink() or (there.exists() and not there.is_dir()):
        raise InputError([f"{there}: is not a folder; choose another --out"])
    if there.exists() and not os.access(there, os.W_OK | os.X_OK, effective_ids=True):
        raise InputError([f"{there}: cannot be written to; choose another --out"])
    maps = [there / f"{name}.csv" for name in clients if f"{name}.csv" not in written]
    headers = dict.fromkeys((*maps, folder / Format.CSV.file), HEADER)
    headers[folder / Format.FINDINGS.file] = FINDINGS_HEADER
    if Format.HTML in formats:
        headers[folder / Format.HTML.file] = PAGE_BEGINS
    complaints = [
        f"{path}: was not written by scopeprobe and would be overwritten; choose another --out"
        for path, header in headers.items()
        if path.exists() and not _begins_with(path, header)
    ]
    if complaints:
        raise InputError(complaints)


def write_reports(
    folder: Path,
    maps: Sequence[PermissionMap],
    summary: Summary,
    *,
    known: Collection[ClientName],
    formats: Collection[Format],
    written: Mapping[str, str],
    past: Past | None = None,
) -> dict[str, str]:
    """
    Write all files of a run. `maps` are sorted by client; `known` are all clients of the inputs.

    `formats` are those that were asked for beside the CSV files. `written` are the files that
    earlier runs wrote for clients, with their digests; returned are those that are there now.
    A page of an earlier run does not stay where this one has none.

    Of those, maps of clients that are no longer in the inputs are removed, unless somebody changed
    them; no other file ever is. What cannot be written keeps none of the others from it: the first
    failure is raised at the end, StoreError where it is the disk's.
    """
    now = dict(written)
    failures: list[Exception] = []
    with _opened(folder) as place:
        writes = (
            partial(_write_maps_of_clients, place, maps, known, now),
            *(partial(_write, place, file, render) for file, render in _files(maps, summary)),
            *(
                partial(_write, place, form.file, partial(form.render, maps, summary, past))
                for form in dict.fromkeys(formats)
            ),
            *(() if Format.HTML in formats else (partial(_remove_page, place, folder),)),
        )
        for write in writes:
            try:
                write()
            except Exception as error:  # noqa: BLE001 - raised below
                failures.append(error)
    for failure in failures:
        if isinstance(failure, OSError):
            name, why = failure.filename or "", failure.strerror
            message = f"{folder / name}: the reports cannot be written: {why}"
            raise StoreError(message) from failure
        raise failure
    return now


def write_file(path: Path, pieces: Iterable[str], like: os.stat_result | None = None) -> None:
    """
    Write one file, whole or not at all. Raises StoreError where it cannot be.

    :param like: whose mode and owner it gets; unless given it is private.
    """
    try:
        with _opened(path.parent) as place:
            _replace(place, path.name, pieces, like)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from error


def _files(
    maps: Sequence[PermissionMap], summary: Summary
) -> Iterator[tuple[str, Callable[[], Iterable[str]]]]:
    """The files of every run, and what renders them."""
    for form in (Format.CSV, Format.FINDINGS):
        yield form.file, partial(form.render, maps, summary)
    yield MATRIX, lambda: [matrix_csv(maps)]
    yield SUMMARY, lambda: [summary.as_json()]


def _write(place: int, file: str, render: Callable[[], Iterable[str]]) -> None:
    _replace(place, file, render())


def _remove_page(place: int, folder: Path) -> None:
    if _begins_with(folder / Format.HTML.file, PAGE_BEGINS):
        with suppress(FileNotFoundError):
            os.unlink(Format.HTML.file, dir_fd=place)


def _write_maps_of_clients(
    place: int,
    maps: Sequence[PermissionMap],
    known: Collection[ClientName],
    written: dict[str, str],
) -> None:
    with suppress(FileExistsError):
        os.mkdir(CLIENTS, 0o700, dir_fd=place)
    with _opened(CLIENTS, place) as clients:
        for permissions in maps:
            file = f"{permissions.client}.csv"
            written[file] = _replace(clients, file, [HEADER, permission_rows(permissions.cells)])
        for file in written.keys() - {f"{name}.csv" for name in known}:
            digest = written.pop(file)
            with suppress(FileNotFoundError):
                if _is_unchanged(clients, file, digest):
                    os.unlink(file, dir_fd=clients)


def _is_unchanged(clients: int, file: str, digest: str) -> bool:
    """It is what was written then; of a run that kept no digest, it looks like a map."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=clients)
    with os.fdopen(descriptor, "rb") as opened:
        content = opened.read()
    return _digest(content).hexdigest() == digest if digest else content.startswith(HEADER.encode())


def _begins_with(path: Path, header: str) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(header)) == header.encode()
    return False


@contextmanager
def _opened(folder: Path | str, inside: int | None = None) -> Iterator[int]:
    """A folder: what is done inside stays inside, whatever becomes of its name."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    descriptor = os.open(folder, flags | (0 if inside is None else os.O_NOFOLLOW), dir_fd=inside)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _replace(
    place: int, name: str, pieces: Iterable[str], like: os.stat_result | None = None
) -> str:
    """
    Write beside the file's place, then rename: a reader sees the old or the new one.

    Returns the digest of its content. A draft that is there already is of a run that was killed,
    or somebody's link: it is removed, and never written to.
    """
    draft, digest = f".{name}.draft", _digest()
    with suppress(FileNotFoundError):
        os.unlink(draft, dir_fd=place)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(draft, flags, 0o600, dir_fd=place), "wb") as file:
            if like is not None:
                with suppress(PermissionError):
                    os.fchown(file.fileno(), like.st_uid, like.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(like.st_mode))
            for piece in pieces:
                content = piece.encode()
                digest.update(content)
                file.write(content)
        os.replace(draft, name, src_dir_fd=place, dst_dir_fd=place)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(draft, dir_fd=place)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, name) from error
        raise
    return digest.hexdigest()
