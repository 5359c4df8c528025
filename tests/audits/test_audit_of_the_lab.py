"""The whole audit against every manner of the lab: the map is the truth, in every cell."""

import math

import pytest
from harness import Entry, lab, reasons, rows, scopeprobe, summary, verdicts, write_inputs

from scopeprobe.lab import AuthorizationServer, Client, abstract_profiles, read_profile

KNOWN = [f"orders.{verb}" for verb in ("read", "write", "delete", "list", "export", "audit")]
CANDIDATES = [*KNOWN, "invoices.raed"]
GRANTS = {
    "all": KNOWN,
    "some": ["orders.write", "orders.audit"],
    "one": ["orders.list"],
    "none": [],
}
FAST = 'rate = "500/s"\nclient_rate = "500/s"'


def playing(profile):
    """A server of that manner with the fleet's clients; it knows all but one of the candidates."""
    clients = [Client(name, f"{name}-s3cret", list(granted)) for name, granted in GRANTS.items()]
    clients.append(Client("wrong", "the-right-s3cret", ["orders.read"]))
    return AuthorizationServer("corp", read_profile(profile), clients, scopes=KNOWN)


def audit(tmp_path, profile, strategy="each"):
    server = playing(profile)
    entries = [Entry(name, "corp", secret=f"{name}-s3cret") for name in GRANTS]
    entries += [Entry("wrong", "corp"), Entry("stranger", "corp")]
    with lab([server]) as url:
        settings = f'token_endpoint = "{url}/corp/token"\n{FAST}'
        arguments, environment = write_inputs(tmp_path, {"corp": settings}, entries, CANDIDATES)
        result = scopeprobe(
            "audit", *arguments, "-s", strategy, "-o", tmp_path / "out", env=environment
        )
    assert result.returncode == 1, result.stderr
    return server, tmp_path / "out"


def truth():
    cells = {
        (client, scope): "granted" if scope in granted else "denied"
        for client, granted in GRANTS.items()
        for scope in CANDIDATES
    }
    return cells | dict.fromkeys(
        [(client, scope) for client in ("wrong", "stranger") for scope in CANDIDATES],
        "unauthenticated",
    )


def expected(profile):
    if profile.startswith("ignoring"):
        return truth() | {(c, s): "unenforced" for c in GRANTS for s in CANDIDATES}
    if profile == "strict-401-needs-scope":
        # Nothing these two may have is among their first tries, and no token proves them.
        unproved = [(c, s) for c in ("none", "one") for s in CANDIDATES]
        return truth() | dict.fromkeys(unproved, "unknown")
    return truth()


@pytest.mark.parametrize("strategy", ["each", "adaptive"])
@pytest.mark.parametrize("profile", sorted(abstract_profiles()))
def test_the_map_is_the_truth(tmp_path, profile, strategy):
    _, out = audit(tmp_path, profile, strategy)
    assert verdicts(out) == expected(profile)


def closing_controls(refused):
    return math.ceil(refused / 25)


@pytest.mark.parametrize(
    ("profile", "withholds_by_refusing"),
    [
        pytest.param("strict", True, id="strict"),
        pytest.param("naming", True, id="naming"),
        pytest.param("narrowing", False, id="narrowing"),
        pytest.param("ignoring-silent", False, id="ignoring-silent"),
    ],
)
def test_a_client_costs_its_candidates_two_controls_and_the_closing_ones(
    tmp_path, profile, withholds_by_refusing
):
    server, out = audit(tmp_path, profile)
    for client, granted in GRANTS.items():
        refused = len(CANDIDATES) - len(granted) if withholds_by_refusing else 0
        beside_the_canary = withholds_by_refusing and bool(granted)
        sent = [received for received in server.received if received.client_id == client]
        controls = 2 + beside_the_canary + closing_controls(refused)
        assert len(sent) == len(CANDIDATES) + controls
    counted = {client["name"]: client["requests"] for client in summary(out)["clients"]}
    assert counted["some"] == sum(received.client_id == "some" for received in server.received)


def test_refusals_that_may_be_failures_cost_a_success_for_every_two_of_them(tmp_path):
    """The canary's is met twice, as its code does not say that it is the scope; and in a set."""
    server, _ = audit(tmp_path, "strict-401")
    for client, granted in GRANTS.items():
        refused = len(CANDIDATES) - len(granted)
        sent = [received for received in server.received if received.client_id == client]
        assert len(sent) <= len(CANDIDATES) + 2 + 2 + math.ceil((refused + 3) / 2)


def test_a_401_for_one_scope_is_that_scope_denied_and_no_broken_credential(tmp_path):
    _, out = audit(tmp_path, "strict-401")
    denied = next(
        row
        for row in rows(out / "permissions.csv")
        if (row["client"], row["scope"]) == ("all", "invoices.raed")
    )
    assert denied == {
        "client": "all",
        "client_id": "all",
        "audience": "",
        "scope": "invoices.raed",
        "verdict": "denied",
        "reason": "refused_alone",
        "evidence": "alone",
        "http_status": "401",
        "error": "invalid_client",
        "error_description": "Client authentication failed.",
        "limited_to": "",
    }


def test_many_scopes_answered_401_in_a_row_lock_no_client_out(tmp_path):
    scopes = [f"s{n:02}" for n in range(60)]
    server = AuthorizationServer(
        "corp", read_profile("strict-401"), [Client("x", "x-s3cret", ["s59"])], scopes=scopes
    )
    with lab([server]) as url:
        settings = f'token_endpoint = "{url}/corp/token"\n{FAST}'
        arguments, environment = write_inputs(
            tmp_path, {"corp": settings}, [Entry("x", "corp", secret="x-s3cret")], scopes
        )
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    found = verdicts(tmp_path / "out")
    assert [scope for (_, scope), verdict in found.items() if verdict == "granted"] == ["s59"]
    assert set(found.values()) == {"granted", "denied"}
    # With the canary's 60 refusals, a repeated success after every second one; then the canary
    # beside what is listed, and once more, and a repeated success behind it.
    assert len(server.received) == 60 + 2 + 30 + 1 + 2


@pytest.mark.parametrize(
    ("absent_scope", "reason"),
    [
        pytest.param("", "unconfirmed", id="nothing-is-called-granted"),
        pytest.param('absent_scope = "as_requested"', "accepted_alone", id="unless-the-user-says"),
    ],
)
def test_where_nothing_lists_and_nothing_differs(tmp_path, absent_scope, reason):
    server = AuthorizationServer(
        "corp", read_profile("strict-unlisted"), [Client("x", "x-s3cret", KNOWN)], scopes=KNOWN
    )
    with lab([server]) as url:
        settings = f'token_endpoint = "{url}/corp/token"\n{FAST}\n{absent_scope}'
        entries = [Entry("x", "corp", secret="x-s3cret")]
        arguments, environment = write_inputs(tmp_path, {"corp": settings}, entries, KNOWN)
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    assert set(reasons(tmp_path / "out").values()) == {reason}
