"""Metadata of servers: where it is looked for, what is believed of it, what never is."""

import json
from dataclasses import replace

import pytest
from settings import changed, server_with

from scopeprobe.audits.discover import best_method
from scopeprobe.inputs import Fleet
from scopeprobe.model.cell import Cell, Evidence, Reason, Verdict
from scopeprobe.model.client import AuthMethod, Certificate, ClientName
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.model.urls import is_private
from scopeprobe.oauth.endpoint_trust import (
    ResolvedServer,
    is_mtls_sibling,
    resolved_server,
)
from scopeprobe.oauth.metadata import Metadata, MetadataProblem, read_metadata, well_known_urls
from scopeprobe.policy import compare_with_advertised

ISSUER = "https://login.example"
PUBLIC = server_with("corp", "", issuer=ISSUER)


def document(**members):
    said = {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token", **members}
    return {name: value for name, value in said.items() if value is not ...}


def read(body=None, *, status=200, issuer=ISSUER, **members):
    body = json.dumps(document(**members)).encode() if body is None else body
    return read_metadata(issuer, HttpResponse(status, {}, body))


@pytest.mark.parametrize(
    ("issuer", "urls"),
    [
        pytest.param(
            "https://h",
            [
                "https://h/.well-known/oauth-authorization-server",
                "https://h/.well-known/openid-configuration",
            ],
            id="no path",
        ),
        pytest.param(
            "https://h:8443/",
            [
                "https://h:8443/.well-known/oauth-authorization-server",
                "https://h:8443/.well-known/openid-configuration",
            ],
            id="a slash only",
        ),
        *(
            pytest.param(
                issuer,
                [
                    "https://h/.well-known/oauth-authorization-server/realms/main",
                    "https://h/realms/main/.well-known/openid-configuration",
                    "https://h/realms/main/.well-known/oauth-authorization-server",
                ],
                id=issuer,
            )
            for issuer in ("https://h/realms/main", "https://h/realms/main/")
        ),
    ],
)
def test_the_well_known_urls_come_in_the_order_of_the_standards(issuer, urls):
    assert list(well_known_urls(issuer)) == urls


def test_a_document_is_read():
    assert read(
        introspection_endpoint=f"{ISSUER}/introspect",
        revocation_endpoint=f"{ISSUER}/revoke",
        scopes_supported=["a", "b", "a"],
        token_endpoint_auth_methods_supported=["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported=["ES256", "RS256"],
        grant_types_supported=["client_credentials"],
        dpop_signing_alg_values_supported=["ES256"],
        mtls_endpoint_aliases={"token_endpoint": "https://mtls.login.example/token"},
        tls_client_certificate_bound_access_tokens=True,
    ) == Metadata(
        issuer=ISSUER,
        token_endpoint=f"{ISSUER}/token",
        introspection_endpoint=f"{ISSUER}/introspect",
        revocation_endpoint=f"{ISSUER}/revoke",
        mtls_token_endpoint="https://mtls.login.example/token",
        scopes_supported=("a", "b"),
        token_endpoint_auth_methods_supported=("private_key_jwt",),
        token_endpoint_auth_signing_alg_values_supported=("ES256", "RS256"),
        grant_types_supported=("client_credentials",),
        dpop_signing_alg_values_supported=("ES256",),
        tls_client_certificate_bound_access_tokens=True,
    )


def test_what_is_not_said_has_the_defaults_of_the_rfc():
    found = read()
    assert found.token_endpoint_auth_methods_supported == ("client_secret_basic",)
    assert found.grant_types_supported == ("authorization_code", "implicit")
    assert found.scopes_supported is None


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        pytest.param({"status": 404}, Reason.MALFORMED_ANSWER, "the answer is 404", id="not found"),
        pytest.param({"status": 400}, Reason.MALFORMED_ANSWER, "the answer is 400", id="bad"),
        *(
            pytest.param(
                {"status": status},
                Reason.REDIRECTED,
                f"the answer is {status}: redirects are never followed",
                id=f"redirect {status}",
            )
            for status in (300, 302)
        ),
        pytest.param({"status": 500}, Reason.SERVER_ERROR, "the answer is 500", id="server error"),
        pytest.param({"status": 429}, Reason.THROTTLED, "the answer is 429", id="throttle"),
        *(
            pytest.param({"body": body}, Reason.MALFORMED_ANSWER, words, id=name)
            for name, body, words in (
                ("HTML", b"<html>", "the answer is no JSON object"),
                ("array", b"[]", "the answer is no JSON object"),
                ("too deep", b"[" * 100_000, "the answer is no JSON object"),
                ("too long", b" " * 1024**2 + b"{}", "the document is longer than 1 MiB"),
                (
                    "no issuer",
                    b'{"issuer": 1}',
                    "the document names no issuer (RFC 8414 section 3.3)",
                ),
            )
        ),
        pytest.param(
            {"issuer": "https://login.example/"},
            Reason.MALFORMED_ANSWER,
            "its issuer is https://login.example: only a trailing slash differs; "
            "write `issuer` like that",
            id="slash",
        ),
        *(
            pytest.param(
                {"issuer": issuer},
                Reason.MALFORMED_ANSWER,
                "its issuer is another one (RFC 8414 section 3.3): https://login.example",
                id=issuer,
            )
            for issuer in ("https://other.example", "https://LOGIN.example")
        ),
    ],
)
def test_what_is_no_metadata_is_refused_with_words(answer, reason, words):
    assert read(**answer) == MetadataProblem(reason, words)


