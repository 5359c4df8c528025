"""What stood in the way of a request: the errors of sockets, TLS and proxies as faults."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import aiohttp
import anyio
from cryptography import x509

from scopeprobe.model.cell import Reason
from scopeprobe.model.fault import Fault, FaultCode

_WORDS = {
    FaultCode.NAME_NOT_FOUND: "the name {host} is not found",
    FaultCode.NAME_LOOKUP_FAILED: "the name {host} cannot be looked up: no name server answers",
    FaultCode.CONNECTION_REFUSED: "{place} refuses connections",
    FaultCode.NO_ROUTE: "there is no route to {place}",
    FaultCode.CONNECTION_TIMED_OUT: "no connection to {place} within {seconds:g} s",
    FaultCode.CONNECTION_FAILED: "no connection to {place}{more}",
    FaultCode.CONNECTION_CLOSED: "{place} closes the connection instead of answering",
    FaultCode.ANSWER_TIMED_OUT: "no answer of {place} within {seconds:g} s",
    FaultCode.NOT_HTTP: "the answer of {place} is no HTTP",
    FaultCode.CERTIFICATE_EXPIRED: "the certificate of {host} expired{more}",
    FaultCode.CERTIFICATE_NOT_YET_VALID: "the certificate of {host} is not valid yet",
    FaultCode.UNKNOWN_CA: "the certificate of {host} is of a CA that is not trusted here"
    " (`ca_file` names a CA of your own)",
    FaultCode.WRONG_HOST_NAME: "the certificate of {host} is for another host name",
    FaultCode.CERTIFICATE_REJECTED: "the certificate of {host} cannot be verified{more}",
    FaultCode.CLIENT_CERTIFICATE: "{host} wants a client certificate, or another than it is shown",
    FaultCode.NOT_TLS: "{place} does not speak TLS: it may be plain HTTP",
    FaultCode.TLS_VERSION: "{host} speaks no TLS version that is allowed here (1.2 or newer)",
    FaultCode.TLS_HANDSHAKE: "{place} ends the TLS handshake: it may speak an older TLS only",
    FaultCode.PROXY_UNREACHABLE: "the proxy {proxy} cannot be reached{more}",
    FaultCode.PROXY_REFUSED: "the proxy {proxy} refuses the way to {place}{more}",
}
_REASONS = {
    FaultCode.ANSWER_TIMED_OUT: Reason.TIMED_OUT,
    FaultCode.NOT_HTTP: Reason.MALFORMED_ANSWER,
    **dict.fromkeys(
        (
            FaultCode.CERTIFICATE_EXPIRED,
            FaultCode.CERTIFICATE_NOT_YET_VALID,
            FaultCode.UNKNOWN_CA,
            FaultCode.WRONG_HOST_NAME,
            FaultCode.CERTIFICATE_REJECTED,
            FaultCode.CLIENT_CERTIFICATE,
            FaultCode.NOT_TLS,
            FaultCode.TLS_VERSION,
            FaultCode.TLS_HANDSHAKE,
        ),
        Reason.TLS_FAILURE,
    ),
}
"""Of all others: unreachable."""
_ERRNOS = {
    errno.ECONNREFUSED: FaultCode.CONNECTION_REFUSED,
    errno.EHOSTUNREACH: FaultCode.NO_ROUTE,
    errno.ENETUNREACH: FaultCode.NO_ROUTE,
    errno.EADDRNOTAVAIL: FaultCode.NO_ROUTE,
    errno.ETIMEDOUT: FaultCode.CONNECTION_TIMED_OUT,
    errno.ECONNRESET: FaultCode.CONNECTION_CLOSED,
}
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_VERIFY_CODES = {
    9: FaultCode.CERTIFICATE_NOT_YET_VALID,
    10: FaultCode.CERTIFICATE_EXPIRED,
    **dict.fromkeys((2, 18, 19, 20, 21), FaultCode.UNKNOWN_CA),
    **dict.fromkeys((62, 64), FaultCode.WRONG_HOST_NAME),
}
"""X509_V_ERR_… of OpenSSL's x509_vfy.h."""
_TLS_ERRORS = {
    FaultCode.TLS_VERSION: ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION"),
    FaultCode.NOT_TLS: (
        *("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"),
    ),
    FaultCode.WRONG_HOST_NAME: ("UNRECOGNIZED_NAME",),
    FaultCode.CLIENT_CERTIFICATE: (
        *("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA"),
        *("ALERT_CERTIFICATE_", "ALERT_UNSUPPORTED_CERTIFICATE"),
    ),
}
"""Pieces of the names that OpenSSL gives to what went wrong, or to what the server says of it."""
_PATIENCE = 5.0
"""Seconds for the handshake that reads a date."""


@dataclass(frozen=True, slots=True)
class Way:
    """Whom a request was to reach, and how."""

    host: str
    port: int
    seconds: float
    """What it may take."""
    proxy: str = ""
    """Host and port of the proxy on the way; empty without one."""

    def fault(self, code: FaultCode, more: str = "") -> Fault:
        words = _WORDS[code].format(
            host=self.host,
            place=f"{self.host}:{self.port}",
            proxy=self.proxy,
            seconds=self.seconds,
            more=more,
        )
        return Fault(_REASONS.get(code, Reason.UNREACHABLE), code, words)


