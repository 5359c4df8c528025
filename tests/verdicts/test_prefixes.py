"""Of which prefixes an invented scope is asked for, and by whom (docs/design.md, rule 12)."""

from dataclasses import replace

import pytest
from stories import CANARY, OK, REFUSED, cells, listing, told

from scopeprobe.model.answer import Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.verdicts import learn_behavior, shapes_in_doubt

CANDIDATES = "orders.read orders.write users.read plain"
SHAPE = f"orders.{CANARY}"
READ = [(None, OK), (CANARY, REFUSED), ("orders.read", listing("orders.read"))]


def client(name, *answers, **settings):
    return told(CANDIDATES, *answers, name=name, **settings)


def doubts(*clients, **asking):
    """By the clients that have something left to ask, the invented scopes."""
    found = shapes_in_doubt(clients, learn_behavior(clients), **asking)
    return {str(one.client.name): further.shapes for one, further in found}


def test_the_first_client_with_a_grant_of_a_prefix_asks_for_an_invented_one():
    assert doubts(client("one", *READ), client("two", *READ)) == {"one": (SHAPE,)}


def test_what_is_still_to_ask_leaves_the_rest_of_the_assignment_as_it_is():
    one = client("one", *READ)
    ((before, further),) = shapes_in_doubt([one], learn_behavior([one]))
    assert before == one[0]
    assert further == replace(before, shapes=(SHAPE,))


def test_another_client_asks_where_the_first_one_cannot():
    clients = client("one", *READ), client("two", *READ)
    found = doubts(*clients, can_ask=lambda assignment: assignment.client.name != "one")
    assert found == {"two": (SHAPE,)}


def test_every_prefix_is_asked_for_once_and_names_without_one_are_not():
    both = listing("orders.read users.read plain")
    found = doubts(client("one", (CANARY, REFUSED), (CANDIDATES, both), (None, OK)))
    assert found == {"one": (f"users.{CANARY}",)}  # orders.write was left out


def test_a_grant_that_came_unasked_was_let_through_by_no_pattern():
    answers = [(None, listing("orders.read")), (CANARY, REFUSED)]
    assert doubts(client("one", *answers)) == {}


def test_grants_in_silence_are_asked_about_too():
    answers = [(None, OK), (CANARY, REFUSED), ("orders.read", OK)]
    assert doubts(client("one", *answers)) == {"one": (SHAPE,)}


@pytest.mark.parametrize(
    "withheld",
    [
        pytest.param([("orders.write", REFUSED), (None, OK)], id="refused"),
        pytest.param([("orders.write", listing())], id="left out"),
        pytest.param([("orders.write orders.read", listing("orders.read"))], id="of a set"),
    ],
)
def test_where_something_with_the_prefix_was_withheld_from_anybody_nobody_asks(withheld):
    assert doubts(client("one", *READ), client("two", *READ, *withheld)) == {}


def test_what_is_withheld_for_one_audience_settles_nothing_for_another():
    withheld = [(None, OK), (CANARY, REFUSED), ("orders.write", REFUSED), (None, OK)]
    one = client("one", *READ, audience="api")
    assert doubts(one, client("two", *withheld, audience="other")) == {"one": (SHAPE,)}


def test_an_invented_scope_that_was_refused_settles_the_prefix():
    refused = client("one", *READ, (SHAPE, REFUSED), (None, OK))
    assert doubts(refused, client("two", *READ)) == {}


def test_an_invented_scope_whose_answer_was_lost_is_asked_again():
    lost = client("one", *READ, (SHAPE, Unanswered(Reason.TIMED_OUT)))
    assert doubts(lost) == {"one": (SHAPE,)}


def with_shape(client):
    assignment, facts = client
    return replace(assignment, shapes=(SHAPE,)), facts


OPEN = with_shape(client("open", *READ, (SHAPE, listing(SHAPE))))


def test_once_an_invented_scope_was_given_all_with_grants_of_its_prefix_ask():
    others = client("one", *READ), client("two", (None, OK), (CANARY, REFUSED))
    assert doubts(OPEN, *others, client("three", *READ)) == {"one": (SHAPE,), "three": (SHAPE,)}


def test_an_invented_scope_that_a_list_lacks_is_not_given():
    narrowed = with_shape(client("one", *READ, (SHAPE, listing())))
    assert doubts(narrowed, client("two", *READ)) == {}


def test_an_invented_scope_that_only_a_repeated_request_shows_is_not_given():
    """The answer lists the canary as well; the token lists what is given."""
    beside_the_canary = Issued(("orders.read", CANARY), ("orders.read",), True)
    answers = [(None, OK), (CANARY, REFUSED), (f"orders.read {CANARY}", beside_the_canary)]
    one = with_shape(client("one", *answers, (SHAPE, Issued((SHAPE,), (), True))))
    assert doubts(one, client("two", *READ)) == {}


@pytest.mark.parametrize(
    ("canary", "shapes"),
    [
        pytest.param([(CANARY, REFUSED)], {"one": (SHAPE,)}, id="refused"),
        pytest.param([(CANARY, listing())], {"one": (SHAPE,)}, id="left out"),
        pytest.param([(CANARY, listing(CANARY))], {}, id="listed"),
        pytest.param([(CANARY, OK)], {"one": (SHAPE,)}, id="issued without a list"),
        pytest.param([], {}, id="never asked"),
    ],
)
def test_only_a_client_that_is_kept_from_the_canary_asks(canary, shapes):
    answers = [(None, OK), *canary, ("orders.read", listing("orders.read"))]
    assert doubts(client("one", *answers)) == shapes


def test_grants_with_an_open_prefix_are_unenforced_for_the_client_that_was_given_more():
    found = cells(OPEN, client("two", *READ, (f"orders.read {CANARY}", REFUSED)))
    assert (found["orders.read"].verdict, found["orders.read"].reason) == (
        "unenforced",
        "shape_unenforced",
    )
    others = cells(client("two", *READ, (f"orders.read {CANARY}", REFUSED)), OPEN)
    assert others["orders.read"].verdict == "granted"
