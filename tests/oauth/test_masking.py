"""What is kept of a server's words: one line, nothing secret."""

import base64
import html
import json
import math
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest
from reading import client_of, jwt, read
from settings import changed

from scopeprobe.model.client import Target
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId, ResourceServer
from scopeprobe.oauth.masking import Mask, printable

SECRET = "s3cret/+ <x>\"'ü&more"
ENCODED = base64.b64encode(f"billing-id:{SECRET}".encode()).decode()
SPELLINGS = {
    "plain": SECRET,
    "quoted": f"'{SECRET}'",
    "url-encoded": quote(SECRET, safe=""),
    "url-encoded-lower": quote(SECRET, safe="").lower(),
    "form-encoded": quote_plus(SECRET),
    "all-encoded": "".join(f"%{byte:02x}" for byte in SECRET.encode()),
    "json": json.dumps(SECRET),
    "json-php": json.dumps(SECRET).replace("/", "\\/"),
    "json-utf-8": json.dumps(SECRET, ensure_ascii=False),
    "html": html.escape(SECRET),
    "html-decimal": html.escape(SECRET).replace("&#x27;", "&#39;"),
    "upper": SECRET.upper(),
    "base64": ENCODED,
    "base64-alone": base64.b64encode(SECRET.encode()).decode(),
    "base64-inside": base64.b64encode(f"secret={SECRET}&a=b".encode()).decode(),
    "base64-inside-shifted": base64.b64encode(f"x-secret={SECRET}&a=b".encode()).decode(),
    "base64-inside-shifted-again": base64.b64encode(f"xy-secret={SECRET}&a=b".encode()).decode(),
    "with-controls": "\u200b".join(SECRET),
    "broken-off": SECRET[:9],
    "broken-in-two": f"{SECRET[:9]}\r\n{SECRET[9:]}",
}


def described(text, code="invalid_scope", **client):
    client = client_of(**({"secret": SECRET} | client))
    return read(400, {"error": code, "error_description": text}, client=client)


@pytest.mark.parametrize("echo", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("padding", [0, 170, 190, 199, 1990])
def test_the_clients_own_secret_is_shown_nowhere(echo, padding):
    whole = "".join(echo.split("\u200b"))
    middle = whole[len(whole) // 2 - 2 : len(whole) // 2 + 3].strip()
    for answer in (described(f"bad: {'y' * padding} {echo}"), described("x", f"bad {echo}")):
        kept = answer.error + answer.description
        assert "3cret" not in kept.casefold()
        assert middle.casefold() not in kept.casefold()
    assert "…" in answer.error


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        SECRET.upper(),
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        html.escape(SECRET),
        html.escape(SECRET).replace("&#x27;", "&#39;"),
        ENCODED.rstrip("="),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_secret_in_every_form_leaves_the_words_around_it(form):
    assert described(f"got {form} here").description == "got … here"


def test_credentials_as_basic_encodes_them_are_masked():
    client_id = "billing/id"
    pair = f"{quote(client_id, safe='')}:{quote(SECRET, safe='')}"
    header = f"Basic {base64.b64encode(pair.encode()).decode().rstrip('=')}"
    assert described(f"bad {header}", client_id=client_id).description == "bad Basic …"


@pytest.mark.parametrize("before", ["", "a", "ab"])
@pytest.mark.parametrize("secret", [SECRET, f"{SECRET}!", f"{SECRET}!!"])
def test_of_base64_around_a_secret_only_what_tells_the_rest_stays(secret, before):
    """A letter has six bits; one that it shares with the text beside it tells no secret."""
    text = base64.b64encode(f"{before}{secret}xyz".encode()).decode()
    first, end = math.ceil(8 * len(before) / 6), 8 * len(f"{before}{secret}".encode()) // 6
    assert Mask.of(client_of(secret=secret))(text) == f"{text[:first]}…{text[end:]}"


def test_pieces_of_base64_are_masked_unless_they_are_as_short_as_words():
    eight, seven = (base64.b64encode(text).decode() for text in (b"-abcdefgxyz", b"-abcdefxyz"))
    assert Mask.of(client_of(secret="abcdefg"))(eight) == f"{eight[:2]}…{eight[10:]}"
    assert Mask.of(client_of(secret="abcdef"))(seven) == seven


def everything_secret():
    """A client with secrets of its server, its requests, and whoever introspects its tokens."""
    client = client_of()
    api = ResourceServer(ClientId("api"), Secret("secret-of-the-api"))
    headers = (
        ("X-Tenant", "corp"),
        ("X-Api-Key", Secret("hunter2-secret-gateway")),
        ("Authorization", Secret("Bearer 8letters")),
        ("X-Short", Secret("pin 7letter")),
    )
    target = Target((), token_params=(("password", Secret("of-the-form")), ("tenant", "corp")))
    server = changed(client.server, headers=headers, introspector=api)
    return replace(client, server=server, targets=(*client.targets, target))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("no: hunter2-secret", "no: …"),
        ("no: hunter2-secret-gateway of corp", "no: … of corp"),
        ("no: Bearer 8letters", "no: …"),
        ("no: 8letters", "no: …"),
        ("no: pin 7letter", "no: …"),
        ("no: 7letter", "no: 7letter"),
        ("no: of-the-form", "no: …"),
        ("no: secret-of-the-api", "no: …"),
        (f"no: {base64.b64encode(b'api:secret-of-the-api').decode()}", "no: …"),
    ],
)
def test_whatever_a_client_sends_that_is_secret_is_masked(text, masked):
    assert Mask.of(everything_secret())(text) == masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bad hunter2-secre", "bad …"),
        ("bad HUNT", "bad …"),
        ("bad hun", "bad hun"),
        ("hunter2 is no beginning", "hunter2 is no beginning"),
        ("hunters go hunt", "hunters go …"),
        ("hunters go hun", "hunters go hun"),
        ("hunter2-secre", "…"),
    ],
)
def test_a_text_that_was_cut_ends_before_the_secret_in_which_it_was(text, shown):
    assert Mask.of(client_of()).and_its_end(text) == shown


