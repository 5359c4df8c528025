"""What the secrets of a fleet are refused for, and what about them is remarked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from scopeprobe.inputs.client_builder import ClientDraft
from scopeprobe.inputs.credentials import ClientWithSecrets
from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.secrets import LiteralSecret
from scopeprobe.model.client import AuthMethod

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")
"""Characters that form-urlencoding leaves as they are (RFC 3986 section 2.3)."""
MOST_SECRETS = 2
"""Of one `client_id`: the old one and the new one of a rotation."""
MOST_NAMED = 5
SHORTEST = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Bytes of a key: as many as its hash has (RFC 7518 section 3.2)."""


def check_literals(drafts: Iterable[ClientDraft], problems: Problems, *, are_allowed: bool) -> None:
    """Warn about secrets written in files; refuse them where others can read the file."""
    literal = (
        (one.file, one)
        for one in drafts
        if any(isinstance(source, LiteralSecret) for source in one.sources.values())
    )
    for place, holders in _grouped(literal).items():
        where = _some([one.place.client for one in holders])
        if holders[0].is_exposed and not are_allowed:
            problems.error(
                place,
                f"holds literal secrets ({where}) and group or others can read it: chmod 600, "
                "or --allow-literal-secrets",
            )
        else:
            problems.notice(
                place, f"holds literal secrets ({where}); env, file or command keep them elsewhere"
            )


def check_together(clients_with_secrets: Sequence[ClientWithSecrets], problems: Problems) -> None:
    """Check what shows only when all clients are compared."""
    _refuse_guessing(clients_with_secrets, problems)
    _notice_sharing(clients_with_secrets, problems)
    _notice_encoding(clients_with_secrets, problems)
    _notice_short_keys(clients_with_secrets, problems)


def _refuse_guessing(clients_with_secrets: Iterable[ClientWithSecrets], problems: Problems) -> None:
    accounts = _grouped(
        ((one.client.server.endpoints.token, one.client.client_id), one)
        for one in clients_with_secrets
    )
    for namesakes in accounts.values():
        if len({one.secret for one in namesakes if one.secret}) > MOST_SECRETS:
            problems.error(
                namesakes[0].place.at("client_id"),
                f"has more than {MOST_SECRETS} different secrets on one token endpoint "
                f"({_names(namesakes)}): this is no tool for guessing",
            )


def _notice_sharing(clients_with_secrets: Iterable[ClientWithSecrets], problems: Problems) -> None:
    for sharers in _grouped(
        (one.secret, one) for one in clients_with_secrets if one.secret
    ).values():
        if len({one.client.client_id for one in sharers}) > 1:
            problems.notice(_place_of(sharers), f"one secret serves several: {_names(sharers)}")


def _notice_encoding(clients_with_secrets: Iterable[ClientWithSecrets], problems: Problems) -> None:
    """Remark secrets that RFC 6749 section 2.3.1 encodes and many servers read raw."""
    doubtful = ((one.client.server.name, one) for one in clients_with_secrets if _is_doubtful(one))
    for server, members in _grouped(doubtful).items():
        problems.notice(
            _place_of(members),
            "holds characters that not every server decodes in Basic; where one of "
            f'{_names(members)} gets 401 from {server}, try basic_encoding = "raw"',
        )


def _notice_short_keys(
    clients_with_secrets: Iterable[ClientWithSecrets], problems: Problems
) -> None:
    """Remark secrets that are too short to sign with: servers may refuse them."""
    for one in clients_with_secrets:
        alg = one.client.secret_signing_alg
        if len(one.secret.encode()) < (least := SHORTEST.get(alg, 0)):
            problems.notice(
                one.place.at("client_secret"),
                f"is shorter than the {least} bytes that {alg} needs (RFC 7518 section 3.2)",
            )


def _is_doubtful(one: ClientWithSecrets) -> bool:
    is_basic = one.client.auth_method is AuthMethod.CLIENT_SECRET_BASIC
    return is_basic and not one.names_encoding and not UNRESERVED.fullmatch(one.secret)


def _grouped(pairs: Iterable[tuple[K, V]]) -> Mapping[K, list[V]]:
    groups: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _place_of(several: Sequence[ClientWithSecrets]) -> Place:
    return several[0].place.at("client_secret")


def _names(several: Iterable[ClientWithSecrets]) -> str:
    return _some([one.client.name for one in several])


def _some(names: Sequence[str]) -> str:
    """List names; of many only the first few."""
    listed = ", ".join(names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{listed} and {more} more" if more > 0 else listed
