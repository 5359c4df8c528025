"""Canary secrets and tokens through every path, also into bugs: they are found nowhere."""

import base64
import json
import os
import re
import subprocess
import time
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest
from bound import bound
from harness import Reply, command, raw_server, scopeprobe
from keys import pem, private_key

from scopeprobe.cli import log_lines
from scopeprobe.reports.formats import Format
from scopeprobe.strategies import STRATEGIES

SECRET = "Canary+Secret/of the=client&0815%"
GATEWAY = "Canary-Gateway-Key~4711"
TENANT = "canary.tenant.value.2342"
PASSWORD = "Canary*Password,of(the)key 1642"
READY = "eyJhbGciOiJub25lIn0.Y2FuYXJ5LWFzc2VydGlvbg.c2lnbmF0dXJlLWNhbmFyeQ"
KEY = pem(private_key()).decode()
LOCKED_KEY = pem(private_key(), PASSWORD).decode()
METHODS = {
    "client_secret_basic": 'client_secret = { env = "SECRET" }',
    "client_secret_post": 'client_secret = { file = "client.secret" }',
    "client_secret_jwt": f'client_secret = {{ command = ["echo", {json.dumps(SECRET)}] }}',
    "private_key_jwt": 'private_key = { file = "client.pem" }',
    "private_key_jwt, behind a password": (
        'private_key = { file = "locked.pem" }\nprivate_key_password = { env = "PASSWORD" }'
    ),
    "private_key_jwt, signed by another": 'assertion = { env = "READY" }',
    "client_secret_basic, with DPoP": (
        'client_secret = { env = "SECRET" }\ndpop_bound_access_tokens = true'
    ),
}
INPUTS = """
[servers.corp]
token_endpoint = "URL/t"
rate = "900/s"
client_rate = "900/s"
retries = 0
headers = { X-Gateway-Key = { env = "GATEWAY" } }
[[clients]]
name = "c"
server = "corp"
client_id = "client-id"
token_endpoint_auth_method = "METHOD"
CREDENTIALS
token_params = { tenant_secret = "TENANT" }
scopes = ["a", "b", "c", "d", "e"]
"""
ENVIRONMENT = {"SECRET": SECRET, "GATEWAY": GATEWAY, "PASSWORD": PASSWORD, "READY": READY}


class Echo:
    """Says back what it was sent and issued, in every place and every spelling."""

    def __init__(self, secret):
        self._secrets = {secret, GATEWAY, TENANT} - {""}
        self._spellings = {word for one in self._secrets for word in spellings(one)}
        self.issued = []
        self.sent = set()

    def __call__(self, asked):
        form = dict(pair.split("=", 1) for pair in asked.form.split("&"))
        self.sent |= {form.get("client_assertion", ""), asked.headers.get("dpop", "")} - {""}
        self.sent |= {asked.headers.get("authorization", "").removeprefix("Basic ")} - {""}
        token = f"canary-token-{len(self.issued)}-of-nobody"
        self.issued.append(token)
        said = " ".join([*self._secrets, *self._spellings, asked.form, str(asked.headers)])
        headers = {"WWW-Authenticate": f'Bearer realm="{" ".join(map(quote, self._secrets))}"'}
        match asked.scopes:
            case "b":
                body = {"error": said, "error_description": said, "message": said, "hint": said}
                return Reply(400, json.dumps(body).encode(), headers)
            case "c":
                return Reply(403, f"<html>{said} {token}</html>".encode(), headers)
            case "d":
                return Reply(body=f'{{"access_token":"{token}","sco'.encode(), headers=headers)
            case "e":
                body = {"error": "invalid_scope", "error_description": f"{said} e", "e": token}
                return Reply(400, json.dumps(body).encode(), headers)
        body = {"access_token": token, "scope": f"{asked.scopes or ''} {said} {token}"}
        return Reply(body=json.dumps(body).encode(), headers=headers)

    @property
    def canaries(self):
        found = set(self._spellings)
        for token in (*self.issued, *self.sent):
            found |= {token, base64.b64encode(token.encode()).decode()}
        lines = (line for key in (KEY, LOCKED_KEY) for line in key.splitlines())
        return {*found, *spellings(PASSWORD), *(line for line in lines if len(line) == 64)}


