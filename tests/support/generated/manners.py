"""
What an authorization server may be like: independent dimensions, composed at random from a seed.

Each field of a manner is one dimension, with the values that `CHOICES` names; what is named more
often is drawn more often. Manners are drawn without regard to one another; those that contradict
themselves are drawn again, and what decides nothing in a manner is set to its plainest value.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from random import Random


@dataclass(frozen=True)
class Manner:
    """How a server treats what it is asked; the first value of each choice is the plainest."""

    ungranted: str = "refuse"
    """A scope that exists and that the client was not given, alone: refuse, drop, or carry."""
    unknown: str = "refuse"
    """A scope that does not exist, alone."""
    mixed: str = "refuse"
    """A set with a scope in it that is refused alone: refuse it whole, or narrow it."""
    absent: str = "nothing"
    """What a token without `scope` carries: nothing, defaults, grants; or refuse."""
    lists: str = "never"
    """never, always, nonempty, differing (from the request), or all (asked or not)."""
    place: str = "answer"
    """Where it lists: answer, claim, both, or introspection."""
    echoes: bool = False
    """The answer repeats the request, whatever the token carries."""
    form: str = "opaque"
    """What tokens are: opaque, jwt, or jwt_for_some clients."""
    claim: str = "scope"
    spelling: str = "as_asked"
    listed_for: str = "all"
    """all, first_client, or first_audience."""
    hides: str = "none"
    """Which granted scopes no list shows: none, or some."""
    adds_defaults: bool = False
    caches: bool = False
    """A client has one token, whatever it asks for once that was issued."""
    order: str = "client secret scopes"
    """In which order a request is checked."""
    refusal: str = "invalid_scope"
    """What a refused scope looks like; a key of `dress.DRESSES`."""
    tells_unknown: bool = False
    """A scope that does not exist is refused with another code than one that is not granted."""
    naming: str = "none"
    """Which scopes a refusal names."""
    wrong_secret: str = "invalid_client"
    unknown_client: str = "as_wrong_secret"
    names: str = "dotted"
    audiences: int = 1


CHOICES: dict[str, tuple[object, ...]] = {
    "ungranted": ("refuse", "refuse", "refuse", "drop", "drop", "carry"),
    "unknown": ("refuse", "refuse", "refuse", "drop", "drop", "carry"),
    "mixed": ("refuse", "narrow"),
    "absent": ("nothing", "defaults", "grants", "refuse"),
    "lists": ("never", "always", "nonempty", "differing", "all", "all"),
    "place": ("answer", "answer", "claim", "both", "introspection"),
    "echoes": (False, False, False, False, True),
    "form": ("opaque", "jwt", "jwt_for_some"),
    "claim": ("scope", "scp", "scopes"),
    "spelling": (
        *("as_asked",) * 8, "upper", "capitalized", "brackets", "prefixed", "commas", "commas",
    ),
    "listed_for": ("all",) * 6 + ("first_client", "first_audience"),
    "hides": ("none", "none", "some"),
    "adds_defaults": (False, False, True),
    "caches": (False,) * 9 + (True,),
    "order": (
        "client secret scopes", "client secret scopes", "secret client scopes",
        "client scopes secret", "scopes client secret",
    ),
    "refusal": (
        "invalid_scope", "invalid_scope", "invalid_scope", "insufficient_scope", "in_words",
        "vague", "invalid_client", "access_denied", "plain_401", "ok_invalid_scope",
    ),
    "tells_unknown": (False, False, False, True),
    "naming": (
        "none", "none", "none", "first", "last", "all", "first_asked", "allowed", "allowed_words",
        "echo",
    ),
    "wrong_secret": (
        "invalid_client", "invalid_client", "invalid_client", "access_denied", "japanese",
        "not_found", "server_error", "ok_error", "plain_401", "page_401", "unauthorized_client",
        "as_refusal",
    ),
    "unknown_client": (
        "as_wrong_secret", "as_wrong_secret", "told_unknown", "as_refusal", "invalid_client",
    ),
    "names": ("dotted", "plain", "urls"),
    "audiences": (1,) * 9 + (2,),
}  # fmt: skip

PLAIN = Manner()


def compose(rng: Random) -> Manner:
    """Draw a manner: each dimension by itself, until they go together."""
    while True:
        drawn = Manner(**{name: rng.choice(values) for name, values in CHOICES.items()})
        manner = without_what_decides_nothing(drawn)
        if goes_together(manner):
            return manner


def goes_together(m: Manner) -> bool:
    """
    Whether there can be such a server, and one of which the rules say anything.

    Assumption B of docs/design.md: only servers that refuse what they withhold, also what does not
    exist, hide scopes. What
    is given to everybody is not told apart by lists of what the client has.
    """
    is_spelled_otherwise = m.spelling not in {"as_asked", "commas"}
    return all(
        (
            m.hides == "none"
            or ({m.ungranted, m.unknown} == {"refuse"} and m.lists in {"always", "nonempty"}),
            m.lists != "all" or {m.ungranted, m.unknown} == {"drop"},
            not m.caches or m.ungranted != "carry",
            not is_spelled_otherwise
            or not (m.adds_defaults or m.caches or m.echoes or m.hides != "none"),
            not m.adds_defaults or m.absent in {"defaults", "nothing"},
            not m.echoes or m.place in {"claim", "introspection"} or m.lists == "never",
            not (m.listed_for == "first_audience" and m.audiences == 1),
        )
    )


def without_what_decides_nothing(m: Manner) -> Manner:
    """The same server, said in one way only."""
    if m.lists == "never":
        m = _plain(m, "place", "claim", "spelling", "listed_for", "hides", "adds_defaults")
    if m.place in {"claim", "both"} and m.form == "opaque":
        m = replace(m, form="jwt")
    if m.place in {"answer", "introspection"}:
        m = _plain(m, "claim")
    if not refuses_scopes(m):
        m = _plain(m, "mixed", "tells_unknown")
    if m.tells_unknown and (m.ungranted, m.unknown) != ("refuse", "refuse"):
        m = _plain(m, "tells_unknown")
    if not refuses_scopes(m) and m.absent != "refuse":
        m = _plain(m, "refusal")
    if m.tells_unknown:
        m = replace(m, refusal="access_denied")
    if not refuses_scopes(m) or m.refusal == "plain_401":
        m = _plain(m, "naming")
    return m


def refuses_scopes(m: Manner) -> bool:
    return "refuse" in {m.ungranted, m.unknown}


def _plain(m: Manner, *names: str) -> Manner:
    return replace(m, **{name: getattr(PLAIN, name) for name in names})


def what_is_special(m: object, plain: object = PLAIN) -> dict[str, object]:
    """The dimensions in which it is not the plainest: the fewer, the smaller the server."""
    return {
        field.name: value
        for field in fields(plain)  # type: ignore[arg-type]
        if (value := getattr(m, field.name)) != getattr(plain, field.name)
    }
