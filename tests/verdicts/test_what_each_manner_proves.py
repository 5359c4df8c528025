"""Whatever a server's manner: what it proves is said, with how, and nothing else is."""

import pytest
from simulated import (
    LIARS,
    MANNERS,
    NAMERS,
    TOO_LARGE,
    by_lot,
    ignoring,
    naming,
    narrowing,
    narrowing_but_silent_alone,
    narrowing_in_silence,
    narrowing_or_refusing,
    night,
    of_one_resource,
    repeating,
    scopes,
    silent,
    strict,
    up_to,
    with_conflicts,
)

from scopeprobe.strategies import adaptive, each

CANDIDATES = scopes(6, 2)
NOTHING = frozenset()
GIVEN = [
    CANDIDATES[:3], CANDIDATES[1:4], CANDIDATES, NOTHING, CANDIDATES[2:3],
    CANDIDATES[:5], CANDIDATES[3:],
]  # fmt: skip
REFUSING = {
    "strict": strict,
    "names by lot": naming(by_lot),
    "one resource at a time": of_one_resource,
    "refuses a pair": with_conflicts([CANDIDATES[:2]]),
    "takes two at once": up_to(2, TOO_LARGE),
    **NAMERS,
    **LIARS,
}
"""Whatever else they say, a scope that was not given is refused, and a token lists its scopes."""
SILENT = {"silent": silent, "narrowing in silence": narrowing_in_silence}
LISTING = {
    "narrowing": narrowing,
    "narrowing or refusing": narrowing_or_refusing,
    "silent where nothing is left": narrowing_but_silent_alone,
}
ENFORCED = REFUSING | SILENT | LISTING
ASKED_WITHOUT = list(MANNERS)
"""What is done with a request without scope."""


def proofs(server, strategy, without_scope):
    """Of the candidates of every client: whether it was given, the verdict, and its reason."""
    asked = night(
        server, GIVEN, CANDIDATES, strategy=strategy, without_scope=MANNERS[without_scope]
    )
    assert asked.false_verdicts == 0
    return [
        (given, cell)
        for cells, given in zip(asked.cells, asked.given, strict=True)
        for cell in cells
        if cell.scope in CANDIDATES
    ]


def said(found, *, of_given):
    return {
        (cell.verdict, cell.reason) for given, cell in found if (cell.scope in given) is of_given
    }


@pytest.mark.parametrize("strategy", [each, adaptive], ids=["each", "adaptive"])
@pytest.mark.parametrize("without_scope", ASKED_WITHOUT)
@pytest.mark.parametrize("name", ENFORCED)
def test_what_was_given_is_granted_and_all_else_is_not(name, without_scope, strategy):
    found = proofs(ENFORCED[name], strategy, without_scope)
    assert {verdict for verdict, _ in said(found, of_given=True)} == {"granted"}
    of_those_with_tokens = [(given, cell) for given, cell in found if given]
    assert {verdict for verdict, _ in said(of_those_with_tokens, of_given=False)} == {"denied"}


@pytest.mark.parametrize("strategy", [each, adaptive], ids=["each", "adaptive"])
@pytest.mark.parametrize("name", REFUSING)
def test_a_server_that_lists_and_refuses_proves_it_by_both(name, strategy):
    found = proofs(REFUSING[name], strategy, "nothing")
    assert said(found, of_given=True) == {("granted", "listed_in_response")}
    assert said(found, of_given=False) == {("denied", "refused_alone")}


@pytest.mark.parametrize("strategy", [each, adaptive], ids=["each", "adaptive"])
@pytest.mark.parametrize("name", SILENT)
def test_a_server_that_lists_nothing_proves_it_by_what_it_accepts(name, strategy):
    found = proofs(SILENT[name], strategy, "nothing")
    assert said(found, of_given=True) == {("granted", "accepted_alone")}
    assert said(found, of_given=False) == {("denied", "refused_alone")}


@pytest.mark.parametrize("strategy", [each, adaptive], ids=["each", "adaptive"])
@pytest.mark.parametrize("without_scope", ["nothing", "the grants", "refused"])
def test_a_server_that_narrows_proves_it_by_what_it_leaves_out(without_scope, strategy):
    found = proofs(narrowing, strategy, without_scope)
    assert said(found, of_given=True) == {("granted", "listed_in_response")}
    assert said(found, of_given=False) == {("denied", "left_out")}


@pytest.mark.parametrize("strategy", [each, adaptive], ids=["each", "adaptive"])
@pytest.mark.parametrize("name", REFUSING | SILENT)
def test_a_client_that_gets_no_token_at_all_is_denied_nothing(name, strategy):
    """Where a request without scope is refused, too: its credentials may be bad."""
    found = proofs((REFUSING | SILENT)[name], strategy, "refused")
    without_a_token = [(given, cell) for given, cell in found if not given]
    assert said(without_a_token, of_given=False) == {("unknown", "authentication_unproved")}


@pytest.mark.parametrize("strategy", [each, adaptive], ids=["each", "adaptive"])
@pytest.mark.parametrize(
    ("server", "without_scope", "reason"),
    [
        *((repeating, manner, "canary_issued") for manner in ASKED_WITHOUT),
        (ignoring, "refused", "scope_not_used"),
    ],
)
def test_a_server_that_gives_whatever_is_asked_enforces_nothing(
    server, without_scope, reason, strategy
):
    found = proofs(server, strategy, without_scope)
    assert {(cell.verdict, cell.reason) for _, cell in found} == {("unenforced", reason)}


@pytest.mark.parametrize("strategy", [each, adaptive], ids=["each", "adaptive"])
@pytest.mark.parametrize("without_scope", ["nothing", "the grants"])
def test_a_server_that_ignores_scopes_and_lists_some_leaves_it_open(without_scope, strategy):
    """Its tokens may be narrowed in silence: nobody can see whether they are."""
    found = proofs(ignoring, strategy, without_scope)
    assert not {cell.verdict for _, cell in found} & {"granted", "denied"}


@pytest.mark.parametrize("name", ENFORCED)
def test_a_scope_that_comes_unasked_is_granted_too(name):
    asked = night(
        ENFORCED[name], GIVEN, CANDIDATES, strategy=each, without_scope=MANNERS["defaults"]
    )
    for cells in asked.cells:
        assert [(c.verdict, c.reason) for c in cells if c.scope == "default"] == [
            ("granted", "unlisted")
        ]
