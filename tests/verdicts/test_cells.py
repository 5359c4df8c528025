"""What a cell says beside its verdict, and which scopes have one (docs/design.md, rule 14)."""

import pytest
from stories import CANARY, FAILED, OK, REFUSED, VAGUE, at, cells, listing, told, verdict

from scopeprobe.model.answer import Issued, Refused, Subject, TooLarge, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.verdicts.judge import MOST_UNLISTED


def shown(cell):
    return cell.verdict, cell.reason, cell.http_status, cell.error, cell.error_description


@pytest.mark.parametrize(
    ("answers", "values"),
    [
        pytest.param(
            [("a", Refused(400, "invalid_scope", "no such scope")), (None, OK)],
            ("denied", "refused_alone", 400, "invalid_scope", "no such scope"),
            id="a-refusal",
        ),
        pytest.param(
            [("a", TooLarge(414)), (None, OK)],
            ("unknown", "malformed_answer", 414, "", ""),
            id="too-large",
        ),
        pytest.param(
            [("a", Unanswered(Reason.SERVER_ERROR, 503, "busy", "later")), (None, OK)],
            ("unknown", "server_error", 503, "busy", "later"),
            id="no-answer",
        ),
        pytest.param(
            [("a", listing()), (CANARY, listing())],
            ("denied", "left_out", None, "", ""),
            id="a-list",
        ),
        pytest.param([(None, OK)], ("unknown", "not_asked", None, "", ""), id="nothing"),
    ],
)
def test_a_cell_shows_the_answer_that_it_rests_on(answers, values):
    assert shown(cells(told("a", *answers))["a"]) == values


def test_a_cell_is_of_its_client_and_audience():
    cell = cells(told("a", audience="api", name="billing"))["a"]
    assert (cell.client, cell.client_id, cell.audience) == ("billing", "id", "api")


@pytest.mark.parametrize(
    ("refusal", "canary", "reason"),
    [
        (Refused(400, "invalid_scope", about=Subject.UNKNOWN_SCOPE), REFUSED, "unknown_scope"),
        (REFUSED, REFUSED, "refused_alone"),
        (Refused(400, "invalid_scope", about=Subject.SCOPE), REFUSED, "refused_alone"),
    ],
)
def test_a_denial_says_that_the_scope_is_unknown_where_the_server_does(refusal, canary, reason):
    one = told("a", (CANARY, canary), ("a", refusal), (None, OK))
    assert verdict("a", one) == ("denied", reason)


def test_a_denial_says_so_too_where_known_scopes_are_refused_in_other_words():
    other = told("a b", (CANARY, REFUSED), ("b", Refused(403, "access_denied")), name="other")
    one = told("a", ("a", REFUSED), (None, OK))
    assert verdict("a", one, other) == ("denied", "unknown_scope")
    insufficient = told("a", ("a", Refused(403, "insufficient_scope")), (None, OK))
    assert verdict("a", insufficient, other) == ("denied", "refused_alone")
    assert verdict("a", one) == ("denied", "refused_alone")


# -- scopes that are no candidates


def test_a_scope_that_a_token_carries_has_a_cell_though_it_is_no_candidate():
    found = cells(told("a", (None, listing("profile")), (CANARY, listing(CANARY))))
    assert sorted(found) == ["a", "profile"]
    assert shown(found["profile"]) == ("granted", "unlisted", None, "", "")
    assert found["profile"].evidence == "token"


def test_an_empty_name_in_a_list_has_none():
    assert sorted(cells(told("a", (None, Issued(("", "b")))))) == ["a", "b"]


def test_what_could_not_be_confirmed_has_none():
    assert sorted(cells(told("a", (None, Issued(("b",), rights=("c",), unconfirmed=True))))) == [
        "a"
    ]


def test_a_right_has_one_with_the_limits_that_were_told_last():
    first = Issued(rights=("c",), limits=(("c", "Home"),))
    last = Issued(rights=("c",), limits=(("c", "Sales"),))
    cell = cells(told("a", (None, first), ("a", last)))["c"]
    assert (cell.reason, cell.evidence, cell.limited_to) == ("unlisted", "api", "Sales")


def test_more_than_a_thousand_of_them_are_counted():
    names = [f"s{n:04}" for n in range(MOST_UNLISTED + 2)]
    found = cells(told("", (None, listing(" ".join(names)))))
    assert list(found) == names[:MOST_UNLISTED]
    assert [cell.scope for cell in found.values() if cell.error_description] == ["s0999"]
    assert found["s0999"].error_description == "2 further scopes are not shown"


def test_a_thousand_of_them_are_shown_without_a_word():
    names = " ".join(f"s{n:04}" for n in range(MOST_UNLISTED))
    found = cells(told("", (None, listing(names))))
    assert not any(cell.error_description for cell in found.values())


# -- a token and a refusal


CONTRADICTORY = ("unknown", "contradictory")


@pytest.mark.parametrize(
    ("answers", "ruling"),
    [
        pytest.param([("a", REFUSED), ("a", OK)], CONTRADICTORY, id="plainly-before"),
        pytest.param([("a", OK), ("a", VAGUE)], CONTRADICTORY, id="unspecifically-behind"),
        pytest.param([("a", VAGUE), ("a", OK)], ("unknown", "unconfirmed"), id="a-fault-before"),
        pytest.param([("a", FAILED), ("a", OK)], ("unknown", "unconfirmed"), id="a-lock-before"),
    ],
)
def test_a_scope_that_was_issued_and_refused_alone_is_contradictory(answers, ruling):
    assert verdict("a", told("a", (None, OK), *answers, (None, OK))) == ruling


def test_that_contradiction_is_told_with_the_refusal():
    cell = cells(told("a", (None, OK), ("a", VAGUE), ("a", OK), ("a", VAGUE)))["a"]
    told_so = "a token was issued for it, and it was refused alone"
    assert shown(cell) == (*CONTRADICTORY, 403, "forbidden", told_so)


def test_a_refusal_that_was_read_as_the_token_was_has_not_passed():
    assignment, _ = told("a")
    facts = [at(None, OK, 0, 1), at("a", VAGUE, 2, 5), at("a", OK, 3, 5)]
    assert verdict("a", (assignment, facts)) == CONTRADICTORY


def test_a_lone_refusal_denies_whatever_sets_with_the_scope_are_issued_in_silence():
    """The server narrows sets."""
    one = told("a b", (CANARY, REFUSED), ("a b", OK), ("b", OK), ("a", REFUSED), (None, OK))
    assert verdict("a", one) == ("denied", "refused_alone")


def test_of_two_tokens_the_one_that_proves_something_counts():
    answers = [(CANARY, listing()), ("a", listing()), ("a", OK)]
    assert verdict("a", told("a", *answers)) == ("denied", "left_out")
