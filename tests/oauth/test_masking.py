"""What is kept of a server's words: one line, nothing secret."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from reading import client_of, jwt, read

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


def test_a_secret_in_every_form_leaves_the_words_between():
    forms = f"got {SECRET} or {quote(SECRET, safe='')} or {ENCODED.rstrip('=')} here"
    assert described(forms).description == "got … or … or … here"


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
