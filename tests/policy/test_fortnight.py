"""A fortnight on the lab: every night's exit code, findings and differences, as foreseen."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from harness import Entry, lab, maps, scopeprobe, summary, write_inputs

from scopeprobe.lab import AuthorizationServer, read_profile
from scopeprobe.lab.clients import Client
from scopeprobe.lab.fleet import ClientTable, ServerTable, build_server

SCOPES = ["a.read", "a.write", "b.read", "b.write"]
TODAY = datetime.now(UTC).date()
FAIL_ON = "missing,excess,changed,unauthenticated,stale_waiver"
SECRET = "s3cret-of-nobody"
THROTTLE = {
    "requests": 3, "seconds": 1.0, "per": "server", "headers": {},
    "refusal": {"status": 429, "headers": {"Retry-After": "1"}},
}  # fmt: skip


@dataclass
class Fortnight:
    """The truth on the lab, and what cron runs."""

    folder: object
    base: str
    clients: dict[str, Client]
    gone: set[str] = field(default_factory=set)
    down: set[str] = field(default_factory=set)
    runs: list[str] = field(default_factory=list)

    @property
    def out(self):
        return self.folder / "out"

    @property
    def baseline(self):
        return self.out / "baseline.toml"

    def night(self):
        """The exit code, the findings, and what differs from the run before."""
        pace = 'rate = "900/s"\nclient_rate = "900/s"\nretries = 0'
        servers = {}
        for name in ("east", "west", "slow"):
            base = "http://127.0.0.1:9" if name in self.down else self.base
            servers[name] = f'token_endpoint = "{base}/{name}/token"\n{pace}'
        servers_by_name = {"three": "west", "five": "slow"}
        entries = [
            Entry(name, servers_by_name.get(name, "east"))
            for name in self.clients
            if name not in self.gone
        ]
        words, environment = write_inputs(self.folder, servers, entries, SCOPES)
        options = ["-o", self.out, "--previous", "last", "--fail-on", FAIL_ON, "--max-pause", "1s"]
        if self.baseline.exists():
            options += ["--baseline", self.baseline]
        result = scopeprobe("audit", *words, *options, env=environment)
        self.runs.append(summary(self.out)["run"])
        found = [(f["kind"], f["client"], f["scope"]) for f in summary(self.out)["findings"]]
        return result.returncode, found, self.difference()

    def difference(self):
        if len(self.runs) == 1:
            return {}
        words = ("diff", *self.runs[-2:], "-o", self.out, "--print", "json")
        told = json.loads(scopeprobe(*words).stdout)
        lists = {
            kind: [(one["client"], one["scope"]) for one in told[kind]]
            for kind in ("gained", "lost")
        }
        found = {kind: cells for kind, cells in lists.items() if cells}
        return found | ({"gone": told["gone_clients"]} if told["gone_clients"] else {})

    def accept(self):
        written = scopeprobe("baseline", "write", "-o", self.out)
        assert written.returncode == 0, written.stderr

    def waive(self, until):
        """Somebody answers for what `two` may write."""
        text = self.baseline.read_text()
        kept = text.partition("# waived\n")[0].rstrip() + "\n\n# waived\n"
        self.baseline.write_text(
            f'{kept}[[waivers]]\nclient = "two"\nscope = "a.write"\nkind = "excess"\n'
            f'owner = "ann"\nreason = "migration"\nexpires = {until}\n'
        )


@pytest.fixture
def fortnight(tmp_path):
    granted = {
        "one": ["a.read", "a.write"], "two": ["a.read"], "three": ["b.read"], "four": ["a.read"],
        "five": ["a.read"],
    }  # fmt: skip
    clients = {name: Client(name, SECRET, scopes) for name, scopes in granted.items()}
    east = AuthorizationServer(
        "east", read_profile("strict"), [clients[n] for n in ("one", "two", "four")], scopes=SCOPES
    )
    west = AuthorizationServer("west", read_profile("strict"), [clients["three"]], scopes=SCOPES)
    five = ClientTable(client_id="five", client_secret=SECRET, granted=tuple(granted["five"]))
    table = ServerTable(
        "strict", scopes=tuple(SCOPES), clients=(five,), override={"throttle": THROTTLE}
    )
    slow = build_server("slow", table, place="slow")
    with lab([east, west, slow]) as base:
        yield Fortnight(tmp_path, base, clients)


def test_every_night_is_as_foreseen(fortnight):
    nights, clients = fortnight, fortnight.clients
    assert nights.night() == (0, [], {})  # the first: nothing to compare with
    nights.accept()
    assert nights.night() == (0, [], {})  # nothing happened
    (slow,) = [s for s in summary(nights.out)["servers"] if s["name"] == "slow"]
    assert slow["throttled"] > 0
    files = maps(nights.out)

    clients["two"].granted.append("b.read")  # a grant added
    more = [("excess", "two", "b.read"), ("changed", "two", "b.read")]
    assert nights.night() == (1, more, {"gained": [("two", "b.read")]})
    assert nights.night() == (1, more[:1], {})  # still there, and no longer new
    nights.accept()
    assert nights.night() == (0, [], {})

    clients["one"].granted.remove("a.write")  # a grant revoked
    less = [("missing", "one", "a.write"), ("changed", "one", "a.write")]
    assert nights.night() == (1, less, {"lost": [("one", "a.write")]})
    nights.accept()
    assert nights.night() == (0, [], {})

    clients["four"].client_secret = "rotated"  # a secret rotated
    assert nights.night() == (1, [("unauthenticated", "four", "")], {})
    clients["four"].client_secret = SECRET
    assert nights.night() == (0, [], {})

    nights.down.add("west")  # a server down, and a revocation behind it
    clients["three"].granted.remove("b.read")
    assert nights.night() == (3, [], {})
    nights.down.clear()
    lost = [("missing", "three", "b.read"), ("changed", "three", "b.read")]
    assert nights.night() == (1, lost, {"lost": [("three", "b.read")]})
    nights.accept()

    nights.gone.add("four")  # a client gone
    assert nights.night() == (0, [], {"gone": ["four"]})

    clients["two"].granted.append("a.write")  # a grant that somebody answers for
    nights.waive(TODAY + timedelta(days=9))
    assert nights.night() == (1, [("changed", "two", "a.write")], {"gained": [("two", "a.write")]})
    nights.waive(TODAY - timedelta(days=1))  # until that expires
    expired = [("excess", "two", "a.write"), ("stale_waiver", "two", "a.write")]
    assert nights.night() == (1, expired, {})

    assert len(nights.runs) == 14
    assert maps(nights.out) != files
