"""Provider packs: what they fill in, what they may not, and packs of one's own."""

from pathlib import Path

import pytest
from harness import scopeprobe

from scopeprobe.errors import InputError
from scopeprobe.inputs import read_clients
from scopeprobe.model.provider import Verify, pack_of
from scopeprobe.model.rate import Rate
from scopeprobe.providers import read_packs, shipped_packs

CLIENT = """
[[clients]]
name = "one"
server = "s"
client_id = "id-of-one"
client_secret = { env = "SECRET" }
scopes = ["a"]
"""


def server_of(tmp_path: Path, settings: str, **options):
    (tmp_path / "clients.toml").write_text(f"[servers.s]\n{settings}\n{CLIENT}")
    fleet = read_clients([tmp_path / "clients.toml"], environment={"SECRET": "x"}, **options)
    return fleet.clients[0].server


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("https://login.mypurecloud.ie/oauth/token", "genesys"),
        ("https://login.use2.us-gov-pure.cloud/oauth/token", "genesys"),
        ("https://login.microsoftonline.com/t/oauth2/v2.0/token", "entra"),
        ("https://corp.eu.auth0.com/oauth/token", "auth0"),
        ("https://corp.okta.com/oauth2/default/v1/token", "okta"),
        ("https://corp.auth.eu-west-1.amazoncognito.com/oauth2/token", "cognito"),
        ("https://oauth2.googleapis.com/token", "google"),
        ("https://corp.my.salesforce.com/services/oauth2/token", "salesforce"),
        ("https://corp.projects.oryapis.com/oauth2/token", "hydra"),
        ("https://corp.zitadel.cloud/oauth/v2/token", "zitadel"),
        ("https://accounts.spotify.com/api/token", "spotify"),
        ("https://auth.uber.com/oauth/v2/token", "uber"),
        ("https://login.mypurecloud.ie.evil.example/oauth/token", None),
        ("https://evilokta.com/token", None),
        ("https://login.corp.example/token", None),
    ],
)
def test_a_pack_is_chosen_by_the_token_host(endpoint, name):
    pack = pack_of(endpoint, shipped_packs())
    assert (pack and pack.name) == name


def test_genesys_has_eighteen_regions_and_each_has_its_endpoints(tmp_path):
    (genesys,) = (pack for pack in shipped_packs() if pack.name == "genesys")
    assert len(genesys.regions) == 18
    for region in genesys.regions:
        server = server_of(tmp_path, f'provider = "genesys"\nregion = "{region}"')
        assert server.endpoints.token == f"https://login.{region}/oauth/token"
        assert server.traits.rights.url.startswith(f"https://api.{region}/api/v2/authorization/")
        bearer_url = f"https://api.{region}/api/v2/tokens/me?preserveIdleTTL=true"
        assert server.traits.rights.bearer_url == bearer_url
        roles_url = f"https://api.{region}/api/v2/authorization/roles/{{id}}?userCount=false"
        assert server.traits.rights.roles.url == roles_url
        assert server.endpoints.revocation == f"https://api.{region}/api/v2/tokens/me"
        assert (server.traits.verify, server.traits.send_scope) == (Verify.API, False)


def test_a_known_host_tells_its_region(tmp_path):
    server = server_of(tmp_path, 'token_endpoint = "https://login.mypurecloud.de/oauth/token"')
    assert (server.provider, server.region) == ("genesys", "mypurecloud.de")


def test_provider_none_forbids_the_pack(tmp_path):
    endpoint = 'token_endpoint = "https://login.mypurecloud.de/oauth/token"'
    server = server_of(tmp_path, f'{endpoint}\nprovider = "none"')
    assert (server.provider, server.traits.send_scope) == ("", True)


