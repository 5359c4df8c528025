"""`--revoke`: every token is given back, and nobody else's is."""

from harness import Entry, lab, scopeprobe, summary, verdicts, write_inputs

from scopeprobe.lab import AuthorizationServer, Client, read_profile

FAST = 'rate = "500/s"\nclient_rate = "500/s"'
KNOWN = [f"orders.{number}" for number in range(12)]


def corp(profile="strict", **token):
    clients = [Client(name, f"{name}-s3cret", KNOWN[:8]) for name in ("one", "two")]
    changes = {"token": token} if token else None
    return AuthorizationServer("corp", read_profile(profile, changes), clients, scopes=KNOWN)


def inputs(tmp_path, url, settings=FAST, names=("one", "two")):
    text = f'token_endpoint = "{url}/corp/token"\nrevocation_endpoint = "{url}/corp/revoke"\n'
    entries = [Entry(name, "corp", secret=f"{name}-s3cret") for name in names]
    return write_inputs(tmp_path, {"corp": text + settings}, entries, KNOWN)


def test_every_issued_token_is_revoked_and_counted(tmp_path):
    server = corp()
    with lab([server]) as url:
        arguments, secrets = inputs(tmp_path, url)
        scopeprobe("audit", *arguments, "--revoke", "-o", tmp_path / "out", env=secrets)
    told = summary(tmp_path / "out")
    assert (
        server.token_store.counts["revoked"]
        == server.token_store.counts["issued"]
        == told["tokens"]
    )
    assert told["revocations"] == told["tokens"]
    assert told["requests"] == len(server.received)
    assert told["tokens_left_alive"] == 0
    assert set(verdicts(tmp_path / "out").values()) == {"granted", "denied"}


def test_nothing_is_revoked_where_tokens_are_shared(tmp_path):
    server = corp(shared=True)
    with lab([server]) as url:
        arguments, secrets = inputs(tmp_path, url)
        result = scopeprobe("audit", *arguments, "--revoke", "-o", tmp_path / "out", env=secrets)
    assert server.token_store.counts["revoked"] == 0
    assert summary(tmp_path / "out")["shared_tokens"] == ["corp"]
    assert "nothing was revoked on corp" in " ".join(result.stderr.split())


def test_a_token_that_was_issued_before_it_was_asked_for_is_nobodys_to_revoke(tmp_path):
    server = corp(claims={"iat": 1_700_000_000})
    with lab([server]) as url:
        arguments, secrets = inputs(tmp_path, url)
        scopeprobe("audit", *arguments, "--revoke", "-o", tmp_path / "out", env=secrets)
    assert server.token_store.counts["revoked"] == 0
    assert summary(tmp_path / "out")["shared_tokens"] == ["corp"]


def test_without_the_option_no_token_is_touched(tmp_path):
    server = corp()
    with lab([server]) as url:
        arguments, secrets = inputs(tmp_path, url)
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=secrets)
    assert server.token_store.counts["revoked"] == 0
    assert summary(tmp_path / "out")["revocations"] == 0


def test_a_token_that_cannot_be_revoked_is_said_to_live(tmp_path):
    server = corp()
    with lab([server]) as url:
        arguments, secrets = inputs(tmp_path, url, FAST + "\nretries = 0")
        text = arguments[0].read_text().replace("/corp/revoke", "/nowhere/revoke")
        arguments[0].write_text(text)
        result = scopeprobe("audit", *arguments, "--revoke", "-o", tmp_path / "out", env=secrets)
    told = summary(tmp_path / "out")
    assert told["tokens_left_alive"] == told["tokens"] - 0 > 0
    assert "could not be revoked" in " ".join(result.stderr.split())
