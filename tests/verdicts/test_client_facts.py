"""One client's facts, indexed: each index holds what its name says, and nothing else."""

import pytest
from stories import FAILED, OK, REFUSED, VAGUE, at, listing, told

from scopeprobe.model.answer import Issued, Refused, TooLarge
from scopeprobe.verdicts.client_facts import ClientFacts

NAMES_B = Refused(400, "invalid_scope", named=("b",))


def client(*answers):
    return ClientFacts(*told("a b c", *answers))


def test_a_scope_was_asked_with_others_only_in_sets():
    facts = client(("a", OK), ("a b", OK), ("b c", OK), (None, OK))
    assert [fact.question.scopes for fact in facts.with_others("a")] == [("a", "b")]


def test_names_that_nobody_asked_for_are_kept_apart():
    assert client(("a", listing("a profile")), (None, listing("b"))).unasked == {"profile", "b"}


def test_what_a_list_lacks_is_left_out_and_what_came_without_a_list_is_accepted():
    facts = client(("a b", listing("a")), ("c", OK), (None, OK), ("d", REFUSED))
    assert facts.left_out == {"b"}
    assert facts.accepted == {"a", "c"}
    assert facts.issued_for == {"a", "b", "c"}
    assert facts.issued_alone == {"c"}


def test_a_lone_scope_is_left_out_but_not_of_a_set():
    facts = client(("a b", listing("a")), ("c", listing()), (None, OK))
    assert facts.left_out == {"b", "c"}
    assert facts.left_out_of_sets == {"b"}


def test_a_scope_is_withheld_if_it_was_left_out_or_refused_between_successes():
    facts = client((None, OK), ("a", listing()), ("b", REFUSED), ("c", OK), ("d", REFUSED))
    assert [scope for scope in "abcd" if facts.is_withheld(scope)] == ["a", "b"]


@pytest.mark.parametrize(
    ("answers", "again"),
    [
        pytest.param([("a b", listing("a"))], set(), id="some of the set was given"),
        pytest.param([("a b", listing())], {"a", "b"}, id="nothing of the set was given"),
        pytest.param([("b", OK)], {"b"}, id="silence brings nothing"),
        pytest.param(
            [("a b", listing()), ("a b", REFUSED), (None, OK)], {"a", "b"}, id="refused as a whole"
        ),
        pytest.param([("a c", TooLarge(413)), (None, OK)], set(), id="not even looked at"),
    ],
)
def test_a_scope_was_left_out_by_itself_where_no_other_was_given_with_it(answers, again):
    assert client(*answers).left_out_by_itself == again


@pytest.mark.parametrize(
    ("answers", "again"),
    [
        pytest.param([("a b c", listing("c")), ("a b", REFUSED), (None, OK)], {"a", "b"}, id="all"),
        pytest.param([("a b c", listing("a c")), ("a b", REFUSED), (None, OK)], set(), id="given"),
        pytest.param([("a b c", listing("c")), ("a b", VAGUE), (None, OK)], set(), id="a fault"),
        pytest.param([("a b c", listing("c")), ("a b", REFUSED)], set(), id="no success behind"),
    ],
)
def test_a_refusal_shows_that_nothing_of_a_set_is_given_if_lists_left_out_all_of_it(answers, again):
    assert client(*answers).left_out_by_itself == again


def test_a_token_that_shows_a_name_in_two_places_is_one_fact():
    both = Issued(("a",), ("a",), True)
    facts = client(("a", both), (None, listing("a")), ("b", listing("b")))
    assert [fact.question.scopes for fact in facts.showing("a")] == [("a",), None]


# -- refusals and the successes around them


@pytest.mark.parametrize(
    ("before", "behind", "is_bracketed"),
    [
        pytest.param((0, 1), (4, 5), True, id="between"),
        pytest.param((0, 2), (4, 5), False, id="the-first-was-read-as-it-was-sent"),
        pytest.param((0, 1), (3, 5), False, id="the-next-was-sent-as-it-was-read"),
    ],
)
def test_a_success_in_flight_at_the_same_time_brackets_no_refusal(before, behind, is_bracketed):
    refusal = at("a", VAGUE, 2, 3)
    facts = [at(None, OK, *before), refusal, at("b", OK, *behind)]
    assert ClientFacts(client().assignment, facts).is_bracketed(refusal) is is_bracketed


def test_a_plain_refusal_needs_no_success_before_it():
    facts = client(("a", REFUSED), ("b", VAGUE), ("c", FAILED), (None, OK))
    assert facts.refused_alone == {"a"}
    assert not client(("a", REFUSED)).refused_alone


# -- names of culprits


def naming(*asked):
    """The sets were refused with the name of b."""
    return client(*((scopes, NAMES_B) for scopes in asked), (None, OK))


def test_a_name_in_the_middle_of_a_request_is_believed():
    refusal = naming("a b c").naming("b")
    assert refusal.question.scopes == ("a", "b", "c")
    assert naming("a b c").naming("a") is None


def test_a_name_at_an_edge_of_the_request_may_be_an_echo():
    assert naming("b a c").naming("b") is None
    assert naming("a c b").naming("b") is None


def test_a_name_is_believed_only_if_a_success_follows():
    assert client((None, OK), ("a b c", NAMES_B)).naming("b") is None


def test_refusals_that_name_others_do_not_hide_the_one_that_names_the_scope():
    names_c = Refused(400, "invalid_scope", named=("c",))
    facts = client(("a c b", names_c), ("a b c", NAMES_B), (None, OK))
    assert facts.naming("b").answer == NAMES_B


def test_a_scope_is_named_wherever_it_stands_if_it_stood_in_two_places():
    facts = naming("b a c", "a b c")
    assert facts.is_named_wherever_it_stands("b")
    assert not facts.is_named_wherever_it_stands("a")
    assert not naming("b a c", "b c").is_named_wherever_it_stands("b")
