"""What the strategies that need few requests ask of each kind of server, in order."""

from dataclasses import replace

import pytest
import simulated
from by_hand import assigned, transcript
from outcomes import DENIED, GRANTED, permissions

from scopeprobe.model import client as model
from scopeprobe.model.answer import Issued, Unanswered
from scopeprobe.model.cell import Reason, Verdict
from scopeprobe.strategies import adaptive, recheck

HOPED = model.Expectation(granted=("s*",))
OTHERS = model.Expectation(granted=("s6", "s7"))


def asked_of(server, given, without_scope=None):
    """Answers of a server that gave these scopes by number."""
    names = frozenset(f"s{n}" for n in given)

    def answer(question):
        if question.scopes is None:
            return without_scope or Issued(())
        return server(names, question.scopes)

    return answer


@pytest.mark.parametrize(
    ("server", "given", "order"),
    [
        ("strict", range(8), "8 - canary! 8+canary!"),
        ("strict", [6, 7], "8! - s0! s1! s2! s3! s4! s5! s6 s7 2 canary!"),
        ("strict", [], "8! - s0! s1! s2! s3! s4! s5! s6! s7! canary! -'"),
        ("silent", range(8), "8 canary! s0 s1 s2 s3 s4 s5 s6 s7 -"),
        (
            "silent", [6, 7],
            "8! - s0! s1! s2! s3! s4! s5! s6 s7 2 canary! 2+canary! 3! 3! 3! -'",
        ),
        ("narrowing", range(8), "8 - canary 8+canary"),
        ("narrowing", [6, 7], "8 6 - canary 7+canary"),
        ("narrowing", [], "8 - canary 8+canary"),
        ("narrowing_or_refusing", [6, 7], "8 6! - canary! 7+canary"),
        ("ignoring", [6, 7], "8 canary -"),
        ("repeating", [6, 7], "8 - canary"),
    ],
)  # fmt: skip
def test_a_server_of_which_nothing_is_known_is_asked_for_everything_at_first(server, given, order):
    answer = asked_of(getattr(simulated, server), given)
    assert transcript(adaptive, assigned(8, 3, OTHERS), answer) == order


def test_a_server_that_names_culprits_is_asked_for_the_rest_and_checked_twice_as_rarely():
    names_the_first = simulated.naming(lambda bad, _asked: bad[:1])
    answer = asked_of(names_the_first, [6, 7])
    order = transcript(adaptive, assigned(16, 3, OTHERS), answer)
    assert order.startswith("16! s0! 15! s8! 14! s1! 13! s9! 12! s2!")
    assert order.endswith("2 - canary!")


def test_what_is_left_of_a_refused_request_is_not_asked_for_as_a_whole():
    """A request without scope lists some of it: one of the others is to blame, new as that is."""
    last_night = permissions("c", *[GRANTED] * 16)
    answer = asked_of(simulated.strict, all_but(16, 15), Issued(("s0", "s1")))
    assignment = replace(assigned(16, 3, HOPED), previous=last_night)
    assert transcript(adaptive, assignment, answer) == "16! - 5 4 3 s14 s15! 15 canary!"


@pytest.mark.parametrize("lost", range(12))
@pytest.mark.parametrize("denied", [2, 7, 11])
def test_a_lone_scope_whose_answer_is_lost_takes_no_other_with_it(lost, denied):
    names = simulated.scopes(30)

    def server(given, asked):
        if asked == (names[lost],):
            return Unanswered(Reason.TIMED_OUT)
        return simulated.strict(given, asked)

    night = simulated.alone(server, set(names) - {names[denied]}, names)
    (found,) = night.maps()
    unknown = {scope for scope, verdict in found.items() if verdict is Verdict.UNKNOWN}
    assert unknown <= {names[lost]}
    assert night.false_verdicts == 0


def all_but(count, *denied):
    return [n for n in range(count) if n not in denied]


@pytest.mark.parametrize(
    ("count", "denied", "order"),
    [
        (30, [7], "30! - s0 4 6! 2 2! s7! 6 10 6 29 canary!"),
        (30, [7, 21], "30! - s0 4 6! 2 2! s7! 6 10! 4 3 s21! 8 28 canary!"),
        (40, [39], "40! - s0 4 7 9 8 6 3 s38 s39! 39 canary!"),
    ],
)
def test_a_few_culprits_among_many_are_searched_for_in_groups(count, denied, order):
    answer = asked_of(simulated.strict, all_but(count, *denied))
    assert transcript(adaptive, assigned(count, 3, HOPED), answer) == order


@pytest.mark.parametrize(
    ("strategy", "count", "denied", "order"),
    [
        (adaptive, 30, [7], "30! - 27 2 s7! 29 canary!"),
        (adaptive, 30, [7, 21], "30! - 27 2! s29 s7! s21! 28 canary!"),
        (recheck, 30, [7], "29 canary! s7! - 29+canary!"),
        (recheck, 30, [7, 21], "28 canary! s7! s21! - 28+canary!"),
    ],
)
def test_a_night_like_the_last_takes_few_requests(strategy, count, denied, order):
    outcomes = [DENIED if n in denied else GRANTED for n in range(count)]
    assignment = replace(assigned(count, 3, HOPED), previous=permissions("c", *outcomes))
    answer = asked_of(simulated.strict, all_but(count, *denied))
    assert transcript(strategy, assignment, answer) == order
