"""Scopes that stand alike share a ruling: each would get the same one by itself."""

from random import Random

import pytest
import simulated as sim

from scopeprobe.model.cell import Reason
from scopeprobe.verdicts import learn_behavior
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.judge import rule_on
from scopeprobe.verdicts.ruling import Known
from scopeprobe.verdicts.standing import standings

NAMES = sim.scopes(24, 3)
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


def test_where_one_answer_settles_all_scopes_few_rulings_do():
    given = sim.placements(NAMES, 12, 7, Random(1))
    for known in known_of(sim.night(sim.narrowing, list(given), NAMES)):
        assert len({standing for _, standing in standings(known)}) < len(NAMES) / 2
