"""Each flag of a server's behavior is shown by what its words say, and by nothing less."""

from dataclasses import replace

import pytest
from stories import CANARY, FAILED, OK, REFUSED, VAGUE, listing, told

from scopeprobe.model.answer import Issued, Refused, TooLarge, Unauthenticated
from scopeprobe.verdicts import learn_behavior


def learned(*answers, others=()):
    clients = [answers, *others]
    return learn_behavior(
        told("a b c api/d web/e", *one, name=f"client{n}") for n, one in enumerate(clients)
    )


NAMES_B = Refused(400, "invalid_scope", named=("b",))
DENIED = Refused(403, "access_denied")
UNKNOWN_CLIENT = Unauthenticated(401, "invalid_client", unknown_client=True)
CLAIMS_A = Issued(None, ("a",), True)
BEHIND = (None, OK)

SHOWN = {
    "lists": [
        [("a", listing("a"))],
        [("a b", listing("b a"))],
    ],
    "lists_in_token": [
        [("a", CLAIMS_A)],
        [("a", Issued(None, ("a", "b"), True))],
    ],
    "withholds": [
        [("a", listing())],
        [("a", REFUSED), BEHIND],
        [(CANARY, REFUSED), BEHIND],
    ],
    "accepts_scopes": [
        [("a", OK)],
        [("a b", listing())],
    ],
    "tells_unknown_scopes": [
        [(CANARY, REFUSED), ("a", DENIED)],
        [(CANARY, REFUSED), ("a", Refused(400, "consent_required"))],
        [(CANARY, REFUSED), ("a", Refused(403, "insufficient_scope"))],
    ],
    "lists_without_scope": [
        [(None, listing("a"))],
        [(None, Issued(None, ("a", "profile"), True))],
    ],
    "names_culprits": [
        [("a b", NAMES_B), ("b", REFUSED), BEHIND],
        [("a b c", NAMES_B), ("b c", NAMES_B)],
    ],
    "names_off": [
        [("a b", NAMES_B), ("b", OK)],
        [("a b", NAMES_B), ("b c", listing("b"))],
    ],
    "narrows": [
        [("a b", listing("a")), ("b", listing())],
        [("a b", listing("a")), ("b", OK)],
        [("a b c", listing("a")), ("b c", REFUSED), BEHIND],
    ],
    "drops_companions": [
        [("a b", listing("a")), ("b c", listing("b"))],
        [("a b", listing("a")), (None, listing("b"))],
    ],
    "one_resource": [
        [("api/d web/e", REFUSED), ("api/d", OK), ("web/e", OK)],
        [("api/d a", VAGUE), ("api/d", listing("api/d")), ("a", OK)],
    ],
}
NOT_SHOWN = {
    "lists": [
        [("a", listing("a b"))],
        [("a b", listing("a"))],
        [("a", OK)],
        [(None, listing())],
        [("a", CLAIMS_A)],
    ],
    "lists_in_token": [
        [("a b", CLAIMS_A)],
        [("a", Issued(None, None, True))],
        [("a", listing("a"))],
    ],
    "withholds": [
        [("a", REFUSED)],
        [("a", listing("a")), BEHIND],
        [("a b", REFUSED), BEHIND],
    ],
    "accepts_scopes": [
        [(None, listing("a"))],
        [("a", REFUSED)],
    ],
    "tells_unknown_scopes": [
        [(CANARY, DENIED), ("a", DENIED)],
        [(CANARY, REFUSED), ("a", REFUSED)],
        [(CANARY, OK), ("a", DENIED)],
        [(CANARY, Unauthenticated(401, "invalid_scope")), ("a", DENIED)],
        [(CANARY, REFUSED), ("a", Unauthenticated(401, "access_denied"))],
    ],
    "lists_without_scope": [
        [(None, listing("profile"))],
        [(None, REFUSED)],
        [("a", listing("a"))],
    ],
    "names_culprits": [
        [("a b", NAMES_B), BEHIND],
        [("a b", NAMES_B), ("b", REFUSED)],
        [("a b", NAMES_B), ("a", REFUSED), BEHIND],
        [("a b", NAMES_B), ("c b", NAMES_B)],
    ],
    "names_off": [
        [("a b", NAMES_B), ("a", OK)],
        [("a b", NAMES_B), ("b c", listing("c"))],
    ],
    "narrows": [
        [("a b", listing("a"))],
        [("a b", listing("a")), ("b", listing("b"))],
        [("b", listing()), ("b", listing())],
        [("a b", listing("a")), ("c", listing())],
    ],
    "drops_companions": [
        [("a b", listing("a")), ("b c", listing("c"))],
        [("b", listing()), (None, listing("b"))],
    ],
    "one_resource": [
        [("api/d web/e", REFUSED), ("api/d", OK)],
        [("api/d web/e", OK), ("api/d", OK), ("web/e", OK)],
        [("a b", REFUSED), ("a", OK), ("b", OK)],
    ],
}


