"""Scopes that stand alike share a ruling: each would get the same one by itself."""

import dataclasses
from random import Random

import pytest
import simulated as sim
from msgspec.structs import replace
from stories import CANARY, OK, REFUSED, VAGUE, listing, told

from scopeprobe.model.answer import Issued, Refused
from scopeprobe.model.cell import Reason
from scopeprobe.strategies.each import each
from scopeprobe.verdicts import learn_behavior
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.judge import rule_on
from scopeprobe.verdicts.ruling import Known
from scopeprobe.verdicts.standing import standings

NAMES = sim.scopes(24, 3)
NOT_A = Refused(400, "invalid_scope", "scope a is not allowed")
SERVERS = {
    "strict": sim.strict,
    "silent": sim.silent,
    "narrowing": sim.narrowing,
    "narrowing_or_refusing": sim.narrowing_or_refusing,
    "narrowing_in_silence": sim.narrowing_in_silence,
    "ignoring": sim.ignoring,
    "repeating": sim.repeating,
    **sim.NAMERS,
    **sim.LIARS,
}


def adding(server, *extra):
    """The same server, which lists scopes that nobody asked for."""

    def answer(given, asked):
        told = server(given, asked)
        if getattr(told, "listed", None) is None:
            return told
        return sim.Issued((*told.listed, *extra))

    return answer


def known_of(night):
    """What a ruling on each client of a night may rest on."""
    behavior = learn_behavior((log.assignment, log.facts) for log in night.logs)
    for log in night.logs:
        nothing = ClientFacts(log.assignment, ())
        facts = ClientFacts(log.assignment, tuple(log.facts))
        yield Known(facts, behavior, Reason.NOT_ASKED, nothing)


@pytest.mark.parametrize("extra", [(), (NAMES[0].upper(), "profile")], ids=["", "lists-more"])
@pytest.mark.parametrize("name", SERVERS)
def test_scopes_of_one_standing_are_ruled_on_alike(name, extra):
    server = adding(SERVERS[name], *extra)
    for denied in (2, 12, 22):
        given = sim.placements(NAMES, denied, 7, Random(denied))
        for known in known_of(sim.night(server, list(given), NAMES)):
            rulings = {}
            for scope, standing in standings(known):
                by_itself = rule_on(known, scope)
                assert rulings.setdefault(standing, by_itself) == by_itself, scope


@pytest.mark.parametrize("name", SERVERS)
def test_so_are_those_that_were_asked_for_one_by_one(name):
    """With a set here and there, before or behind, and some asked for twice."""
    for seed in range(3):
        random = Random(seed)
        given = sim.placements(NAMES, 8, 5, random)
        for asked in known_of(sim.night(SERVERS[name], list(given), NAMES, strategy=each)):
            facts = [*asked.facts.facts]
            again = [replace(f, question=replace(f.question, again=9)) for f in facts[::7]]
            random.shuffle(facts)
            facts = [
                replace(fact, sent=2 * tick, received=2 * tick + random.choice((1, 4)))
                for tick, fact in enumerate([*facts, *again])
            ]
            known = dataclasses.replace(asked, facts=ClientFacts(asked.facts.assignment, facts))
            rulings = {}
            for scope, standing in standings(known):
                by_itself = rule_on(known, scope)
                assert rulings.setdefault(standing, by_itself) == by_itself, scope


def test_where_one_answer_settles_all_scopes_few_rulings_do():
    given = sim.placements(NAMES, 12, 7, Random(1))
    for known in known_of(sim.night(sim.narrowing, list(given), NAMES)):
        assert len({standing for _, standing in standings(known)}) < len(NAMES) / 2


# -- what tells scopes apart


def stood(*stories):
    """How the candidates of the first of these clients stand, by scope."""
    told_all = [told("a b c", *one, name=f"client{n}") for n, one in enumerate(stories)]
    assignment, facts = told_all[0]
    nothing = ClientFacts(assignment, ())
    facts = ClientFacts(assignment, tuple(facts))
    known = Known(facts, learn_behavior(told_all), Reason.NOT_ASKED, nothing)
    return dict(standings(known))


