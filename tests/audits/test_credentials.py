"""Wrong, unknown, locked and rotated credentials: no lock-outs, no false denials."""

from collections import Counter

import pytest
from harness import (
    Entry,
    Reply,
    lab,
    raw_server,
    reasons,
    rows,
    scopeprobe,
    summary,
    token_body,
    verdicts,
    write_inputs,
)

from scopeprobe.lab import AuthorizationServer, Client, read_profile

SCOPES = [f"s{n:02}" for n in range(60)]
FAST = 'rate = "1000/s"\nclient_rate = "1000/s"'


def audit(tmp_path, server, entries, *options, settings="", scopes=SCOPES, pace=FAST):
    with lab([server]) as url:
        text = f'token_endpoint = "{url}/{server.name}/token"\n{pace}\n{settings}'
        arguments, environment = write_inputs(tmp_path, {server.name: text}, entries, scopes)
        return scopeprobe("audit", *arguments, "-o", tmp_path / "out", *options, env=environment)


@pytest.mark.parametrize("profile", ["strict", "strict-401", "strict-needs-scope", "narrowing"])
def test_a_wrong_secret_is_tried_three_times_at_most_and_never_twice_at_once(tmp_path, profile):
    server = AuthorizationServer(
        "corp", read_profile(profile), [Client("x", "right"), Client("y", "y-right", SCOPES)]
    )
    entries = [Entry("x", "corp", secret="wr0ng-one"), Entry("y", "corp", secret="y-right")]
    result = audit(tmp_path, server, entries, settings="in_flight = 16")
    tried = [received for received in server.received if received.client_id == "x"]
    assert len(tried) <= 3
    assert {reasons(tmp_path / "out")[("x", scope)] for scope in SCOPES} == {"credentials_rejected"}
    assert result.returncode == 1


def test_a_client_unauthenticated_last_night_gets_one_try_tonight(tmp_path):
    server = AuthorizationServer("corp", read_profile("strict"), [Client("x", "right")])
    audit(tmp_path, server, [Entry("x", "corp", secret="wr0ng-one")])
    server.received.clear()
    result = audit(tmp_path, server, [Entry("x", "corp", secret="wr0ng-one")])
    assert len(server.received) == 1
    assert result.returncode == 4


@pytest.mark.parametrize("in_flight", [1, 4, 16])
def test_a_server_that_locks_after_five_failures_locks_no_one(tmp_path, in_flight):
    clients = [Client(f"c{n}", f"right-{n}", SCOPES[n:]) for n in range(4)]
    server = AuthorizationServer("corp", read_profile("locking"), clients, scopes=SCOPES)
    entries = [
        Entry(f"c{n}", "corp", secret=f"right-{n}" if n % 2 else "wr0ng-one") for n in range(4)
    ]
    audit(tmp_path, server, entries, settings=f"in_flight = {in_flight}")
    audit(tmp_path, server, entries, settings=f"in_flight = {in_flight}")
    for client in clients:
        failures = [
            received.status
            for received in server.received
            if received.client_id == client.client_id and received.status == 401
        ]
        assert len(failures) <= 4, client.client_id  # three on the first night, one on the second
    found = verdicts(tmp_path / "out")
    assert {found[("c1", scope)] for scope in SCOPES[1:]} == {"granted"}
    assert {found[("c0", scope)] for scope in SCOPES} == {"unauthenticated"}


def test_two_entries_for_one_client_share_its_tries(tmp_path):
    server = AuthorizationServer("corp", read_profile("locking"), [Client("x", "right", SCOPES)])
    entries = [
        Entry("old", "corp", "x", "wr0ng-one"),
        Entry("older", "corp", "x", "wr0ng-one"),
        Entry("new", "corp", "x", "right"),
    ]
    audit(tmp_path, server, entries)
    assert sum(received.status == 401 for received in server.received) <= 3
    assert verdicts(tmp_path / "out")[("new", "s00")] == "granted"


class RotatesAfter(AuthorizationServer):
    """Gives its only client another secret after so many requests."""

    requests = 0

    def answer(self, message, *, issuer):
        if len(self.received) == self.requests:
            self.rotate("x", "another-s3cret")
        return super().answer(message, issuer=issuer)


@pytest.mark.parametrize("profile", ["strict", "strict-401", "locking", "silent-narrowing"])
@pytest.mark.parametrize("requests", [1, 2, 3, 7, 20, 28, 40, 61])
def test_a_secret_rotated_in_the_middle_of_a_run_denies_nothing_falsely(
    tmp_path, profile, requests
):
    granted = SCOPES[::2]
    server = RotatesAfter(
        "corp", read_profile(profile), [Client("x", "right", granted)], scopes=SCOPES
    )
    server.requests = requests
    result = audit(tmp_path, server, [Entry("x", "corp", secret="right")])
    found = verdicts(tmp_path / "out")
    false = {
        scope: verdict
        for (_, scope), verdict in found.items()
        if verdict == ("denied" if scope in granted else "granted")
    }
    assert false == {}
    assert "unauthenticated" not in found.values()
    assert result.returncode == 3
    if profile == "locking":
        assert sum(received.status == 401 for received in server.received) <= 3


