"""Small servers' answers as data: what each client asked and was told, and what is made of it."""

from collections import Counter

from settings import server_with

from scopeprobe.model.answer import Answer, Fact, Issued, Refused, Unauthenticated
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Cell, Reason
from scopeprobe.model.client import AuthMethod, Client, ClientName, Target
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import ClientId
from scopeprobe.verdicts import ToldClient, judge, learn_behavior

OK = Issued()
REFUSED = Refused(400, "invalid_scope")
VAGUE = Refused(403, "forbidden")
FAILED = Unauthenticated(401, "invalid_client")


def listing(scopes: str = "", **more: object) -> Issued:
    """A token with an answer that lists these."""
    return Issued(tuple(scopes.split()), **more)


def assigned(candidates: str, name: str = "one", audience: str = "", **server: object):
    """A client with one target. All have one `client_id`, and so one canary."""
    client = Client(
        ClientName(name),
        ClientId("id"),
        server_with(**server),
        None,
        AuthMethod.NONE,
        (Target(tuple(map(Scope, candidates.split())), audience),),
    )
    return Assignment(client, client.targets[0])


CANARY = assigned("").canary


def story(*answers: tuple[str | None, Answer]) -> list[Fact]:
    """
    Facts one after the other: (what was asked, what was answered), each sent after the last.

    What was asked is the `scope` parameter; None is none at all.
    """
    facts, times = [], Counter()
    for tick, (asked, answer) in enumerate(answers):
        scopes = None if asked is None else tuple(asked.split())
        question = Question(scopes, again=times[scopes])
        facts.append(Fact(question, answer, 2 * tick, 2 * tick + 1))
        times[scopes] += 1
    return facts


def at(asked: str | None, answer: Answer, sent: int, received: int) -> Fact:
    """One fact of a story whose times matter."""
    scopes = None if asked is None else tuple(asked.split())
    return Fact(Question(scopes), answer, sent, received)


def told(candidates: str, *answers: tuple[str | None, Answer], **client: object) -> ToldClient:
    """A client, and the story of what it was told."""
    return assigned(candidates, **client), story(*answers)


def cells(
    one: ToldClient,
    *others: ToldClient,
    open_because: Reason = Reason.NOT_ASKED,
    other_targets: tuple[Fact, ...] = (),
) -> dict[Scope, Cell]:
    """Cells of the one client, by scope; the others show more of the server."""
    assignment, facts = one
    behavior = learn_behavior([one, *others])
    found = judge(assignment, behavior, facts, open_because, other_targets)
    return {cell.scope: cell for cell in found}


def verdict(scope: str, one: ToldClient, *others: ToldClient, **asking: object) -> tuple[str, str]:
    """Verdict and reason of one cell."""
    cell = cells(one, *others, **asking)[scope]
    return str(cell.verdict), str(cell.reason)