def test_a_document_may_have_a_mebibyte_and_a_byte_order_mark():
    body = b"\xef\xbb\xbf" + json.dumps(document()).encode()
    assert read(body.ljust(1024**2)) == read()


def test_an_issuer_of_control_characters_is_shown_without_them():
    found = read(json.dumps(document(issuer="https://x\x1b[31m\n" + "y" * 999)).encode())
    assert "\x1b" not in found.words
    assert "\n" not in found.words
    assert len(found.words) < 300


def test_members_of_wrong_types_are_ignored_one_by_one():
    assert read(
        token_endpoint=["x"],
        introspection_endpoint=7,
        revocation_endpoint=None,
        scopes_supported="a b",
        token_endpoint_auth_methods_supported={},
        grant_types_supported=3,
        mtls_endpoint_aliases=[],
        tls_client_certificate_bound_access_tokens="yes",
    ) == Metadata(ISSUER)


def test_scopes_that_cannot_be_scopes_are_dropped():
    hostile = ["ok", "a b", 'q"', "back\\slash", "é", "\x1b[0m", "", 7, None, ["x"], "x" * 201]
    longest = "x" * 200
    found = read(scopes_supported=[*hostile, "scopeprobe-canary-1", "ok", longest])
    assert found.scopes_supported == ("ok", longest)


def test_no_more_than_5000_scopes_are_kept():
    found = read(scopes_supported=[f"s{n}" for n in range(6000)])
    assert len(found.scopes_supported) == 5000


@pytest.mark.parametrize(
    "url",
    [
        "/token",
        "ftp://login.example/token",
        "https://",
        "https://user@login.example/token",
        "https://login.example\\@evil.example/token",
        "https://login.example/token#x",
        "https://login.example/to ken",
        "https://login.example:99999/token",
        "https://login.example:0/token",
        "https://login.example/".ljust(2001, "x"),
    ],
)
def test_an_endpoint_that_is_no_sound_url_is_none(url):
    assert read(token_endpoint=url).token_endpoint == ""


def test_an_endpoint_may_be_as_long_as_any_url():
    url = "https://login.example:1/".ljust(2000, "x")
    assert read(token_endpoint=url).token_endpoint == url


# -- precautions


def test_endpoints_of_the_issuers_own_origin_are_used():
    found = resolved_server(PUBLIC, read(introspection_endpoint=f"{ISSUER}:443/i"), private=())
    assert found == ResolvedServer(
        changed(PUBLIC, token_endpoint=f"{ISSUER}/token", introspection_endpoint=f"{ISSUER}:443/i")
    )


