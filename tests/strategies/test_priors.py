"""What is expected of a client before it is asked."""

import weakref
from dataclasses import replace

import pytest
from by_hand import assigned
from outcomes import DENIED, GRANTED, permissions

from scopeprobe.model.scope_names import Scope
from scopeprobe.strategies.priors import prior_of, remembered


def test_a_prior_ends_with_its_search():
    """It is in no cycle: one for each of many clients would wait for a collection."""
    prior = remembered([Scope("a")], [Scope("b")])
    assert prior.mean_chance(Scope("a")) < prior.mean_chance(Scope("b"))
    alive = weakref.ref(prior)
    del prior
    assert alive() is None


@pytest.mark.parametrize(("proved", "is_believed"), [(5, True), (4, False)])
def test_last_night_is_believed_where_it_proved_half_of_the_scopes(proved, is_believed):
    last_night = permissions("c", *[GRANTED] * (proved - 1), DENIED)
    assignment = replace(assigned(10), previous=last_night)
    chance_of = prior_of(assignment, assignment.candidates).mean_chance
    assert (chance_of(Scope("s0")) < chance_of(Scope(f"s{proved - 1}"))) is is_believed
