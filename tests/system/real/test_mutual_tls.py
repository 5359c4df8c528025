"""How the tests' own endpoint behind mutual TLS behaves (RFC 8705), by Python's real TLS."""

import ssl
from dataclasses import replace

import pytest
from credentials import self_signed
from fleet import CERTIFICATES
from wire import ask, get, shown

BY_NAME = CERTIFICATES.client("by-name")
BY_SUBJECT = CERTIFICATES.client("by-subject")
BY_OWN = CERTIFICATES.client("by-own-certificate")
BY_SECRET = CERTIFICATES.client("by-secret")
EACH_CERTIFIED = pytest.mark.parametrize(
    "client", [BY_NAME, BY_SUBJECT, BY_OWN], ids=lambda client: client.name
)


def showing(server, client, identity):
    """The server, as the client meets it with somebody else's certificate, or its own."""
    return replace(server, identities={client.client_id: identity})


@pytest.mark.parametrize("client", CERTIFICATES.clients, ids=lambda client: client.name)
def test_asking_shows_exactly_what_is_granted(tls_server, client):
    listed = {
        scope
        for scope in CERTIFICATES.candidates
        if (answer := ask(tls_server, client, scope)).issued and scope in answer.scopes
    }

    assert listed == set(client.scopes)


@EACH_CERTIFIED
def test_the_certificate_of_another_client_is_refused(tls_server, client):
    other = BY_OWN if client is BY_NAME else BY_NAME
    server = showing(tls_server, client, tls_server.identities[other.client_id])

    assert ask(server, client, *client.scopes[:1]).error == (401, "invalid_client")


def test_a_certificate_that_nobody_vouches_for_ends_the_connection(tls_server, tmp_path):
    server = showing(tls_server, BY_OWN, self_signed(tmp_path, "stranger"))

    # In TLS 1.3 the refusal comes after the handshake, with the first answer or instead of it.
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(server, BY_OWN)


def test_nobody_is_let_in_without_a_certificate(tls_server):
    bare = replace(tls_server, identities={}, token_endpoint=tls_server.mtls_token_endpoint)

    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(bare, BY_SECRET)


@EACH_CERTIFIED
def test_at_the_other_port_a_certificate_is_not_even_asked_for(tls_server, client):
    server = replace(tls_server, mtls_token_endpoint=tls_server.token_endpoint)

    assert ask(server, client).error == (401, "invalid_client")


def test_a_server_of_a_private_authority_is_trusted_by_nobody_else(tls_server):
    with pytest.raises(ssl.SSLCertVerificationError):
        get(f"{tls_server.issuer}/.well-known/oauth-authorization-server", tls=None)


def test_the_metadata_names_the_port_for_certificates(tls_server):
    place = f"{tls_server.issuer}/.well-known/oauth-authorization-server"

    told = get(place, shown(tls_server, None)).body

    assert told["issuer"] == tls_server.issuer
    assert told["token_endpoint"] == tls_server.token_endpoint
    assert told["mtls_endpoint_aliases"] == {"token_endpoint": tls_server.mtls_token_endpoint}