ABROAD = "another origin than the issuer: if it belongs to this server, "
ABROAD += "write it beside the issuer in the clients file"
PLAIN = "plain http: say allow_http = true if that is meant"
PRIVATE = "an address of a private network, of a public issuer: "
PRIVATE += "say allow_private = true if that is meant"


@pytest.mark.parametrize(
    ("url", "what"),
    [
        pytest.param("https://evil.example/token", ABROAD, id="host"),
        pytest.param("https://login.example:8443/token", ABROAD, id="port"),
        pytest.param("https://login.example.evil.example/t", ABROAD, id="suffix"),
        pytest.param("https://mtls.login.example/t", ABROAD, id="subdomain"),
        pytest.param("http://login.example/token", PLAIN, id="http"),
        pytest.param("https://10.0.0.1/token", PRIVATE, id="private address"),
        pytest.param("https://inside.example/token", PRIVATE, id="private name"),
        pytest.param("http://127.0.0.1/token", PRIVATE, id="loopback"),
    ],
)
def test_a_token_endpoint_elsewhere_is_refused(url, what):
    """What stands behind a question mark may be a key."""
    private = {"10.0.0.1", "inside.example", "127.0.0.1"}
    found = resolved_server(PUBLIC, read(token_endpoint=f"{url}?key=1"), private)
    assert found == MetadataProblem(Reason.REDIRECTED, f"{url} is {what}")


def test_metadata_without_a_token_endpoint_are_refused():
    words = "the metadata names no token endpoint that is a URL"
    found = resolved_server(PUBLIC, read(token_endpoint=...), private=())
    assert found == MetadataProblem(Reason.MALFORMED_ANSWER, words)


def test_plain_http_is_used_where_it_is_allowed():
    server = changed(PUBLIC, allow_http=True)
    found = resolved_server(server, read(token_endpoint="http://login.example/token"), private=())
    assert found.server.endpoints.token == "http://login.example/token"


def test_a_private_issuer_may_have_private_endpoints():
    issuer = "https://10.1.2.3"
    server = server_with("inside", "", issuer=issuer)
    metadata = Metadata(issuer, token_endpoint=f"{issuer}/token")
    assert (
        resolved_server(server, metadata, {"10.1.2.3"}).server.endpoints.token == f"{issuer}/token"
    )


def test_the_endpoint_that_the_user_wrote_wins():
    server = changed(PUBLIC, token_endpoint="https://elsewhere.example/token")
    found = resolved_server(
        server, read(token_endpoint="https://evil.example/t", scopes_supported=["a"]), ()
    )
    assert found.server.endpoints.token == "https://elsewhere.example/token"
    assert found.server.scopes_supported == ("a",)
    assert found.refused == ()


def test_another_endpoint_elsewhere_is_merely_left_out():
    evil = "https://evil.example/x"
    metadata = read(
        introspection_endpoint=evil,
        revocation_endpoint=evil,
        mtls_endpoint_aliases={"token_endpoint": evil},
    )
    found = resolved_server(PUBLIC, metadata, private=())
    assert found.server == changed(PUBLIC, token_endpoint=f"{ISSUER}/token")
    assert [member for member, _ in found.refused] == [
        "introspection_endpoint",
        "revocation_endpoint",
        "mtls_endpoint_aliases",
    ]


@pytest.mark.parametrize(("allowed", "used"), [(False, ""), (True, "https://mtls.login.example/t")])
def test_an_alias_in_a_private_network_needs_leave(allowed, used):
    server = changed(PUBLIC, allow_private=allowed)
    metadata = read(mtls_endpoint_aliases={"token_endpoint": "https://mtls.login.example/t"})
    found = resolved_server(server, metadata, {"mtls.login.example"})
    assert found.server.endpoints.mtls_token == used


