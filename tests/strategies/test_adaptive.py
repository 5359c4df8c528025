"""The invariants of docs/algorithm.md, section 10, as its appendix corrects them."""

import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from simulated import (
    LIARS,
    NAMERS,
    REFUSED,
    TOO_LARGE,
    Log,
    alone,
    assigned,
    lossy,
    narrowing,
    night,
    of_classes,
    of_one_resource,
    placements,
    scopes,
    strict,
    up_to,
    with_companions,
    with_conflicts,
)

from scopeprobe.model.answer import Issued, Unanswered
from scopeprobe.model.assignment import Proof
from scopeprobe.model.behavior import EarlierClient, ServerBehavior
from scopeprobe.model.cell import Evidence, Reason, Verdict
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.strategies import adaptive, each
from scopeprobe.strategies.groups import slack
from scopeprobe.verdicts import judge, learn_behavior

modestly = settings(max_examples=60)
LOST = Unanswered(Reason.TIMED_OUT)
STRICT_KINDS = ("strict", "resources", "conflicts", "classes", "cap", "silent cap")


@st.composite
def worlds(draw, kinds=(*STRICT_KINDS, "narrowing", *NAMERS)):
    """A server, its candidates, and what one client was given."""
    kind, count = draw(st.sampled_from(kinds)), draw(st.integers(1, 60))
    rng = Random(draw(st.integers(0, 2**16)))
    names = scopes(count, 3 if kind == "resources" else 0)
    has = frozenset(rng.sample(names, draw(st.integers(0, count))))
    server = {
        "strict": strict,
        "resources": of_one_resource,
        "conflicts": with_conflicts(rng.choices(names, k=2) for _ in range(5) if count > 1),
        "classes": of_classes({name: rng.randrange(3) for name in names}),
        "cap": up_to(count // 4 + 2, TOO_LARGE),
        "silent cap": up_to(count // 4 + 2, REFUSED),
        "narrowing": narrowing,
        **NAMERS,
    }[kind]
    return server, names, has


def lone_conflicts_left_out(server, has):
    """What a server grants to a client when each scope is asked alone."""
    return {scope for scope in has if isinstance(server(has, (scope,)), Issued)}


@modestly
@given(worlds())
def test_the_map_is_what_the_server_was_given(world):
    server, names, has = world
    proved = alone(server, has, names)
    granted = lone_conflicts_left_out(server, has)
    truth = {s: Verdict.GRANTED if s in granted else Verdict.DENIED for s in names}
    assert proved.maps() == [truth]


@modestly
@given(worlds())
def test_every_verdict_stands_in_the_log(world):
    """A checker that knows no strategy: it reads questions and answers only."""
    server, names, has = world
    proved = alone(server, has, names)
    log = proved.logs[0].facts
    issued = [(f.question.scopes, f.answer.listed) for f in log if isinstance(f.answer, Issued)]
    alone_refused = {f.question.scopes for f in log if f.answer == REFUSED}
    named = {name for f in log for name in getattr(f.answer, "named", ())}
    for cell in proved.cells[0]:
        if cell.verdict is Verdict.GRANTED:
            assert any(
                cell.scope in (asked or ()) and cell.scope in listed for asked, listed in issued
            )
        elif cell.reason is Reason.LEFT_OUT:
            assert any(
                cell.scope in (asked or ()) and cell.scope not in listed for asked, listed in issued
            )
        elif cell.reason is Reason.NAMED_IN_REFUSAL:
            assert cell.scope in named
            assert cell.evidence is Evidence.SET
        else:
            assert (cell.scope,) in alone_refused or cell.scope in named


@modestly
@given(worlds(STRICT_KINDS))
def test_requests_stay_between_the_certificate_and_the_guard(world):
    server, names, has = world
    log = alone(server, has, names).logs[0]
    canary = log.assignment.canary
    lost = sum(f.answer == TOO_LARGE and canary not in f.question.scopes for f in log.facts)
    granted = lone_conflicts_left_out(server, has)
    accepted = max(
        (len(f.question.scopes or ()) for f in log.facts if isinstance(f.answer, Issued)), default=1
    )
    least = len(names) - len(granted) + math.ceil(len(granted) / max(accepted, 1))
    assert least <= log.search - lost <= len(names) + slack(len(names)) + 1


@modestly
@given(count=st.integers(2, 60), refusals=st.lists(st.booleans(), min_size=90, max_size=90))
def test_no_adversary_makes_it_ask_more_than_the_guard_allows(count, refusals):
    """It answers as it likes, whatever it said before."""
    names, answers = scopes(count), iter(refusals)
    log = Log(assigned(names))

    def answer(question):
        if question.scopes is None or not next(answers, True):
            return Issued(question.scopes or ())
        return REFUSED

    log.follow(adaptive(log.assignment), answer)
    assert log.search <= count + slack(count) + 1


@modestly
@given(count=st.integers(2, 60), accept_alone=st.booleans())
def test_an_adversary_that_leaves_the_most_open_meets_the_guard_too(count, accept_alone):
    """Sets are refused as long as that contradicts nothing; alone, all are accepted or none."""
    names = scopes(count)
    log, granted = Log(assigned(names)), set()

    def answer(question):
        asked = question.scopes or ()
        if granted.issuperset(asked) or (accept_alone and len(asked) == 1):
            granted.update(asked)
            return Issued(asked)
        return REFUSED

    log.follow(adaptive(log.assignment), answer)
    assert log.search <= count + slack(count) + 1


@modestly
@given(worlds(STRICT_KINDS))
def test_nothing_is_asked_that_is_known(world):
    server, names, has = world
    log = alone(server, has, names).logs[0]
    granted, denied, asked_before = set(), set(), set()
    for kind, fact in log.kinds():
        asked = set(fact.question.scopes or ())
        if kind == "search":
            assert asked
            assert frozenset(asked) not in asked_before
            assert not asked <= granted
            assert not asked & denied
            asked_before.add(frozenset(asked))
        if isinstance(fact.answer, Issued):
            granted |= asked
        elif len(asked) == 1 and fact.answer == REFUSED:
            denied |= asked


@modestly
@given(worlds(("strict", "resources", "narrowing", *NAMERS)), st.randoms(use_true_random=False))
def test_another_order_of_the_candidates_brings_the_same_map(world, rng):
    server, names, has = world
    order = rng.sample(names, len(names))
    assert alone(server, has, order).maps() == alone(server, has, names).maps()


@pytest.mark.parametrize("count", [1, 2, 10, 50, 200])
def test_all_granted_takes_one_request_and_none_granted_one_more_than_all(count):
    names = scopes(count)
    assert alone(strict, names, names).logs[0].search == 1
    assert alone(strict, (), names, without_scope=lambda _: Issued(())).logs[0].search <= count + 1


@modestly
@given(worlds(("strict",)))
def test_a_wrong_prior_costs_requests_and_no_truth(world):
    """Two clients before it were granted exactly what this one is denied."""
    server, names, has = world
    inverted = EarlierClient("", names, frozenset(names) - has, has)
    behavior = ServerBehavior(
        withholds=True, accepts_scopes=True, earlier_clients=(inverted, inverted)
    )
    log = Log(replace(assigned(names), behavior=behavior))
    log.follow(
        adaptive(log.assignment),
        lambda q: Issued(()) if q.scopes is None else server(has, q.scopes),
    )
    found = judge(
        log.assignment, learn_behavior([(log.assignment, log.facts)]), log.facts, Reason.NOT_ASKED
    )
    truth = {s: Verdict.GRANTED if s in has else Verdict.DENIED for s in names}
    assert {f.scope: f.verdict for f in found} == truth
    assert log.search <= len(names) + slack(len(names)) + 1


@settings(modestly, max_examples=20)
@given(worlds(), st.integers(0, 2**16), st.integers(1, 8))
def test_lost_answers_make_nothing_granted_or_denied(world, seed, clients):
    server, names, has = world
    rng = Random(seed)
    others = placements(names, rng.randint(0, len(names)), clients - 1, rng)
    fleet = [has, *(lone_conflicts_left_out(server, given) for given in others)]
    assert night(lossy(server, rng, 0.2), fleet, names).false_verdicts == 0


@pytest.mark.parametrize("has", [6, 4, 2, 0])
@pytest.mark.parametrize("lost", range(6))
def test_a_scope_whose_answers_are_all_lost_leaves_only_itself_unknown(has, lost):
    names = scopes(6)

    def answer(given, asked):
        return LOST if names[lost] in asked else strict(given, asked)

    found = alone(answer, names[:has], names).maps()[0]
    truth = {s: Verdict.GRANTED if s in names[:has] else Verdict.DENIED for s in names}
    assert found == {**truth, names[lost]: Verdict.UNKNOWN}


@modestly
@given(worlds(), st.data())
def test_a_run_that_goes_on_asks_exactly_what_is_left(world, data):
    server, names, has = world
    whole = alone(server, has, names).logs[0]
    kept = data.draw(st.integers(0, len(whole.facts)))
    log = Log(assigned(names, "c000"), whole.facts[:kept])
    asked = []

    def answer(question):
        asked.append(question)
        return Issued(()) if question.scopes is None else server(has, question.scopes)

    log.follow(adaptive(log.assignment), answer)
    assert asked == [fact.question for fact in whole.facts[kept:]]


@modestly
@given(
    st.sampled_from(sorted(LIARS)), st.integers(2, 60), st.integers(0, 2**16), st.floats(0.02, 1)
)
def test_a_server_that_names_without_understanding_is_never_believed_wrongly(
    liar, count, seed, share
):
    names, rng = scopes(count), Random(seed)
    denied = max(round(share * count), 1)
    asked = night(LIARS[liar], list(placements(names, denied, 3, rng)), names)
    assert asked.false_verdicts == 0
    assert asked.is_whole


@modestly
@given(worlds(), st.integers(0, 2**16), st.integers(1, 7))
def test_each_scope_alone_and_the_fewest_requests_agree(world, seed, clients):
    server, names, _ = world
    fleet = list(placements(names, Random(seed).randint(0, len(names)), clients, Random(seed)))
    by_each = night(server, fleet, names, strategy=each)
    assert night(server, fleet, names).maps() == by_each.maps()


def test_a_scope_that_goes_with_another_is_not_denied_for_its_absence():
    names = scopes(30)
    companions = {names[3]: names[20], names[7]: names[4], names[12]: names[25]}
    server = with_companions(companions)
    for seed in range(20):
        has = next(placements(names, 8, 1, Random(seed)))
        found = alone(server, has, names).maps()[0]
        can_have = {s for s in has if companions.get(s, s) in has}
        assert not [s for s in can_have if found[s] is Verdict.DENIED]
        assert not [s for s in set(names) - can_have if found[s] is Verdict.GRANTED]


@modestly
@given(worlds(("strict", "conflicts")))
def test_proof_twice_repeats_every_lone_refusal_once(world):
    server, names, has = world
    log = alone(server, has, names, proof=Proof.TWICE).logs[0]
    refused = [f.question.scopes for f in log.facts if f.answer == REFUSED and not f.question.again]
    lone = {asked for asked in refused if len(asked) == 1} - {(log.assignment.canary,)}
    repeated = {f.question.scopes for f in log.facts if f.question.again and f.answer == REFUSED}
    assume(any(isinstance(fact.answer, Issued) for fact in log.facts))
    assert repeated == lone


def test_a_server_that_is_sent_no_scope_is_asked_once():
    names = scopes(4)
    asked = alone(
        strict, names[:2], names, without_scope=lambda has: Issued(sorted(has)), send_scope=False
    )
    assert [fact.question for fact in asked.logs[0].facts] == [WITHOUT_SCOPE]
    found = asked.maps()[0]
    assert {scope for scope, verdict in found.items() if verdict is Verdict.GRANTED} == {*names[:2]}
    assert {found[scope] for scope in names[2:]} == {Verdict.UNKNOWN}


def test_without_candidates_the_request_without_scope_comes_first():
    asked = alone(strict, scopes(2), (), without_scope=lambda has: Issued(sorted(has)))
    assert asked.logs[0].facts[0].question == WITHOUT_SCOPE
    assert set(asked.maps()[0].values()) == {Verdict.GRANTED}


def test_the_opening_is_for_everything_and_the_request_without_scope_comes_on_top():
    names = scopes(12)
    log = alone(strict, names[:6], names).logs[0]
    assert log.facts[0].question == Question(names)
    assert log.spent["without scope"] == 1
    assert WITHOUT_SCOPE in {fact.question for fact in log.facts}
