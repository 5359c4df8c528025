"""Audits that take a while: a server that lists or refuses at once, and inputs of many clients."""

from harness import Entry, Reply, token_body, write_inputs

SCOPES = [f"s{n:02}" for n in range(20)]


def strict(asked):
    """Refuses every third scope, the canary, and sets with one of them; lists the rest."""
    scopes = (asked.scopes or "").split()
    if any(scope not in SCOPES or int(scope[1:]) % 3 == 0 for scope in scopes):
        return Reply(400, b'{"error":"invalid_scope"}', delay=0.004)
    return Reply(body=token_body(scope=asked.scopes or ""), delay=0.004)


def inputs(folder, server, clients, *, scopes=SCOPES, rate="400/s", servers=2, more=""):
    folder.mkdir(exist_ok=True)
    settings = {
        f"srv{n}": f'token_endpoint = "{server.url}/{n}"\nrate_group = "g{n}"\n'
        f'rate = "{rate}"\nclient_rate = "{rate}"\n{more}'
        for n in range(servers)
    }
    entries = [Entry(f"c{n:03}", f"srv{n % servers}") for n in range(clients)]
    arguments, environment = write_inputs(folder, settings, entries, scopes)
    return ["audit", *arguments, "-o", folder / "out", "--yes"], environment
