"""Servers composed at random: nothing false is said of them, and nobody is locked out."""

import pytest
from generated.manners import PLAIN, Manner
from generated.nights import MOST_FAILURES, audited
from generated.servers import NAMES, Generated, Registered, generated_from
from generated.truth import name_fault

SERVERS = 50
"""All of them, and those of other seeds: python tests/bench/generated_servers.py --servers 500."""
EXISTING = NAMES[PLAIN.names]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What audits by every strategy over three nights, some of them resumed, came to."""
    cases = [generated_from(seed) for seed in range(SERVERS)]
    return audited(cases, tmp_path_factory.mktemp("generated"))


def test_no_verdict_on_a_generated_server_is_false(found):
    false = [
        f"{cell.case.name} {cell.strategy}, night {cell.night}, {cell}"
        for cell in found.cells
        if cell.is_false
    ]
    assert not false, "\n".join(false)


def test_no_client_of_a_generated_server_is_locked_out(found):
    locked_out = {
        case.client_name(worst.client): worst
        for case, worst in found.failures.items()
        if worst.in_a_row > MOST_FAILURES
    }
    assert not locked_out


# -- the model itself: what is false, and what nobody can know


def server(manner, *grants, state="good", hidden=()):
    """The first client has these grants and this state; every further one is good."""
    states = (state, *("good",) * len(grants))
    clients = (
        Registered((frozenset(mine),), state) for mine, state in zip(grants, states, strict=False)
    )
    return Generated(manner, tuple(clients), frozenset(hidden))


SOME = EXISTING[:3]
SILENT = Manner(ungranted="drop", unknown="drop")
DROPPING = Manner(ungranted="drop")
HIDING = Manner(lists="always", hides="some")
ANY_401 = Manner(refusal="invalid_client", absent="refuse")
SCOPES_FIRST = Manner(order="client scopes secret", absent="refuse")


@pytest.mark.parametrize(
    ("generated", "scope", "verdict", "fault"),
    [
        pytest.param(server(PLAIN, SOME), SOME[0], "granted", "", id="granted"),
        pytest.param(server(PLAIN, SOME), SOME[0], "denied", "false denied", id="refused-others"),
        pytest.param(
            server(PLAIN, SOME), EXISTING[3], "granted", "false granted", id="refused-this"
        ),
        pytest.param(
            server(SILENT, SOME), SOME[0], "denied", "unknowable denied", id="silence-for-all"
        ),
        pytest.param(
            server(DROPPING, SOME), SOME[0], "unknown", "rightly unknown", id="silence-is-open"
        ),
        pytest.param(server(SILENT, SOME), SOME[0], "unenforced", "", id="nothing-is-decided"),
        pytest.param(
            server(PLAIN, SOME), SOME[0], "unenforced", "false unenforced", id="some-are-refused"
        ),
        pytest.param(
            server(HIDING, SOME, hidden=SOME[2:]), SOME[2], "denied", "false denied",
            id="hidden-where-others-are-refused",
        ),
        pytest.param(
            server(
                Manner(lists="always", hides="some", unknown="drop"), EXISTING, hidden=SOME[2:]
            ),
            SOME[2], "denied", "unknowable denied", id="hidden-where-nothing-is-refused",
        ),
        pytest.param(
            server(PLAIN, SOME, state="wrong"), SOME[0], "denied", "false denied",
            id="denied-to-a-wrong-secret",
        ),
        pytest.param(
            server(SCOPES_FIRST, (), state="wrong"), SOME[0], "denied", "false denied",
            id="a-good-client-would-hear-the-same",
        ),
        pytest.param(
            server(PLAIN, (), SOME), SOME[0], "unauthenticated", "false unauthenticated",
            id="a-token-without-scope",
        ),
        pytest.param(
            server(ANY_401, ()), SOME[0], "unauthenticated", "unknowable unauthenticated",
            id="401-whatever-is-asked",
        ),
        pytest.param(
            server(Manner(lists="always"), SOME), SOME[0], "unknown", "needless unknown",
            id="listed",
        ),
    ],
)  # fmt: skip
def test_a_verdict_is_false_where_no_server_alike_makes_it_true(generated, scope, verdict, fault):
    assert name_fault(generated, (0, 0, scope), verdict) == fault
