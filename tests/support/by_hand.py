"""Plans that are asked by hand: no event loop, no server, and what they asked in one line."""

from settings import server_with

from scopeprobe.model import client as model
from scopeprobe.model.answer import Fact, Issued
from scopeprobe.model.assignment import Assignment

EXPECTED_NOTHING = model.Expectation()


def assigned(count, limit=3, expect=EXPECTED_NOTHING):
    scopes = tuple(model.Scope(f"s{n}") for n in range(count))
    client = model.Client(
        model.ClientName("c"),
        model.ClientId("c"),
        server_with("s", "https://s/t", max_auth_failures=limit),
        None,
        model.AuthMethod.NONE,
        (model.Target(scopes, expect=expect),),
    )
    return Assignment(client, client.targets[0])


def follow(strategy, assignment, answer):
    """Drive a plan to its end; the facts in the order of asking."""
    plan, facts, tick = strategy(assignment), [], 0
    try:
        wave = next(plan)
        while True:
            answers = tuple(map(answer, wave))
            for question, told in zip(wave, answers, strict=True):
                facts.append(Fact(question, told, tick, tick + 1))
                tick += 2
            wave = plan.send(answers)
    except StopIteration:
        return facts


def transcript(strategy, assignment, answer):
    """
    What was asked: a scope by its name, several by their number, none as a dash.

    With ' for each time that it was asked again, and ! where it was refused.
    """

    def written(fact):
        names = ["canary" if s == assignment.canary else s for s in fact.question.scopes or "-"]
        if len(names) > 1:
            beside = "+canary" if "canary" in names else ""
            names = [f"{len(names) - bool(beside)}{beside}"]
        told = "" if isinstance(fact.answer, Issued) else "!"
        return names[0] + "'" * fact.question.again + told

    return " ".join(map(written, follow(strategy, assignment, answer)))
