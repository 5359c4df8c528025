"""When a refusal denies a scope, and when it is about something else (docs/design.md, rule 6)."""

import pytest
from stories import CANARY, FAILED, OK, REFUSED, VAGUE, at, cells, listing, told, verdict

from scopeprobe.model.answer import Issued, Refused, Subject, TooLarge, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.evidence import ServerEvidence
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.lone_refusals import canary_is_refused, denying_refusal, refuses_a_set

NEEDS_TARGET = Refused(400, "invalid_target", about=Subject.TARGET)
WANTS_NO_SCOPE = Refused(400, "invalid_scope", about=Subject.SCOPE_PARAMETER)
OTHER = Refused(403, "other")
GIVES_B = [(None, OK), ("b", OK)]
GIVES_SCOPES = ServerEvidence(gives_scopes=True)


def client(*answers):
    return ClientFacts(*told("a b", *answers))


def denies(*answers, evidence=GIVES_SCOPES):
    """Whether a refusal of a denies it."""
    return denying_refusal(client(*answers), "a", evidence) is not None


# -- alone


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([("a", REFUSED), (None, OK)], id="plain"),
        pytest.param([("a", REFUSED), (None, OK), ("a", REFUSED)], id="plain-and-again"),
        pytest.param(
            [(None, OK), ("a", VAGUE), (None, OK), ("a", VAGUE), (None, OK)],
            id="unspecific-twice-with-a-success-between",
        ),
        pytest.param(
            [(None, OK), ("a", Unanswered(Reason.TIMED_OUT)), ("a", REFUSED), (None, OK)],
            id="after-an-answer-that-was-lost",
        ),
        pytest.param(
            [(None, OK), ("a", VAGUE), ("a", REFUSED), (None, OK)], id="plain-after-unspecific"
        ),
    ],
)
def test_a_lone_refusal_denies(answers):
    assert denies(*answers)


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([(None, OK)], id="never-asked"),
        pytest.param([(None, OK), ("a", Unanswered(Reason.TIMED_OUT)), (None, OK)], id="lost"),
        pytest.param([(None, OK), ("a", REFUSED)], id="no-success-behind"),
        pytest.param([("a", REFUSED), (None, OK), ("a", OK)], id="issued-as-well"),
        pytest.param([(None, OK), ("a", VAGUE), (None, OK)], id="unspecific-once"),
        pytest.param([(None, OK), ("a", VAGUE), ("a", VAGUE), (None, OK)], id="twice-in-a-row"),
        pytest.param(
            [("a", VAGUE), (None, OK), ("a", VAGUE), (None, OK)], id="one-before-any-success"
        ),
        pytest.param(
            [
                (None, OK),
                ("a", OTHER),
                (None, OK),
                ("a", VAGUE),
                (None, OK),
                ("a", VAGUE),
                (None, OK),
            ],
            id="another-answer-once",
        ),
        pytest.param(
            [(None, OK), ("a", NEEDS_TARGET), (None, OK), ("a", NEEDS_TARGET), (None, OK)],
            id="the-target-is-refused",
        ),
    ],
)
def test_less_denies_nothing(answers):
    assert not denies(*answers)


@pytest.mark.parametrize(
    ("sent", "received", "is_between"),
    [(4, 5, True), (3, 5, False), (4, 6, False)],
)
def test_only_a_success_that_was_in_flight_with_neither_stands_between(sent, received, is_between):
    facts = [
        at("b", OK, 0, 1),
        at("a", VAGUE, 2, 3),
        at("b", OK, sent, received),
        at("a", VAGUE, 6, 7),
        at("b", OK, 8, 9),
    ]
    between = ClientFacts(client().assignment, facts)
    denying = denying_refusal(between, "a", GIVES_SCOPES)
    assert (denying is not None) is is_between


def test_the_last_refusal_that_a_success_follows_is_the_one_that_denies():
    plain = [Refused(400, "invalid_scope", f"{n}") for n in range(3)]
    facts = client(("a", plain[0]), ("a", plain[1]), (None, OK), ("a", plain[2]))
    assert denying_refusal(facts, "a", ServerEvidence()).answer == plain[1]


def test_an_unspecific_refusal_but_failed_authentication_needs_a_server_that_gives_scopes():
    for answer, is_denied in [(VAGUE, False), (FAILED, True)]:
        twice = [(None, OK), ("a", answer), (None, OK), ("a", answer), (None, OK)]
        assert denies(*twice, evidence=ServerEvidence()) is is_denied


def test_what_the_canary_met_twice_denies_at_once():
    once = [(None, OK), ("a", VAGUE), (None, OK)]
    met = frozenset({("refused", 403, "forbidden", "")})
    assert denies(*once, evidence=ServerEvidence(gives_scopes=True, canary_refusals=met))


# -- the canary