def test_a_server_where_many_clients_fail_is_left_alone(tmp_path):
    """The server's pace leaves each client time for its next try before another has its turn."""
    server = AuthorizationServer("corp", read_profile("strict"), [Client("x", "right", SCOPES)])
    entries = [Entry(f"bad{n:02}", "corp", secret="wr0ng-one") for n in range(30)]
    result = audit(
        tmp_path,
        server,
        entries,
        *("--max-auth-failures-per-server", 5),
        settings="in_flight = 1",
        pace='rate = "10/s"\nclient_rate = "1000/s"',
    )
    failures = Counter(received.client_id for received in server.received)
    assert sum(count == 3 for count in failures.values()) == 5
    assert max(failures.values()) == 3
    assert len(failures) <= 15, "the second half of the fleet was tried"
    assert "endpoint_left_alone" in reasons(tmp_path / "out").values()
    assert result.returncode == 4


def test_the_last_tries_are_spent_on_what_is_expected(tmp_path):
    server = AuthorizationServer(
        "corp",
        read_profile("strict-401-needs-scope"),
        [Client("x", "right", ["s59"])],
        scopes=SCOPES,
    )
    expecting = Entry("x", "corp", secret="right", extra='expect = { granted = ["s59"] }')
    audit(tmp_path, server, [expecting])
    found = verdicts(tmp_path / "out")
    assert [scope for (_, scope), verdict in found.items() if verdict == "granted"] == ["s59"]
    assert summary(tmp_path / "out")["complete"]


def test_a_client_that_failed_last_night_is_found_well_again_on_a_server_that_needs_a_scope(
    tmp_path,
):
    server = AuthorizationServer(
        "corp",
        read_profile("strict-401-needs-scope"),
        [Client("x", "right", ["s07"])],
        scopes=SCOPES,
    )
    expecting = 'expect = { granted = ["s07"] }'
    audit(tmp_path, server, [Entry("x", "corp", secret="wr0ng-one", extra=expecting)])
    assert set(verdicts(tmp_path / "out").values()) == {"unauthenticated"}
    audit(tmp_path, server, [Entry("x", "corp", secret="right", extra=expecting)])
    found = verdicts(tmp_path / "out")
    assert [scope for (_, scope), verdict in found.items() if verdict == "granted"] == ["s07"]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(401, b'{"error":"invalid_client"}', {"Retry-After": "1"}), id="wait"),
        pytest.param(
            Reply(401, b'{"error":"invalid_client","error_description":"try again later"}'),
            id="later",
        ),
        pytest.param(Reply(401, b"<html>no</html>"), id="page"),
        pytest.param(Reply(401, b'{"error":"invalid_client"}', delay=3.0), id="tarpit"),
    ],
)
def test_no_dress_of_a_failure_gets_more_than_three_tries(tmp_path, reply):
    with raw_server(lambda _asked: reply) as server:
        settings = f'token_endpoint = "{server.url}/t"\n{FAST}\ntimeout = "1s"'
        arguments, environment = write_inputs(tmp_path, {"s": settings}, [Entry("c", "s")], SCOPES)
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    assert len(server.asked) <= 3
    assert not {"granted", "denied"} & set(verdicts(tmp_path / "out").values())


def test_two_audiences_share_the_tries_of_their_client(tmp_path):
    def fails_for_the_second(asked):
        if "second" in asked.form:
            return Reply(401, b'{"error":"invalid_client"}')
        return Reply(body=token_body(scope=asked.scopes or ""))

    with raw_server(fails_for_the_second) as server:
        settings = f'token_endpoint = "{server.url}/t"\n{FAST}'
        extra = (
            '[[clients.targets]]\naudience = "first"\n[[clients.targets]]\naudience = "second"\n'
        )
        entries = [Entry("c", "s", extra=extra)]
        arguments, environment = write_inputs(tmp_path, {"s": settings}, entries, SCOPES)
        result = scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    assert result.returncode == 0, result.stderr
    assert sum("second" in asked.form for asked in server.asked) <= 3
    found = {(r["audience"], r["reason"]) for r in rows(tmp_path / "out" / "permissions.csv")}
    assert found == {("first", "canary_issued"), ("second", "authentication_unproved")}
