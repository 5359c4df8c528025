"""What all clients of a server show together: each field of it by the least that shows it."""

import pytest
from stories import CANARY, FAILED, OK, REFUSED, VAGUE, listing, told

from scopeprobe.model.answer import Issued, Place, Refused, Subject
from scopeprobe.model.evidence import Form, Kind
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.server_evidence import gather_evidence, given_to

OPAQUE = Form("", is_jwt=False)
ANSWER = Kind(OPAQUE, Place.ANSWER)
KEPT = Issued(("c",), token=7)


def gathered(*stories, audience=""):
    """Of clients with these stories, which are called client0, client1, …"""
    clients = [
        ClientFacts(*told("a b c", *one, name=f"client{n}", audience=audience))
        for n, one in enumerate(stories)
    ]
    return gather_evidence(clients)


# -- lists


LISTS_A = [("a", listing("a"))]


@pytest.mark.parametrize(
    "story",
    [
        pytest.param([("a", listing())], id="a-list-without-it"),
        pytest.param([("b", listing("b")), ("a", OK)], id="silence-that-is-an-empty-list"),
    ],
)
def test_a_lone_scope_is_left_out_that_another_client_is_listed(story):
    assert gathered(story, LISTS_A).left_out_alone == {ANSWER: {"client0"}}


@pytest.mark.parametrize(
    ("story", "others"),
    [
        pytest.param([("a", listing())], [], id="nobody-is-listed-it"),
        pytest.param([("a b", listing())], [LISTS_A], id="in-a-set"),
        pytest.param([(None, listing())], [LISTS_A], id="without-scope"),
        pytest.param([("a", listing()), (None, listing("a"))], [LISTS_A], id="listed-elsewhere"),
        pytest.param([("a", KEPT), ("b", KEPT)], [LISTS_A], id="by-a-token-that-was-kept"),
        pytest.param([("a", OK)], [LISTS_A], id="silence-that-may-be-anything"),
    ],
)
def test_nothing_else_is_left_out_alone(story, others):
    assert not gathered(story, *others).left_out_alone


def test_the_canary_is_missing_from_a_list_for_it():
    assert gathered([(CANARY, listing())]).canary_missing == {ANSWER: {"client0"}}
    assert gathered([(f"a {CANARY}", listing("a"))]).canary_missing == {ANSWER: {"client0"}}


@pytest.mark.parametrize(
    "story",
    [
        pytest.param([("a", listing("a"))], id="of-another-request"),
        pytest.param([(CANARY, listing(CANARY))], id="listed"),
        pytest.param([(CANARY, listing(f"api/{CANARY}"))], id="in-another-spelling"),
        pytest.param([(CANARY, OK)], id="no-list"),
        pytest.param([(CANARY, KEPT), ("a", KEPT)], id="by-a-token-that-was-kept"),
    ],
)
def test_it_is_not_missing_otherwise(story):
    assert not gathered(story).canary_missing


# -- scopes given and withheld


def given(*story):
    facts = ClientFacts(*told("a b c", *story))
    return given_to(facts, gather_evidence([facts]))


def test_what_a_list_shows_is_given_and_nothing_else_of_what_was_asked():
    assert given(("a b", listing("a profile")), ("c", OK)) == {"a", "profile"}


def test_where_nothing_is_listed_whatever_a_token_was_issued_for_is_given():
    assert given(("a b", OK), ("c", REFUSED), (None, OK)) == {"a", "b"}


def test_where_lists_repeat_requests_what_they_leave_out_all_the_same_is_not_given():
    echo = listing(f"a {CANARY}")
    assert given((f"a {CANARY}", echo), ("b", listing("x"))) == {"a", CANARY}


def test_a_scope_is_known_that_was_issued_alone_or_listed():
    evidence = gathered([("a", OK), ("b c", OK), (CANARY, OK)], [(None, listing("x"))])
    known = [s for s in ("a", "b", "x", CANARY) if evidence.is_given_to_others("", s, "nobody")]
    assert known == ["a", "x"]


def test_a_scope_exists_that_was_refused_alone_or_is_listed():
    evidence = gathered([("a", VAGUE), ("b", OK), ("c", listing("x")), (CANARY, REFUSED)])
    assert evidence.seen_to_exist == {"a", "x"}


def test_a_scope_is_refused_alone_unless_a_list_shows_it():
    evidence = gathered([("a", REFUSED), ("b", REFUSED), (CANARY, REFUSED), (None, listing("b"))])
    refused = [s for s in ("a", "b", CANARY) if evidence.is_refused_to_others("", s, "nobody")]
    assert refused == ["a"]


def test_a_known_scope_is_withheld_from_one_client_and_given_to_another():
    refused, had = [("a", REFUSED), (None, OK)], [("a", OK)]
    assert gathered(refused, had, audience="api").known_withheld == {"api"}
    assert not gathered(refused, [("b", OK)]).known_withheld


# -- scopes that do not exist


def absent(*stories, **client):
    """Scopes that do not exist, but the canary, of which that is known."""
    found = gathered(*stories, **client).no_such_scopes
    return {(audience, scope) for audience, scope in found if scope != CANARY}


