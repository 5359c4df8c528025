"""Roles that the rights API merely names: what they hold is read elsewhere, or nothing is known."""

from dataclasses import replace

import msgspec
import pytest
from reading import client_of, response_of

from scopeprobe.model.answer import Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.http import Purpose
from scopeprobe.model.provider import Verify
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.exchange import exchanges
from scopeprobe.oauth.rights_api import MOST_ROLES
from scopeprobe.providers import shipped_packs

REGION = "mypurecloud.ie"
RIGHTS = next(pack for pack in shipped_packs() if pack.name == "genesys").traits.rights
VIEW, EDIT = Scope("routing:queue:view"), Scope("routing:queue:edit")
HOME, SALES = {"id": "1", "name": "Home"}, {"id": "2", "name": "Sales"}
TOKEN = {"access_token": "an-opaque-token", "token_type": "Bearer"}


def grant(role, division=HOME, **told):
    return {"subjectId": "bot", "division": division, "role": {"id": role, **told}}


def policy(*actions, condition=None, **names):
    whole = {"domain": "routing", "entityName": "queue", "actionSet": list(actions)} | names
    return whole | ({"resourceConditionNode": condition} if condition else {})


def told(*actions):
    return [{"domain": "routing", "entityName": "queue", "actions": list(actions)}]


def ask(grants, roles, *, statuses=None, bearer="billing-id"):
    """Ask for a token and its rights; the answer, and the roles that were read for it."""
    rights = RIGHTS.located(lambda template: template.replace("{region}", REGION))
    client = client_of()
    traits = replace(client.server.traits, verify=Verify.API, rights=rights)
    client = replace(client, server=replace(client.server, traits=traits))
    bodies = {"/token": TOKEN, "/api/v2/tokens/me": {"OAuthClient": {"id": bearer}}}
    bodies["/api/v2/authorization/subjects/me"] = {"id": "bot", "grants": grants}
    bodies |= {f"/api/v2/authorization/roles/{role}": body for role, body in roles.items()}
    exchange, read = exchanges(client, client.targets[0])(Question(None)), []
    request = next(exchange)
    try:
        while True:
            path = request.url.partition("?")[0].partition("//")[2].partition("/")[2]
            if path.startswith("api/v2/authorization/roles/"):
                assert (request.method, request.purpose) == ("GET", Purpose.RIGHTS)
                read.append(request.url)
            status = (statuses or {}).get("/".join(path.rsplit("/", 2)[1:]), 200)
            body = bodies.get(f"/{path}", {"code": "not.found"})
            request = exchange.send(response_of(status, body))
    except StopIteration as end:
        answer = end.value
        if isinstance(answer, Issued):  # which token it was is of no matter here
            answer = msgspec.structs.replace(answer, token=0)
        return answer, [url.rpartition("/")[2] for url in read]


def test_roles_without_policies_are_read_each_once():
    grants = [grant("r1"), grant("r1", SALES), grant("r2", policies=[]), grant("r3", policies=None)]
    roles = {
        "r1": {"permissionPolicies": [policy("view")]},
        "r2": {"permissionPolicies": [policy("edit", condition={"operator": "EQ"})]},
        "r3": {"permissionPolicies": []},
    }
    answer, read = ask(grants, roles)
    assert read == [f"{role}?userCount=false" for role in ("r1", "r2", "r3")]
    assert (answer.rights, answer.unconfirmed) == ((EDIT, VIEW), False)
    assert answer.limited_to(VIEW) == "Home; Sales"
    assert answer.limited_to(EDIT) == "Home, condition"


def test_a_role_that_is_told_is_not_read():
    answer, read = ask([grant("r1", policies=told("view"))], {})
    assert (answer.rights, read) == ((VIEW,), [])


def test_a_role_that_is_told_and_one_that_is_read_add_up():
    grants = [grant("r1", policies=told("view")), grant("r2")]
    answer, read = ask(grants, {"r2": {"permissionPolicies": [policy("edit")]}})
    assert (answer.rights, len(read)) == ((EDIT, VIEW), 1)


ODD = {
    "no-policies-told": {"id": "r1", "name": "lab"},
    "policies-of-null": {"permissionPolicies": None},
    "a-policy-without-actions": {"permissionPolicies": [policy("view"), policy()]},
    "a-policy-without-entity": {"permissionPolicies": [policy("view", entityName=None)]},
    "a-policy-that-is-a-text": {"permissionPolicies": ["routing:queue:view"]},
    "goes-on-elsewhere": {"permissionPolicies": [policy("view")], "nextUri": "/2"},
    "no-object": [],
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_a_role_that_cannot_be_relied_on_makes_all_rights_unusable(body):
    answer, _ = ask([grant("r0", policies=told("edit")), grant("r1")], {"r1": body})
    assert answer == Issued(unconfirmed=True)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_role_that_may_not_be_read_makes_all_rights_unusable_and_ends_the_reading(status):
    roles = {role: {"permissionPolicies": [policy("view")]} for role in ("r1", "r2", "r3")}
    grants = [grant(role) for role in roles]
    answer, read = ask(grants, roles, statuses={"roles/r2": status})
    assert (answer, len(read)) == (Issued(unconfirmed=True), 2)


@pytest.mark.parametrize(("status", "why"), [(429, Reason.THROTTLED), (503, Reason.SERVER_ERROR)])
def test_a_role_that_is_not_told_now_leaves_the_question_open(status, why):
    answer, _ = ask([grant("r1")], {}, statuses={"roles/r1": status})
    assert answer == Unanswered(why, status)


@pytest.mark.parametrize("step", ["tokens/me", "subjects/me"])
@pytest.mark.parametrize(("status", "why"), [(429, Reason.THROTTLED), (503, Reason.SERVER_ERROR)])
def test_rights_that_are_not_told_now_leave_the_question_open(step, status, why):
    answer, _ = ask([grant("r1", policies=told("view"))], {}, statuses={step: status})
    assert answer == Unanswered(why, status)


def test_rights_of_another_bearer_than_this_client_are_not_asked_for():
    answer, _ = ask([grant("r1", policies=told("view"))], {}, bearer="somebody-else")
    assert answer == Issued(unconfirmed=True)


@pytest.mark.parametrize("name", [None, 7, "", ".", ".."])
def test_a_role_without_a_usable_id_is_not_read(name):
    assert ask([grant(name), grant("r1")], {}) == (Issued(unconfirmed=True), [])
    assert ask([grant(name, policies=[])], {}) == (Issued(unconfirmed=True), [])


def test_an_id_never_leads_elsewhere():
    _, read = ask([grant("../../tokens/me?a=b#c")], {})
    assert read == ["..%2F..%2Ftokens%2Fme%3Fa%3Db%23c?userCount=false"]


def test_as_many_roles_are_read_as_may_be():
    roles = {f"r{number}": {"permissionPolicies": []} for number in range(MOST_ROLES)}
    answer, read = ask([grant(role) for role in roles], roles)
    assert (answer.rights, len(read)) == ((), MOST_ROLES)


def test_more_roles_than_are_read_are_not_read_at_all():
    grants = [grant(f"r{number}") for number in range(MOST_ROLES + 1)]
    assert ask(grants, {}) == (Issued(unconfirmed=True), [])


def test_a_pack_without_roles_takes_an_empty_list_as_it_is(monkeypatch):
    monkeypatch.setattr(f"{__name__}.RIGHTS", replace(RIGHTS, roles=None))
    assert ask([grant("r1", policies=[])], {}) == (Issued(rights=()), [])
    assert ask([grant("r1")], {}) == (Issued(unconfirmed=True), [])
