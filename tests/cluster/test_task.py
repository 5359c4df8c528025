"""What goes to a worker: all but the secrets, and not even where they are part of something."""

import pickle
from pathlib import Path

import pytest
from clients_files import BILLING, CORP, ENVIRONMENT, SECRET, fleet_of, with_secret, write

from scopeprobe.cluster.task import refuse_secrets, to_be_sent, without_secrets
from scopeprobe.errors import InputError
from scopeprobe.inputs import clients_with_secrets
from scopeprobe.inputs.secrets import FileSecret

pytestmark = pytest.mark.usefixtures("_folder")


def unread(text):
    """The inputs as they are read for a cluster."""
    return fleet_of(text, environment=None)


def sent(text):
    return pickle.dumps([to_be_sent(draft) for draft in unread(text).drafts])


def test_clients_are_sent_without_secrets_and_completed_where_these_are():
    on_the_way = sent(CORP + BILLING)
    assert SECRET.encode() not in on_the_way
    [client], notices = clients_with_secrets(pickle.loads(on_the_way), ENVIRONMENT)
    assert client.secret.reveal() == SECRET
    assert notices == ()


def test_a_worker_says_what_it_misses_and_where_that_is_written():
    with pytest.raises(InputError) as caught:
        clients_with_secrets(pickle.loads(sent(CORP + BILLING)), {})
    [complaint] = caught.value.messages
    assert complaint.startswith("clients.toml:")
    assert "billing: client_secret: environment variable BILLING_SECRET is not set" in complaint


def test_paths_are_sent_as_those_of_this_folder():
    write("one.secret", SECRET)
    [draft] = pickle.loads(sent(CORP + with_secret('{ file = "one.secret" }')))
    assert draft.sources["client_secret"] == FileSecret(Path.cwd() / "one.secret")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(
            CORP + with_secret(f'"{SECRET}"'), "client_secret: is written in the file", id="secret"
        ),
        pytest.param(
            CORP + f'headers = {{ X-Api-Key = "{SECRET}" }}' + BILLING,
            "corp: headers.X-Api-Key: is written in the file",
            id="header",
        ),
        pytest.param(
            CORP + f'token_params = {{ api_key = "{SECRET}" }}' + BILLING,
            "token_params.api_key: is written in the file",
            id="parameter",
        ),
        pytest.param(
            CORP + f'proxy = "http://me:{SECRET}@proxy.example:3128"' + BILLING,
            "corp: proxy: holds credentials",
            id="proxy",
        ),
        pytest.param(
            CORP.replace("/token", f"/token?key={SECRET}") + BILLING,
            "corp: token_endpoint: has a query, which may hold a key",
            id="query",
        ),
    ],
)
def test_inputs_that_hold_a_secret_are_refused_before_anything_is_sent(text, complaint):
    with pytest.raises(InputError) as caught:
        refuse_secrets(unread(text))
    [message] = caught.value.messages
    assert message.endswith(f"{complaint}; no secret is sent to a cluster: its workers look it up")
    assert SECRET not in message


def test_a_client_id_that_only_its_key_tells_is_refused_as_well():
    named = 'client_id = "billing"\nclient_secret = { env = "BILLING_SECRET" }'
    key = 'grant_type = "jwt-bearer"\nsubject = "a@b"\nprivate_key = { env = "KEY" }'
    with pytest.raises(InputError) as caught:
        refuse_secrets(unread(CORP + BILLING.replace(named, key)))
    [message] = caught.value.messages
    assert message.startswith("clients.toml:")
    assert message.endswith("client_id: is missing; a cluster does not read it from the key")


@pytest.mark.parametrize(
    "text",
    [CORP + with_secret(f'"{SECRET}"'), CORP + f'headers = {{ Key = "{SECRET}" }}' + BILLING],
)
def test_and_cannot_be_pickled_at_all(text):
    with pytest.raises(TypeError, match=r"^a secret is not serialised"):
        sent(text)


def test_what_a_worker_says_of_a_client_holds_none_of_its_secrets():
    text = CORP + 'headers = { X-Api-Key = { env = "CRM_SECRET" } }' + BILLING
    [client] = fleet_of(text).clients
    with pytest.raises(TypeError):
        pickle.dumps(client)
    told = pickle.dumps(without_secrets(client))
    assert not any(secret.encode() in told for secret in ENVIRONMENT.values())