@pytest.mark.parametrize(
    ("host", "home", "is_sibling"),
    [
        ("login.corp.example", "login.corp.example", True),
        ("mtls.login.corp.example", "login.corp.example", True),
        ("mtls.corp.example", "login.corp.example", True),
        ("login-mtls.corp.example", "login.corp.example", True),
        ("evil.corp.example", "login.corp.example", False),
        ("mtls.example", "login.example", False),
        ("mtls.co.uk", "corp.co.uk", False),
        ("mtls.evil.example", "login.corp.example", False),
        ("mtls.azurewebsites.net", "tenant.azurewebsites.net", False),
        ("mtls-x.herokuapp.com", "tenant.herokuapp.com", False),
        ("mtls.github.io", "github.io", False),
        ("mtls.tenant.azurewebsites.net", "tenant.azurewebsites.net", True),
        ("mtls.login.okta.com", "login.okta.com", True),
        ("1.10.0.0.1", "10.0.0.1", False),
    ],
)
def test_a_sibling_for_mutual_tls_is_told_by_its_name(host, home, is_sibling):
    assert is_mtls_sibling(host, home) is is_sibling


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", True),
        ("172.31.0.1", True),
        ("192.168.1.1", True),
        ("127.0.0.1", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
        ("8.8.8.8", False),
        ("::ffff:8.8.8.8", False),
        ("2606:4700::1111", False),
    ],
)
def test_an_address_of_a_private_network_is_known(address, expected):
    assert is_private(address) is expected


# -- what follows from it


@pytest.mark.parametrize(
    ("supported", "method"),
    [
        (("client_secret_post", "client_secret_basic"), AuthMethod.CLIENT_SECRET_BASIC),
        (("client_secret_jwt", "client_secret_post"), AuthMethod.CLIENT_SECRET_POST),
        (("client_secret_jwt",), AuthMethod.CLIENT_SECRET_JWT),
        (("tls_client_auth", "none"), AuthMethod.CLIENT_SECRET_BASIC),
    ],
)
def test_a_secret_is_sent_in_the_best_way_that_is_supported(make_client, supported, method):
    assert best_method(make_client("a"), supported) is method


def test_better_credentials_come_first(make_client, tmp_path):
    client = replace(make_client("a"), certificate=Certificate(tmp_path, tmp_path))
    everything = [method.value for method in AuthMethod]
    assert best_method(client, everything) is AuthMethod.TLS_CLIENT_AUTH
    assert (
        best_method(client, ["self_signed_tls_client_auth", "client_secret_basic"])
        is AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH
    )
    client = replace(client, assertion=Secret("an assertion"))
    assert best_method(client, everything) is AuthMethod.PRIVATE_KEY_JWT


def cell(client, scope, verdict):
    return Cell(
        ClientName(client), "id", "", Scope(scope), verdict, Reason.NOT_ASKED, Evidence.NONE
    )


def test_what_is_advertised_is_held_against_what_was_found():
    found = compare_with_advertised(
        ("refused", "had", "unjudged", "untried"),
        [
            cell("a", "refused", Verdict.DENIED),
            cell("b", "refused", Verdict.UNKNOWN),
            cell("a", "had", Verdict.DENIED),
            cell("b", "had", Verdict.GRANTED),
            cell("a", "unjudged", Verdict.UNAUTHENTICATED),
            cell("a", "hidden", Verdict.GRANTED),
            cell("a", "neither", Verdict.DENIED),
        ],
    )
    assert found.refused == ("refused",)
    assert found.unadvertised == ("hidden",)
    assert compare_with_advertised(None, []) is None


def test_a_run_goes_on_when_metadata_came_within_reach_and_not_when_it_changed(make_client):
    written = make_client("a", name="x", token_endpoint="", issuer=ISSUER)
    resolved = replace(written, server=changed(written.server, token_endpoint=f"{ISSUER}/t"))
    moved = replace(written, server=changed(written.server, token_endpoint=f"{ISSUER}/u"))
    as_written = (written,)

    def read_as(client, **unusable):
        return Fleet((client,), unusable=unusable, as_written=as_written)

    unread = read_as(written, corp=Reason.UNREACHABLE)
    assert read_as(resolved).goes_on_from(unread.digest)
    assert unread.goes_on_from(read_as(resolved).digest)
    assert not read_as(moved).goes_on_from(read_as(resolved).digest)
    assert not Fleet((make_client("b"),)).goes_on_from(Fleet((make_client("a"),)).digest)
