"""A fleet as real ones are: 60 clients, 80 scopes, 5 servers, and nights of different luck."""

import base64

from harness import Entry, Reply, free_port, token_body, write_inputs

AREAS = ("orders", "invoices", "users", "reports", "catalog", "stock", "prices", "returns")
PARTS = ("eu", "us", "asia", "global", "archive")
SCOPES = [
    f"{area}.{part}.{right}" for area in AREAS for part in PARTS for right in ("read", "write")
]
SERVERS = ("kc", "okta-prod", "entra", "legacy-sso", "genesys-eu")
BROKEN, DEAD = "crm-07", "legacy-sso"
"""The client whose secret was rotated, and the server that is not there."""


def names():
    yield from (f"crm-{n:02}" for n in range(20))
    for place in ("eu-west", "us-east"):
        yield from (f"billing-service-production-{place}-{n}" for n in range(10))
    yield from (f"reporting-job-{n:02}" for n in range(20))


class BigNight:
    """One server process plays five; clients are granted what is read, and no write."""

    def __init__(self, folder, *, is_bad=False):
        self.folder, self.out, self.is_bad = folder, folder / "out", is_bad

    def __call__(self, asked):
        basic = asked.client.removeprefix("Basic ")
        name = base64.b64decode(basic).decode().partition(":")[0]
        if self.is_bad and name == BROKEN:
            return Reply(401, b'{"error":"invalid_client","error_description":"Unknown key"}')
        wanted = (asked.scopes or "").split()
        granted = {scope for scope in SCOPES if scope.endswith("read")}
        if self.is_bad and name == "reporting-job-05":
            granted = granted - {"orders.eu.read"} | {"prices.global.write"}
        if not granted.issuperset(wanted):
            return Reply(400, b'{"error":"invalid_scope"}')
        return Reply(body=token_body(scope=" ".join(wanted)))

    def words(self, url):
        """The command line of an audit of it, and the environment with the secrets."""
        dead = f"http://127.0.0.1:{free_port()}"
        settings = {
            name: f'token_endpoint = "{dead if self.is_bad and name == DEAD else url}/{name}"\n'
            'rate = "5000/s"\nclient_rate = "5000/s"\nin_flight = 60'
            for name in SERVERS
        }
        expect = 'expect = { granted = ["*.read"], denied = ["*.write"] }\nowner = "team-x"'
        entries = [
            Entry(name, SERVERS[n % len(SERVERS)], secret=f"secret-{n}", extra=expect)
            for n, name in enumerate(names())
        ]
        arguments, environment = write_inputs(self.folder, settings, entries, SCOPES)
        where = ("-o", self.out, "--max-pause", "2s", "--yes")
        return ("audit", *arguments, *where), environment
