"""What a list proves that lacks a scope that was asked for (docs/design.md, rules 2, 3 and 10)."""

import pytest
from stories import CANARY, OK, REFUSED, VAGUE, cells, listing, told, verdict

from scopeprobe.model.answer import Issued

DENIED = ("denied", "left_out")
UNCONFIRMED = ("unknown", "unconfirmed")
CANDIDATES = "a b c d users users:read"


def client(*answers, name="one"):
    return told(CANDIDATES, *answers, name=name)


def other(*answers, name="other"):
    return client(*answers, name=name)


# -- a list that held other scopes: the missing one is asked again without them

LACKS_B = client((None, OK), (CANARY, REFUSED), ("a b", listing("a")))
LISTS_B = other((None, OK), ("b", listing("b")))
NARROWS = other(("c d", listing("c")), ("d", listing()), name="narrows")
DROPS_COMPANIONS = other(("c d", listing("c")), (None, listing("d")), name="drops")


def test_a_scope_that_is_missing_beside_others_is_denied_where_sets_are_narrowed():
    assert verdict("b", LACKS_B, LISTS_B, NARROWS) == DENIED


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([LISTS_B], id="not-known-to-narrow"),
        pytest.param([LISTS_B, NARROWS, DROPS_COMPANIONS], id="a-companion-may-be-missing"),
        pytest.param([LISTS_B, DROPS_COMPANIONS], id="a-companion-is-missing"),
    ],
)
def test_it_is_open_where_it_may_be_missing_for_want_of_another(others):
    assert verdict("b", LACKS_B, *others) == UNCONFIRMED


@pytest.mark.parametrize("again", [("b", OK), ("b c", OK)], ids=["alone", "beside-another"])
def test_it_is_denied_whatever_companions_do_once_it_brought_nothing_by_itself(again):
    one = client((None, OK), (CANARY, REFUSED), ("a b", listing("a")), again)
    assert verdict("b", one, LISTS_B, DROPS_COMPANIONS) == DENIED


# -- which lists are trusted


def test_a_list_that_showed_the_scope_to_another_client_denies_it_here():
    one = client((None, OK), (CANARY, REFUSED), ("b", listing()))
    assert verdict("b", one, LISTS_B) == DENIED
    assert verdict("b", one) == UNCONFIRMED


LACKS_LONE_B = client((None, OK), (CANARY, REFUSED), ("b", listing()), ("c", listing("c")))
LACKS_LONE_C = other(("c", listing()))


def test_a_list_that_left_out_a_lone_scope_which_it_shows_to_another_denies():
    assert verdict("b", LACKS_LONE_B, LACKS_LONE_C) == DENIED
    assert verdict("b", LACKS_LONE_B) == UNCONFIRMED


def test_such_a_list_denies_nothing_where_a_known_scope_was_ever_refused():
    given = other(("d", listing("d")), name="given")
    refused = other(("d", VAGUE), (None, OK), name="refused")
    assert verdict("b", LACKS_LONE_B, LACKS_LONE_C, given, refused) == UNCONFIRMED


def test_a_scope_that_is_left_out_beside_the_canary_is_denied():
    assert verdict("b", client((f"b {CANARY}", listing()))) == DENIED


def test_a_scope_that_is_left_out_as_the_canary_was_is_denied():
    assert verdict("b", client((CANARY, listing()), ("b", listing()))) == DENIED


@pytest.mark.parametrize(
    ("answers", "others"),
    [
        pytest.param([("b", listing())], [], id="the-canary-was-not-asked"),
        pytest.param([(CANARY, OK), ("b", listing())], [], id="the-canary-was-met-by-silence"),
        pytest.param([(CANARY, REFUSED), (f"b {CANARY}", listing())], [], id="it-is-refused"),
        pytest.param(
            [(CANARY, listing()), ("a b", listing("a"))], [NARROWS], id="the-list-held-another"
        ),
        pytest.param(
            [(CANARY, Issued(None, (), True)), ("b", listing())], [], id="of-another-kind"
        ),
        pytest.param(
            [(CANARY, listing()), ("b", listing()), ("c", REFUSED), ("c", OK)],
            [],
            id="others-are-refused",
        ),
    ],
)
def test_a_scope_is_not_denied_for_less(answers, others):
    assert verdict("b", client(*answers), *others) == UNCONFIRMED