def spellings(secret):
    pair = f"client-id:{secret}"
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        *(base64.b64encode(text.encode()).decode() for text in (secret, pair)),
        base64.urlsafe_b64encode(secret.encode()).decode(),
    }


@pytest.fixture
def audited(tmp_path, method):
    (tmp_path / "client.secret").write_text(SECRET)
    (tmp_path / "client.pem").write_text(KEY)
    (tmp_path / "locked.pem").write_text(LOCKED_KEY)
    echo = Echo(SECRET if method.startswith("client_secret") else "")
    with raw_server(echo) as server:
        text = INPUTS.replace("URL", server.url).replace("METHOD", method.partition(",")[0])
        text = text.replace("TENANT", TENANT)
        inputs = tmp_path / "in"
        inputs.mkdir()
        for name in ("client.secret", "client.pem", "locked.pem"):
            (tmp_path / name).rename(inputs / name)
        (inputs / "clients.toml").write_text(text.replace("CREDENTIALS", METHODS[method]))
        (inputs / "clients.toml").chmod(0o600)
        yield inputs / "clients.toml", echo, server


def not_found(echo, out, *said):
    __tracebackhide__ = True
    files = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    everything = b"\n".join([*(text.encode() for text in said), *files])
    assert b"client-id" in everything
    for word in echo.canaries:
        assert word.encode() not in everything, word


@pytest.mark.parametrize("method", METHODS)
def test_in_logs_formats_and_reports(audited, tmp_path):
    clients, echo, _ = audited
    formats = [word for form in Format for word in ("-f", form)]
    said = []
    for log_format in ("json", "console"):
        log = tmp_path / "out" / f"{log_format}.log"
        (tmp_path / "out").mkdir(exist_ok=True)
        words = ["audit", clients, "-o", tmp_path / "out", *formats, "-vv", "--log-file", log]
        ended = scopeprobe(*words, "--log-format", log_format, env=ENVIRONMENT)
        assert ended.returncode in {1, 3}, ended.stderr
        said += [ended.stdout, ended.stderr]
    for printed in ("table", "json", "markdown"):
        ended = scopeprobe("explain", clients, "c", "--print", printed, "-v", env=ENVIRONMENT)
        said += [ended.stdout, ended.stderr]
    ended = scopeprobe("validate", clients, "--print", "json", env=ENVIRONMENT)
    not_found(echo, tmp_path / "out", *said, ended.stdout, ended.stderr)


@pytest.mark.parametrize("method", METHODS)
def test_in_what_is_told_of_bugs(audited, tmp_path, monkeypatch):
    clients, echo, _ = audited
    each, fields = STRATEGIES["each"], log_lines._fields

    def broken(assignment):
        answers = yield next(each.ask(assignment))
        raise KeyError(assignment, answers, SECRET, echo.issued[-1])

    monkeypatch.setitem(STRATEGIES, "each", replace(each, ask=broken))
    words = ["audit", clients, "-o", tmp_path / "out", "-vv"]
    first = scopeprobe(*words, env=ENVIRONMENT)
    monkeypatch.undo()

    def failing(event):
        return fields(event) if event.name != "run_finished" else 1 / SECRET

    monkeypatch.setattr(log_lines, "_fields", failing)
    second = scopeprobe(*words, env=ENVIRONMENT)
    assert (first.returncode, second.returncode) == (70, 70)
    not_found(echo, tmp_path / "out", first.stderr, second.stderr)


@pytest.mark.system
@pytest.mark.parametrize("method", ["client_secret_post", "private_key_jwt"])
def test_in_what_a_killed_process_leaves(audited, tmp_path):
    clients, echo, server = audited
    process = subprocess.Popen(
        bound(command("audit", clients, "-o", tmp_path / "out", "-vv", "--client-rate", "9/s")),
        env={**os.environ, **ENVIRONMENT},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    while len(server.asked) < 6:
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    stdout, stderr = process.communicate()
    log = (tmp_path / "out/scopeprobe.db-wal").read_bytes()
    assert re.search(rb"client-id|clients", log)
    not_found(echo, tmp_path / "out", stdout, stderr, "client-id")
