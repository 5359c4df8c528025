"""Answers that were read amiss once, and the maps that came of it."""

import json
from base64 import b64decode
from itertools import count

import pytest
from harness import Entry, Reply, raw_server, scopeprobe, verdicts, write_inputs
from reading import jwt

GRANTED = [f"svc{n}.op" for n in range(1, 9)]
WITHHELD = ["svc9.op", "svc0.op", "admin.op"]
FAST = 'rate = "500/s"\nclient_rate = "500/s"'


def audited(tmp_path, answer, *options, clients=("c",), scopes=(*GRANTED, *WITHHELD)):
    with raw_server(answer) as server:
        settings = f'token_endpoint = "{server.url}/token"\n{FAST}'
        entries = [Entry(name, "s") for name in clients]
        arguments, environment = write_inputs(tmp_path, {"s": settings}, entries, list(scopes))
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", *options, env=environment)
    return verdicts(tmp_path / "out")


def client_in(asked):
    return b64decode(asked.client.removeprefix("Basic ")).decode().partition(":")[0]


NUMBERS = count()


def token(**members):
    """A token that no other request was given."""
    return Reply(body=json.dumps({"access_token": f"t-{next(NUMBERS)}", **members}).encode())


def error(**members):
    return Reply(400, json.dumps({"error": "invalid_scope", **members}).encode())


ORDERS = {
    "granted-first": [*GRANTED, *WITHHELD],
    "withheld-first": [*WITHHELD, *GRANTED],
    "mixed": [*GRANTED[:4], *WITHHELD, *GRANTED[4:]],
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("says", ["scope", "words", "hint"])
@pytest.mark.parametrize("strategy", ["each", "adaptive"])
def test_what_a_refusal_lists_as_allowed_is_not_denied(tmp_path, strategy, says, order):
    """Cloud Foundry UAA: `scope` of a refusal is all that the client has."""

    def uaa(asked):
        names = (asked.scopes or "").split()
        culprit = next((name for name in names if name not in GRANTED), None)
        if culprit is None:
            return token(scope=" ".join(names))
        allowed = " ".join(GRANTED)
        return {
            "scope": error(error_description=f"Invalid scope: {culprit}", scope=allowed),
            "words": error(error_description=f"Invalid scope, allowed scopes: {allowed}"),
            "hint": error(error_description="Invalid scope", hint=allowed),
        }[says]

    found = audited(tmp_path, uaa, "-s", strategy, scopes=ORDERS[order])
    assert {found["c", name] for name in GRANTED} == {"granted"}
    assert {found["c", name] for name in WITHHELD} == {"denied"}


@pytest.mark.parametrize("claim", ["scopes", "scp", "scope"])
@pytest.mark.parametrize("strategy", ["each", "adaptive"])
def test_a_token_that_says_it_has_no_scopes_grants_none(tmp_path, strategy, claim):
    """It narrows in silence, and the list of its tokens stands in one claim."""
    grants = {"all": {"a", "b", "c"}, "some": {"a"}, "none": set[str]()}

    def narrows(asked):
        names = (asked.scopes or "").split()
        carried = [name for name in names if name in grants[client_in(asked)]]
        return token(access_token=jwt(**{claim: carried, "jti": str(next(NUMBERS))}))

    options = ("-s", strategy)
    found = audited(tmp_path, narrows, *options, clients=tuple(grants), scopes="abc")
    for (client, scope), verdict in found.items():
        assert verdict in {"granted" if scope in grants[client] else "denied", "unknown"}
    assert all(found["all", scope] == "granted" for scope in "abc")
    assert all(found["none", scope] == "denied" for scope in "abc")


def test_a_list_with_an_invisible_sign_grants_nothing(tmp_path):
    def disguised(asked):
        names = [name for name in (asked.scopes or "").split() if name in {"a", "c"}]
        return token(scope=" ".join(name.replace("c", "c\u200b") for name in names))

    found = audited(tmp_path, disguised, scopes=("a", "c", "d"))
    assert found["c", "a"] == "granted"
    assert found["c", "c"] == "unknown"


def test_a_name_that_shares_200_letters_grants_nothing(tmp_path):
    long = "c" * 200

    def listing(asked):
        names = [name for name in (asked.scopes or "").split() if name in {"a", long}]
        return token(scope=" ".join(name + "x" if name == long else name for name in names))

    found = audited(tmp_path, listing, scopes=("a", long))
    assert found["c", long] != "granted"


@pytest.mark.parametrize("strategy", ["each", "adaptive"])
def test_names_nobody_asked_for_fill_no_disk_and_hide_no_grant(tmp_path, strategy):
    """Five thousand fresh ones an answer, which sort before all that is looked for."""
    fresh, scopes = count(), [f"s{n}" for n in range(40)]

    def answer(asked):
        if set((asked.scopes or "").split()) - set(scopes[:30]):
            return error()
        flood = " ".join(f"fresh-name-of-nobody-{next(fresh)}" for _ in range(5000))
        return token(scope=f"{flood} {asked.scopes or 's0'}")

    found = audited(tmp_path, answer, "-s", strategy, scopes=scopes)
    assert [scope for scope in scopes if found["c", scope] == "granted"] == scopes[:30]
    assert {found["c", scope] for scope in scopes[30:]} == {"denied"}
    assert len(found) <= 1000 + len(scopes)
    assert (tmp_path / "out" / "scopeprobe.db").stat().st_size < 2_000_000