@pytest.mark.parametrize(
    ("answers", "is_refused"),
    [
        pytest.param([(None, OK), (CANARY, REFUSED)], True, id="plainly"),
        pytest.param([(CANARY, REFUSED)], False, id="to-one-without-a-token"),
        pytest.param([(None, OK)], False, id="never-asked"),
        pytest.param([(None, OK), (CANARY, REFUSED), (CANARY, OK)], False, id="and-issued"),
        pytest.param(
            [*GIVES_B, (CANARY, VAGUE), (None, OK), (CANARY, VAGUE), (None, OK)],
            True,
            id="unspecifically-twice",
        ),
        pytest.param([*GIVES_B, (CANARY, VAGUE), (None, OK)], False, id="unspecifically-once"),
        pytest.param([(None, OK), (CANARY, VAGUE), (CANARY, REFUSED)], True, id="once-plainly"),
    ],
)
def test_the_canary_is_refused(answers, is_refused):
    assert canary_is_refused(client(*answers), GIVES_SCOPES) is is_refused


# -- sets


@pytest.mark.parametrize(
    ("answers", "is_refused"),
    [
        pytest.param([("a b", REFUSED)], True, id="plainly"),
        pytest.param([("a b", VAGUE)], False, id="unspecifically"),
        pytest.param([("a b", VAGUE), ("a b", VAGUE)], True, id="unspecifically-twice"),
        pytest.param([("a b", VAGUE), ("a b c", VAGUE)], False, id="two-sets-once-each"),
        pytest.param([("a b", VAGUE), ("a b", OTHER)], False, id="twice-in-other-words"),
        pytest.param([("a b", VAGUE), ("a b", OK)], False, id="once-and-then-issued"),
        pytest.param([("a b", OK)], False, id="issued"),
        pytest.param([("a", REFUSED)], False, id="alone"),
        pytest.param([(None, REFUSED)], False, id="without-scope"),
    ],
)
def test_a_set_is_refused_for_its_scopes(answers, is_refused):
    facts = client(*answers)
    assert refuses_a_set(facts, facts.facts[0], ServerEvidence()) is is_refused


def test_a_set_is_refused_as_the_canary_was_twice():
    met = ServerEvidence(canary_refusals=frozenset({("refused", 403, "forbidden", "")}))
    facts = client(("a b", VAGUE))
    assert refuses_a_set(facts, facts.facts[0], met)


# -- what is made of them


@pytest.mark.parametrize("asked", ["a", "a b"])
def test_a_refusal_for_want_of_a_target_says_so_of_each_scope(asked):
    assert verdict("a", told("a b", (None, OK), (asked, NEEDS_TARGET), (None, OK))) == (
        "unknown",
        "needs_target",
    )


@pytest.mark.parametrize("asked", ["a", "a b"])
def test_a_refusal_of_the_parameter_as_such_leaves_each_scope_open(asked):
    one = told("a b", (None, listing("b")), (asked, WANTS_NO_SCOPE), (None, listing("b")))
    cell = cells(one)["a"]
    assert (cell.verdict, cell.reason) == ("unknown", "unconfirmed")
    assert (cell.http_status, cell.error) == (400, "invalid_scope")


def test_where_no_scope_is_wanted_places_that_disagree_grant_nothing():
    disagreeing = Issued(("a",), (), True)
    one = told("a b", (None, disagreeing), ("a b", WANTS_NO_SCOPE), (None, disagreeing))
    assert verdict("a", one) == ("unknown", "unconfirmed")


NAMES_A = Refused(400, "invalid_scope", named=("a",))


def test_a_scope_that_refusals_of_sets_name_is_denied():
    cell = cells(told("a b c", (None, OK), ("b a c", NAMES_A), ("a b", NAMES_A), (None, OK)))["a"]
    assert (cell.verdict, cell.reason, cell.evidence) == ("denied", "named_in_refusal", "set")
    assert cell.error == "invalid_scope"


def test_others_of_the_same_sets_are_not():
    one = told("a b c", (None, OK), ("b a c", NAMES_A), ("a b", NAMES_A), (None, OK))
    assert verdict("b", one) == ("unknown", "not_asked")


def test_names_are_not_believed_where_one_of_them_was_given():
    answers = [("b a c", NAMES_A), ("a b", NAMES_A), (None, OK)]
    liar = told("a b c", ("b c a", NAMES_A), ("a", OK), name="other")
    assert verdict("a", told("a b c", *answers), liar) == ("unknown", "not_asked")


def test_names_are_not_believed_where_none_was_asked_for_alone_nor_stood_in_two_places():
    one = told("a b c", (None, OK), ("b a c", NAMES_A), (None, OK))
    assert verdict("a", one) == ("unknown", "not_asked")


def test_a_set_that_was_too_large_denies_nothing():
    assert verdict("a", told("a b", (None, OK), ("a b", TooLarge(413)), (None, OK))) == (
        "unknown",
        "not_asked",
    )


def test_a_refusal_before_any_success_is_unbracketed_though_no_scope_was_given_to_anybody():
    assert verdict("a", told("a", ("a", VAGUE), (None, OK))) == ("unknown", "refusals_unbracketed")
    between = told("a", (None, OK), ("a", VAGUE), (None, OK))
    assert verdict("a", between) == ("unknown", "unconfirmed")
