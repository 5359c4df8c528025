"""What changed since it was last proved, and what differs between two sets of maps."""

import pytest
from outcomes import AWAY, DENIED, GRANTED, LATE, REJECTED, UNENFORCED, by_key, permissions

from scopeprobe.model.finding import FindingKind
from scopeprobe.policy.changes import Difference, changes, differences, last_proved


def test_only_what_is_proved_to_be_another_than_before_has_changed():
    before = permissions("a", GRANTED, DENIED, GRANTED, GRANTED, DENIED)
    now = permissions("a", GRANTED, LATE, REJECTED, DENIED, UNENFORCED, GRANTED)
    proved = {"a": by_key(before), "b": by_key(permissions("b", DENIED, DENIED))}
    other = permissions("b", DENIED, GRANTED)
    told = [(one.client, one.scope, one.detail) for one in changes([now, other], proved.get)]
    assert told == [
        ("a", "s3", "was granted, is denied: refused_alone"),
        ("a", "s4", "was denied, is unenforced: canary_issued"),
        ("b", "s1", "was denied, is granted: listed_in_response"),
    ]


def test_a_change_is_a_finding_of_its_cell():
    now = permissions("a", GRANTED, audience="x")
    before = by_key(permissions("a", DENIED, audience="x"))
    (one,) = changes([now], lambda _client: before)
    assert (one.kind, one.client, one.audience, one.scope) == (FindingKind.CHANGED, "a", "x", "s0")


def test_what_was_proved_before_stands_in_the_place_of_what_is_not_proved():
    proved = by_key(permissions("a", GRANTED, GRANTED, DENIED))
    (one,) = last_proved([permissions("a", LATE, DENIED, REJECTED, AWAY)], proved)
    assert one == permissions("a", GRANTED, DENIED, DENIED, AWAY)


# -- between two sets of maps


def verdicts(difference: Difference):
    return difference.client, difference.scope, difference.before, difference.after


def test_gained_and_lost_are_between_granted_and_denied_and_all_else_is_changed():
    old = permissions("a", GRANTED, DENIED, GRANTED, DENIED, LATE, UNENFORCED, GRANTED, DENIED)
    new = permissions("a", DENIED, GRANTED, LATE, UNENFORCED, AWAY, GRANTED, GRANTED, DENIED)
    told = differences([old], [new])
    assert [verdicts(one) for one in told.lost] == [("a", "s0", "granted", "denied")]
    assert [verdicts(one) for one in told.gained] == [("a", "s1", "denied", "granted")]
    assert [verdicts(one) for one in told.changed] == [
        ("a", "s2", "granted", "unknown"),
        ("a", "s3", "denied", "unenforced"),
        ("a", "s5", "unenforced", "granted"),
    ]
    assert told.new_clients == told.gone_clients == ()


def test_a_cell_that_is_in_one_map_only_has_no_verdict_in_the_other():
    more, fewer = permissions("a", GRANTED, GRANTED), permissions("a", GRANTED)
    (gone,) = differences([more], [fewer]).changed
    (new,) = differences([fewer], [more]).changed
    assert verdicts(gone) == ("a", "s1", "granted", None)
    assert verdicts(new) == ("a", "s1", None, "granted")


def test_cells_of_new_and_gone_clients_are_not_listed_one_by_one():
    a, b, c = (permissions(name, GRANTED) for name in "abc")
    told = differences([c, a], [b, a])
    assert (told.new_clients, told.gone_clients) == (("b",), ("c",))
    assert (told.gained, told.lost, told.changed) == ((), (), ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([DENIED], [GRANTED]),
        ([GRANTED], [DENIED]),
        ([GRANTED], [LATE]),
        ([], [GRANTED]),
        ([GRANTED], []),
    ],
)
def test_any_difference_makes_them_differ_and_words_do_not(old, new):
    def maps(outcomes, **words):
        return [permissions("a", one, **words) for one in outcomes]

    assert differences(maps(old), maps(new))
    assert not differences(maps(old), maps(old, error_description="in other words"))


def test_differences_are_sorted_whatever_the_order_of_the_maps():
    old = [permissions(name, GRANTED, audience=audience) for name, audience in ("bx", "ay")]
    new = [permissions(name, DENIED, audience=audience) for name, audience in ("bx", "ay")]
    told = differences(old, new)
    assert told == differences(old[::-1], new[::-1])
    assert [(one.client, one.audience) for one in told.lost] == [("a", "y"), ("b", "x")]
