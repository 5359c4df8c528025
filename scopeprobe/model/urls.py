"""
Origins and hosts of URLs, and which of them stand on this machine or in a private network.

And how a text is written within a URL or a form.
"""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, urlsplit

_PORTS = {"https": 443, "http": 80}

percent_encoded = partial(quote, safe="")
"""Encode all but the unreserved characters of RFC 3986 section 2.3, slashes too."""


def host_of(url: str) -> str:
    """The host in lower case, an IPv6 address without its brackets; empty where there is none."""
    return urlsplit(url).hostname or ""


def origin_of(url: str) -> str:
    """Scheme, host and port, the port also where it is the scheme's own (RFC 6454 section 4)."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def authority_of(url: str) -> tuple[str, int | None]:
    """Host and port (RFC 3986 section 3.2); the port is None where it is the scheme's own."""
    parts = urlsplit(url)
    is_default = parts.port == _PORTS.get(parts.scheme)
    return parts.hostname or "", None if is_default else parts.port


def is_plain_http_abroad(url: str) -> bool:
    """Whether a secret sent there would cross a network in the clear."""
    return urlsplit(url).scheme == "http" and not is_loopback(host_of(url))


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by its address or as `localhost`."""
    return ip_address(host).is_loopback if is_address(host) else host == "localhost"


def is_address(host: str) -> bool:
    """Whether the host is an IP address and not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_private(address: str) -> bool:
    """
    Whether an IP address is no public one.

    RFC 1918, loopback, link-local, unique local, shared (RFC 6598), and IPv4 written as IPv6.
    """
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_private or ip.is_link_local or ip.is_multicast or not ip.is_global
