"""When the clients of a rate group begin."""

from scopeprobe.engine.budgets import Budgets
from scopeprobe.engine.build_queues import build_queues
from scopeprobe.model.answer import Fact, Issued
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.question import WITHOUT_SCOPE
from scopeprobe.store import StoredFacts


def laid_out(clients, facts=None):
    """Their rate group, and the names of those whose plans have begun."""
    begun = []

    def ask_without_scope(assignment):
        begun.append(assignment.client.name)
        yield (WITHOUT_SCOPE,)

    (group,) = build_queues(
        [Assignment(client, client.targets[0]) for client in clients],
        ask_without_scope,
        known=StoredFacts(facts or {}, {}, {}),
        budgets=Budgets(),
        token_handling={},
        clock=lambda: 0.0,
    )
    return group, begun


def test_the_plan_of_a_client_begins_when_its_turn_comes(make_client):
    """Until then nothing is held of what it will ask."""
    clients = [make_client("a", name=f"c{n}", client_id=f"c{n}") for n in range(4)]
    group, begun = laid_out(clients)
    assert begun == []
    for n in range(4):
        group.bring_forward(0.0)
        assert begun == [f"c{one}" for one in range(n + 1)]
        assert group.take(0.0).queue.client.name == f"c{n}"
    assert not group.is_over


def test_a_client_of_which_all_is_known_needs_no_turn(make_client):
    client = make_client("a")
    known = Fact(WITHOUT_SCOPE, Issued(200), 1, 2)
    group, begun = laid_out([client], {(client.name, ""): {WITHOUT_SCOPE: known}})
    assert begun == [client.name]
    assert group.is_over


def test_who_is_asked_again_has_as_much_left_to_ask_as_before(make_client):
    """Or those that a server throttles would be taken for nearly finished, and come last."""
    group, _ = laid_out([make_client("a", "b")])
    group.bring_forward(0.0)
    left = group.queues[0].left_to_ask
    job = group.take(0.0)
    queue = job.queue
    assert queue.left_to_ask == left - 1
    for _ in range(3):
        queue.came_back(job)
        queue.ask_later(job, 0.0)
        assert queue.left_to_ask == left
        assert queue.take(0.0) is job
    assert (job.attempt, queue.requests) == (4, 4)


def test_a_request_that_was_not_sent_counts_as_none(make_client):
    group, _ = laid_out([make_client("a", "b")])
    group.bring_forward(0.0)
    left = group.queues[0].left_to_ask
    job = group.take(0.0)
    job.queue.came_back(job)
    job.queue.take_back(job, 5.0)
    assert (job.attempt, job.queue.requests, job.queue.left_to_ask) == (0, 0, left)
    assert job.queue.ready_at() == 5.0
