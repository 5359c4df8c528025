"""A client of another region: what Genesys Cloud says of it, and how the right region is found."""

import json

import anyio
import pytest
from answers import ANSWERS
from harness import Entry, lab, reasons, scopeprobe, write_inputs
from reading import response_of

from scopeprobe.audits.explain import Explain, case_of
from scopeprobe.diagnosis import Case, diagnose, explain_log
from scopeprobe.lab import AuthorizationServer, Client, read_profile
from scopeprobe.model.experiment import Experiment, Trace
from scopeprobe.oauth.token_response import Reader
from scopeprobe.providers import shipped_packs

IRELAND, GERMANY = (f"https://login.mypurecloud.{country}/oauth/token" for country in ("ie", "de"))
SECRET, UNKNOWN = ANSWERS["genesys-wrong-secret-genesys"], ANSWERS["genesys-unknown-client"]


def explained(client, *, at_home=None, elsewhere=SECRET, **order) -> dict:
    """Explain a client that Ireland knows nothing of; the causes by their codes."""
    case: Case = anyio.run(case_of, Explain(client, scopes=(), **order))
    reader = Reader.of(case.client, case.target, ())
    log, plan = [], diagnose(case)
    try:
        question = next(plan)
        while True:
            is_at_home = question.change.endpoint == GERMANY and at_home is not None
            status, body = (200, at_home) if is_at_home else (elsewhere.status, elsewhere.sent())
            answer = reader.read(question, response_of(status, body), Explain(client).now())
            shown = "" if is_at_home else elsewhere.sent().decode()
            log.append(Experiment(question, answer, Trace("curl", status, body=shown)))
            question = plan.send(log[-1])
    except StopIteration:
        return {cause.code: cause for cause in explain_log(case, log).causes}


@pytest.mark.parametrize(
    ("answer", "likeliest"), [(SECRET, "secret_rejected"), (UNKNOWN, "unknown_client")]
)
def test_a_region_is_doubted_beside_what_it_says(make_client, answer, likeliest):
    causes = explained(make_client(token_endpoint=IRELAND), elsewhere=answer)
    assert list(causes) == [likeliest, "wrong_region"]
    assert causes["wrong_region"].confidence < causes[likeliest].confidence
    step = causes["wrong_region"].next_step
    assert "where it is not mypurecloud.ie: clients of other regions" in step
    assert "`--try-endpoint https://login.mypurecloud.com/oauth/token` asks another one" in step
    (genesys,) = (pack for pack in shipped_packs() if pack.name == "genesys")
    listed = step.partition("the others are ")[2].rstrip(".").split(", ")
    assert sorted([*listed, "mypurecloud.ie"]) == sorted(genesys.regions)


def test_a_region_that_accepts_the_credentials_is_the_right_one(make_client):
    token = {"access_token": "an-opaque-token", "token_type": "Bearer"}
    causes = explained(make_client(token_endpoint=IRELAND), at_home=token, try_endpoint=GERMANY)
    assert "wrong_token_endpoint" not in causes
    assert causes["wrong_region"].confidence > 0.9
    assert causes["wrong_region"].next_step == (
        "Set `region` of `corp` to mypurecloud.de, which accepts the credentials, instead of"
        " mypurecloud.ie."
    )


def test_a_region_that_rejects_the_credentials_too_proves_nothing(make_client):
    causes = explained(make_client(token_endpoint=IRELAND), try_endpoint=GERMANY)
    assert list(causes) == ["secret_rejected", "wrong_region"]


def test_where_there_are_no_regions_none_is_doubted(make_client):
    assert list(explained(make_client(token_endpoint="https://login.example/t"))) == [
        "secret_rejected"
    ]


@pytest.fixture
def rejected(tmp_path):
    """A command line about a client whose secret the lab's Genesys Cloud rejects."""
    server = AuthorizationServer("corp", read_profile("genesys"), [Client("bot", "right")])
    with lab([server]) as url:
        text = 'provider = "genesys"\nregion = "mypurecloud.ie"\nrate = "500/s"\n'
        text += f'token_endpoint = "{url}/corp/token"\n'
        entries = [Entry("bot", "corp", secret="wrong", extra='scopes = ["a:b:c"]')]
        words, environment = write_inputs(tmp_path, {"corp": text}, entries)
        yield lambda command, *more: scopeprobe(command, *words, *more, env=environment)


def test_explain_names_the_region_of_a_client_that_is_rejected(rejected):
    told = json.loads(rejected("explain", "bot", "--print", "json").stdout)
    assert [cause["code"] for cause in told["causes"]] == ["secret_rejected", "wrong_region"]
    assert "`--try-endpoint URL` asks another one" in told["causes"][1]["next_step"]
    assert told["credential_failures"] <= 3


def test_audit_says_that_another_region_is_possible(rejected, tmp_path):
    out = tmp_path / "out"
    told = rejected("audit", "-o", out).stderr
    assert "bot: mypurecloud.ie rejects its credentials, as it would reject those of a" in told
    assert set(reasons(out).values()) == {"credentials_rejected"}
