"""What a client has, how it signs, and whom a finding is about."""

from dataclasses import replace
from pathlib import Path

import pytest

from scopeprobe.model.client import AuthMethod, Certificate, Credential, SigningKey
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.model.http import Purpose
from scopeprobe.model.secret import Secret, revealed

HAS = {
    Credential.SECRET: {"secret": Secret("hunter2")},
    Credential.PRIVATE_KEY: {"signing_key": SigningKey(None, "ES256")},
    Credential.CERTIFICATE: {"certificate": Certificate(Path("a"), Path("b"))},
}


@pytest.mark.parametrize("credential", Credential)
def test_a_client_has_the_credential_that_it_was_given_and_no_other(make_client, credential):
    client = replace(make_client(secret=None), **HAS[credential])
    assert [one for one in Credential if client.has(one)] == [credential]


def test_a_ready_assertion_stands_for_a_private_key(make_client):
    client = replace(make_client(secret=None), assertion=Secret("a.b.c"))
    assert [one for one in Credential if client.has(one)] == [Credential.PRIVATE_KEY]


@pytest.mark.parametrize(
    ("method", "algorithm", "signs"),
    [
        (AuthMethod.CLIENT_SECRET_JWT, "", "HS256"),
        (AuthMethod.CLIENT_SECRET_JWT, "HS512", "HS512"),
        (AuthMethod.PRIVATE_KEY_JWT, "ES256", ""),
        (AuthMethod.CLIENT_SECRET_BASIC, "HS256", ""),
    ],
)
def test_only_a_secret_that_signs_has_an_algorithm_of_its_own(
    make_client, method, algorithm, signs
):
    client = replace(make_client(method=method), signing_alg=algorithm)
    assert client.secret_signing_alg == signs


def test_methods_say_which_credential_they_take():
    asymmetric = [method for method in AuthMethod if method.is_asymmetric]
    assert asymmetric == [
        AuthMethod.PRIVATE_KEY_JWT,
        AuthMethod.TLS_CLIENT_AUTH,
        AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH,
    ]
    assert AuthMethod.NONE.credential is None
    assert AuthMethod.CLIENT_SECRET_POST.credential is Credential.SECRET


def test_a_finding_is_about_its_client_or_its_server():
    one = Finding(FindingKind.UNKNOWN, "a", "", "", "")
    assert one.subject == "a"
    assert replace(one, client="", server="corp").subject == "corp"


def test_a_secret_is_revealed_to_who_asks_and_never_shown():
    assert revealed(Secret("hunter2")) == revealed("hunter2") == "hunter2"
    assert repr(Secret("hunter2")) == "Secret(…)"


def test_token_requests_are_those_that_ask_for_tokens():
    assert [one for one in Purpose if one.asks_for_token] == [Purpose.TOKEN, Purpose.COMPARISON]
