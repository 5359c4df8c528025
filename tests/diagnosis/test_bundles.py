"""Evidence that travels: nobody's names in it, and the same conclusions from it."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, quote_plus

import anyio
import pytest
from explained_faults import cells_of, explained
from faults_to_explain import FAULTS, PROFILES
from harness import Reply, raw_server, token_body

from scopeprobe.audits.explain import Explain, bundled, explain_all, replay
from scopeprobe.diagnosis.anonymize import Anonymizer
from scopeprobe.model.rate import Rate

CORPUS = Path(__file__).parents[1] / "data" / "bundles"
SECRET = "Zq7+hunter/2 secret&of=nobody"
UUID = "6f1ed002-ab5c-4c1a-9f0e-7b1c3f2d9a11"
ID = f"ledger-{UUID}"


def concluded(found):
    return [
        (one.explanation.outcome, [cause.code for cause in one.explanation.causes])
        for one in found.explained
    ]


async def test_the_fault_matrix_is_concluded_alike_from_its_bundles():
    """Every fault, each on its share of the servers."""
    cells = []
    for number, fault in enumerate(FAULTS):
        possible = list(cells_of(fault))
        cells += possible[number % 4 :: 4]
    assert {cell.profile for cell in cells} == set(PROFILES)
    found = await explained(cells, explain_all)
    again = {name: replay(bundled(one)) for name, one in found.items()}
    differ = {
        name: (concluded(one), concluded(again[name]))
        for name, one in found.items()
        if concluded(one) != concluded(again[name])
    }
    assert differ == {}


@pytest.mark.parametrize("file", sorted(CORPUS.iterdir()), ids=lambda file: file.stem)
def test_bundles_of_before_name_the_fault(file):
    """The corpus was written by tests/bench/bundles.py; nothing is asked."""
    name = file.stem.partition(".")[2].replace("_", " ")
    (fault,) = (fault for fault in FAULTS if fault.name.replace(",", "") == name)
    named = {code for _, codes in concluded(replay(file.read_text())) for code in codes}
    assert named & {fault.expected, *fault.also}


# -- nobody's names


def spellings(text):
    """A text as others may have written it."""
    encoded = base64.b64encode(text.encode()).decode()
    return {
        text,
        quote(text, safe=""),
        quote_plus(text),
        encoded.rstrip("="),
        json.dumps(text)[1:-1],
    }


@pytest.fixture
def telling():
    """A server that says all it knows of a request; and the bundle of a client that it rejects."""
    told = (
        f"client {ID} ({quote(ID)}) of realm prod-ledger at {{host}}: secret {SECRET},"
        f" {quote(SECRET)}, {base64.b64encode(f'{ID}:{SECRET}'.encode()).decode()}; ask"
        f" jane.doe@bank.example, node 10.20.30.40, trace 4bf92f3577b34da6a3ce929d0e0e4736"
    )

    def answer(asked):
        body = {
            "error": "invalid_client",
            "error_description": told.format(host=asked.headers["host"]),
        }
        headers = {
            "X-Request-Id": UUID,
            "WWW-Authenticate": 'Basic realm="Ledger of Jane\'s Bank"',
            "Via": "1.1 proxy-7.inside.bank.example",
        }
        return Reply(401, json.dumps(body).encode(), headers)

    with raw_server(answer) as server:
        yield f"http://localhost:{server.port}/realms/prod-ledger/token"


def test_nobody_is_recognised(telling, make_client, tmp_path):
    client = make_client(
        "https://api.bank.example/ledger.read", "users.read",
        name="ledger-nightly", client_id=ID, secret=SECRET, token_endpoint=telling,
        rates=(Rate(1000, 1),), client_rates=(Rate(1000, 1),),
    )  # fmt: skip
    client = replace(client, owner="jane.doe@bank.example")
    found = anyio.run(explain_all, Explain(client, out=tmp_path / "out"))
    text = bundled(found)
    known = (
        "proxy-7",
        "Jane's Bank",
        "ledger-nightly",
        ID,
        UUID,
        SECRET,
        "prod-ledger",
        "bank.example",
        "localhost",
    )
    known += ("jane.doe", "10.20.30.40", "4bf92f3577b34da6a3ce929d0e0e4736", f"{ID}:{SECRET}")
    assert not [word for name in known for word in spellings(name) if word.lower() in text.lower()]
    assert client.canary not in text
    assert "users.read" in text
    assert concluded(replay(text)) == concluded(found)
    assert text == bundled(found)


def test_the_same_is_called_the_same(telling, make_client):
    client = make_client("a", name="ledger", client_id="ledger-app", token_endpoint=telling)
    told = json.loads(bundled(anyio.run(explain_all, Explain(client))))["diagnoses"][0]
    endpoint, client_id = told["server"]["token_endpoint"], told["client"]["client_id"]
    assert endpoint.startswith("http://host-1.example:")
    for one in told["log"]:
        assert endpoint in one["trace"]["curl"]
        assert client_id in one["trace"]["curl"]


@pytest.mark.parametrize("name", ["x", "client", "test", "api"])
def test_a_name_that_is_an_ordinary_word_stays_in_sentences_only(name, make_client):
    words = b'{"error":"invalid_client","error_description":"client test api x failed"}'
    with raw_server(lambda _asked: Reply(401, words)) as server:
        client = make_client("a", name=name, client_id=name, token_endpoint=f"{server.url}/t")
        found = anyio.run(explain_all, Explain(client))
    told = json.loads(bundled(found))["diagnoses"][0]
    assert told["client"]["name"] == told["client"]["client_id"] == "client-1"
    assert f"-u {name}:" not in told["log"][0]["trace"]["curl"]
    assert told["log"][0]["answer"]["description"] == "client test api x failed"


def test_a_name_is_replaced_before_the_place_where_it_is_known_by(make_client):
    """A header of the first answer has a host that only the last one shows to be one."""
    replies = iter([Reply(400, b'{"error":"invalid_scope"}', {"Via": "1.1 edge.bank.example"})])
    told = Reply(400, b'{"error":"invalid_scope","error_uri":"https://login.bank.example/help"}')
    with raw_server(lambda _asked: next(replies, told)) as server:
        client = make_client("a", "b", token_endpoint=f"{server.url}/t")
        found = anyio.run(explain_all, Explain(client))
    assert "bank.example" not in bundled(found)


def test_what_a_secret_is_like_is_kept_and_nothing_of_it(make_client):
    with raw_server(lambda _asked: Reply(401, b'{"error":"invalid_client"}')) as server:
        client = make_client("a", secret=f" {SECRET}\n", token_endpoint=f"{server.url}/t")
        found = anyio.run(explain_all, Explain(client))
    told = json.loads(bundled(found))["diagnoses"][0]
    assert told["client"]["secret"] == " secret+ "
    (one,) = replay(bundled(found)).explained
    assert one.case.has_white_space
    assert one.case.encodes_differently


def test_the_canary_is_that_of_the_stand_in(make_client):
    with raw_server(lambda asked: Reply(body=token_body(scope=asked.scopes or ""))) as server:
        client = make_client("a", token_endpoint=f"{server.url}/t")
        found = anyio.run(explain_all, Explain(client))
    (one,) = replay(bundled(found)).explained
    asked = {e.question.scopes for e in one.explanation.experiments}
    assert (one.case.client.canary,) in asked
    assert (client.canary,) not in asked


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version":2,"scopeprobe":"1","diagnoses":[]}'])
def test_another_file_is_no_bundle(text):
    with pytest.raises(ValueError, match="is no bundle of this version"):
        replay(text)


def test_public_hosts_of_a_provider_stay():
    names = Anonymizer(lambda host: host.endswith(".mypurecloud.ie"))
    told = names("https://login.mypurecloud.ie/oauth/token is not https://login.bank.example/t")
    assert told == "https://login.mypurecloud.ie/oauth/token is not https://host-1.example/t"


def test_parts_of_words_stay():
    names = Anonymizer(lambda _host: False)
    names.hide("client", "led")
    assert names("scheduled led LED led-1") == "scheduled client-1 client-1 client-1-1"