def test_scopes_that_were_asked_and_shown_together_stand_alike():
    standing = stood([("a b", listing("a b")), ("c", OK)])
    assert standing["a"] == standing["b"] != standing["c"]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([("a", listing("a")), ("b", listing("b"))], id="listed"),
        pytest.param([("a", OK), ("b", OK)], id="issued-in-silence"),
        pytest.param([("a", listing()), ("b", listing())], id="left-out"),
        pytest.param([("a", REFUSED), ("b", REFUSED), (None, OK)], id="refused"),
        pytest.param(
            [("a", listing("a")), ("b", listing("b")), ("b a", listing("a b"))], id="and-in-a-set"
        ),
    ],
)
def test_scopes_that_met_the_same_alone_stand_alike(answers):
    standing = stood(answers)
    assert standing["a"] == standing["b"] != standing["c"]


SHARED = Issued(("a", "b"), token=7)
A, B = listing("a"), listing("b")


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([("a", A), ("b", OK)], id="one-is-listed"),
        pytest.param([("a", A), ("b", Issued(("b",), ("b",)))], id="in-another-place"),
        pytest.param([("a", A), ("b", Issued(("b",), unconfirmed=True))], id="one-is-unconfirmed"),
        pytest.param([("a", SHARED), ("b", B), ("a c", SHARED)], id="one-token-is-shared"),
        pytest.param([("a", A), ("b", B), ("a", A)], id="one-was-asked-again"),
        pytest.param([("a", A), ("b", B), ("a c", listing("a c"))], id="one-in-a-set-as-well"),
        pytest.param([("a", A), ("a b", listing("a b")), ("b", B)], id="on-either-side-of-a-set"),
        pytest.param([("a", A), ("b", B), ("a b", A)], id="one-is-left-out-of-a-set"),
        pytest.param([("a", REFUSED), (None, OK), ("b", REFUSED)], id="one-is-not-bracketed"),
        pytest.param([("a", VAGUE), (None, OK), ("b", VAGUE), ("c", OK)], id="or-at-one-end-only"),
        pytest.param([("a", REFUSED), ("b", VAGUE), (None, OK)], id="in-other-words"),
        pytest.param([("a", NOT_A), ("b", NOT_A), (None, OK)], id="one-is-named-in-the-words"),
        pytest.param([("a", REFUSED), ("b", REFUSED), ("a c", OK)], id="refused-and-in-a-set"),
    ],
)
def test_whatever_a_rule_may_look_at_tells_them_apart(answers):
    standing = stood(answers)
    assert standing["a"] != standing["b"]


def test_a_scope_that_others_were_listed_or_refused_stands_apart():
    standing = stood([("a b c", OK)], [(None, listing("b")), ("c", REFUSED), (None, OK)])
    assert [standing[scope].met_by_others for scope in "abc"] == [
        (False, False),
        (True, False),
        (False, True),
    ]


def test_a_scope_that_does_not_exist_stands_apart():
    missing = [(CANARY, listing()), ("a", listing()), (f"a {CANARY}", listing())]
    standing = stood([("a b c", OK)], missing)
    assert [standing[scope].exists for scope in "abc"] == [False, True, True]


@pytest.mark.parametrize(
    ("answers", "by_name"),
    [
        pytest.param([("a b c", OK)], "", id="no-name-counts"),
        pytest.param(
            [("a b c", Refused(400, "invalid_scope", named=("b",))), (None, OK)],
            "b",
            id="one-that-is-named",
        ),
        pytest.param([("a b c", listing("x"))], "abc", id="one-may-be-listed-as-another"),
        pytest.param([("a b c", Issued(rights=()))], "abc", id="a-right-may-be-a-pattern"),
    ],
)
def test_a_scope_stands_by_its_name_where_a_rule_looks_at_names(answers, by_name):
    standing = stood(answers)
    assert "".join(scope for scope in "abc" if standing[scope].name == scope) == by_name
