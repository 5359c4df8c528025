"""Names, ids and hosts, replaced by made-up ones: the same by the same, wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus, urlsplit

from scopeprobe.model.urls import host_of, is_address, percent_encoded

SHORTEST_WORD = 3
"""Characters. A shorter name is replaced where it stands alone, and not inside of sentences."""
_COMMON = frozenset(
    (
        *(
            "access",
            "account",
            "api",
            "app",
            "application",
            "auth",
            "authentication",
            "authorization",
        ),
        *("basic", "client", "clients", "code", "connect", "credentials", "default", "description"),
        *("error", "expired", "grant", "id", "invalid", "key", "login", "main", "not", "oauth"),
        *("oauth2", "openid", "param", "parameter", "password", "realm", "realms", "request"),
        *("resource", "scope", "scopes", "secret", "server", "service", "services", "test", "the"),
        *("this", "token", "type", "unknown", "unsupported", "user"),
    )
)
"""Words of specifications: to replace them in a server's sentences would change what it says."""
_PATH_WORDS = re.compile(
    r"v?\d+(\.\d+)*|as|auth|authorize|authorization|connect|oauth|oauth2|oauth2?_?token|openid"
    r"|openid-connect|protocol|realms?|services?|token|tokens|token\.oauth2|default|common"
    r"|organizations|consumers|login|api|\.well-known|oidc|identity|am|uaa|adfs|t",
    re.IGNORECASE,
)
"""Steps of a path that name nothing of anybody's."""
_PATTERNS = (
    ("person", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    (
        "00000000-0000-4000-8000-",
        re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE),
    ),
    ("address-", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")),
    ("id-", re.compile(r"\b(?=[a-z]*\d)[0-9a-f]{16,}\b", re.IGNORECASE)),
)
_IDS = re.compile(r"(-u '?|client_id=)([^\s'\"]+?)(:|['\s]|$)")
"""Where a command has the `client_id`."""
_START = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))"
"""Where a word may begin: also behind a character that is percent-encoded."""
_URL_HOST = re.compile(r"(?<=://)[\w.-]+(?=[:/?#\s\"'<>]|$)")


class Anonymizer:
    """Replaces what it was told of, and whatever looks like an address or an id."""

    def __init__(self, is_public: Callable[[str], bool]) -> None:
        """:param is_public: tells hosts that are a provider's and nobody's own."""
        self._is_public = is_public
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._domains: set[str] = set()
        """The last two labels of hosts: whatever is below them is a host as well."""
        self._compiled = 0
        """How many names the next two know."""
        self._spelled: dict[str, str] = {}
        self._anywhere = re.compile("(?!)")

    def hide(self, kind: str, name: str) -> None:
        """Replace a name from now on, in whatever case and encoding: `client` by `client-1`."""
        if name and name not in self._names:
            self._names[name] = self._next(kind)

    def hide_url(self, url: str) -> None:
        """Replace the host of a URL, and the steps of its path that name something."""
        if host := host_of(url):
            self._hide_host(host)
        for step in filter(None, urlsplit(url).path.split("/")):
            if not _PATH_WORDS.fullmatch(step):
                self.hide("path", step)

    def word(self, text: str) -> str:
        """The stand-in of a name as a whole; white space at its ends stays."""
        core = text.strip()
        return text.replace(core, self._names.get(core) or self(core), 1) if core else text

    def __call__(self, text: str) -> str:
        """A text with everything replaced."""
        for host in _URL_HOST.findall(text):
            self._hide_host(host.lower())
        for domain in sorted(self._domains):
            for host in re.findall(
                rf"[\w-]+(?:\.[\w-]+)*\.{re.escape(domain)}\b", text, re.IGNORECASE
            ):
                self._hide_host(host.lower())
        for kind, pattern in _PATTERNS:
            for found in pattern.findall(text):
                self._hide_pattern(kind, found)
        self._compile()
        return self._anywhere.sub(lambda match: self._spelled[match[0].casefold()], text)

    def command(self, text: str) -> str:
        """A line for a shell, also where the `client_id` in it is an ordinary word."""
        return self(_IDS.sub(lambda m: f"{m[1]}{self._names.get(m[2], m[2])}{m[3]}", text))

    # -- made-up names

    def _hide_host(self, host: str) -> None:
        is_made_up = host in self._names.values()
        if host not in self._names and not (is_made_up or self._is_public(host)):
            self._names[host] = f"{self._next('host')}.example"
            labels = host.split(".")
            if not is_address(host) and len(labels) > 1:
                self._domains.add(".".join(labels[-2:]))

    def _hide_pattern(self, kind: str, found: str) -> None:
        if found in self._names or found in self._names.values():
            return
        self._counts[kind] = number = self._counts.get(kind, 0) + 1
        match kind:
            case "person":
                self._names[found] = f"person-{number}@example.com"
            case "address-":
                self._names[found] = f"192.0.2.{number % 256}"
            case "id-":
                self._names[found] = f"{number:0{len(found)}d}"
            case _:
                self._names[found] = f"{kind}{number:012d}"

    def _next(self, kind: str) -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}-{self._counts[kind]}"

    def _compile(self) -> None:
        """Prepare to find whole words in every spelling, the longest first."""
        if self._compiled == len(self._names):
            return
        self._compiled = len(self._names)
        self._spelled = {
            spelling.casefold(): stand_in
            for name, stand_in in self._names.items()
            if _is_telling(name)
            for spelling in _spellings(name)
        }
        longest = sorted(self._spelled, key=len, reverse=True)
        anywhere = "|".join(map(re.escape, longest)) or "(?!)"
        self._anywhere = re.compile(rf"{_START}(?:{anywhere})(?![A-Za-z0-9])", re.IGNORECASE)


def _is_telling(name: str) -> bool:
    return len(name) >= SHORTEST_WORD and name.casefold() not in _COMMON


def _spellings(name: str) -> Iterable[str]:
    return {name, percent_encoded(name), quote_plus(name), quote(name)}
