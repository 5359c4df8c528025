"""What clients are asked once the first ones of their server have shown what it is like."""

from itertools import islice
from random import Random

import pytest
from simulated import (
    LIARS,
    MANNERS,
    NAMERS,
    PILOTS,
    REFUSED,
    alone,
    narrowing,
    narrowing_but_silent_alone,
    narrowing_in_silence,
    narrowing_or_refusing,
    night,
    of_one_resource,
    placements,
    scopes,
    silent,
    strict,
)

from scopeprobe.model.answer import Issued
from scopeprobe.strategies import STRATEGIES, recheck
from scopeprobe.verdicts import learn_behavior

MOST = {
    "narrows": (narrowing, 3),
    "narrows or refuses": (narrowing_or_refusing, 3),
    "narrows, silent where nothing is left": (narrowing_but_silent_alone, 3),
    "names all culprits": (NAMERS["names all culprits"], 4),
}


def fleets(names, denied, rng):
    """Five pilots and three more clients, with so many scopes denied to those."""
    yield list(placements(names, denied, PILOTS + 3, rng))
    yield [frozenset(names[denied:])] * (PILOTS + 3)
    yield [frozenset(names[: len(names) - denied])] * (PILOTS + 3)
    yield [frozenset(names)] * PILOTS + list(placements(names, denied, 3, rng))


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("family", MOST)
@pytest.mark.parametrize(("count", "denied"), [(30, 1), (30, 15), (30, 28), (30, 29), (200, 100)])
def test_a_server_that_tells_is_asked_three_times_or_four(family, manner, count, denied):
    """All requests are counted: the canary, the one without scope, and controls too."""
    server, most = MOST[family]
    names = scopes(count)
    for given in islice(fleets(names, denied, Random(denied)), 1 if count > 30 else None):
        asked = night(server, given, names, without_scope=MANNERS[manner])
        assert max(len(log.facts) for log in asked.logs[PILOTS:]) <= most
        assert asked.false_verdicts == 0


@pytest.mark.parametrize("family", MOST)
def test_a_thousand_scopes_take_no_more(family):
    server, most = MOST[family]
    names = scopes(1000)
    given = list(placements(names, 300, PILOTS + 1, Random(1)))
    asked = night(server, given, names, without_scope=MANNERS["the grants"])
    assert len(asked.logs[-1].facts) <= most
    assert asked.false_verdicts == 0


@pytest.mark.parametrize("manner", MANNERS)
def test_what_a_capped_request_leaves_is_asked_beside_a_scope_that_is_granted(manner):
    """Fifty scopes a request: sets of which nothing is granted are one request each, not fifty."""
    names = scopes(200)
    given = [frozenset(names[:50])] * (PILOTS + 1)
    asked = night(
        narrowing_or_refusing,
        given,
        names,
        without_scope=MANNERS[manner],
        max_scope_bytes=6 * 50 - 1,
    )
    assert len(asked.logs[-1].facts) <= 11
    assert asked.false_verdicts == 0


def test_silence_of_a_server_that_lists_leaves_out_all_that_was_asked():
    """Who was given nothing is not asked for each scope alone."""
    names = scopes(30)
    given = [frozenset(names[:15])] * PILOTS + [frozenset()]
    asked = night(narrowing_but_silent_alone, given, names)
    assert len(asked.logs[-1].facts) <= 5
    assert asked.false_verdicts == 0


@pytest.mark.parametrize("denied", [1, 5, 15, 29])
def test_sets_that_are_accepted_in_silence_grant_nothing(denied):
    """It narrows them in silence, and refuses what is asked alone and not granted."""
    names = scopes(30)
    given = list(placements(names, denied, PILOTS + 2, Random(denied)))
    asked = night(narrowing_in_silence, given, names)
    assert asked.false_verdicts == 0
    for log in asked.logs:
        alone_asked = {f.question.scopes for f in log.facts if len(f.question.scopes or ()) == 1}
        assert alone_asked.issuperset((name,) for name in names)


def test_a_pilot_adds_bad_scopes_to_a_set_and_the_others_are_spared_the_lone_requests():
    names = scopes(60)
    given = list(placements(names, 2, PILOTS + 4, Random(1)))
    asked = night(silent, given, names)
    assert asked.false_verdicts == 0
    assert learn_behavior((log.assignment, log.facts) for log in asked.logs).refuses_sets_whole
    for log, has in zip(asked.logs[:PILOTS], given, strict=False):
        together = [set(f.question.scopes or ()) for f in log.facts if f.answer == REFUSED]
        accepted = [set(f.question.scopes or ()) for f in log.facts if f.answer == Issued()]
        canary = log.assignment.canary
        assert any(asked_for - {canary} in accepted for asked_for in together)
        assert any(asked_for - (set(names) - has) in accepted for asked_for in together)
    assert max(len(log.facts) for log in asked.logs[PILOTS:]) < 40 < len(names)


def echoing_in_sets(given, asked):
    """Unknown names are listed beside granted ones; alone they bring a token without a list."""
    left = tuple(scope for scope in asked if scope in given or "canary" in scope)
    return Issued(left) if given.intersection(asked) else Issued()


def test_a_canary_that_was_issued_without_a_list_is_asked_in_a_set_that_gets_one():
    names = scopes(12)
    asked = alone(echoing_in_sets, names[:6], names)
    log = asked.logs[0]
    beside = [
        fact.answer
        for fact in log.facts
        if log.assignment.canary in (fact.question.scopes or ()) and len(fact.question.scopes) > 1
    ]
    assert beside
    assert all(log.assignment.canary in answer.names for answer in beside)


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("liar", ["names what is allowed", "names what is allowed too"])
def test_names_of_what_is_allowed_are_no_culprits(liar, manner):
    """Cloud Foundry UAA, Spring Security OAuth: `scope` of a refusal is what the client has."""
    names = scopes(16)
    for denied in (1, 3, 8, 15):
        for given in fleets(names, denied, Random(denied)):
            asked = night(LIARS[liar], given, names, without_scope=MANNERS[manner])
            assert asked.false_verdicts == 0


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize(
    "server",
    [
        strict,
        silent,
        narrowing_in_silence,
        narrowing_or_refusing,
        of_one_resource,
        *NAMERS.values(),
    ],
)
def test_no_client_takes_more_than_the_plan_says(server, manner):
    for count in (1, 2, 4, 12):
        names = scopes(count)
        for denied in {0, count // 2, count - 1, count}:
            for given in islice(fleets(names, denied, Random(count)), 1):
                first = night(server, given, names, without_scope=MANNERS[manner])
                changed = [has ^ {names[0]} for has in given]
                second = night(
                    server,
                    changed,
                    names,
                    strategy=recheck,
                    before=first,
                    without_scope=MANNERS[manner],
                )
                for asked, strategy in ((first, "adaptive"), (second, "recheck")):
                    assert asked.false_verdicts == 0
                    for log in asked.logs:
                        most = STRATEGIES[strategy].estimate(log.assignment).requests_at_most
                        assert len(log.facts) <= most
