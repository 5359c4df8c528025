"""One table of tokens: what is read off each, by the judge and by `explain`."""

import msgspec
import pytest

from scopeprobe.diagnosis import Case, explain_log
from scopeprobe.model.answer import Answer, Fact, Issued, Refused
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Reason, Verdict
from scopeprobe.model.experiment import Experiment, Trace
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.verdicts import judge, learn_behavior

SCOPE = Scope("users:user:edit")
OTHER = Scope("users:user:view")

LISTS = [
    pytest.param(Issued(listed=(SCOPE,)), True, id="listed"),
    pytest.param(Issued(claimed=(SCOPE,), readable=True), True, id="claimed"),
    pytest.param(Issued(listed=(SCOPE,), confirmed=(SCOPE,)), True, id="listed-and-introspected"),
    pytest.param(Issued(listed=()), False, id="an-empty-list"),
    pytest.param(Issued(listed=(OTHER,)), False, id="another-is-listed"),
    pytest.param(Issued(listed=(), claimed=(), readable=True), False, id="two-empty-lists"),
    pytest.param(Issued(listed=(SCOPE,), claimed=()), None, id="answer-and-token-disagree"),
    pytest.param(Issued(listed=(SCOPE,), confirmed=()), None, id="introspection-disagrees"),
    pytest.param(Issued(listed=(SCOPE,), unconfirmed=True), None, id="never-confirmed"),
    pytest.param(Issued(), None, id="nothing-is-told"),
    pytest.param(Issued(readable=True), None, id="no-claim-tells"),
    pytest.param(Issued(listed=(SCOPE,), rights=(OTHER,)), None, id="the-rights-disagree"),
    pytest.param(Issued(listed=(SCOPE,), rights=("users:*",)), None, id="a-right-is-no-proof"),
]
RIGHTS = [
    pytest.param((SCOPE,), True, id="the-right-itself"),
    pytest.param(("users:*:edit",), True, id="a-star-for-one-part"),
    pytest.param(("users:*:*",), True, id="a-star-for-each-part"),
    pytest.param((OTHER,), False, id="another-right"),
    pytest.param((), False, id="no-right-at-all"),
    pytest.param(("user:*",), False, id="a-pattern-of-other-names"),
    pytest.param(("users:user",), False, id="a-shorter-right"),
    pytest.param(("users:user:edi?",), False, id="a-question-mark-is-itself"),
    pytest.param(("users:*",), None, id="a-star-for-two-parts"),
    pytest.param(("*",), None, id="a-star-for-everything"),
    pytest.param(("users:user:ed*",), None, id="a-star-for-less-than-a-part"),
    pytest.param(("Users:User:Edit",), None, id="another-case"),
    pytest.param(("USERS:*:edit",), None, id="another-case-with-a-star"),
]


def with_empty_lists(issued: Issued) -> Answer:
    """What the same server answers to a scope that nobody has."""
    if not issued.tells:
        return Refused(400, "invalid_scope")
    return Issued(issued.listed and (), issued.claimed and (), issued.readable)


@pytest.fixture
def read_by_judge(make_client):
    """What the judge reads off a token: True for granted, False for denied, None for unknown."""

    def read(issued: Answer, **server: object) -> bool | None:
        client = make_client(SCOPE, OTHER, **server)
        assignment = Assignment(client, client.targets[0])
        asked = [(WITHOUT_SCOPE, issued)]
        if client.server.traits.send_scope:
            asked = [
                (WITHOUT_SCOPE, Issued(listed=(OTHER,))),
                (Question((client.canary,)), with_empty_lists(issued)),
                (Question((SCOPE,)), issued),
            ]
        facts = [
            Fact(question, answer, 2 * n, 2 * n + 1) for n, (question, answer) in enumerate(asked)
        ]
        behavior = learn_behavior([(assignment, facts)])
        cells = {c.scope: c for c in judge(assignment, behavior, facts, Reason.NOT_ASKED)}
        verdicts = {Verdict.GRANTED: True, Verdict.DENIED: False, Verdict.UNKNOWN: None}
        return verdicts[cells[SCOPE].verdict]

    return read


@pytest.fixture
def left_out_in_explain(make_client):
    """Whether `explain` calls the scope left out of the token."""

    def read(issued: Answer, **server: object) -> bool:
        client = make_client(SCOPE, OTHER, **server)
        case = Case(client, client.targets[0], (SCOPE,))
        log = [Experiment(Question((SCOPE,)), issued, Trace("curl", 200))]
        return explain_log(case, log).outcome != "working"

    return read


@pytest.mark.parametrize(("issued", "carried"), LISTS)
def test_lists_are_read_alike(read_by_judge, left_out_in_explain, issued, carried):
    assert issued.carries(SCOPE) is carried
    assert read_by_judge(issued) is carried
    assert left_out_in_explain(issued) is (carried is False)


@pytest.mark.parametrize(("rights", "carried"), RIGHTS)
def test_rights_are_read_alike(read_by_judge, left_out_in_explain, rights, carried):
    issued = Issued(rights=tuple(map(Scope, rights)))
    assert issued.carries(SCOPE) is carried
    assert read_by_judge(issued, send_scope=False) is carried
    assert left_out_in_explain(issued, send_scope=False) is (carried is False)


def test_a_right_that_merely_resembles_a_scope_is_contradictory(make_client):
    client = make_client(SCOPE, send_scope=False)
    assignment = Assignment(client, client.targets[0])
    facts = [Fact(WITHOUT_SCOPE, Issued(rights=(Scope("users:*"),)), 0, 1)]
    behavior = learn_behavior([(assignment, facts)])
    cells = {c.scope: c for c in judge(assignment, behavior, facts, Reason.NOT_ASKED)}
    assert (cells[SCOPE].verdict, cells[SCOPE].reason) == (Verdict.UNKNOWN, Reason.CONTRADICTORY)


def test_what_was_read_is_not_written_down():
    issued = Issued(listed=(SCOPE,))
    plain = msgspec.json.encode(issued)
    assert issued.names == {SCOPE}
    assert msgspec.json.encode(issued) == plain
    assert issued == Issued(listed=(SCOPE,))
