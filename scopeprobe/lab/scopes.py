"""Which scopes a token gets (RFC 6749 section 3.3), and which of them the answer lists."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase

from scopeprobe.lab.answers import Refusal
from scopeprobe.lab.schema import ScopeRules, Treatment


@dataclass(frozen=True, slots=True)
class Denial:
    """A request refused for its scopes; the culprits are in the order of the request."""

    refusal: Refusal
    culprits: tuple[str, ...] = ()


def decide(
    rules: ScopeRules,
    asked: tuple[str, ...] | None,
    *,
    granted: Collection[str],
    known: Collection[str],
) -> tuple[str, ...] | Denial:
    """The scopes to issue. Of several refusals, that of the first culprit is given."""
    if asked is not None and (shape := refuse_shape(rules, asked)):
        return Denial(shape, asked)
    if not asked:
        return decide_without_scope(rules, granted, known)
    treatments = {scope: treat(scope, rules, granted, known) for scope in asked}
    refusals = {
        scope: treatment
        for scope, treatment in treatments.items()
        if isinstance(treatment, Refusal)
    }
    if refusals:
        return Denial(next(iter(refusals.values())), tuple(refusals))
    issued = tuple(scope for scope, treatment in treatments.items() if treatment == "issue")
    if not issued and rules.nothing_left:
        return Denial(rules.nothing_left, asked)
    return tuple(dict.fromkeys((*issued, *rules.always)))


def refuse_shape(rules: ScopeRules, asked: tuple[str, ...]) -> Refusal | None:
    """The refusal of a scope parameter as such, whatever its scopes."""
    if rules.present:
        return rules.present
    if not asked and isinstance(rules.empty, Refusal):
        return rules.empty
    return rules.several if len(asked) > 1 else None


def decide_without_scope(
    rules: ScopeRules, granted: Collection[str], known: Collection[str]
) -> tuple[str, ...] | Denial:
    """A default or a refusal: RFC 6749 section 3.3 leaves the choice to the server."""
    if isinstance(rules.absent, Refusal):
        return Denial(rules.absent)
    if rules.no_default and not granted:
        return Denial(rules.no_default)
    defaults = {"nothing": (), "granted": granted, "everything": sorted(known)}
    issued = defaults[rules.absent]
    return tuple(dict.fromkeys((*issued, *rules.always)))


def treat(
    scope: str, rules: ScopeRules, granted: Collection[str], known: Collection[str]
) -> Treatment:
    """What becomes of a request because of this scope."""
    if holds(scope, rules, granted, known):
        return "issue"
    if scope in known:
        return rules.ungranted
    for pattern in rules.patterns:
        if fnmatchcase(scope, pattern.matches):
            return pattern.treatment
    return rules.unknown


def holds(scope: str, rules: ScopeRules, granted: Collection[str], known: Collection[str]) -> bool:
    """Whether the client was granted the scope, by its name or by a rule of the server."""
    if scope in granted or scope in rules.always:
        return True
    if rules.no_grants == "everything" and not granted:
        return scope in known
    match rules.grants:
        case "exact":
            return False
        case "wildcard":
            return any(fnmatchcase(scope, pattern) for pattern in granted)
        case "all":
            return scope in known


def list_scopes(
    rules: ScopeRules, issued: tuple[str, ...], asked: tuple[str, ...] | None
) -> str | list[str] | None:
    """The `scope` member of a 200; None where it has none."""
    listed = choose_list(rules, issued, asked or None)
    if listed is None:
        return None
    if rules.order == "reversed":
        listed = listed[::-1]
    return " ".join(listed) if rules.shape == "string" else [*listed]


def choose_list(
    rules: ScopeRules, issued: tuple[str, ...], asked: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    match rules.listed:
        case "issued":
            return issued
        case "nonempty":
            return issued or None
        case "different":
            return issued if set(issued) != set(asked or ()) else None
        case "asked":
            return asked
        case "never":
            return None
