"""What the words of a server are taken for."""

import pytest
from answers import ANSWERS

from scopeprobe.diagnosis.error_patterns import patterns_in
from scopeprobe.model.answer import Unauthenticated
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.experiment import Experiment, Trace
from scopeprobe.model.question import WITHOUT_SCOPE


def found_in(status, code, text):
    answer = Unauthenticated(status, code, text)
    body = f'{{"error":"{code}","error_description":"{text}"}}'
    trace = Trace("", status, body=body)
    return {p.cause: p for p in patterns_in(Experiment(WITHOUT_SCOPE, answer, trace))}


@pytest.mark.parametrize(
    ("status", "code", "text", "causes"),
    [
        pytest.param(
            401,
            "invalid_client",
            "AADSTS7000218: The request body must contain the following parameter: "
            "'client_assertion' or 'client_secret'.",
            ["wrong_auth_method"],
            id="no-credential-in-the-body",
        ),
        pytest.param(401, "invalid_client", "AADSTS7000219: ?", [], id="unverified-number"),
        pytest.param(
            400,
            "invalid_request",
            "AADSTS901002: The 'resource' request parameter isn't supported.",
            ["resource_not_supported"],
            id="resource-not-supported",
        ),
        pytest.param(
            401,
            "invalid_client",
            "AADSTS700023: Client assertion audience claim does not match Realm issuer.",
            ["assertion_audience"],
            id="audience-of-an-assertion",
        ),
        pytest.param(
            400, "invalid_scope", "AADSTS700023: InvalidResourcelessScope", [], id="number-alone"
        ),
    ],
)
def test_entra_means_what_its_table_of_errors_says(status, code, text, causes):
    assert list(found_in(status, code, text)) == causes


def test_a_credential_that_is_missing_in_the_body_is_to_be_posted():
    (named,) = found_in(401, "invalid_client", "AADSTS7000218: The request body").values()
    assert named.method is AuthMethod.CLIENT_SECRET_POST


def test_keycloak_names_the_method_that_a_client_is_held_to():
    body = ANSWERS["keycloak-wrong-method"].body
    named = found_in(401, body["error"], body["error_description"])["wrong_auth_method"]
    assert named.method is AuthMethod.CLIENT_SECRET_BASIC


@pytest.mark.parametrize(
    ("name", "cause", "advice"),
    [
        ("servicenow-any-failure-as-server_error", "secret_rejected", "off by default"),
        ("keycloak-wrong-secret-as-unauthorized_client", "secret_rejected", "has expired"),
        ("salesforce-unknown-client", "unknown_client", "My Domain"),
    ],
)
def test_what_may_be_wrong_as_well_is_said(name, cause, advice):
    body = ANSWERS[name].body
    named = found_in(ANSWERS[name].status, body["error"], body["error_description"])
    assert advice in named[cause].advice
