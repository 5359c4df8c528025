"""Clients files, scopes files and secrets as one fleet."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TextIO

from scopeprobe.errors import InputError
from scopeprobe.inputs.clients_file import ClientsFile, read_clients_file
from scopeprobe.inputs.complaints import Remarks
from scopeprobe.inputs.credentials import equip, look_up_secrets
from scopeprobe.inputs.documents import read_document
from scopeprobe.inputs.enrolment import Enrolled, Enrolment
from scopeprobe.inputs.fleet import Fleet
from scopeprobe.inputs.layers import Overrides
from scopeprobe.inputs.precautions import check_literals, check_together
from scopeprobe.inputs.scopes import gather_scopes
from scopeprobe.inputs.servers import ServerBuilder
from scopeprobe.inputs.sources import Source, StandardInput, name_of
from scopeprobe.model.providers import Pack

NO_OVERRIDES = Overrides()


def read_clients(
    paths: Sequence[Source],
    *,
    scopes_files: Sequence[Source] = (),
    extra_scopes: Sequence[str] = (),
    packs: Sequence[Pack] = (),
    overrides: Overrides = NO_OVERRIDES,
    allow_literal_secrets: bool = False,
    environment: Mapping[str, str] = os.environ,
    stdin: TextIO | None = None,
) -> Fleet:
    """
    Read CLIENTS files as one fleet: a server of one file is known in all, defaults in their own.

    :param scopes_files: candidates of every target, after those of the clients files.
    :param extra_scopes: further ones, as `--scope` gives them: separated by white space.
    :param packs: what is known of providers; the first that knows a server describes it.
    :param environment: where `{ env }` secrets are looked up.
    :param stdin: what `-` reads; standard input unless given.
    :raises InputError: with all complaints about all files, each with its place.
    """
    remarks = Remarks()
    standard_input = StandardInput(stdin)
    files = _files(paths, standard_input, remarks)
    scopes = gather_scopes(scopes_files, extra_scopes, standard_input, remarks)
    builder = ServerBuilder(overrides, packs, remarks)
    enrolment = Enrolment(builder.all_of(files), builder, scopes, remarks)
    return _fleet(enrolment.of_all(files), environment, remarks, allow_literal_secrets)


def _files(
    paths: Sequence[Source], standard_input: StandardInput, remarks: Remarks
) -> list[ClientsFile]:
    files: list[ClientsFile] = []
    for path in paths:
        with remarks.gathering():
            files.append(read_clients_file(read_document(path, standard_input), remarks))
    if not remarks.complaints and not any(file.clients for file in files):
        remarks.complaints.append(f"{', '.join(map(name_of, paths))}: there are no clients")
    return files


def _fleet(
    enrolled: Sequence[Enrolled],
    environment: Mapping[str, str],
    remarks: Remarks,
    are_literals_allowed: bool,
) -> Fleet:
    check_literals(enrolled, remarks, are_allowed=are_literals_allowed)
    secrets = look_up_secrets(enrolled, environment, remarks)
    equipped = equip(enrolled, secrets, remarks)
    check_together(equipped, remarks)
    if remarks.complaints:
        raise InputError(remarks.complaints)
    clients = tuple(one.client for one in equipped)
    return Fleet(clients, frozenset(client.name for client in clients), tuple(remarks.notices))
