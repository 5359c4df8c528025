"""
The whole audit against every real server that the lab plays.

What may be concluded about each cell stands in the manner's `[conclusions]`, written down from what
is known of the server. A single audit covers all of them.
"""

from collections import Counter

import pytest
from fleets_of_real_servers import make_fleet
from harness import lab, rows, scopeprobe

from scopeprobe.lab import real_profiles

OPPOSITE = {"granted": "denied", "ungranted": "granted", "unknown_scope": "granted"}
PACKS = {
    "auth0": "auth0",
    "cognito": "cognito",
    "duende": "duende",
    "genesys": "genesys",
    "hydra": "hydra",
    "google": "google",
    "keycloak": "keycloak",
    "okta-custom": "okta",
    "okta-org": "okta",
    "pingfederate": "pingfederate",
    "salesforce": "salesforce",
    "spotify": "spotify",
    "uber": "uber",
    "zitadel": "zitadel",
}
UNPROVED = {("duende", "none"), ("forgerock", "none")}
"""
Clients that never get a token, on servers that no broken client shows to look at credentials first
(DESIGN, rule 4): an empty request is refused to them as well, so that nothing proves them.
"""
CASES = [(profile, "") for profile in sorted(real_profiles())] + sorted(PACKS.items())
VERDICTS = ("granted", "denied", "unenforced", "unauthenticated", "unknown")


def label(profile, pack):
    return f"{profile}-by-pack" if pack else profile


@pytest.fixture(scope="module", params=["each", "adaptive"])
def audited(request, tmp_path_factory):
    """By one strategy: verdicts by (case, client, scope), and the fleets that they are about."""
    folder = tmp_path_factory.mktemp("manners")
    fleets = {label(profile, pack): (make_fleet(profile), pack) for profile, pack in CASES}
    for name, (fleet, _) in fleets.items():
        fleet.server.name = name
    environment = {}
    with lab([fleet.server for fleet, _ in fleets.values()]) as url:
        text = "".join(
            server_settings(f"{url}/{name}", fleet, pack)
            + client_settings(fleet, folder, environment)
            for name, (fleet, pack) in fleets.items()
        )
        (folder / "clients.toml").write_text(text)
        arguments = ["audit", folder / "clients.toml", "-s", request.param, "-o", folder / "out"]
        result = scopeprobe(*arguments, "--fail-on", "never", env=environment)
    assert result.returncode in (0, 3), result.stderr
    found = {}
    for row in rows(folder / "out" / "permissions.csv"):
        case, _, client = row["client"].partition(".")
        found[case, client, row["scope"]] = row["verdict"], row["reason"]
    return fleets, found


def server_settings(base, fleet, pack):
    encoding = fleet.server.profile.credentials.basic_encoding
    lines = [
        f'[servers."{fleet.server.name}"]',
        f'token_endpoint = "{base}/token"',
        'rate = "500/s"',
        'client_rate = "500/s"',
        f'rate_group = "{fleet.server.name}"',
        f"scopes = {list(fleet.candidates)}",
        f'provider = "{pack or "none"}"',
        f'basic_encoding = "{"raw" if encoding == "raw" else "rfc6749"}"',
    ]
    if pack == "genesys":
        lines.append(f'rights_url = "{base}/api/v2/authorization/subjects/me"')
    return "\n".join(lines) + "\n"


def client_settings(fleet, folder, environment):
    """The clients of a fleet; their secrets go to the environment, their keys to files."""
    lines = []
    for client, entry in fleet.entries.items():
        name = f"{fleet.server.name}.{client}"
        lines += ["[[clients]]", f'name = "{name}"', f'server = "{fleet.server.name}"']
        lines.append(f'client_id = "{entry.client_id}"')
        if entry.key is None:
            variable = f"SECRET_{len(environment)}"
            environment[variable] = entry.secret
            lines.append(f'client_secret = {{ env = "{variable}" }}')
        else:
            (folder / f"{name}.pem").write_bytes(entry.key.as_pem(private=True))
            lines.append(f'private_key = {{ file = "{name}.pem" }}')
        if fleet.server.profile.grants[0] != "client_credentials":
            lines.append('grant_type = "jwt-bearer"')
        else:
            lines.append(f'token_endpoint_auth_method = "{entry.method}"')
        if fleet.target:
            lines += ["[[clients.targets]]", f'audience = "{fleet.target}"']
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("case", [label(*case) for case in CASES])
def test_every_cell_is_what_may_be_concluded(audited, case):
    fleets, found = audited
    fleet, pack = fleets[case]
    profile = fleet.server.profile
    conclusions = profile.conclusions
    if pack == "genesys":
        conclusions = profile.conclusions_by_rights_api
    wrong = {
        (client, scope): (kind, *found[case, client, scope])
        for (client, scope), kind in fleet.kinds.items()
        if found[case, client, scope][0] not in conclusions.of(kind).verdicts
    }
    if unproved := {cell for cell in wrong if (case, cell[0]) in UNPROVED}:
        assert {wrong.pop(cell)[1:] for cell in unproved} == {
            ("unknown", "authentication_unproved")
        }
    assert len(fleet.kinds) == 6 * 20
    assert wrong == {}


def test_no_grant_and_no_denial_is_false(audited):
    fleets, found = audited
    print(f"\n{'server':<32}" + "".join(f"{verdict:>16}" for verdict in VERDICTS))
    false = []
    for case, (fleet, _) in fleets.items():
        counted = Counter(found[case, *cell][0] for cell in fleet.kinds)
        print(f"{case:<32}" + "".join(f"{counted[verdict]:>16}" for verdict in VERDICTS))
        false += [
            (case, *cell, kind, found[case, *cell])
            for cell, kind in fleet.kinds.items()
            if found[case, *cell][0] == OPPOSITE.get(kind)
            or (kind in {"wrong_secret", "unknown_client"} and found[case, *cell][0] == "granted")
        ]
    assert false == []


def test_nobodys_production_is_locked_out(audited):
    fleets, _ = audited
    for case, (fleet, _) in fleets.items():
        for client in ("wrong", "stranger"):
            entry = fleet.entries[client]
            sent = [r for r in fleet.server.received if r.client_id == entry.client_id]
            assert len(sent) <= 3, (case, client)
