"""A small fleet whose truth changes from night to night, audited as cron would."""

import base64

from harness import Entry, Reply, scopeprobe, summary, token_body, write_inputs

SCOPES = ["a.read", "a.write", "b.read", "b.write"]


class Fleet:
    """Two servers of the test's own, whose truth changes from night to night."""

    def __init__(self, folder):
        self.folder, self.out = folder, folder / "out"
        self.granted = {"one": {"a.read", "a.write"}, "two": {"a.read"}, "three": {"b.read"}}
        self.secrets = dict.fromkeys(self.granted, "s3cret-of-nobody")
        self.down = set()
        self.extra = dict.fromkeys(self.granted, "")

    def __call__(self, asked):
        basic = asked.client.removeprefix("Basic ")
        name, _, secret = base64.b64decode(basic).decode().partition(":")
        if asked.path.strip("/") in self.down:
            return Reply(503, b"down")
        if self.secrets.get(name) != secret:
            return Reply(401, b'{"error":"invalid_client"}')
        wanted = (asked.scopes or "").split()
        if not self.granted[name].issuperset(wanted):
            return Reply(400, b'{"error":"invalid_scope"}')
        return Reply(body=token_body(scope=" ".join(wanted)))

    def night(self, *options, strategy="each", codes=(0,)):
        servers = {
            name: f'token_endpoint = "{self.url}/{name}"\nrate = "900/s"\nclient_rate = "900/s"\n'
            "retries = 0"
            for name in ("east", "west")
        }
        entries = [
            Entry(name, "west" if name == "three" else "east", extra=self.extra[name])
            for name in self.extra
        ]
        arguments, environment = write_inputs(self.folder, servers, entries, SCOPES)
        result = scopeprobe(
            "audit", *arguments, "-s", strategy, "-o", self.out, "--max-pause", "1s", *options,
            env=environment,
        )  # fmt: skip
        assert result.returncode in codes, (result.returncode, result.stderr)
        return result

    def cells(self):
        return [(f["kind"], f["client"], f["scope"]) for f in summary(self.out)["findings"]]