def test_a_secret_that_grows_when_its_case_is_folded_leaves_no_letter():
    mask = Mask.of(client_of(secret="ßßßß-geheim"))
    assert mask.and_its_end("ßßßß") == "…"


def test_tokens_of_an_answer_are_masked_unless_they_are_mere_words():
    mask = Mask.of(client_of()).and_of(["8letters", "7letter"])
    assert mask("8letters 7letter hunter2-secret") == "… 7letter …"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" plain ", "plain"),
        ("a\x00b\u202ec\ud800d\ue000e", "abcde"),
        ("a\tb\u2028c", "a b c"),
        ("ä€😀", "ä€😀"),
    ],
    ids=ascii,
)
def test_nothing_is_printed_on_which_a_terminal_acts(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    "token",
    [
        jwt(sub="someone", scope="read"),
        jwt(sub="someone")[:-3],
        jwt(sub="someone").rpartition(".")[0],
        "eyJhbGciOiJSU0EtT0FFUCJ9.a_b.c-d.e.f",
    ],
    ids=["whole", "no-signature", "two-parts", "encrypted"],
)
def test_what_looks_like_a_jwt_is_masked(token):
    assert described(f"bad assertion '{token}' sent").description == "bad assertion '…' sent"
    assert described("x", f"bad {token}").error == "bad …"


def test_an_assertion_is_masked_like_a_secret():
    answer = described("no: my-workload-token", secret="", assertion="my-workload-token")
    assert answer.description == "no: …"


def test_a_token_beside_an_error_is_masked():
    body = {"error": "invalid_scope", "error_description": "see opaque-token", "x": 1}
    assert read(400, body | {"access_token": "opaque-token"}).description == "see …"


def test_a_description_keeps_one_line_without_what_changes_by_the_night():
    said = (
        "AADSTS70011 at 2026-11-23 02:00:00Z\x1b[31m id 3f2504e0-4f89-11d3-9a0c-0305e82c3301, "
        "wait 5 minutes\r\nTrace ID: 1"
    )
    assert described(said).description == "AADSTS70011 at <time>[31m id <uuid>, wait <duration>"
