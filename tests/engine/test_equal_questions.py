"""Equal nights ask equal questions, in whatever order a server answers."""

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from urllib.parse import parse_qs

import anyio
import pytest
from anyio.lowlevel import checkpoint
from multidict import CIMultiDict

from scopeprobe.engine.budgets import Budgets
from scopeprobe.engine.build_queues import build_queues
from scopeprobe.engine.scheduler import Scheduler
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.journal import Allowance
from scopeprobe.model.rate import Rate
from scopeprobe.strategies import adaptive, each

SCOPES = [f"s{n:02}" for n in range(16)]
GRANTS = {
    "none": [],
    "every-third": SCOPES[::3],
    "every-other": SCOPES[::2],
    "last": SCOPES[-3:],
    "most": SCOPES[:12],
}
REFUSED = 400, "invalid_scope"
FAILED = 401, "invalid_client"


DENIALS = {
    "a denied scope looks like a wrong secret": lambda _scope: FAILED,
    "so does one that exists": lambda scope: REFUSED if scope.startswith("scopeprobe") else FAILED,
    "a denied scope is refused as such": lambda _scope: REFUSED,
}
ORDERS = {
    "oldest": lambda _waiting, _rng: 0,
    "newest": lambda waiting, _rng: len(waiting) - 1,
    "first client last": lambda waiting, _rng: max(
        range(len(waiting)), key=lambda n: waiting[n].place
    ),
    "last client last": lambda waiting, _rng: min(
        range(len(waiting)), key=lambda n: waiting[n].place
    ),
} | dict.fromkeys(range(3), lambda waiting, rng: rng.randrange(len(waiting)))
"""Which of the requests that wait is answered next."""


@dataclass
class Waiting:
    place: int
    answered: anyio.Event = field(default_factory=anyio.Event)


class Server:
    """A token endpoint that answers one request at a time, once nothing else can happen."""

    def __init__(self, denial, order, seed, *, wrong_secrets, rotates_after):
        self.asked = {}
        self.answers = []
        self._denial, self._wrong_secrets, self._order = denial, wrong_secrets, order
        self._rotates_after = rotates_after
        self._rng = Random(seed)
        self._waiting = []

    async def send(self, client, request, _still_wanted=None):
        scope = parse_qs(request.body.decode()).get("scope", [""])[0]
        self.asked.setdefault(client.name, Counter())[scope] += 1
        waiting = Waiting(list(GRANTS).index(client.name))
        self._waiting.append(waiting)
        await waiting.answered.wait()
        status, code = self._answer(client.name, scope)
        self.answers.append((client.name, status))
        body = {"error": code} if code else {"access_token": "opaque", "token_type": "Bearer"}
        return HttpResponse(status, CIMultiDict(), json.dumps(body).encode())

    def _answer(self, client, scope):
        if client in self._wrong_secrets or len(self.answers) >= self._rotates_after:
            return FAILED
        wanted = scope.split()
        denied = [one for one in wanted if one not in GRANTS[client]]
        return self._denial(denied[0]) if denied else (200, "")

    async def answer_all(self):
        while True:
            for _ in range(6):  # whatever can be sent without this answer is sent by then
                await checkpoint()
            if self._waiting:
                self._waiting.pop(self._order(self._waiting, self._rng)).answered.set()

    def most_failures_in_a_row(self):
        """Of any client, as the server counts them."""
        most, in_a_row = 0, Counter()
        for client, status in self.answers:
            in_a_row[client] = in_a_row[client] + 1 if status == FAILED[0] else 0
            most = max(most, in_a_row[client])
        return most


class Nothing:
    """No facts of earlier invocations; facts count at once."""

    def facts_of(self, _assignment):
        return {}

    def allowance(self, _quota):
        return Allowance()

    def put(self, _assignment, _fact, then):
        then()

    def failures_of(self, _registration):
        return 0

    def note_sent(self, _quota, _at):
        pass

    def note_failures(self, _registration, _count):
        pass

    async def flush(self):
        pass


async def night(
    make_client, strategy, denial, *, order, seed, limit=3, wrong_secrets=(), rotates_after=math.inf
):
    """Ask for all clients; return the server that was asked."""
    fast = (Rate(1_000_000, 1),)
    clients = [
        make_client(
            *SCOPES, name=name, client_id=name, method=AuthMethod.CLIENT_SECRET_POST,
            rates=fast, client_rates=fast, in_flight=16, max_auth_failures=limit,
        )
        for name in GRANTS
    ]  # fmt: skip
    server = Server(denial, order, seed, wrong_secrets=wrong_secrets, rotates_after=rotates_after)
    nothing, budgets = Nothing(), Budgets()
    assignments = [Assignment(client, client.targets[0]) for client in clients]
    groups = build_queues(assignments, strategy, known=nothing, budgets=budgets, token_handling={})
    scheduler = Scheduler(server, nothing, lambda _event: None, budgets, groups)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.answer_all)
        await scheduler.run()
        tasks.cancel_scope.cancel()
    assert all(queue.is_finished for group in groups for queue in group.queues)
    return server


@pytest.mark.parametrize("denial", DENIALS.values(), ids=DENIALS)
@pytest.mark.parametrize("strategy", [each, adaptive])
@pytest.mark.parametrize("limit", [3, 5])
@pytest.mark.parametrize("wrong_secrets", [(), ("none",)], ids=["", "first is rejected"])
async def test_whatever_order_answers_come_in_the_questions_are_the_same(
    make_client, denial, strategy, limit, wrong_secrets
):
    nights = [
        await night(
            make_client, strategy, denial,
            order=order, seed=seed, limit=limit, wrong_secrets=wrong_secrets,
        )
        for seed, order in enumerate(ORDERS.values())
    ]  # fmt: skip
    assert [one.asked for one in nights] == [nights[0].asked] * len(nights)


@pytest.mark.parametrize("order", ORDERS.values(), ids=map(str, ORDERS))
@pytest.mark.parametrize("denial", DENIALS.values(), ids=DENIALS)
@pytest.mark.parametrize("strategy", [each, adaptive])
@pytest.mark.parametrize("limit", [2, 3, 5])
async def test_refusals_of_good_credentials_leave_one_try_over_in_any_order(
    make_client, strategy, denial, limit, order
):
    server = await night(make_client, strategy, denial, order=order, seed=1, limit=limit)
    assert server.most_failures_in_a_row() <= limit - 1


@pytest.mark.parametrize("order", ORDERS.values(), ids=map(str, ORDERS))
@pytest.mark.parametrize("denial", DENIALS.values(), ids=DENIALS)
@pytest.mark.parametrize("strategy", [each, adaptive])
@pytest.mark.parametrize("rotates_after", [7, 40])
async def test_no_order_of_answers_makes_a_rotated_secret_fail_more_often_than_allowed(
    make_client, strategy, denial, order, rotates_after
):
    for limit in (1, 3, 5):
        server = await night(
            make_client, strategy, denial,
            order=order, seed=limit, limit=limit, rotates_after=rotates_after,
        )  # fmt: skip
        assert 0 < server.most_failures_in_a_row() <= limit
