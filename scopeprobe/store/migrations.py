"""Versions of the database's layout, and the steps from each to the next."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from importlib import resources
from pathlib import Path

import msgspec

from scopeprobe.errors import InputError
from scopeprobe.model.cell import Cell
from scopeprobe.model.packed import pack_cells

_PLAIN_NAMES = """
    -- Version 0 was never written down in a database: not each has all of its tables.
    create table if not exists runs (
        id text primary key, started real not null, finished real, digest text not null,
        strategy text not null, clients integer not null, cells integer not null,
        complete integer not null default 0, summary text
    ) strict;
    create table if not exists facts (
        run text not null, client text not null, audience text not null, question blob not null,
        answer blob not null, sent integer not null, received integer not null,
        primary key (run, client, audience, question)
    ) strict, without rowid;
    create table if not exists found (
        run text not null, client text not null, map text not null, primary key (run, client)
    ) strict, without rowid;
    create table if not exists findings (map text primary key, cells blob not null) strict;
    create table if not exists covers (
        run text not null, client text not null, audience text not null, sets blob not null,
        primary key (run, client, audience)
    ) strict;
    create table if not exists pauses (quota text primary key, until real not null) strict;
    create table if not exists spent (quota text not null, at real not null) strict;
    drop table if exists maps;  -- `found` and `findings` have long replaced it

    alter table found rename to maps_of_runs;
    alter table findings rename to permission_maps;
    alter table covers rename to accepted_sets;
    alter table spent rename to used_permits;
    drop index if exists spent_by_quota;
    create index used_permits_by_quota on used_permits (quota, at);
"""
_REGISTRATIONS = "alter table maps_of_runs add column registration blob;"
_FAILURES = """
    create table failures (             -- requests in a row that may have failed to authenticate
        run text not null,
        registration text not null,     -- address of the token endpoint, and client_id
        count integer not null,         -- those that were in the air are in it
        primary key (run, registration)
    ) strict, without rowid;

    create table last_successes (       -- what a client was issued a token for last in a run
        run text not null,
        client text not null,
        audience text not null,
        question blob not null,
        needs_scope integer not null,  -- without scope it got none
        primary key (run, client, audience)
    ) strict, without rowid;
"""
_WRITTEN_FILES = """
    create table written_files (        -- permission maps of clients that runs of this folder wrote
        file text primary key,
        digest text not null            -- of its content; empty: it was not kept yet
    ) strict, without rowid;

    insert into written_files select distinct client || '.csv', '' from maps_of_runs;
"""
_PACKED_MAPS = "update permission_maps set cells = packed(cells);"
STEPS = (_PLAIN_NAMES, _REGISTRATIONS, _FAILURES, _WRITTEN_FILES, _PACKED_MAPS)
"""The n-th makes version n + 1 of a database of version n."""


def migrate(connection: sqlite3.Connection, database: Path) -> None:
    """
    Bring the layout to the newest version in one transaction; nothing is done where it has it.

    Raises InputError where the database is of a newer version than this program knows.
    """
    (version,) = connection.execute("pragma user_version").fetchone()
    newest = len(STEPS)
    if version > newest:
        complaint = (
            f"{database}: was written by a newer scopeprobe (its layout has version {version}, this"
            f" program knows {newest}); use that one, or choose another --out"
        )
        raise InputError([complaint])
    if version == newest:
        return
    (is_empty,) = connection.execute("select not exists (select 1 from sqlite_master)").fetchone()
    connection.create_function("packed", 1, _packed, deterministic=True)
    script = _schema() if is_empty else "".join(STEPS[version:])
    try:
        connection.executescript(
            f"begin immediate; {script} pragma user_version = {newest}; commit;"
        )
    except sqlite3.Error:
        with suppress(sqlite3.Error):
            connection.execute("rollback")
        raise


def _packed(cells: bytes) -> bytes:
    """A permission map, as JSON until version 4."""
    return pack_cells(msgspec.json.decode(cells, type=tuple[Cell, ...]))


def _schema() -> str:
    return resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
