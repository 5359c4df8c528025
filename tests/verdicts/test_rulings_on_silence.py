"""What a token that shows no scopes at all proves (docs/design.md, rules 4, 5 and 9)."""

import pytest
from stories import CANARY, OK, REFUSED, VAGUE, cells, listing, told, verdict

from scopeprobe.model.answer import Issued

GRANTED = ("granted", "accepted_alone")
UNCONFIRMED = ("unknown", "unconfirmed")
A_IS_GIVEN = told("a b c", (None, OK), (CANARY, REFUSED), ("a", OK))
A_IS_REFUSED = told("a b c", (None, OK), ("a", REFUSED), (None, OK), name="refused")
A_IS_TAKEN_BESIDE_THE_CANARY = told("a b c", (None, OK), (CANARY, OK), ("a", OK))
B_IS_REFUSED = told("a b c", (None, OK), ("b", REFUSED), (None, OK), name="refused")
B_IS_GIVEN = told("a b c", ("b", OK), name="given")
LISTS_B = told("a b c", ("b", listing("b more")), name="listed")


@pytest.mark.parametrize(
    ("one", "others"),
    [
        pytest.param(A_IS_GIVEN, [A_IS_REFUSED], id="the-canary-is-refused-here-and-a-there"),
        pytest.param(
            A_IS_GIVEN, [B_IS_REFUSED, B_IS_GIVEN], id="the-canary-is-refused-here-and-b-there"
        ),
        pytest.param(A_IS_TAKEN_BESIDE_THE_CANARY, [A_IS_REFUSED], id="a-is-refused-to-another"),
        pytest.param(
            told("a b", (CANARY, REFUSED), (None, listing("b")), ("b", OK), ("a", OK)),
            [A_IS_REFUSED, LISTS_B],
            id="tokens-are-silent-for-what-is-given",
        ),
    ],
)
def test_a_lone_scope_that_is_taken_in_silence_is_granted_where_others_are_refused(one, others):
    assert verdict("a", one, *others) == GRANTED


@pytest.mark.parametrize(
    ("one", "others"),
    [
        pytest.param(A_IS_GIVEN, [], id="only-an-unknown-name-is-refused"),
        pytest.param(A_IS_GIVEN, [B_IS_REFUSED], id="nobody-is-given-what-is-refused"),
        pytest.param(
            A_IS_TAKEN_BESIDE_THE_CANARY, [B_IS_REFUSED, B_IS_GIVEN], id="only-b-is-policed"
        ),
        pytest.param(A_IS_GIVEN, [A_IS_REFUSED, LISTS_B], id="tokens-list-scopes-elsewhere"),
    ],
)
def test_less_grants_nothing(one, others):
    assert verdict("a", one, *others) == UNCONFIRMED


def test_the_users_word_on_silence_takes_no_scope_that_nobody_is_refused():
    word = {"absent_scope": "as_requested"}
    taken = told("a", (None, OK), (CANARY, OK), ("a", OK), **word)
    assert verdict("a", taken, B_IS_REFUSED, B_IS_GIVEN) == UNCONFIRMED
    assert verdict("a", taken, A_IS_REFUSED, LISTS_B) == GRANTED


def test_a_token_that_answered_another_question_grants_nothing():
    kept = Issued(token=7)
    one = told("a b", (None, OK), (CANARY, REFUSED), ("b", kept), ("a", kept), (None, OK))
    assert verdict("a", one, A_IS_REFUSED) == ("unknown", "token_shared")


def test_a_lone_grant_rests_on_the_scope_that_was_asked_alone():
    assert cells(A_IS_GIVEN, A_IS_REFUSED)["a"].evidence == "alone"


# -- sets (rule 5)

TAKEN_TOGETHER = told("a b c", (None, OK), (CANARY, REFUSED), ("a b", OK))
REFUSED_WHOLE = told(
    "a b c",
    ("a b", OK),
    (f"a b {CANARY}", REFUSED),
    ("a b c", REFUSED),
    ("c", REFUSED),
    (None, OK),
    name="whole",
)
C_IS_GIVEN = told("a b c", ("c", OK), name="given")


def test_a_silent_set_grants_its_members_where_sets_are_refused_whole():
    cell = cells(TAKEN_TOGETHER, REFUSED_WHOLE, C_IS_GIVEN)["a"]
    assert (cell.verdict, cell.reason, cell.evidence) == ("granted", "accepted_in_set", "set")


def test_a_silent_set_grants_nothing_where_it_may_have_been_narrowed():
    c_is_refused = told("a b c", ("c", REFUSED), (None, OK), name="refused")
    assert verdict("a", TAKEN_TOGETHER, c_is_refused, C_IS_GIVEN) == UNCONFIRMED


# -- a scope that does not exist


NO_SUCH_SCOPE = told(
    "a b", (CANARY, listing()), ("a", listing()), (f"a {CANARY}", listing()), name="listed"
)


@pytest.mark.parametrize(("asked", "evidence"), [("a", "alone"), ("a b", "set")])
def test_silence_denies_a_scope_that_exists_as_little_as_the_canary(asked, evidence):
    cell = cells(told("a b", (CANARY, OK), (asked, OK)), NO_SUCH_SCOPE)["a"]
    assert (cell.verdict, cell.reason, cell.evidence) == ("denied", "left_out", evidence)


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([(CANARY, OK), ("b", OK)], id="another-scope"),
        pytest.param([("b", OK)], id="the-canary-was-never-asked"),
        pytest.param([(CANARY, REFUSED), ("b", OK)], id="the-canary-is-refused"),
    ],
)
def test_silence_denies_nothing_else(answers):
    assert verdict("b", told("a b", *answers), NO_SUCH_SCOPE)[0] == "unknown"


def test_silence_denies_nothing_where_the_canary_is_listed_something():
    one = told("a b", (CANARY, listing("default")), ("a", OK))
    assert verdict("a", one, NO_SUCH_SCOPE) == UNCONFIRMED


# -- nothing is decided (rule 9)


@pytest.mark.parametrize(("asked", "evidence"), [("a", "alone"), ("a b", "set")])
def test_scopes_are_not_used_where_all_is_taken_in_silence(asked, evidence):
    cell = cells(told("a b", (CANARY, OK), (asked, OK)))["a"]
    assert (cell.verdict, cell.reason, cell.evidence) == (
        "unenforced",
        "scope_not_used",
        evidence,
    )


@pytest.mark.parametrize(
    ("answers", "others"),
    [
        pytest.param([("a", OK)], [], id="the-canary-was-never-asked"),
        pytest.param([(CANARY, REFUSED), ("a", OK)], [], id="the-canary-is-refused"),
        pytest.param([(CANARY, OK), ("a", OK), (None, listing("b"))], [], id="a-token-lists"),
        pytest.param(
            [(CANARY, OK), ("a", OK)], [[("b", VAGUE), (None, OK)]], id="another-is-refused"
        ),
        pytest.param([(CANARY, OK), ("a", OK)], [[("b", listing())]], id="another-is-left-out"),
        pytest.param(
            [(CANARY, OK), ("a", OK)], [[(CANARY, REFUSED), (None, OK)]], id="another-canary"
        ),
    ],
)
def test_something_is_decided(answers, others):
    peers = (told("a b", *other, name=f"other{n}") for n, other in enumerate(others))
    assert verdict("a", told("a b", *answers), *peers)[0] == "unknown"
