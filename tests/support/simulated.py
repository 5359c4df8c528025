"""
Authorization servers as pure functions, and fleets that are asked as an audit asks them.

Nothing here knows how a strategy thinks: a server maps what a client was given and what is asked
to an answer, and a night drives the real plans, `learn_behavior` and `judge` over such answers.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from settings import server_with

from scopeprobe.model import client as model
from scopeprobe.model.answer import Answer, Fact, Issued, Refused, TooLarge, Unanswered
from scopeprobe.model.assignment import Assignment, Proof
from scopeprobe.model.behavior import ServerBehavior
from scopeprobe.model.cell import Cell, PermissionMap, Reason, Verdict
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import resource
from scopeprobe.strategies import adaptive
from scopeprobe.verdicts import accepted_sets, earlier_client, judge, learn_behavior

PILOTS = 5
REFUSED = Refused(400, "invalid_scope")
Given = frozenset[model.Scope]
Server = Callable[[Given, tuple[model.Scope, ...]], Answer]
"""What a request for scopes is answered with; the one without any is the night's business."""


# -- servers (docs/algorithm.md, sections 5 and 6)


def strict(given, asked):
    """All or nothing, and no word about whose fault it is."""
    return Issued(asked) if given.issuperset(asked) else REFUSED


def silent(given, asked):
    """The same, with tokens that tell nothing."""
    return Issued() if given.issuperset(asked) else REFUSED


def narrowing(given, asked):
    return Issued(tuple(scope for scope in asked if scope in given))


def narrowing_or_refusing(given, asked):
    """Nothing left to grant is a refusal."""
    left = tuple(scope for scope in asked if scope in given)
    return Issued(left) if left else REFUSED


def narrowing_in_silence(given, asked):
    """No token lists anything; nothing left to grant is a refusal (PingFederate, LemonLDAP)."""
    return REFUSED if given.isdisjoint(asked) else Issued()


def narrowing_but_silent_alone(given, asked):
    """What it lists is what it grants; but where that is nothing, a token says nothing at all."""
    left = tuple(scope for scope in asked if scope in given)
    return Issued(left) if left else Issued()


def ignoring(_given, _asked):
    return Issued()


def repeating(_given, asked):
    """It lists whatever is asked for."""
    return Issued(asked)


def naming(choose: Callable[[Sequence[model.Scope], tuple[model.Scope, ...]], Iterable]) -> Server:
    """A strict server whose refusals repeat what `choose` picks from the bad and the asked."""

    def answer(given, asked):
        bad = [scope for scope in asked if scope not in given]
        if not bad:
            return Issued(asked)
        named = set(choose(bad, asked))
        return Refused(400, "invalid_scope", named=tuple(s for s in asked if s in named))

    return answer


def by_lot(_bad, asked):
    """Any of the asked, the same one whenever the same is asked."""
    return [Random(" ".join(asked)).choice(asked)]


