"""How lists of a token stand to what was asked for."""

import pytest

from scopeprobe.model.answer import Issued, Place
from scopeprobe.model.evidence import Form, Kind
from scopeprobe.verdicts.showing import Extent, held, showing_of

ANSWER = Kind(Form("", is_jwt=False), Place.ANSWER)


@pytest.mark.parametrize(
    ("asked", "listed", "extent", "holds"),
    [
        ("a b", "a b", Extent.EXACT, "ab"),
        ("a b", "b a a", Extent.EXACT, "ab"),
        ("a b", "b c a", Extent.MORE, "abc"),
        ("a b", "a", Extent.GAPS, "a"),
        ("a b", "a c", Extent.GAPS, "ac"),
        ("a b", "c", Extent.GAPS, "c"),
        ("a b", "", Extent.EMPTY, ""),
        ("", "", Extent.EMPTY, ""),
        ("", "a", Extent.MORE, "a"),
    ],
)
def test_a_list_holds_all_some_or_nothing_of_what_was_asked_for(asked, listed, extent, holds):
    asked, issued = tuple(asked.split()), Issued(tuple(listed.split()))
    assert showing_of("", asked, issued).lists == {ANSWER: extent}
    assert set(held(extent, asked, issued, Place.ANSWER)) == set(holds)


def test_a_place_without_a_list_shows_nothing():
    showing = showing_of("api", ("a",), Issued(readable=True))
    assert showing.form == Form("api", is_jwt=True)
    assert showing.lists == {}
    assert not showing.may_leave_out


@pytest.mark.parametrize(
    ("issued", "may_leave_out"),
    [
        pytest.param(Issued(("a",), ("b",)), True, id="only-both-together-hold-all"),
        pytest.param(Issued(("a",)), True, id="one-lacks-something"),
        pytest.param(Issued(("a",), ("a", "b", "c")), False, id="one-holds-all"),
    ],
)
def test_what_one_place_lists_is_not_left_out(issued, may_leave_out):
    assert showing_of("", ("a", "b"), issued).may_leave_out is may_leave_out


def test_tokens_stand_alike_that_differ_in_names_only():
    one = showing_of("", ("a",), Issued(("a",), token=1))
    assert one == showing_of("", ("b",), Issued(("b",), token=2))
    assert one != showing_of("", ("b",), Issued(("b",), unconfirmed=True))
    assert one != showing_of("", (), Issued(("b",)))