def test_where_scopes_are_refused_one_that_does_not_exist_is_denied_like_the_canary():
    answers = [(CANARY, listing()), ("b", listing()), (f"b {CANARY}", listing()), ("c", VAGUE)]
    assert verdict("b", client(*answers, (None, OK))) == DENIED


# -- other names


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ("B", "it may be what is listed as B"),
        ("api/b", "it may be what is listed as api/b"),
        ("came-with-it", "it may be what is listed as came-with-it"),
    ],
)
def test_a_name_that_resembles_the_scope_or_came_only_with_it_may_be_it(listed, words):
    one = client((CANARY, listing()), (None, listing("x")), ("b", listing(listed)))
    cell = cells(one)["b"]
    assert (cell.reason, cell.error_description) == ("contradictory", words)


def test_a_name_that_was_asked_for_itself_is_no_other_name():
    """`users` may stand for `users:read`, but both were asked for."""
    one = client((None, OK), (CANARY, REFUSED), ("users users:read", listing("users")))
    lists = other(("users:read", listing("users:read")))
    assert verdict("users:read", one, lists, NARROWS) == DENIED


def test_a_name_that_comes_without_the_scope_too_is_no_other_name():
    default = listing("profile")
    assert verdict("b", client((None, default), (CANARY, default), ("b", default))) == DENIED


# -- what no list ever shows (rule 2)

B_IS_REFUSED = other((None, OK), ("b", REFUSED), (None, OK), name="refused")


@pytest.mark.parametrize(
    ("answers", "others", "ruling"),
    [
        pytest.param(
            [(None, OK), (CANARY, REFUSED), ("b", listing())],
            [B_IS_REFUSED],
            ("granted", "accepted_alone"),
            id="it-is-refused-to-another",
        ),
        pytest.param(
            [(None, OK), (CANARY, REFUSED), ("b", listing())], [], UNCONFIRMED, id="to-nobody"
        ),
        pytest.param(
            [(None, OK), (CANARY, OK), ("b", listing())],
            [B_IS_REFUSED],
            UNCONFIRMED,
            id="the-canary-is-issued",
        ),
        pytest.param(
            [(None, OK), (CANARY, REFUSED), ("b c", listing())],
            [B_IS_REFUSED],
            UNCONFIRMED,
            id="it-is-issued-in-a-set",
        ),
    ],
)
def test_what_is_issued_alone_and_never_listed_is_granted_if_it_is_policed(answers, others, ruling):
    assert verdict("b", client(*answers), *others) == ruling


def test_what_a_repeated_request_lists_is_not_taken_for_what_is_never_listed():
    """The answer shows the canary as well, though it is refused alone; the token lacks it all."""
    one = client(
        (None, OK),
        (CANARY, REFUSED),
        (f"b {CANARY}", Issued(("b", CANARY), (), True)),
        ("b", Issued(("b",), (), True)),
    )
    assert verdict("b", one, B_IS_REFUSED) == UNCONFIRMED


def test_what_another_kind_of_list_shows_to_others_is_not_taken_for_what_is_never_listed():
    """Answers list it to another client; here the token's claims lack it."""
    one = client(
        (None, listing("x")), (CANARY, REFUSED), ("b", Issued(None, (), True)), ("x", REFUSED)
    )
    assert verdict("b", one, LISTS_B, B_IS_REFUSED) == UNCONFIRMED


# -- silence that is an empty list (rule 3)

LISTS_EXACTLY = client((CANARY, OK), ("c", listing("c")), ("b", OK))


def test_silence_is_an_empty_list_where_lists_are_what_was_asked():
    assert verdict("b", LISTS_EXACTLY) == DENIED


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([(None, listing())], id="lists-may-be-empty"),
        pytest.param([(None, listing("d")), ("d", OK)], id="silent-for-what-is-given"),
        pytest.param([(f"c {CANARY}", listing(f"c {CANARY}"))], id="lists-show-the-canary"),
    ],
)
def test_silence_is_no_list_elsewhere(more):
    one = client((CANARY, OK), ("c", listing("c")), ("b", OK), *more)
    assert verdict("b", one) == UNCONFIRMED


def test_silence_is_no_list_where_a_known_scope_is_refused():
    refused = other(("c", VAGUE), (None, OK))
    assert verdict("b", LISTS_EXACTLY, refused) == UNCONFIRMED
