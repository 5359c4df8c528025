"""What a judged client leaves to others: sets to prove again, and what it was proved to have."""

import pytest
from stories import OK, REFUSED, assigned, listing, story

from scopeprobe.model.cell import Cell, Reason, Verdict
from scopeprobe.verdicts import accepted_sets, earlier_client


def cells(**by_verdict):
    """Cells of scopes, by the names of their verdicts."""
    return [
        Cell("one", "id", "", scope, Verdict(verdict), Reason.UNLISTED)
        for verdict, scopes in by_verdict.items()
        for scope in scopes.split()
    ]


@pytest.mark.parametrize(
    ("answers", "sets"),
    [
        pytest.param([("a b", OK)], [("a", "b")], id="accepted in silence"),
        pytest.param([("a b", listing("b a more"))], [("a", "b")], id="listed as a whole"),
        pytest.param([("a b", listing("a"))], [], id="one was left out"),
        pytest.param([("a b", REFUSED)], [], id="refused"),
        pytest.param([("a", OK), (None, OK)], [], id="alone, and without scope"),
        pytest.param([("a x", OK)], [], id="one is not granted after all"),
        pytest.param([("a b", OK), ("a b c", OK)], [("a", "b", "c")], id="the larger holds both"),
        pytest.param([("a b", OK), ("b a", OK)], [("a", "b")], id="of equals the first"),
        pytest.param(
            [("a b", OK), ("c d e", OK), ("d e", OK)],
            [("c", "d", "e"), ("a", "b")],
            id="what each adds, the larger first",
        ),
    ],
)
def test_few_accepted_sets_hold_all_granted_scopes_that_were_asked_in_sets(answers, sets):
    found = cells(granted="a b c d e", denied="x")
    assert accepted_sets(story(*answers), found) == tuple(sets)


def test_the_next_clients_learn_proved_verdicts_only():
    found = cells(granted="a b", denied="c", unenforced="d", unknown="e")
    earlier = earlier_client(assigned("a b c d e", audience="api"), iter(found))
    assert (earlier.audience, earlier.candidates) == ("api", tuple("abcde"))
    assert (earlier.granted, earlier.denied) == ({"a", "b"}, {"c"})