MISSING = [(CANARY, listing()), ("a", listing()), (f"a {CANARY}", listing())]


def test_a_scope_does_not_exist_that_is_issued_alone_and_missing_beside_the_canary():
    assert absent(MISSING, audience="api") == {("api", "a")}
    lists_what_is_left = [*MISSING[:2], ("b", listing("b")), (f"a b {CANARY}", listing("b"))]
    assert absent(lists_what_is_left) == {("", "a")}


@pytest.mark.parametrize(
    ("story", "others"),
    [
        pytest.param([(CANARY, REFUSED), *MISSING[1:]], [], id="the-canary-is-refused"),
        pytest.param([*MISSING[:2]], [], id="not-beside-the-canary"),
        pytest.param([MISSING[0], MISSING[2]], [], id="not-issued-alone"),
        pytest.param(MISSING, [[("a", VAGUE)]], id="refused-to-another"),
        pytest.param(MISSING, [[(None, listing("a"))]], id="listed-for-another"),
        pytest.param(
            [*MISSING[:2], (f"a {CANARY}", listing("x"))],
            [],
            id="the-list-holds-what-was-not-asked",
        ),
        pytest.param(MISSING, [[(CANARY, listing(CANARY))]], id="lists-show-the-canary"),
        pytest.param(
            [*MISSING[:2], (f"a {CANARY}", Issued((), token=7)), ("b", Issued((), token=7))],
            [],
            id="by-a-token-that-was-kept",
        ),
    ],
)
def test_less_shows_of_no_scope_that_it_does_not_exist(story, others):
    assert not absent(story, *others)


# -- sets and requests that are refused


BESIDE = ("a b", REFUSED)


@pytest.mark.parametrize(
    "story",
    [
        pytest.param([("a", listing("a")), BESIDE], id="beside-another"),
        pytest.param([("a", listing("a")), (f"a {CANARY}", REFUSED)], id="beside-the-canary"),
        pytest.param([("a b", listing("a b")), ("a c", REFUSED), ("b c", REFUSED)], id="each-once"),
        pytest.param(
            [("a", listing("a")), (CANARY, VAGUE), ("a b", VAGUE)], id="as-the-canary-was-alone"
        ),
    ],
)
def test_sets_are_refused_if_all_that_is_listed_was_refused_beside_another_scope(story):
    assert gathered(story, audience="api").refuses_mixed_sets == {"api"}


@pytest.mark.parametrize(
    "story",
    [
        pytest.param([("a", OK), BESIDE], id="nothing-is-listed"),
        pytest.param([("a b c", listing("a b c")), BESIDE], id="only-some"),
        pytest.param([("a", listing("a")), ("a", REFUSED)], id="alone"),
        pytest.param([("a", listing("a")), ("a b", VAGUE)], id="by-a-passing-fault"),
        pytest.param([("a", listing("a")), (CANARY, VAGUE), ("a b", FAILED)], id="in-other-words"),
        pytest.param([("a b", listing("a b")), (CANARY, OK), ("a c", OK)], id="nothing-is-refused"),
    ],
)
def test_sets_may_be_narrowed_otherwise(story):
    assert not gathered(story).refuses_mixed_sets


ABOUT_SCOPE = Refused(401, "invalid_client", about=Subject.SCOPE)


@pytest.mark.parametrize(
    "story",
    [
        pytest.param([("a", VAGUE), (None, OK)], id="by-a-passing-fault"),
        pytest.param([("a b c", VAGUE), (None, OK)], id="all-of-them"),
        pytest.param([("a", REFUSED)], id="plainly-without-any-token"),
        pytest.param([("a", ABOUT_SCOPE)], id="in-words-under-a-401"),
    ],
)
def test_a_candidate_is_refused(story):
    assert gathered(story, audience="api").refuses == {"api"}


@pytest.mark.parametrize(
    "story",
    [
        pytest.param([("a", VAGUE)], id="to-one-that-may-have-a-wrong-secret"),
        pytest.param([(CANARY, REFUSED), (f"a {CANARY}", REFUSED), (None, OK)], id="the-canary"),
        pytest.param([(None, REFUSED), ("a", OK)], id="without-scope"),
        pytest.param([("a", OK)], id="never"),
    ],
)
def test_no_candidate_is_refused(story):
    assert not gathered(story).refuses


def test_a_known_scope_is_refused_once_to_another_client():
    had = [("a", OK), ("b", OK)]
    assert gathered([("a b", VAGUE), (None, OK)], had, audience="api").known_refused == {"api"}
    assert not gathered([("a b", VAGUE)], had).known_refused
    assert not gathered([("a c", VAGUE), (None, OK)], had).known_refused
    assert not gathered([(None, VAGUE), ("a", OK)], had).known_refused


# -- authentication


def test_what_good_credentials_meet_without_scope_is_kept():
    evidence = gathered([(None, FAILED), ("a", OK)], [(None, VAGUE)], [("a", VAGUE), (None, OK)])
    assert evidence.failures_without_scope == {("unauthenticated", 401, "invalid_client", "")}
