"""Nothing secret anywhere, and nothing that a server sends is acted upon."""

import base64
import stat
from urllib.parse import quote, quote_plus

import pytest
from harness import Entry, Reply, raw_server, rows, scopeprobe, write_inputs

SECRET = "Tr0ub4dor & 3/+=%ä"
FAST = 'rate = "500/s"\nclient_rate = "500/s"'


def spellings(client_id, secret):
    pairs = [f"{client_id}:{secret}", f"{quote(client_id)}:{quote(secret, safe='')}"]
    return [
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        *(base64.b64encode(pair.encode()).decode() for pair in pairs),
    ]


def everything_written(folder):
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_no_secret_and_no_token_is_in_any_file_or_output(tmp_path, method):
    issued = []

    def echoing(asked):
        """Says back all that it was sent, in every member that a client might keep."""
        said = f"{asked.headers} {SECRET} {quote(SECRET, safe='')} {spellings('c0', SECRET)}"
        if asked.scopes in {"refused", "html"}:
            body = {"error": SECRET, "error_description": said, "message": said}
            import json  # noqa: PLC0415

            return Reply(400, json.dumps(body).encode())
        if asked.scopes == "cut":
            issued.append(f"token-{len(issued)}-of-nobody")
            return Reply(body=f'{{"access_token":"{issued[-1]}","sc'.encode())
        if asked.scopes == "form":
            issued.append(f"token-{len(issued)}-of-nobody")
            return Reply(body=f"access_token={issued[-1]}&token_type=bearer".encode())
        issued.append(f"token-{len(issued)}-of-nobody")
        scope = f"{asked.scopes} {issued[-1]} {quote(SECRET, safe='')}"
        return Reply(body=f'{{"access_token":"{issued[-1]}","scope":"{scope}"}}'.encode())

    with raw_server(echoing) as server:
        arguments, environment = write_inputs(
            tmp_path / ".." / tmp_path.name,
            {"s": f'token_endpoint = "{server.url}/t"\n{FAST}\nretries = 1'},
            [Entry("c0", "s", secret=SECRET, method=method)],
            ["a", "b", "refused", "cut", "form"],
        )
        out = tmp_path / "out"
        result = scopeprobe(
            "audit",
            *arguments,
            "-o",
            out,
            "-vv",
            "--log-file",
            out.parent / "log.jsonl",
            "--print",
            "json",
            env=environment,
        )
        table = scopeprobe("validate", *arguments, env=environment)
        more = scopeprobe("audit", *arguments, "-o", out, "--print", "table", env=environment)
    written = everything_written(out) + (tmp_path / "log.jsonl").read_bytes()
    for process in (result, table, more):
        written += process.stdout.encode() + process.stderr.encode()
    assert b"refused" in written
    assert len(issued) > 5
    for word in (*spellings("c0", SECRET), *issued):
        assert word.encode() not in written, word


def test_the_folder_is_private_and_so_is_every_file(tmp_path):
    (tmp_path / "out").mkdir(mode=0o755)
    with raw_server() as server:
        arguments, environment = write_inputs(
            tmp_path, {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}, [Entry("c", "s")], ["a"]
        )
        scopeprobe(
            "audit",
            *arguments,
            "-o",
            tmp_path / "out",
            "--log-file",
            tmp_path / "out" / "log",
            env=environment,
        )
    modes = {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    }
    assert {
        name: mode for name, mode in modes.items() if "." not in name and "log" not in name
    } == {
        "out": 0o700,
        "out/clients": 0o700,
    }
    files = {name: mode for name, mode in modes.items() if "." in name or name == "out/log"}
    assert set(files.values()) == {0o600}
    assert "out/permissions.csv" in files


def test_what_a_server_sends_is_inert_in_a_spreadsheet_and_on_a_terminal(tmp_path):
    hostile = '=cmd|\\"/c calc\\"!A1'

    def attacks(asked):
        if asked.scopes == "b":
            said = (
                r'{"error":"@SUM(1)","error_description":"\u001b]0;pwned\u0007\u202e=1+1\r\nmore"}'
            )
            return Reply(400, said.encode())
        scope = f"{asked.scopes or ''} {hostile} -2+3 \\u001b[31mred"
        return Reply(body=f'{{"access_token":"t","scope":"{scope}"}}'.encode())

    with raw_server(attacks) as server:
        arguments, environment = write_inputs(
            tmp_path,
            {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'},
            [Entry("c", "s")],
            ["a", "b"],
        )
        result = scopeprobe(
            "audit", *arguments, "-o", tmp_path / "out", "--print", "table", "-vv", env=environment
        )
    for name in ("permissions.csv", "matrix.csv", "clients/c.csv"):
        text = (tmp_path / "out" / name).read_text()
        assert "\x1b" not in text
        assert "\u202e" not in text
        for row in rows(tmp_path / "out" / name):
            for cell in (*row, *row.values()):
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
    assert "\x1b" not in result.stdout
    assert "\x1b" not in result.stderr
    (refused,) = [row for row in rows(tmp_path / "out" / "permissions.csv") if row["scope"] == "b"]
    assert refused["error"] == "'@SUM(1)"
    assert refused["error_description"] == "]0;pwned=1+1"
