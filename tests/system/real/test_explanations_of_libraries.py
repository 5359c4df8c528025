"""What is wrong with a client comes first, on servers that are made with libraries."""

import json
from dataclasses import dataclass, replace

import pytest
from catalogue import SERVERS
from enrolment import by_endpoint, enrol
from fleet import SECRETS, Client
from harness import scopeprobe

SOUND = SECRETS.client("one-trick")
OTHER_GRANT = Client(
    "other-grant", "other-grant", ("orders.read",), "secret-of-other-grant",
    grant_types=("authorization_code",),
)  # fmt: skip
OF_SCOPES = {"scope_refused", "scope_unknown", "scopes_do_not_apply"}
REJECTED = {"secret_rejected", "unknown_client"}
LIBRARIES = (
    "aioauth", "authlib", "better-auth", "jmondi-oauth2-server-strict",
    "node-oauth2-server-strict", "oauth2orize-strict", "oauthlib-strict", "oidc-provider-static",
    "python-oauth2-narrows",
)  # fmt: skip
MISLEADING = {"jmondi-oauth2-server-strict": {"unknown client"}}
"""What they say of it is what others say of a wrong secret too."""


@dataclass(frozen=True)
class Ill:
    """One thing that is wrong with a client, and the causes that are true of it."""

    true: set[str]
    client: Client = SOUND
    scope: str = "orders.read"


WRONG_SECRET = replace(SOUND, client_secret="of-yesterday")
CLIENTS = {
    "wrong secret": Ill({"secret_rejected"}, WRONG_SECRET),
    "unknown client": Ill({"unknown_client"}, replace(SOUND, client_id="nobody")),
    "padded secret": Ill(
        {"white_space_in_credentials"},
        replace(SOUND, client_secret=f"{SOUND.client_secret}\n"),
    ),
    "refused scope": Ill(OF_SCOPES, scope="orders.read orders.write"),
    "unknown scope": Ill(OF_SCOPES, scope="orders.read no.such"),
    "grant": Ill({"grant_not_allowed"}, OTHER_GRANT),
}


def explained(folder, server, ill):
    mine = replace(server, fleet=replace(server.fleet, clients=(ill.client,)))
    inputs = enrol(folder, mine, by_endpoint(server))
    result = scopeprobe(
        "explain", inputs.arguments[0], ill.client.name, "--scope", ill.scope, "--print", "json",
        "-o", folder / "out", env=inputs.environment,
    )  # fmt: skip
    assert result.returncode in {0, 3}, result.stderr
    told = json.loads(result.stdout)
    assert told["credential_failures"] <= 3
    return told


def true_of(told, ill, rejections):
    """A server that answers two clients alike tells neither; one without a fault has none."""
    first = told["experiments"][0]
    if told["outcome"] == "working":
        return ill.true | {""}
    seen = (first["status"], first["body"].replace(ill.client.client_id, ""))
    return ill.true | (REJECTED if rejections.count(seen) > 1 else set())


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_first_cause_is_true(tmp_path, name):
    fleet = replace(SECRETS, clients=(SOUND, OTHER_GRANT))
    with SERVERS[name].start(fleet, 0) as server:
        told = {}
        for number, (fault, ill) in enumerate(CLIENTS.items()):
            (tmp_path / str(number)).mkdir()
            told[fault] = explained(tmp_path / str(number), server, ill)
    rejections = [
        (e["status"], e["body"].replace(CLIENTS[fault].client.client_id, ""))
        for fault in ("wrong secret", "unknown client", "grant")
        for e in told[fault]["experiments"][:1]
    ]
    wrong = {}
    for fault, ill in CLIENTS.items():
        causes = [(cause["code"], cause["confidence"]) for cause in told[fault]["causes"]]
        first = causes[0] if causes else ("", 0)
        if first[0] not in true_of(told[fault], ill, rejections):
            wrong[fault] = causes
        assert first[1] < 0.95 or first[0] in ill.true, fault
    assert set(wrong) == MISLEADING.get(name, set())
