"""Which scopes a token gets (RFC 6749 section 3.3), and which of them the answer lists."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from scopeprobe.lab.manners import Refusal, ScopeRules, Treatment


@dataclass(frozen=True, slots=True)
class Denial:
    """A request refused for its scopes: those that did it, in the order of the request."""

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
    if asked is None:
        return decide_without_scope(rules, granted)
    treatments = {scope: treat(scope, rules, granted, known) for scope in asked}
    refusals = {
        scope: treatment
        for scope, treatment in treatments.items()
        if isinstance(treatment, Refusal)
    }
    if refusals:
        return Denial(next(iter(refusals.values())), tuple(refusals))
    return tuple(scope for scope, treatment in treatments.items() if treatment == "issue")


def decide_without_scope(rules: ScopeRules, granted: Collection[str]) -> tuple[str, ...] | Denial:
    """A default, or a refusal: the two that RFC 6749 section 3.3 leaves to a server."""
    if isinstance(rules.absent, Refusal):
        return Denial(rules.absent)
    return tuple(granted) if rules.absent == "granted" else ()


def treat(
    scope: str, rules: ScopeRules, granted: Collection[str], known: Collection[str]
) -> Treatment:
    if scope in granted:
        return "issue"
    return rules.ungranted if scope in known else rules.unknown


def list_scopes(
    rules: ScopeRules, issued: tuple[str, ...], asked: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """The scopes that a 200 lists; None where it has no `scope` member."""
    match rules.listed:
        case "issued":
            return issued
        case "nonempty":
            return issued or None
        case "asked":
            return asked
        case "never":
            return None
