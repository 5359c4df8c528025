"""What a list proves that holds a scope, and when it merely repeats the request (rules 1 and 9)."""

import pytest
from stories import CANARY, OK, REFUSED, VAGUE, cells, listing, told, verdict

from scopeprobe.model.answer import Issued, Unanswered
from scopeprobe.model.cell import Reason

GRANTED = ("granted", "listed_in_response")
UNCONFIRMED = ("unknown", "unconfirmed")
LISTS_A = ("a", listing("a"))
KEPT_FROM_THE_CANARY = [(None, OK), (CANARY, REFUSED)]


def client(*answers, name="one", **server):
    return told("a b c", *answers, name=name, **server)


def words(*answers):
    """What is said of the contradiction about a."""
    cell = cells(client(*answers))["a"]
    assert cell.reason == "contradictory"
    return cell.error_description


# -- what shows that a list does not merely repeat the request


@pytest.mark.parametrize(
    ("answers", "others"),
    [
        pytest.param([*KEPT_FROM_THE_CANARY, (None, listing("a"))], [], id="it-came-unasked"),
        pytest.param(
            [*KEPT_FROM_THE_CANARY, ("b", listing("a b"))], [], id="it-came-for-another-scope"
        ),
        pytest.param([*KEPT_FROM_THE_CANARY, ("a b", listing("a"))], [], id="another-is-left-out"),
        pytest.param([(CANARY, OK), LISTS_A], [], id="the-canary-is-not-listed"),
        pytest.param(
            [*KEPT_FROM_THE_CANARY, LISTS_A, (f"a {CANARY}", REFUSED)],
            [],
            id="it-is-refused-beside-the-canary",
        ),
        pytest.param(
            [*KEPT_FROM_THE_CANARY, LISTS_A],
            [[(None, OK), ("a", REFUSED), (None, OK)]],
            id="it-was-asked-alone-and-is-refused-to-another",
        ),
        pytest.param(
            [*KEPT_FROM_THE_CANARY, LISTS_A],
            [[(None, OK), ("b", REFUSED), (None, OK)], [("b", OK)]],
            id="it-was-asked-alone-and-a-known-scope-is-refused",
        ),
    ],
)
def test_a_list_that_does_more_than_repeat_the_request_grants_what_it_shows(answers, others):
    peers = (client(*other, name=f"other{n}") for n, other in enumerate(others))
    assert verdict("a", client(*answers), *peers) == GRANTED


B_IS_WITHHELD = [[(None, OK), ("b", REFUSED), (None, OK)], [("b", OK)]]


@pytest.mark.parametrize(
    ("answers", "others"),
    [
        pytest.param([*KEPT_FROM_THE_CANARY, LISTS_A], [], id="asked-alone-where-all-is-given"),
        pytest.param(
            [*KEPT_FROM_THE_CANARY, ("a b", listing("a b"))], B_IS_WITHHELD, id="asked-in-a-set"
        ),
        pytest.param(
            [*KEPT_FROM_THE_CANARY, LISTS_A],
            [[(None, OK), ("b", REFUSED), (None, OK)]],
            id="what-is-refused-is-given-to-nobody",
        ),
    ],
)
def test_a_list_that_may_repeat_the_request_grants_nothing(answers, others):
    peers = (client(*other, name=f"other{n}") for n, other in enumerate(others))
    assert verdict("a", client(*answers), *peers) == UNCONFIRMED


def test_where_the_asking_was_cut_short_that_is_why():
    one = client(*KEPT_FROM_THE_CANARY, LISTS_A)
    assert verdict("a", one, open_because=Reason.DEADLINE) == ("unknown", "deadline")


# -- the canary


SHOWS_MORE = (None, listing("a"))


