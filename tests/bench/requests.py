"""
How many requests the map takes, beside the bounds and targets of docs/algorithm.md.

    python tests/bench/requests.py [--quick]

Fleets are simulated and seeded; the plans, `learn_behavior` and `judge` are the real ones. `search`
holds the opening request for everything; canary, the request without scope, the finish request and
closing controls come on top and are printed apart. Ends with exit code 1 where a bound or a target
is missed, or a verdict is false where none may be.
"""

import math
import sys
import time
from itertools import product
from pathlib import Path
from random import Random
from statistics import mean

sys.path[:0] = [str(Path(__file__).parents[1] / "support")]

import simulated as sim  # noqa: E402 - of the tests beside this folder

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
    for cell in TARGETS.replace("\n", "|").split("|"):
        if not cell.strip():
            continue
        n, cap, denied, most_mean, most_p95 = (0 if x == "-" else int(x) for x in cell.split())
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


def families() -> None:
    """
    The first client of a server, and those that come after five pilots.

    Names are checked alone more often than once, so that a server that names at random is found
    out: those checks are told apart, and come on top of the targets.
    """
    print("\nServers that tell more: requests of the search, and checks of names, by client")
    print("   n server                     denied | pilot checks | later checks | target | false")
    rng = Random(SEED)
    worlds = {
        "narrows": (sim.narrowing, lambda _d, _k: 1),
        "narrows or refuses": (sim.narrowing_or_refusing, lambda _d, _k: 1),
        "ignores": (sim.ignoring, lambda _d, _k: 1),
        "repeats": (sim.repeating, lambda _d, _k: 1),
        "names all culprits": (sim.NAMERS["names all culprits"], lambda _d, _k: 3),
        **{
            name: (server, lambda d, k: d + (k > 0) + 1 if d else 1)
            for name, server in sim.NAMERS.items()
            if "all" not in name
        },
    }
    for n, (name, (server, target)) in product((50, 200), worlds.items()):
        names = sim.scopes(n)
        for denied in (0, n // 20, n // 2, n * 9 // 10):
            nights = [
                sim.night(server, list(sim.placements(names, denied, 8, rng)), names)
                for _ in range(2 if QUICK else 10)
            ]
            pilots = [night.logs[0] for night in nights]
            later = [log for night in nights for log in night.logs[sim.PILOTS :]]
            wrong = sum(night.false_verdicts for night in nights)
            most = target(denied, n - denied)
            spent = [log.search - further_checks(log) for log in (*pilots, *later)]
            repeat = name.startswith(
                "narrows"
            )  # what a list left out is asked again, once a server
            mark = ""
            if wrong or max(spent) > most + repeat:
                mark = miss(f"{name} n={n} denied={denied}")
            print(
                f"{n:4} {name:26} {denied:6} |"
                + "".join(
                    f" {mean(log.search - further_checks(log) for log in logs):5.1f}"
                    f" {mean(map(further_checks, logs)):6.1f} |"
                    for logs in (pilots, later)
                )
                + f" {most:6} | {wrong}{mark}"
            )
    print("(ignores, repeats: and the canary, which is the second request)")


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


if __name__ == "__main__":
    for table in (strict_servers, families, liars, fleets, hard_servers, agreement, decisions):
        began = time.monotonic()
        table()
        print(f"({time.monotonic() - began:.0f} s)", flush=True)
    for what in missed:
        print(f"missed: {what}", file=sys.stderr)
    sys.exit(bool(missed))
