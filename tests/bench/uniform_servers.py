"""
What the judge makes of uniform servers: false verdicts, and cells that stay unknown.

A uniform server treats all its clients in one manner (docs/design.md, assumption A). Here is
every combination of a few independent dimensions, each with one to four clients of which any
questions were asked. The truth of a cell is known from the model alone.

    python tests/bench/uniform_servers.py                      a table of what is judged wrongly
    python tests/bench/uniform_servers.py --json new.json      the same, to be kept
    python tests/bench/uniform_servers.py --against tests/bench/rules_of_before.json
                                            beside what the judge of before the fourteen rules said
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, product
from pathlib import Path
from random import Random

from scopeprobe.model.answer import Answer, Fact, Issued, Refused, Unauthenticated
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Reason, Verdict
from scopeprobe.model.client import AuthMethod, Client, ClientName, Target
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import ClientId, Endpoints, Server
from scopeprobe.verdicts import judge, learn_behavior

KNOWN = tuple(Scope(name) for name in ("a.read", "b.read", "c.read", "d.read", "e.read"))
KNOWN_SET = frozenset(KNOWN)
DEFAULT = Scope("profile")


@dataclass(frozen=True)
class Manner:
    """How a server treats scopes; each field is one dimension."""

    ungranted: str
    """Alone: refuse, drop, or carry."""
    unknown: str
    mixed: str
    """A set with bad scopes in it: refuse it whole, or narrow it."""
    lists: str
    """never, always, nonempty, differing, or all (whatever the client has, asked or not)."""
    place: str
    """answer or claim."""
    spelling: str
    hides: str
    """Which granted scopes no list shows: none, or some."""
    dress: str
    """What a refusal looks like: plain, vague, failed."""
    absent: str
    """Without scope: nothing, defaults, grants, refuse."""
    adds_defaults: str
    caches: str


CHOICES = {
    "ungranted": ("refuse", "drop", "carry"),
    "unknown": ("refuse", "drop", "carry"),
    "mixed": ("refuse", "narrow"),
    "lists": ("never", "always", "nonempty", "differing", "all"),
    "place": ("answer", "claim"),
    "spelling": ("as_asked", "brackets"),
    "hides": ("none", "some"),
    "dress": ("plain", "vague", "failed"),
    "absent": ("nothing", "defaults", "grants", "refuse"),
    "adds_defaults": ("no", "yes"),
    "caches": ("no", "yes"),
}


def manners() -> Iterator[Manner]:
    """Every combination that makes sense."""
    for values in product(*CHOICES.values()):
        manner = Manner(*values)
        if makes_sense(manner):
            yield manner


def makes_sense(m: Manner) -> bool:
    refuses = "refuse" in {m.ungranted, m.unknown}
    return all(
        (
            m.ungranted != "carry" or m.unknown != "refuse" or m.lists != "all",
            m.mixed == "narrow" or m.ungranted == "refuse" or m.unknown == "refuse",
            m.dress == "plain" or refuses or m.absent == "refuse",
            m.lists != "never"
            or (m.place, m.spelling, m.hides, m.adds_defaults)
            == ("answer", "as_asked", "none", "no"),
            m.hides == "none" or m.ungranted == "refuse",
            m.hides == "none" or m.lists in {"always", "nonempty"},
            m.lists != "all" or (m.ungranted, m.unknown) == ("drop", "drop"),
            m.caches == "no" or (m.lists, m.ungranted, m.unknown) == ("always", "drop", "drop"),
            m.spelling == "as_asked"
            or (m.adds_defaults, m.caches, m.hides) == ("no", "no", "none"),
            m.adds_defaults == "no" or m.absent in {"defaults", "nothing"},
            m.lists == "never" or m.absent != "grants" or m.adds_defaults == "no",
        )
    )


HIDDEN = {Scope("c.read"), Scope("e.read")}


class UniformServer:
    """Answers by its manner."""

    def __init__(self, manner: Manner, grants: dict[str, frozenset[Scope]]) -> None:
        self.manner, self.grants = manner, grants
        self._first: dict[str, Answer] = {}
        self._tokens = count(1)

    def answer(self, client: str, asked: tuple[Scope, ...] | None) -> Answer:
        answer = self._fresh(client, asked)
        if self.manner.caches == "yes" and isinstance(answer, Issued):
            return self._first.setdefault(client, answer)
        return answer

    def _fresh(self, client: str, asked: tuple[Scope, ...] | None) -> Answer:
        m, mine = self.manner, self.grants[client]
        if asked is None:
            if m.absent == "refuse":
                return self._refusal()
            carried = mine if m.absent == "grants" else frozenset()
            return self._issued(carried, (), mine, {DEFAULT} if m.absent == "defaults" else set())
        fates = {scope: self._fate(scope, mine) for scope in asked}
        bad = [scope for scope, fate in fates.items() if fate == "refuse"]
        kept = frozenset(scope for scope, fate in fates.items() if fate == "carry")
        if bad and (m.mixed == "refuse" or not kept):
            return self._refusal()
        defaults = {DEFAULT} if m.adds_defaults == "yes" else set()
        return self._issued(kept, asked, mine, defaults)

    def _fate(self, scope: Scope, mine: frozenset[Scope]) -> str:
        if scope in mine:
            return "carry"
        return self.manner.ungranted if scope in KNOWN else self.manner.unknown

    def _refusal(self) -> Answer:
        if self.manner.dress == "failed":
            return Unauthenticated(401, "invalid_client")
        if self.manner.dress == "vague":
            return Refused(400, "invalid_request")
        return Refused(400, "invalid_scope")

    def _issued(
        self,
        carried: frozenset[Scope],
        asked: tuple[Scope, ...],
        mine: frozenset[Scope],
        defaults: set[Scope],
    ) -> Answer:
        m = self.manner
        shown = set(mine if m.lists == "all" else carried)
        shown -= HIDDEN if m.hides == "some" else set()
        shown |= defaults
        is_told = {
            "never": False,
            "always": True,
            "nonempty": bool(shown),
            "differing": shown != set(asked),
            "all": bool(shown),
        }[m.lists]
        names = tuple(sorted(Scope(f"[{s}]") if m.spelling == "brackets" else s for s in shown))
        told = names if is_told else None
        if m.place == "claim":
            return Issued(claimed=told, readable=True, token=next(self._tokens))
        return Issued(listed=told, token=next(self._tokens))


def name_fault(
    verdict: Verdict, *, is_granted: bool, is_withheld: bool, is_refused: bool, manner: Manner
) -> str:
    """
    Name what is wrong with a verdict; empty where it is honest.

    A server that hides what it grants, and was not seen to refuse anything, answers like one that
    grants less (docs/design.md, assumption B); so does one that drops what it does not know, of a
    scope that it was not seen to refuse or give to anybody.
    """
    is_given_to_all = manner.ungranted == "carry" and manner.unknown != "carry"
    match verdict:
        case Verdict.GRANTED if not (is_granted or is_given_to_all):
            return "false granted"
        case Verdict.DENIED if is_granted and manner.hides == "some" and not is_refused:
            return "unknowable denied"
        case Verdict.DENIED if is_granted or manner.ungranted == "carry":
            return "false denied"
        case Verdict.UNENFORCED if is_withheld:
            return "false unenforced"
        case Verdict.UNAUTHENTICATED if (manner.dress, manner.absent) != ("failed", "refuse"):
            return "false unauthenticated"
        case _:
            return ""


def is_visibly_withheld(facts: list[Fact], mine: frozenset[Scope]) -> bool:
    """
    Some scope that the client does not have was refused to it alone, or left out of a list.

    It is known to be authenticated: it was given some token.
    """
    if not any(isinstance(fact.answer, Issued) for fact in facts):
        return False
    for fact in facts:
        for scope in fact.question.scopes or ():
            if scope in mine or scope not in KNOWN:
                continue
            if isinstance(fact.answer, Issued):
                shown = (fact.answer.listed, fact.answer.claimed)
                if any(names is not None and scope not in names for names in shown):
                    return True
            elif len(fact.question.scopes or ()) == 1:
                return True
    return False


def is_visibly_refused(facts: list[Fact]) -> bool:
    """Scopes without the canary were refused to the client."""
    return any(
        not isinstance(fact.answer, Issued) and KNOWN_SET.issuperset(fact.question.scopes)
        for fact in facts
        if fact.question.scopes
    )


def seen_to_exist(facts: list[Fact]) -> set[Scope]:
    """Scopes that were refused alone, or are listed."""
    found = set[Scope]()
    for fact in facts:
        if isinstance(fact.answer, Issued):
            found |= fact.answer.names
        elif len(fact.question.scopes or ()) == 1:
            found.update(fact.question.scopes or ())
    return found


def grants_of_clients(rng: Random) -> dict[str, frozenset[Scope]]:
    count = rng.randint(1, 4)
    return {
        f"c{n}": frozenset(s for s in KNOWN if rng.random() < rng.choice((0.0, 0.5, 0.5, 1.0)))
        for n in range(count)
    }


def asked_at_random(assignment: Assignment, rng: Random) -> list[tuple[Scope, ...] | None]:
    """Any questions in any order, often those that a plan would ask."""
    canary, questions = assignment.canary, []
    if rng.random() < 0.8:
        questions.append(None)
    if rng.random() < 0.85:
        questions += [(canary,)] * rng.choice((1, 1, 2))
    share = rng.choice((0.3, 0.8, 1.0))
    questions += [(scope,) for scope in KNOWN if rng.random() < share]
    for _ in range(rng.choice((0, 0, 1, 3))):
        members = [s for s in (*KNOWN, canary) if rng.random() < 0.5]
        if members:
            questions.append(tuple(members))
    questions += [q for q in questions if rng.random() < 0.2]
    if rng.random() < 0.7:
        rng.shuffle(questions)
    return questions


def facts_of(server: UniformServer, assignment: Assignment, rng: Random) -> list[Fact]:
    facts, times = [], Counter()
    questions = asked_at_random(assignment, rng)
    name = assignment.client.name
    success = next((q for q in questions if isinstance(server.answer(name, q), Issued)), "none")
    if success != "none" and rng.random() < 0.8:
        questions.append(success)
    for tick, asked in enumerate(questions):
        answer = server.answer(name, asked)
        question = Question(asked, again=times[asked])
        times[asked] += 1
        facts.append(Fact(question, answer, 2 * tick + 1, 2 * tick + 2))
    return facts


def assignment_of(name: str) -> Assignment:
    server = Server("uniform", Endpoints("https://uniform.example/token"))
    target = Target(KNOWN)
    client = Client(ClientName(name), ClientId(name), server, None, AuthMethod.NONE, (target,))
    return Assignment(client, target)


class Fleet:
    """The clients of one server, what they were told, and what that shows of the server."""

    def __init__(self, manner: Manner, rng: Random) -> None:
        self.manner = manner
        self.grants = grants_of_clients(rng)
        server = UniformServer(manner, self.grants)
        assignments = [assignment_of(name) for name in self.grants]
        self.clients = [(a, facts_of(server, a, rng)) for a in assignments]
        self.behavior = learn_behavior(self.clients)

    def judged(self) -> Counter[str]:
        """Count verdicts, and those that are false."""
        found: Counter[str] = Counter()
        is_withheld = any(
            is_visibly_withheld(facts, self.grants[a.client.name]) for a, facts in self.clients
        )
        is_refused = any(is_visibly_refused(facts) for _, facts in self.clients)
        seen = set().union(*(seen_to_exist(facts) for _, facts in self.clients))
        for assignment, facts in self.clients:
            mine = self.grants[assignment.client.name]
            for cell in judge(assignment, self.behavior, facts, Reason.NOT_ASKED):
                if cell.scope not in KNOWN:
                    continue
                found["cells"] += 1
                found[cell.verdict] += 1
                if cell.verdict is Verdict.UNKNOWN:
                    found[f"unknown: {cell.reason}"] += 1
                fault = name_fault(
                    cell.verdict,
                    is_granted=cell.scope in mine,
                    is_withheld=is_withheld,
                    is_refused=is_refused and (self.manner.unknown != "drop" or cell.scope in seen),
                    manner=self.manner,
                )
                if fault:
                    found[fault] += 1
                    found[f"{fault}: {cell.reason}"] += 1
        return found


def run(rounds: int) -> Counter[str]:
    total: Counter[str] = Counter()
    for number, manner in enumerate(manners()):
        for round_ in range(rounds):
            total += Fleet(manner, Random(f"{number} {round_}")).judged()
        total["manners"] += 1
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--rounds", type=int, default=4, help="fleets for each manner")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--show", help="print servers with this fault, the smallest first")
    options = parser.parse_args()
    if options.show:
        show(options.show, options.rounds)
        return 0
    found = run(options.rounds)
    other = json.loads(options.against.read_text()) if options.against else {}
    for name in sorted({*found, *other}):
        print(f"{name:44}{found.get(name, 0):>10}{other.get(name, '') if other else '':>10}")
    if options.json:
        options.json.write_text(json.dumps(found))
    return 1 if any(name.startswith("false") for name in found) else 0


def show(fault: str, rounds: int) -> None:
    """Print the first server of which something is judged so, with all that was asked."""
    for number, manner in enumerate(manners()):
        for round_ in range(rounds):
            fleet = Fleet(manner, Random(f"{number} {round_}"))
            if not fleet.judged()[fault]:
                continue
            print(manner)
            for assignment, facts in fleet.clients:
                name = assignment.client.name
                print(f"  {name} has {sorted(fleet.grants[name])}")
                for fact in facts:
                    print("   ", fact.question.scopes, fact.answer)
                for cell in judge(assignment, fleet.behavior, facts, Reason.NOT_ASKED):
                    print("      ->", cell.scope, cell.verdict, cell.reason)
            return


if __name__ == "__main__":
    sys.exit(main())