NAMERS = {
    "names one culprit": naming(lambda bad, _asked: [Random(len(bad)).choice(sorted(bad))]),
    "names the first culprit": naming(lambda bad, _asked: bad[:1]),
    "names the last culprit": naming(lambda bad, _asked: bad[-1:]),
    "names all culprits": naming(lambda bad, _asked: bad),
}
LIARS = {
    "names the first asked": naming(lambda _bad, asked: asked[:1]),
    "names the last asked": naming(lambda _bad, asked: asked[-1:]),
    "echoes the request": naming(lambda _bad, asked: asked),
    "echoes three": naming(lambda _bad, asked: asked[:3]),
    "echoes half": naming(lambda _bad, asked: asked[: max(len(asked) // 2, 1)]),
    "echoes the end": naming(lambda _bad, asked: asked[-4:]),
    "names what is allowed": naming(lambda bad, asked: set(asked).difference(bad)),
    "names what is allowed too": naming(lambda bad, asked: {*bad[:1], *set(asked).difference(bad)}),
}


def of_one_resource(given, asked):
    """Scopes of several resources are refused together, without a word."""
    return strict(given, asked) if len(set(map(resource, asked))) < 2 else REFUSED


def of_classes(members: dict[model.Scope, int]) -> Server:
    """The same, with classes that no name shows."""

    def answer(given, asked):
        return strict(given, asked) if len({members.get(s) for s in asked}) < 2 else REFUSED

    return answer


def with_conflicts(pairs: Iterable[Collection[model.Scope]]) -> Server:
    """Pairs that are refused together, although each of them may be granted."""
    pairs = [frozenset(pair) for pair in pairs]

    def answer(given, asked):
        return REFUSED if any(pair.issubset(asked) for pair in pairs) else strict(given, asked)

    return answer


def up_to(most: int, otherwise: Answer) -> Server:
    """More scopes than it takes are met with `otherwise`."""

    def answer(given, asked):
        return otherwise if len(asked) > most else strict(given, asked)

    return answer


TOO_LARGE = TooLarge(413)


def with_companions(companions: dict[model.Scope, model.Scope]) -> Server:
    """It narrows, and leaves a scope out where the one that it goes with is not asked too."""

    def answer(given, asked):
        there = given.intersection(asked)
        return Issued(tuple(s for s in asked if s in there and companions.get(s, s) in there))

    return answer


def lossy(server: Server, rng: Random, share: float = 0.05) -> Server:
    """Some answers never come, or are a throttle."""

    def answer(given, asked):
        if rng.random() < share:
            return Unanswered(rng.choice([Reason.THROTTLED, Reason.TIMED_OUT]))
        return server(given, asked)

    return answer


# -- what the request without scope is answered with


def _grants(given):
    return Issued(tuple(sorted(given)))


def _defaults(given):
    """A few scopes that every client with them gets, and one that is no candidate."""
    return Issued((*sorted(given)[: len(given) // 8], model.Scope("default")))


MANNERS: dict[str, Callable[[Given], Answer]] = {
    "nothing": lambda _given: Issued(()),
    "the grants": _grants,
    "defaults": _defaults,
    "refused": lambda _given: Refused(400, "invalid_request"),
}


# -- clients


def scopes(count: int, resources: int = 0) -> tuple[model.Scope, ...]:
    """Names of one length; with `resources`, dealt out among as many of them."""
    if not resources:
        return tuple(model.Scope(f"s{n:04}") for n in range(count))
    return tuple(model.Scope(f"https://r{n % resources}.example/s{n:04}") for n in range(count))


def assigned(candidates: Sequence[model.Scope], name: str = "c", **server: object) -> Assignment:
    client = model.Client(
        model.ClientName(name),
        model.ClientId(name),
        server_with("s", "https://s.example/token", **server),
        None,
        model.AuthMethod.NONE,
        (model.Target(tuple(candidates)),),
    )
    return Assignment(client, client.targets[0])


# -- what a client is asked


@dataclass
class Log:
    """All that one client was asked, in order."""

    assignment: Assignment
    facts: list[Fact] = field(default_factory=list)

    def follow(self, plan, answer: Callable[[Question], Answer]) -> None:
        """Drive a plan to its end. What was answered before is not asked again."""
        known = {fact.question: fact.answer for fact in self.facts}
        try:
            wave = next(plan)
            while True:
                told = []
                for question in wave:
                    if question not in known:
                        known[question] = answer(question)
                        tick = 2 * len(self.facts)
                        self.facts.append(Fact(question, known[question], tick, tick + 1))
                    told.append(known[question])
                wave = plan.send(tuple(told))
        except StopIteration:
            return

    @property
    def spent(self) -> dict[str, int]:
        """Requests by what they were for. `search` holds the opening; the rest comes on top."""
        counts = dict.fromkeys(("search", "canary", "without scope", "finish", "controls"), 0)
        for kind, _ in self.kinds():
            counts[kind] += 1
        return counts

    def kinds(self) -> Iterable[tuple[str, Fact]]:
        proved: set[model.Scope] = set()
        for fact in self.facts:
            question = fact.question
            if question.again:
                yield "controls", fact
            elif question.scopes is None:
                yield "without scope", fact
            elif self.assignment.canary in question.scopes:
                yield "canary", fact
            elif len(question.scopes) > 1 and proved.issuperset(question.scopes):
                yield "finish", fact
            else:
                yield "search", fact
            if isinstance(fact.answer, Issued):
                listed = fact.answer.listed
                proved.update((question.scopes if listed is None else listed) or ())

    @property
    def search(self) -> int:
        return self.spent["search"]


@dataclass(frozen=True)
class Night:
    """A fleet of one server, asked and judged."""

    logs: tuple[Log, ...]
    cells: tuple[tuple[Cell, ...], ...]
    given: tuple[Given, ...]

    def maps(self) -> list[dict[model.Scope, Verdict]]:
        return [{f.scope: f.verdict for f in cells} for cells in self.cells]

    @property
    def false_verdicts(self) -> int:
        """Cells that are said to be granted and are not, or denied and are not."""
        wrong = {True: Verdict.DENIED, False: Verdict.GRANTED}
        return sum(
            verdict is wrong[scope in given]
            for log, proved, given in zip(self.logs, self.maps(), self.given, strict=True)
            for scope, verdict in proved.items()
            if scope in log.assignment.candidates
        )

    @property
    def is_whole(self) -> bool:
        """Every cell is granted or denied."""
        return all(
            verdict in {Verdict.GRANTED, Verdict.DENIED}
            for proved in self.maps()
            for verdict in proved.values()
        )


def night(
    server: Server,
    given: Sequence[Collection[model.Scope]],
    candidates: Sequence[model.Scope],
    *,
    strategy=adaptive,
    without_scope: Callable[[Given], Answer] = lambda _given: Issued(()),
    with_precedents: bool = True,
    proof: Proof = Proof.SAFE,
    before: Night | None = None,
    **settings: object,
) -> Night:
    """
    Ask a fleet in the rounds of an audit; `before` is what the night before found out.

    Pilots, then the others with the behavior that these showed, then those whose cells are open
    although more is known of the server by now.
    """
    given = tuple(map(frozenset, given))
    logs = tuple(
        Log(replace(assigned(candidates, f"c{i:03}", **settings), is_first=i == 0, proof=proof))
        for i in range(len(given))
    )
    for log, past, cells in zip(logs, before.logs, before.cells, strict=True) if before else ():
        log.assignment = replace(
            log.assignment,
            previous=PermissionMap(log.assignment.client, cells),
            accepted_sets=accepted_sets(past.facts, cells),
        )
    has = {id(log): given[i] for i, log in enumerate(logs)}

    def ask(log: Log) -> None:
        def answer(question: Question) -> Answer:
            if question.scopes is None:
                return without_scope(has[id(log)])
            return server(has[id(log)], question.scopes)

        log.follow(strategy(log.assignment), answer)

    for log in logs[:PILOTS]:
        ask(log)
    behavior = _behavior(logs[:PILOTS])
    if with_precedents:
        found = (earlier_client(log.assignment, _judged(log, behavior)) for log in logs[:PILOTS])
        behavior = replace(behavior, earlier_clients=tuple(found))
    for log in logs[PILOTS:]:
        log.assignment = replace(log.assignment, behavior=behavior)
        ask(log)
    behavior = _behavior(logs)
    for log in logs:
        flags = replace(behavior, earlier_clients=log.assignment.behavior.earlier_clients)
        is_open = any(f.verdict is Verdict.UNKNOWN for f in _judged(log, behavior))
        if flags != log.assignment.behavior and is_open:
            log.assignment = replace(log.assignment, behavior=flags, is_first=True)
            ask(log)
    behavior = _behavior(logs)
    return Night(logs, tuple(_judged(log, behavior) for log in logs), given)


def _behavior(logs: Iterable[Log]) -> ServerBehavior:
    return learn_behavior((log.assignment, log.facts) for log in logs)


def _judged(log: Log, behavior: ServerBehavior) -> tuple[Cell, ...]:
    return judge(log.assignment, behavior, log.facts, Reason.NOT_ASKED)


def alone(server: Server, given: Collection[model.Scope], candidates, **settings) -> Night:
    return night(server, [given], candidates, **settings)


def placements(candidates: Sequence[model.Scope], denied: int, runs: int, rng: Random):
    """What a client was given, with so many of the candidates denied at random places."""
    for _ in range(runs):
        yield frozenset(candidates) - frozenset(rng.sample(list(candidates), denied))
