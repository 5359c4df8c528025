"""Single values of a clients file: what text, URLs, files and headers must look like."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import ValidationInfo

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""`field-name` of RFC 9110 section 5.1."""

OUR_HEADERS = frozenset(
    {
        "accept",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "dpop",
        "host",
        "transfer-encoding",
        "user-agent",
    }
)
OUR_PARAMETERS = frozenset(
    {
        "assertion",
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "grant_type",
        "scope",
    }
)


def one_line(text: str) -> str:
    """Check text that ends up in requests, reports and headers."""
    if not text:
        raise ValueError("is empty")
    if not text.isprintable():
        raise ValueError("holds a line break or another character that cannot be printed")
    return text


def client_name(text: str) -> str:
    """Check what becomes a file name on every system."""
    if not NAME.fullmatch(text):
        raise ValueError(
            "must be 1 to 64 letters, digits, dots, dashes or underscores, "
            "beginning with a letter or digit"
        )
    return text


def endpoint(url: str) -> str:
    """Check an endpoint URI (RFC 6749 section 3.2: absolute, without a fragment)."""
    parts = _split(url)
    if "#" in url:
        raise ValueError("must not have a fragment (RFC 6749 section 3.2)")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold credentials")
    return url


def issuer(url: str) -> str:
    """Check an issuer identifier (RFC 8414 section 2: neither query nor fragment)."""
    endpoint(url)
    if "?" in url:
        raise ValueError("must not have a query (RFC 8414 section 2)")
    return url


def proxy(url: str) -> str:
    """Check the URL of an HTTP proxy, which may hold credentials."""
    _split(url)
    return url


def _split(url: str) -> SplitResult:
    wrong = "must be an absolute http or https URL"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    is_bare = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or not is_bare:
        raise ValueError(wrong)
    return parts


def existing_file(text: str, info: ValidationInfo[Path]) -> Path:
    """Find a file named in a clients file; the validation's context is that file's folder."""
    path: Path = info.context / text
    if not path.is_file():
        raise ValueError("there is no such file (relative to this one)")
    return path


def headers(given: dict[str, str]) -> dict[str, str]:
    """Check further request headers; those that the program writes itself are not to be given."""
    for name, value in given.items():
        if not HEADER_NAME.fullmatch(name):
            raise ValueError("holds a name that no header can have (RFC 9110 section 5.1)")
        if name.lower() in OUR_HEADERS:
            raise ValueError(f"{name} is written by scopeprobe itself")
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"{name} must be one line of ASCII text")
    return given


def grant_type(name: object) -> object:
    """Write a grant's URI out where it is called by its last part."""
    return "urn:ietf:params:oauth:grant-type:jwt-bearer" if name == "jwt-bearer" else name


def token_params(given: dict[str, str]) -> dict[str, str]:
    """Check further form parameters: none may stand twice (RFC 6749 section 3.2)."""
    if ours := sorted(OUR_PARAMETERS & given.keys()):
        raise ValueError(f"{ours[0]} is written by scopeprobe itself")
    return given


def calendar_date(value: object) -> date:
    """Read a date of TOML or YAML, or ISO 8601 text such as 2026-12-31."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a date such as 2026-12-31") from None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("must be a date such as 2026-12-31")  # noqa: TRY004 - pydantic's kind
    return value