@pytest.mark.parametrize(
    ("answers", "others"),
    [
        pytest.param([(CANARY, REFUSED)], [], id="refused-here"),
        pytest.param([(CANARY, listing())], [], id="left-out-here"),
        pytest.param([("a", listing("a")), (CANARY, OK)], [], id="silence-is-an-empty-list"),
        pytest.param([], [[(None, OK), (CANARY, REFUSED)]], id="refused-to-another"),
        pytest.param([], [[(CANARY, listing())]], id="left-out-for-another"),
    ],
)
def test_a_list_grants_where_the_canary_was_refused_or_is_missing(answers, others):
    peers = (client(*other, name=f"other{n}") for n, other in enumerate(others))
    assert verdict("a", client(SHOWS_MORE, *answers), *peers) == GRANTED


@pytest.mark.parametrize(
    ("answers", "others", "reason"),
    [
        pytest.param([], [], "not_asked", id="never-asked"),
        pytest.param([(CANARY, Unanswered(Reason.TIMED_OUT))], [], "timed_out", id="lost"),
        pytest.param([(CANARY, OK)], [], "unconfirmed", id="met-by-silence"),
        pytest.param([(CANARY, VAGUE)], [], "unconfirmed", id="refused-once-unspecifically"),
        pytest.param(
            [(CANARY, OK)],
            [[(None, OK), (CANARY, REFUSED)]],
            "unconfirmed",
            id="met-by-silence-here-and-refused-to-another",
        ),
    ],
)
def test_elsewhere_it_is_open_and_the_canary_is_why(answers, others, reason):
    peers = (client(*other, name=f"other{n}") for n, other in enumerate(others))
    one = client((None, Issued(("a",))), *answers)
    assert verdict("a", one, *peers) == ("unknown", reason)


# -- lists that show the canary

ECHO = (CANARY, listing(CANARY))
A_IS_REFUSED = client((None, OK), ("a", REFUSED), (None, OK), name="refused")


def test_whoever_is_listed_the_canary_is_given_whatever_it_asks():
    cell = cells(client(ECHO, LISTS_A))["a"]
    assert (cell.verdict, cell.reason, cell.evidence) == ("unenforced", "canary_issued", "token")


@pytest.mark.parametrize(
    ("answers", "others"),
    [
        pytest.param([ECHO, LISTS_A, ("b", VAGUE), (None, OK)], [], id="something-is-refused"),
        pytest.param([ECHO, LISTS_A, ("b", listing("x"))], [], id="something-is-left-out"),
        pytest.param(
            [ECHO, LISTS_A], [[("b", VAGUE), (None, OK)]], id="something-is-refused-to-another"
        ),
        pytest.param([LISTS_A], [[ECHO]], id="the-canary-was-listed-for-another"),
    ],
)
def test_a_repeated_request_leaves_open_what_is_given(answers, others):
    peers = (client(*other, name=f"other{n}") for n, other in enumerate(others))
    assert verdict("a", client(*answers), *peers) == UNCONFIRMED


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param([(None, OK), (CANARY, REFUSED)], id="refused"),
        pytest.param([(CANARY, listing())], id="left-out"),
    ],
)
def test_who_alone_is_listed_the_canary_gets_all_whatever_others_are_refused(kept):
    others = client(*kept, name="kept"), A_IS_REFUSED
    assert verdict("a", client(ECHO, LISTS_A), *others) == ("unenforced", "canary_issued")


def test_who_alone_is_listed_the_canary_is_still_kept_from_what_it_is_refused():
    one = client(ECHO, LISTS_A, ("b", REFUSED), (None, OK))
    assert verdict("a", one, client(*KEPT_FROM_THE_CANARY, name="kept")) == UNCONFIRMED


BESIDE_THE_CANARY = (f"a {CANARY}", listing(f"a {CANARY}"))


def test_where_requests_are_repeated_a_name_counts_alone_if_it_is_refused_to_another():
    one = client(*KEPT_FROM_THE_CANARY, BESIDE_THE_CANARY, LISTS_A)
    assert verdict("a", one, A_IS_REFUSED) == GRANTED
    in_a_set = client(*KEPT_FROM_THE_CANARY, BESIDE_THE_CANARY)
    assert verdict("a", in_a_set, A_IS_REFUSED) == UNCONFIRMED


