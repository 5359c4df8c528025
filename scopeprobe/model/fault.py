"""Why no answer came: read off the error of a connection once, and carried on as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scopeprobe.model.cell import Reason


class FaultCode(StrEnum):
    """What stood in the way. Files have it in the column `error` of cells that nothing settled."""

    NAME_NOT_FOUND = "name_not_found"
    NAME_LOOKUP_FAILED = "name_lookup_failed"
    """No name server said whether there is such a name."""
    CONNECTION_REFUSED = "connection_refused"
    NO_ROUTE = "no_route"
    CONNECTION_TIMED_OUT = "connection_timed_out"
    CONNECTION_FAILED = "connection_failed"
    CONNECTION_CLOSED = "connection_closed"
    """In the place of an answer."""
    ANSWER_TIMED_OUT = "answer_timed_out"
    NOT_HTTP = "not_http"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    UNKNOWN_CA = "unknown_ca"
    WRONG_HOST_NAME = "wrong_host_name"
    CERTIFICATE_REJECTED = "certificate_rejected"
    """By us, for another cause than those above."""
    CLIENT_CERTIFICATE = "client_certificate"
    """The server wants one, or another than the one it is shown."""
    NOT_TLS = "not_tls"
    TLS_VERSION = "tls_version"
    TLS_HANDSHAKE = "tls_handshake"
    """The server ended it, and says no more."""
    PROXY_UNREACHABLE = "proxy_unreachable"
    PROXY_REFUSED = "proxy_refused"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request has no response."""

    reason: Reason
    code: str = ""
    """One of FaultCode; empty where nothing stood in the way and nothing was sent."""
    words: str = ""
    """For people: what stood in the way of reaching whom."""
