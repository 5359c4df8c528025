"""The search for minimal refusing sets, against servers that are one line."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopeprobe.diagnosis.minimal_sets import minimal_sets, refusing_sets

NAMES = tuple(f"s{n:02}" for n in range(64))


def search(wanted, culprits, names=lambda _asked, _held: ()):
    """Ask a server that refuses whatever holds one of the culprit sets; count the requests."""
    asked, asking = [], refusing_sets(wanted)
    try:
        scopes = next(asking)
        while True:
            assert scopes, "no request without scope is asked for"
            held = [culprit for culprit in culprits if set(culprit) <= set(scopes)]
            asked.append((scopes, bool(held)))
            scopes = asking.send((not held, names(scopes, held)))
    except StopIteration as end:
        return end.value, asked


@pytest.mark.parametrize("bad", [(0, 1, 2), (61, 62, 63), (0, 31, 63), (5, 21, 42)])
def test_three_refused_of_sixty_four_are_found_in_forty_requests(bad):
    culprits = [(NAMES[n],) for n in bad]
    found, asked = search(NAMES, culprits)
    assert sorted(found) == sorted(culprits)
    assert len(asked) <= 36  # controls and the canary come on top


def test_every_pair_that_is_refused_only_together_is_found_as_a_pair():
    for pair in combinations(NAMES[:12], 2):
        found, _ = search(NAMES[:12], [pair])
        assert found == (pair,)


def test_a_server_that_names_the_first_culprit_is_asked_two_requests_a_culprit():
    culprits = [(NAMES[n],) for n in (3, 30, 60)]
    found, asked = search(NAMES, culprits, lambda _asked, held: held[0] if held else ())
    assert sorted(found) == sorted(culprits)
    assert len(asked) <= 7


def test_a_server_that_repeats_the_whole_request_names_nobody():
    found, _ = search(NAMES, [("s07",)], lambda asked, _held: asked)
    assert found == (("s07",),)


@given(
    st.sets(st.sets(st.sampled_from(NAMES[:9]), min_size=1, max_size=3).map(frozenset), max_size=4)
)
def test_whatever_is_found_is_minimal_and_what_is_left_is_accepted(sets):
    culprits = [tuple(sorted(members)) for members in sets]
    found, asked = search(NAMES[:9], culprits)
    for core in found:
        assert any(set(culprit) <= set(core) for culprit in culprits)
        for member in core:
            part = set(core) - {member}
            assert not any(set(culprit) <= part for culprit in culprits)
    assert bool(found) == bool(culprits)
    refused = [scopes for scopes, is_refused in asked if is_refused]
    accepted = [scopes for scopes, is_refused in asked if not is_refused]
    assert {frozenset(core) for core in found} <= {
        frozenset(core) for core in minimal_sets(refused, accepted)
    }