def test_where_requests_are_repeated_the_users_word_on_silence_grants_nothing():
    answers = [*KEPT_FROM_THE_CANARY, BESIDE_THE_CANARY, LISTS_A]
    assert verdict("a", client(*answers, absent_scope="as_requested")) == UNCONFIRMED


def test_a_list_that_repeats_requests_of_another_client_repeats_them_here():
    repeated = client(*KEPT_FROM_THE_CANARY, BESIDE_THE_CANARY, name="repeated")
    one = client(*KEPT_FROM_THE_CANARY, (None, listing("a")))
    assert verdict("a", one, repeated) == UNCONFIRMED


def test_a_list_that_shows_the_canary_to_others_only_is_read_where_it_is_left_out():
    one = client((CANARY, listing()), ("a b", listing("a")))
    assert verdict("a", one, client(ECHO, name="admin")) == GRANTED


# -- contradictions


def test_a_scope_that_is_listed_and_refused_alone_is_contradictory():
    both = Issued(("a",), ("a",), True)
    refused = [(CANARY, REFUSED), ("a", REFUSED), (None, both)]
    assert words((None, both), *refused) == "refused alone, though listed in the answer and token"
    assert words((None, listing("a")), *refused[:2]) == "refused alone, though listed in the answer"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Issued(("a",), (), True), "listed in the answer, not in the token"),
        (
            Issued(("a",), (), True, confirmed=("a",)),
            "listed in the answer and introspection, not in the token",
        ),
        (
            Issued(("a",), (), True, confirmed=()),
            "listed in the answer, not in the token and introspection",
        ),
    ],
)
@pytest.mark.parametrize("asked", ["a", "a b"])
def test_places_that_disagree_are_named(answer, told, asked):
    assert words(*KEPT_FROM_THE_CANARY, (asked, answer)) == told


def test_a_scope_that_lists_show_unless_it_is_asked_alone_is_contradictory():
    told = words((None, listing("a")), (CANARY, REFUSED), ("a", listing("b")))
    assert told == "listed, but not in the answer to the request for it alone"


def test_one_answer_to_the_lone_scope_that_lists_it_is_enough():
    answers = [(None, listing("a")), (CANARY, REFUSED), ("a", listing("b")), ("a", listing("a"))]
    assert verdict("a", client(*answers)) == GRANTED


def test_places_of_a_token_that_nobody_asked_for_the_scope_prove_nothing_if_they_disagree():
    one = client((None, Issued(("a",), (), True)), (CANARY, REFUSED))
    assert verdict("a", one) == ("unknown", "not_asked")


# -- which token is shown


CLAIMS_A = Issued(None, ("a",), True)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        pytest.param([LISTS_A, ("a b", CLAIMS_A)], "listed_in_response", id="the-lone-one"),
        pytest.param([("a b", CLAIMS_A), LISTS_A], "listed_in_response", id="the-lone-one-later"),
        pytest.param([("a", CLAIMS_A), LISTS_A], "listed_in_response", id="the-last"),
        pytest.param([LISTS_A, ("a", CLAIMS_A)], "listed_in_token", id="the-last-claim"),
    ],
)
def test_a_grant_names_the_last_list_for_the_lone_scope(answers, reason):
    one = client((None, listing("a")), (CANARY, REFUSED), *answers, ("a c", Issued(None, (), True)))
    assert verdict("a", one) == ("granted", reason)


def test_a_grant_does_not_name_a_list_that_repeats_the_request():
    """Answers to opaque tokens repeat it; the claims of JWTs show what is given."""
    claims = Issued(None, ("a",), True)
    one = client(ECHO, LISTS_A, ("a b", claims), (f"a {CANARY}", claims))
    assert verdict("a", one) == ("granted", "listed_in_token")


def test_introspection_is_named_before_the_answer():
    one = client(*KEPT_FROM_THE_CANARY, ("a b", Issued(("a",), confirmed=("a",))))
    assert verdict("a", one) == ("granted", "introspected")
