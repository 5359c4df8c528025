"""What is expected of a client before it is asked."""

import weakref

from scopeprobe.model.scope_names import Scope
from scopeprobe.strategies.priors import remembered


def test_a_prior_ends_with_its_search():
    """It is in no cycle: one for each of many clients would wait for a collection."""
    prior = remembered([Scope("a")], [Scope("b")])
    assert prior.mean_chance(Scope("a")) < prior.mean_chance(Scope("b"))
    alive = weakref.ref(prior)
    del prior
    assert alive() is None