def fault_of(error: Exception, way: Way, *, is_sent: bool, is_answered: bool) -> Fault:
    """
    Say what an error of aiohttp's means for a request.

    :param is_sent: it left, on a connection that was there.
    :param is_answered: something came back.
    """
    if isinstance(error, TimeoutError):  # first: some of aiohttp's errors are both
        return way.fault(FaultCode.ANSWER_TIMED_OUT if is_sent else FaultCode.CONNECTION_TIMED_OUT)
    if (tls := _tls_error(error)) is not None:
        return _tls_fault(tls, way)
    match error:
        case aiohttp.ClientHttpProxyError():
            return way.fault(FaultCode.PROXY_REFUSED, f": {error.status}")
        case aiohttp.ClientConnectorError():
            return _connector_fault(error, way)
        case aiohttp.ClientConnectionError() | OSError() if not is_answered:
            return _closed(error, way)
        case _:
            return way.fault(FaultCode.NOT_HTTP)


def _connector_fault(error: aiohttp.ClientConnectorError, way: Way) -> Fault:
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return way.fault(FaultCode.PROXY_UNREACHABLE, _said_by(error.os_error))
    if _ends_handshake(error):
        return way.fault(FaultCode.TLS_HANDSHAKE)
    return _socket_fault(error.os_error, way)


def _closed(error: Exception, way: Way) -> Fault:
    """TLS 1.3 speaks of our certificate once the handshake is over (RFC 8446 section 4.4.2.4)."""
    alert = error.__cause__
    is_about_ours = isinstance(alert, ssl.SSLError) and _names(FaultCode.CLIENT_CERTIFICATE, alert)
    return way.fault(FaultCode.CLIENT_CERTIFICATE if is_about_ours else FaultCode.CONNECTION_CLOSED)


def _socket_fault(error: OSError, way: Way) -> Fault:
    if isinstance(error, socket.gaierror):
        is_unknown = error.errno in _NO_SUCH_NAME
        return way.fault(FaultCode.NAME_NOT_FOUND if is_unknown else FaultCode.NAME_LOOKUP_FAILED)
    code = _ERRNOS.get(error.errno or 0, FaultCode.CONNECTION_FAILED)
    return way.fault(code, _said_by(error))


def _said_by(error: OSError) -> str:
    return f": {error.strerror}" if error.strerror and error.errno else ""


def _tls_error(error: Exception) -> ssl.SSLError | None:
    """What went wrong with TLS, wherever aiohttp put it."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        certificate_error = error.certificate_error
        return certificate_error if isinstance(certificate_error, ssl.SSLError) else None
    found = getattr(error, "os_error", error)
    return found if isinstance(found, ssl.SSLError) else None


def _tls_fault(error: ssl.SSLError, way: Way) -> Fault:
    if isinstance(error, ssl.SSLCertVerificationError):
        code = _VERIFY_CODES.get(error.verify_code, FaultCode.CERTIFICATE_REJECTED)
        is_known = code is not FaultCode.CERTIFICATE_REJECTED
        return way.fault(code, "" if is_known else f": {error.verify_message}")
    told = (code for code in _TLS_ERRORS if _names(code, error))
    return way.fault(next(told, FaultCode.TLS_HANDSHAKE))


def _names(code: FaultCode, error: ssl.SSLError) -> bool:
    return any(piece in (error.reason or "") for piece in _TLS_ERRORS[code])


def _ends_handshake(error: aiohttp.ClientConnectorError) -> bool:
    """
    Whether the server took the connection and ended it in the middle of the TLS handshake.

    So do servers that speak older versions of TLS only: the loop raises an error without a number,
    which no failing system call does.
    """
    is_ended = isinstance(error.os_error, ConnectionError) and error.os_error.errno is None
    return is_ended and bool(error.ssl)


async def with_day_of_expiry(
    fault: Fault, way: Way, addresses: Callable[[str], Awaitable[list[str]]]
) -> Fault:
    """
    Add the day on which the server's certificate expired.

    A handshake that fails does not give it, so one more is made, which believes nothing and after
    which nothing is sent.
    """
    try:
        day = await _last_day_of_certificate(way, (await addresses(way.host))[0])
    except OSError:  # a time-out and what TLS raises are ones
        return fault
    if day is None or day > datetime.now(UTC).date():
        return fault  # another certificate of its chain expired
    return way.fault(FaultCode.CERTIFICATE_EXPIRED, f" on {day}")


async def _last_day_of_certificate(way: Way, address: str) -> date | None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with anyio.fail_after(_PATIENCE):
        _, writer = await asyncio.open_connection(
            address, way.port, ssl=context, server_hostname=way.host
        )
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    try:
        return x509.load_der_x509_certificate(shown).not_valid_after_utc.date()
    except ValueError:
        return None
