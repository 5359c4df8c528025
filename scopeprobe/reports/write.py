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
from scopeprobe.reports.split import Part, SplitBy, parts
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
    split_by: SplitBy | None = None,
) -> None:
    """
    Raise InputError where a file of a run would overwrite one that is none.

    `written` are the files that this folder's runs wrote for clients, with their digests.
    `formats` are those that the run may write beside the CSV files. Folders of groups are ours.
    """
    for there in (folder / CLIENTS, *((folder / split_by.folder,) if split_by else ())):
        if there.is_symlink() or (there.exists() and not there.is_dir()):
            raise InputError([f"{there}: is not a folder; choose another --out"])
        if there.exists() and not os.access(there, os.W_OK | os.X_OK, effective_ids=True):
            raise InputError([f"{there}: cannot be written to; choose another --out"])
    there = folder / CLIENTS
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
    split_by: SplitBy | None = None,
) -> dict[str, str]:
    """
    Write all files of a run. `maps` are sorted by client; `known` are all clients of the inputs.

    `formats` are those that were asked for beside the CSV files; with `split_by` they are written
    for each group too. `written` are the files that earlier runs wrote for clients and groups, with
    their digests; returned are those that are there now. A page of an earlier run does not stay
    where this one has none.

    Of those, maps of clients that are no longer in the inputs and files of groups that this run
    does not have are removed, unless somebody changed them; no other file ever is. What cannot be
    written keeps none of the others from it: the first failure is raised at the end, StoreError
    where it is the disk's.
    """
    now = dict(written)
    groups = () if split_by is None else parts(maps, summary, past, split_by)
    failures: list[Exception] = []
    with _opened(folder) as place:
        writes = (
            partial(_write_maps_of_clients, place, maps, known, now),
            *(
                partial(_write, place, file, render)
                for file, render in _files(maps, summary, past, formats)
            ),
            *(() if Format.HTML in formats else (partial(_remove_page, place, folder),)),
            partial(_write_groups, place, groups, formats, now),
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


def write_parts(folder: Path, groups: Iterable[Part], formats: Collection[Format]) -> None:
    """Write the files of each group. Raises StoreError where they cannot be written."""
    try:
        with _opened(folder) as place:
            dict(_written_parts(place, groups, formats))
    except OSError as error:
        raise StoreError(f"{folder}: reports of groups cannot be written: {error}") from error


def write_file(
    path: Path, pieces: Iterable[str | bytes], like: os.stat_result | None = None
) -> None:
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
    maps: Iterable[PermissionMap],
    summary: Summary,
    past: Past | None,
    formats: Collection[Format],
) -> Iterator[tuple[str, Callable[[], Iterable[str | bytes]]]]:
    """The files of every run and those that were asked for, and what renders them."""
    for form in dict.fromkeys((Format.CSV, Format.FINDINGS, *formats)):
        yield form.file, partial(form.render, maps, summary, past)
    yield MATRIX, partial(matrix_csv, maps)
    yield SUMMARY, lambda: [summary.as_json()]


def _write(place: int, file: str, render: Callable[[], Iterable[str | bytes]]) -> None:
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
    with _made(CLIENTS, place) as clients:
        for permissions in maps:
            file = f"{permissions.client}.csv"
            written[file] = _replace(clients, file, [HEADER, permission_rows(permissions.cells)])
        own = {f"{name}.csv" for name in known}
        for file in [file for file in written if "/" not in file and file not in own]:
            digest = written.pop(file)
            with suppress(FileNotFoundError):
                if _is_unchanged(clients, file, digest):
                    os.unlink(file, dir_fd=clients)


def _write_groups(
    place: int, groups: Iterable[Part], formats: Collection[Format], written: dict[str, str]
) -> None:
    """Write the files of this run's groups, and remove those of groups of earlier ones."""
    now = dict(_written_parts(place, groups, formats))
    for file in [file for file in written if "/" in file and file not in now]:
        _remove_of_group(place, file, written.pop(file))
    written |= now


def _written_parts(
    place: int, groups: Iterable[Part], formats: Collection[Format]
) -> Iterator[tuple[str, str]]:
    """Write `by-owner/NAME/findings.csv` and the like; each one's name and digest."""
    for part in groups:
        with _made(part.by.folder, place) as above, _made(part.folder, above) as group:
            for file, render in _files(part.maps, part.summary, part.past, formats):
                yield f"{part.by.folder}/{part.folder}/{file}", _replace(group, file, render())


def _remove_of_group(place: int, file: str, digest: str) -> None:
    """Remove it unless somebody changed it, and the folders around it that are empty then."""
    by, group, name = file.split("/")
    with suppress(FileNotFoundError, NotADirectoryError):
        with _opened(by, place) as groups:
            with _opened(group, groups) as inside:
                if _is_unchanged(inside, name, digest):
                    os.unlink(name, dir_fd=inside)
            with suppress(OSError):
                os.rmdir(group, dir_fd=groups)
        with suppress(OSError):
            os.rmdir(by, dir_fd=place)


@contextmanager
def _made(folder: str, inside: int) -> Iterator[int]:
    """A private folder, made where it is not there; a link is none."""
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700, dir_fd=inside)
    with _opened(folder, inside) as place:
        yield place


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
    place: int, name: str, pieces: Iterable[str | bytes], like: os.stat_result | None = None
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
                content = piece.encode() if isinstance(piece, str) else piece
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