def test_the_file_goes_before_the_pack_and_the_command_line_only_lowers_its_rate(tmp_path):
    uber = 'token_endpoint = "https://auth.uber.com/oauth/v2/token"'
    server = server_of(tmp_path, uber)
    assert server.limits.spendable_client_rates == (Rate(50, 3600),)
    server = server_of(tmp_path, f'{uber}\nclient_rate = "20/h"')
    assert server.limits.spendable_client_rates == (Rate(20, 3600),)
    server = server_of(tmp_path, f"{uber}\nreserve = 0.9")
    assert server.limits.spendable_client_rates == (Rate(10, 3600),)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('provider = "genesis"', "none of the provider packs"),
        ('provider = "genesys"\nregion = "mypurecloud.fr"', "mypurecloud.ie"),
        ('provider = "genesys"', "token_endpoint"),
        ('token_endpoint = "https://x.example/t"\nregion = "eu"', "name a provider"),
        ('provider = "genesys"\ntoken_endpoint = "https://x.example/t"', "rights_url"),
        ('token_endpoint = "https://x.example/t"\nreserve = 1.5', "reserve"),
    ],
)
def test_what_no_pack_can_make_sense_of_is_refused_with_its_place(tmp_path, settings, words):
    with pytest.raises(InputError) as refused:
        server_of(tmp_path, settings)
    assert any(words in text and "servers.s" in text for text in refused.value.messages)


def test_a_region_that_nobody_knows_is_answered_with_all_there_are(tmp_path):
    with pytest.raises(InputError) as refused:
        server_of(tmp_path, 'provider = "genesys"\nregion = "mypurecloud.fr"')
    regions = next(pack for pack in shipped_packs() if pack.name == "genesys").regions
    named = f"is none of Genesys Cloud's: {', '.join(regions)} (or give its token_endpoint)"
    [said] = refused.value.messages
    assert said.endswith(f'servers.s.region "mypurecloud.fr": {named}')


def test_a_pack_of_ones_own_goes_before_the_shipped_ones(tmp_path):
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "corp.toml").write_text(
        'title = "Corp"\nmap_from = "the answer"\nhosts = ["*.corp.example"]\n'
        'client_rate = ["10/8h"]\nreserve = 0.5\nabsent_scope = "as_requested"\n'
    )
    endpoint = 'token_endpoint = "https://login.corp.example/t"'
    server = server_of(tmp_path, endpoint, packs=read_packs([packs]))
    assert (server.provider, server.traits.absent_scope) == ("corp", "as_requested")
    assert server.limits.spendable_client_rates == (Rate(5, 8 * 3600),)
    shown = scopeprobe("providers", "--providers", packs, "--print", "json")
    assert shown.returncode == 0
    assert '"corp"' in shown.stdout
    assert '"genesys"' in shown.stdout


ROLES = """
title = "C"
map_from = "x"
[rights]
url = "https://x.example/me"
each = "{each}"
name = "{{area}}:{{action}}"
[rights.roles]
url = "{url}"
each = "has[]"
members = {members}
"""


@pytest.mark.parametrize(
    ("each", "url", "members", "words"),
    [
        ("roles[].has[]", "https://x.example/{id}", '{ area = "a", action = "b" }', ""),
        ("has[]", "https://x.example/{id}", '{ area = "a", action = "b" }', "no role"),
        ("roles[].has[]", "https://x.example/role", '{ area = "a", action = "b" }', "{id}"),
        ("roles[].has[]", "http://x.example/{id}", '{ area = "a", action = "b" }', "https"),
        ("roles[].has[]", "https://x.example/{id}/{x}", '{ area = "a" }', "{x}"),
        ("roles[].has[]", "https://x.example/{id}", '{ area = "a" }', "lacks action"),
        ("roles[].has[]", "https://x.example/{id}", "{}\nspeed = 1", "speed"),
    ],
)
def test_roles_that_no_right_could_be_made_of_are_an_input_error(
    tmp_path, each, url, members, words
):
    text = ROLES.format(each=each, url=url, members=members)
    (tmp_path / "corp.toml").write_text(text)
    result = scopeprobe("providers", "--providers", tmp_path)
    assert result.returncode == (2 if words else 0)
    assert words in result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title = 1", "title"),
        ('title = "C"\nmap_from = "x"\nspeed = 1', "speed"),
        ('title = "C"\nmap_from = "x"\ntoken_endpoint = "https://{zone}.x"', "zone"),
        ("title =", "corp.toml"),
    ],
)
def test_a_broken_pack_is_an_input_error_with_its_file(tmp_path, text, words):
    (tmp_path / "corp.toml").write_text(text)
    result = scopeprobe("providers", "--providers", tmp_path)
    assert result.returncode == 2
    assert words in result.stderr
    assert "corp.toml" in result.stderr


def test_the_table_of_packs_fits_a_terminal():
    result = scopeprobe("providers")
    assert result.returncode == 0
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