def rows(stories):
    return [(flag, one) for flag, several in stories.items() for one in several]


@pytest.mark.parametrize(("flag", "answers"), rows(SHOWN))
def test_a_flag_is_shown(flag, answers):
    assert getattr(learned(*answers), flag) is True
    assert getattr(learned((None, FAILED), others=[answers]), flag) is True


@pytest.mark.parametrize(("flag", "answers"), rows(NOT_SHOWN))
def test_less_shows_nothing(flag, answers):
    assert getattr(learned(*answers), flag) is False


# -- credentials (rule 7)

GOOD_IS_REFUSED = [("a", OK), (CANARY, REFUSED)]
BAD_FAILS = [(CANARY, FAILED)]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        pytest.param(GOOD_IS_REFUSED, BAD_FAILS, id="for-the-canary"),
        pytest.param([("a", OK), (None, REFUSED)], [(None, FAILED)], id="without-scope"),
        pytest.param(GOOD_IS_REFUSED, [(CANARY, FAILED), ("a", FAILED)], id="and-for-a-candidate"),
    ],
)
def test_bad_credentials_fail_where_good_ones_are_refused_the_scope(good, bad):
    assert learned(*good, others=[bad]).rejects_credentials_first


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        pytest.param(GOOD_IS_REFUSED, [(None, FAILED)], id="on-another-request"),
        pytest.param([("a", OK), ("b", REFUSED)], [("b", FAILED)], id="for-a-candidate"),
        pytest.param([(CANARY, REFUSED)], BAD_FAILS, id="the-good-one-is-not-known-to-be-good"),
        pytest.param([("a", OK), (CANARY, FAILED)], BAD_FAILS, id="the-good-one-fails-as-well"),
        pytest.param(GOOD_IS_REFUSED, [(CANARY, FAILED), ("a", OK)], id="both-are-good"),
        pytest.param(GOOD_IS_REFUSED, [(CANARY, FAILED), ("a", REFUSED)], id="refused-a-scope"),
        pytest.param(GOOD_IS_REFUSED, [(CANARY, UNKNOWN_CLIENT)], id="nobody-knows-the-bad-one"),
        pytest.param(GOOD_IS_REFUSED, [], id="there-is-no-bad-one"),
    ],
)
def test_less_does_not_show_that_credentials_are_looked_at_first(good, bad):
    assert not learned(*good, others=[bad]).rejects_credentials_first


# -- sets


def test_sets_are_judged_for_the_audience_in_which_a_list_left_something_out():
    one = told("a b", ("a b", listing("a")), audience="api")
    other = told("a b", ("a b", listing("a b")), name="other", audience="web")
    assert learn_behavior([one, other]).judges_sets == {"api"}


def test_sets_are_judged_where_all_that_is_listed_was_refused_beside_another_scope():
    one = told("a b", ("a", listing("a")), ("a b", REFUSED), audience="api")
    assert learn_behavior([one]).judges_sets == {"api"}


def test_half_the_smallest_list_that_was_too_large_is_what_a_request_may_have():
    too_large = TooLarge(414)
    found = learned(("api/d web/e", too_large), ("a b c", too_large), ("web/e", too_large))
    assert found.most_bytes == len("a b c") // 2
    assert learned(("a b", too_large)).most_bytes == 1
    assert learned(("web/e", too_large), ("a b", OK)).most_bytes is None


# -- prefixes


def test_an_invented_scope_that_was_given_opens_its_prefix_for_the_client():
    assignment, facts = told("orders.read", (f"orders.{CANARY}", OK), audience="api")
    shaped = replace(assignment, shapes=(f"orders.{CANARY}", f"users.{CANARY}"))
    assert learn_behavior([(shaped, facts)]).open_shapes == {("one", "api", "orders.")}
