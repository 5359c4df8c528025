"""
How many requests the map takes, beside the bounds and targets of docs/algorithm.md.

    python tests/bench/requests.py [--quick] [TABLE ...]

Fleets are simulated and seeded; the plans, `learn_behavior` and `judge` are the real ones. `search`
holds the opening request for everything; canary, the request without scope, the finish request and
closing controls come on top and are printed apart. Ends with exit code 1 where a bound or a target
is missed, or a verdict is false where none may be.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from statistics import mean

sys.path[:0] = [str(Path(__file__).parents[1] / "support")]

import simulated as sim  # noqa: E402 - of the tests beside this folder

from scopeprobe.model.cell import Verdict  # noqa: E402 - behind the line above
from scopeprobe.strategies import adaptive, each  # noqa: E402 - behind the line above
from scopeprobe.strategies.groups import slack  # noqa: E402

QUICK = "--quick" in sys.argv
RUNS = {10: 200, 50: 200, 200: 200, 1000: 20}
SEED = 20
TARGETS = """
10 - 0 1 1 | 10 - 1 9 11 | 10 - 3 13 15 | 10 - 5 13 15 | 10 - 7 12 14 | 10 - 9 12 13
10 - 10 12 13
50 - 0 1 1 | 50 - 1 12 14 | 50 - 5 31 34 | 50 - 15 56 60 | 50 - 25 54 56 | 50 - 35 53 54
50 - 45 53 54 | 50 - 49 53 53 | 50 - 50 53 53
200 - 0 1 1 | 200 - 2 22 25 | 200 - 20 110 116 | 200 - 60 210 218 | 200 - 100 205 209
200 - 140 205 207 | 200 - 180 204 207 | 200 - 199 204 205 | 200 - 200 204 205
1000 - 0 1 1 | 1000 - 10 93 96 | 1000 - 100 524 533 | 1000 - 300 1020 1031 | 1000 - 500 1013 1017
1000 - 700 1013 1015 | 1000 - 900 1012 1013 | 1000 - 999 1012 1013 | 1000 - 1000 1012 1013
1000 100 0 10 10 | 1000 100 10 92 96 | 1000 100 100 522 535 | 1000 100 300 1017 1026
1000 100 500 1014 1016 | 1000 100 700 1013 1015 | 1000 100 900 1013 1015 | 1000 100 999 1012 1013
1000 100 1000 1012 1013
"""
"""docs/algorithm.md, section 9: n, cap, denied; the mean and 95th percentile that are allowed."""


def cells() -> Iterator[tuple[int, ...]]:
    for cell in TARGETS.replace("\n", "|").split("|"):
        if cell.strip():
            yield tuple(0 if x == "-" else int(x) for x in cell.split())


missed: list[str] = []


def miss(what: str) -> str:
    missed.append(what)
    return "  <-- missed"


def percentile(counts: list[int]) -> int:
    return sorted(counts)[math.ceil(0.95 * len(counts)) - 1]


def runs_of(n: int) -> int:
    return max(RUNS[n] // 10, 2) if QUICK else RUNS[n]


def strict_servers() -> None:
    print("Strict servers that name nothing: requests of the search, one client at a time")
    print("   n  cap denied  runs |   mean target |  p95 target |   max  n+B+1 | on top, mean")
    rng = Random(SEED)
    for n, cap, denied, most_mean, most_p95 in cells():
        names = sim.scopes(n)
        settings = {"max_scope_bytes": 6 * cap - 1} if cap else {}
        nights = [
            sim.alone(sim.strict, given, names, **settings)
            for given in sim.placements(names, denied, runs_of(n), rng)
        ]
        spent = [night.logs[0].spent for night in nights]
        counts = [each["search"] for each in spent]
        on_top = mean(sum(each.values()) - each["search"] for each in spent)
        least = denied + math.ceil((n - denied) / (cap or n))
        worst = n + slack(n) + 1
        mark = ""
        if mean(counts) > most_mean or percentile(counts) > most_p95 or max(counts) > worst:
            mark = miss(f"strict n={n} cap={cap} denied={denied}")
        if min(counts) < least or not all(n.is_whole and not n.false_verdicts for n in nights):
            mark = miss(f"proof of n={n} cap={cap} denied={denied}")
        print(
            f"{n:4} {cap or '-':>4} {denied:6} {len(counts):5} | {mean(counts):6.1f} {most_mean:6}"
            f" | {percentile(counts):4} {most_p95:6} | {max(counts):5} {worst:6}"
            f" | {on_top:4.1f}{mark}"
        )


def after_the_pilots() -> None:
    """
    Each family crossed with each manner of the request without scope; the worst case of each.

    Names are checked alone more often than once, so that a server that names at random is found
    out: where culprits are named one by one, those checks come on top of the target.
    """
    print("\nAfter the pilots, by family and by what a request without scope is answered with")
    print("   n server                     without    | worst at d target | clients false open")
    rng = Random(SEED)
    for n, (name, family), (manner, without_scope) in product(
        (50,) if QUICK else (50, 200, 1000), FAMILIES.items(), sim.MANNERS.items()
    ):
        if n > 200 and (family.is_searched or "one" in name):
            continue
        names = sim.scopes(n, family.resources)
        worst, clients, wrong, open_cells = (-math.inf, 0.0, 0, 0.0), 0, 0, 0
        for denied in family.denied(n):
            for given in family.fleets(names, denied, rng):
                night = sim.night(family.server, given, names, without_scope=without_scope)
                later = night.logs[sim.PILOTS :]
                clients += len(later)
                wrong += night.false_verdicts
                open_cells += sum(
                    verdict is Verdict.UNKNOWN for m in night.maps() for verdict in m.values()
                )
                for count, d in family.counts(later, given[sim.PILOTS :], n, denied):
                    most = family.target(n, d)
                    worst = max(worst, (count - most, count, d, most))
        over, count, d, most = worst
        mark = miss(f"{name} n={n} without scope: {manner}") if over > 0 or wrong else ""
        print(
            f"{n:4} {name:26} {manner:10} | {count:5.1f} {d:4} {most:6} |"
            f" {clients:7} {wrong:5} {open_cells:4}{mark}"
        )


@dataclass(frozen=True)
class Family:
    """A family of servers, and what its clients may take once the pilots are done."""

    server: sim.Server
    target: Callable[[int, int], float]
    """By n and d. Of all requests, or of those of the search."""
    count: Callable[[sim.Log], int]
    is_searched: bool = False
    """The target is one of the search, known for some d. For so few clients: the percentile."""
    resources: int = 0

    def denied(self, n: int) -> list[int]:
        if self.is_searched:
            return [d for of, cap, d, *_ in cells() if (of, cap) == (n, 0) and 0 < d < n]
        return sorted({1, 2, n // 20, n // 4, n // 2, n * 9 // 10, n - 2, n - 1})

    def fleets(self, names, denied: int, rng: Random):
        """Pilots and five more: alike; all without the same; after happier pilots; mixed."""
        yield list(sim.placements(names, denied, 10, rng))
        if not self.is_searched:
            yield [frozenset(names[denied:])] * 10
            yield [frozenset(names[: len(names) - denied])] * 10
            yield [frozenset(names)] * 5 + list(sim.placements(names, denied, 5, rng))
            yield [
                has
                for d in rng.choices(range(1, len(names)), k=10)
                for has in sim.placements(names, d, 1, rng)
            ]

    def counts(self, logs, given, n: int, denied: int):
        """What is held against the target, with the d that it was for."""
        if self.is_searched:
            yield mean(map(self.count, logs)), denied
            return
        for log, has in zip(logs, given, strict=True):
            yield self.count(log), n - len(has)


def total(log: sim.Log) -> int:
    return len(log.facts)


def search(log: sim.Log) -> int:
    return log.search


def search_without_checks(log: sim.Log) -> int:
    return log.search - further_checks(log)


def of_search(n: int, denied: int) -> int:
    return next(most for of, cap, d, _, most in cells() if (of, cap, d) == (n, 0, denied))


def one_by_one(n: int, denied: int) -> int:
    """Once checks of names at the edges might break n + B(n), scopes are asked alone instead."""
    return denied + (n > denied) + 1 if 2 * (denied + 1) <= n + slack(n) else n + 2


FAMILIES = {
    "narrows": Family(sim.narrowing, lambda _n, _d: 3, total),
    "narrows or refuses": Family(sim.narrowing_or_refusing, lambda _n, _d: 3, total),
    "narrows, silent if nothing": Family(sim.narrowing_but_silent_alone, lambda _n, _d: 3, total),
    "narrows in silence": Family(
        sim.narrowing_in_silence, lambda n, _d: n + 2, search_without_checks
    ),
    "ignores": Family(sim.ignoring, lambda _n, _d: 2, total),
    "repeats": Family(sim.repeating, lambda _n, _d: 2, total),
    "names all culprits": Family(sim.NAMERS["names all culprits"], lambda _n, _d: 4, total),
    **{
        name: Family(server, one_by_one, search_without_checks)
        for name, server in sim.NAMERS.items()
        if "all" not in name
    },
    "strict": Family(sim.strict, of_search, search, is_searched=True),
    "strict and silent": Family(sim.silent, of_search, search, is_searched=True),
    "one of 4 resources": Family(
        sim.of_one_resource, lambda n, d: of_search(n, d) + 6, search, is_searched=True, resources=4
    ),
}


def further_checks(log: sim.Log) -> int:
    """How many scopes were asked alone after a refusal had named them, beyond the first."""
    named: set[str] = set()
    checks = 0
    for kind, fact in log.kinds():
        asked = fact.question.scopes or ()
        if kind == "search":
            checks += len(asked) == 1 and asked[0] in named
            named.update(getattr(fact.answer, "named", ()))
    return max(checks - 1, 0)


def liars() -> None:
    print("\nServers that name without understanding: are they ever believed wrongly?")
    print("   n server                     denied |  runs  slipped through  false verdicts")
    rng = Random(SEED)
    worlds = {**sim.LIARS, "names a random asked scope": sim.naming(sim.by_lot)}
    for n, (name, server) in product((50, 200), worlds.items()):
        names = sim.scopes(n)
        for denied in (1, n // 20, n // 4, n // 2, n * 9 // 10):
            nights = [
                sim.alone(server, given, names)
                for given in sim.placements(names, denied, 20 if QUICK else 200, rng)
            ]
            wrong = [night.false_verdicts for night in nights]
            slipped = sum(map(bool, wrong))
            mark = miss(f"{name} n={n} denied={denied}") if slipped and name in sim.LIARS else ""
            print(
                f"{n:4} {name:26} {denied:6} | {len(nights):5} {slipped:16} {sum(wrong):15}{mark}"
            )


def fleets() -> None:
    print("\nFleets of 20 clients and 200 scopes: mean requests of the search a client")
    print("fleet           |  without  with priors | saved | those after the pilots | saved")
    rng = Random(SEED)
    names = sim.scopes(200)
    mixed = {s: rng.uniform(0.01, 0.97) for s in names[120:140]}
    sharp = dict.fromkeys(names[:120], 0.01) | mixed | dict.fromkeys(names[140:], 0.97)
    kinds = {
        "sharp": (sharp, lambda with_, without: with_ <= 0.6 * without),
        **{
            f"alike, {share:.0%}": (
                dict.fromkeys(names, share),
                lambda with_, without: with_ <= 1.02 * without,
            )
            for share in (0.02, 0.1, 0.3, 0.6)
        },
    }
    for kind, (chances, is_met) in kinds.items():
        counts: dict[bool, list[list[int]]] = {True: [], False: []}
        for _ in range(2 if QUICK else 10):
            order = rng.sample(names, len(names))
            given = [{s for s in names if rng.random() >= chances[s]} for _ in range(20)]
            for with_precedents in (True, False):
                night = sim.night(sim.strict, given, order, with_precedents=with_precedents)
                counts[with_precedents].append([log.search for log in night.logs])
                if night.false_verdicts or not night.is_whole:
                    miss(f"truth of the {kind} fleet")
        whole = {k: mean(n for night in v for n in night) for k, v in counts.items()}
        later = {k: mean(n for night in v for n in night[5:]) for k, v in counts.items()}
        mark = "" if is_met(later[True], later[False]) else miss(f"{kind} fleet")
        print(
            f"{kind:15} | {whole[False]:8.1f} {whole[True]:12.1f} |"
            f" {1 - whole[True] / whole[False]:5.0%} | {later[False]:10.1f} {later[True]:11.1f} |"
            f" {1 - later[True] / later[False]:5.0%}{mark}"
        )


def conflicting(pairs):
    return lambda names, rng: sim.with_conflicts(rng.sample(names, 2) for _ in range(pairs))


def hidden_classes(names, rng):
    return sim.of_classes({name: rng.randrange(3) for name in names})


def losing(make):
    return lambda names, rng: sim.lossy(make(names, rng), rng)


def always(server):
    return lambda _names, _rng: server


def a_quarter(otherwise):
    return lambda names, _rng: sim.up_to(len(names) // 4, otherwise)


HARD = {
    "10 conflicting pairs": conflicting(10),
    "50 conflicting pairs": conflicting(50),
    "3 hidden classes": hidden_classes,
    "takes n/4, else too large": a_quarter(sim.TOO_LARGE),
    "takes n/4, else refuses": a_quarter(sim.REFUSED),
    "tells nothing": always(sim.silent),
    "one of 4 named resources": always(sim.of_one_resource),
    "loses 5 %, strict": losing(always(sim.strict)),
    "loses 5 %, narrows": losing(always(sim.narrowing)),
    "loses 5 %, names": losing(always(sim.NAMERS["names one culprit"])),
    "loses 5 %, conflicts": losing(conflicting(10)),
}


def hard_servers() -> None:
    """Conflicts, classes, hidden caps, and answers that are lost: no verdict may be false."""
    print("\nConflicts, hidden caps, lost answers: six clients, false verdicts")
    print("   n server                         denied | nights  cells  false unknown | mean   max")
    rng = Random(SEED)
    for n, share, (name, make) in product((50, 200), (0, 0.1, 0.5), HARD.items()):
        names, denied = sim.scopes(n, 4 if "resources" in name else 0), int(share * n)
        nights = [
            sim.night(make(names, rng), list(sim.placements(names, denied, 6, rng)), names)
            for _ in range(2 if QUICK else 12)
        ]
        cells = [v for night in nights for proved in night.maps() for v in proved.values()]
        counts = [log.search for night in nights for log in night.logs]
        wrong = sum(night.false_verdicts for night in nights)
        mark = miss(f"{name} n={n} denied={denied}") if wrong else ""
        print(
            f"{n:4} {name:30} {denied:6} | {len(nights):6} {len(cells):6} {wrong:6}"
            f" {sum(v == 'unknown' for v in cells):7} | {mean(counts):5.1f} {max(counts):4}{mark}"
        )


def agreement() -> None:
    print("\nThe same maps as one request per scope brings, servers x runs")
    rng = Random(SEED)
    names, worlds = sim.scopes(40), {**sim.NAMERS, **sim.LIARS, "strict": sim.strict}
    worlds |= {"silent": sim.silent, "narrows": sim.narrowing, "ignores": sim.ignoring}
    compared = 0
    for server in worlds.values():
        for denied in (0, 1, 4, 20, 36, 40):
            given = list(sim.placements(names, denied, 4, rng))
            by_each = sim.night(server, given, names, strategy=each).maps()
            if sim.night(server, given, names, strategy=adaptive).maps() != by_each:
                miss(f"agreement of {server} denied={denied}")
            compared += len(given)
    print(f"{compared} maps of {len(worlds)} servers compared")


def decisions() -> None:
    print("\nDeciding what to ask next, n = 1000")
    names = sim.scopes(1000)
    for denied in (10, 100, 300, 500):
        given = next(sim.placements(names, denied, 1, Random(SEED)))
        log = sim.Log(sim.assigned(names))
        plan, waited, asked = adaptive(log.assignment), [], None
        while True:
            began = time.process_time()
            try:
                wave = next(plan) if asked is None else plan.send(asked)
            except StopIteration:
                break
            waited.append(time.process_time() - began)
            asked = tuple(sim.strict(given, question.scopes or ()) for question in wave)
        per_decision = 1000 * mean(waited)
        mark = miss("time of a decision") if per_decision > 25 else ""
        longest = 1000 * max(waited)
        print(f"{denied:4} denied: {per_decision:.2f} ms on average, {longest:.1f} at most{mark}")


TABLES = (
    strict_servers,
    after_the_pilots,
    liars,
    fleets,
    hard_servers,
    agreement,
    decisions,
)

if __name__ == "__main__":
    chosen = {word for word in sys.argv[1:] if not word.startswith("-")}
    for table in (
        strict_servers,
        after_the_pilots,
        liars,
        fleets,
        hard_servers,
        agreement,
        decisions,
    ):
        if chosen and table.__name__ not in chosen:
            continue
        began = time.monotonic()
        table()
        print(f"({time.monotonic() - began:.0f} s)", flush=True)
    for what in missed:
        print(f"missed: {what}", file=sys.stderr)
    sys.exit(bool(missed))
