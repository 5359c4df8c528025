"""`scopeprobe import --into`: what people wrote stays, and new clients are added."""

import json
import stat
import tomllib

import pytest
from exports import ENTRA, GENESYS, KEYCLOAK, OKTA_APPS
from harness import Entry, lab, scopeprobe, write_inputs
from samples_to_run import SAMPLES

from scopeprobe.inputs.parsers import parse_yaml
from scopeprobe.lab import AuthorizationServer, read_profile
from scopeprobe.lab import Client as LabClient

SECRET = "s3cret-of-nobody"
WRITTEN = """\
# Our clients, by hand.

[defaults]
rate = "2/s"       # asked for by the team of Keycloak

[servers.keycloak]
issuer = "https://login.corp.example/realms/main"
scopes = [
    "profile",     # everybody's
]

[[clients]]
name = "reporting"
server = "keycloak"
client_id = "reports"
client_secret = { command = ["pass", "show", "reports"] }   # not in the environment
tags = ["prod"]
expect = { granted = ["reports.read"] }

[[clients]]   # will go in spring
name = "crm"
server = "keycloak"
client_id = "crm-sync"
client_secret = { env = "POSTER_SECRET" }

[[clients]]
name = "off"
server = "keycloak"
client_id = "off"
client_secret = { env = "OFF_SECRET" }

[[clients]]
name = "elsewhere"
client_id = "reports"
token_endpoint = "https://login.other.example/token"
client_secret = { env = "ELSEWHERE" }
"""
BY_PRODUCT = {
    "okta": (OKTA_APPS, ["Billing-EU", "Signer"]),
    "entra": (ENTRA, ["Payroll", "Payroll-2"]),
    "keycloak": (KEYCLOAK, ["reports", "poster"]),
    "genesys": (GENESYS, ["Wallboard-EU", "Queues"]),
}


@pytest.fixture
def clients(tmp_path):
    file = tmp_path / "clients.toml"
    file.write_text(WRITTEN)
    return file


def imported(clients, product, export, *options):
    file = clients.parent / "export.json"
    file.write_text(json.dumps(export))
    words = ("import", product, file, "--into", clients.name, *options)
    return scopeprobe(*words, cwd=clients.parent)


def told(result, what):
    return [line[len(what) + 2 :] for line in result.stderr.splitlines() if line.startswith(what)]


def test_what_people_wrote_stays_byte_for_byte_and_new_clients_follow(clients):
    result = imported(clients, "keycloak", KEYCLOAK)
    assert (result.returncode, result.stdout) == (0, "")
    text = clients.read_text()
    assert text.startswith(WRITTEN)
    added = tomllib.loads(text)["clients"][4:]
    assert [(one["name"], one["server"], one["client_id"]) for one in added] == [
        ("poster", "keycloak", "poster")
    ]
    assert tomllib.loads(text)["servers"] == tomllib.loads(WRITTEN)["servers"]
    assert told(result, "added") == ["poster"]


def test_no_client_gets_a_variable_that_holds_another_ones_secret(clients):
    imported(clients, "keycloak", KEYCLOAK)
    *_, poster = tomllib.loads(clients.read_text())["clients"]
    assert poster["client_secret"] == {"env": "POSTER_2_SECRET"}


def test_clients_that_are_gone_or_cannot_be_audited_any_more_are_told_and_stay(clients):
    result = imported(clients, "keycloak", KEYCLOAK)
    assert told(result, "gone") == ["crm: is not in the export", "off: is disabled"]


def test_what_the_export_says_otherwise_is_told_and_changes_nothing(clients):
    older = {**KEYCLOAK["clients"][1]["attributes"], "client.secret.expiration.time": "1735689600"}
    export = {**KEYCLOAK, "clients": [{**KEYCLOAK["clients"][1], "attributes": older}]}
    imported(clients, "keycloak", export)
    before = clients.read_bytes()
    result = imported(clients, "keycloak", KEYCLOAK)
    assert told(result, "differs") == [
        "poster: secret_expires is 2031-01-01 in the export, 2025-01-01 here"
    ]
    assert clients.read_bytes() == before


@pytest.mark.parametrize("product", BY_PRODUCT)
def test_a_second_import_changes_no_byte(tmp_path, product):
    clients, (export, names) = tmp_path / "clients.toml", BY_PRODUCT[product]
    first = imported(clients, product, export)
    assert told(first, "added") == names
    assert stat.S_IMODE(clients.stat().st_mode) == 0o600
    before, status = clients.read_bytes(), clients.stat()
    second = imported(clients, product, export)
    assert (second.returncode, told(second, "added"), told(second, "gone")) == (0, [], [])
    assert (clients.read_bytes(), clients.stat()) == (before, status)
    assert second.stderr.endswith(f"clients.toml: {len(names)} clients; nothing is new\n")


@pytest.mark.parametrize("product", BY_PRODUCT)
def test_a_file_of_one_product_takes_those_of_another(clients, product):
    export, _ = BY_PRODUCT[product]
    assert imported(clients, product, export).returncode == 0
    text = clients.read_text()
    assert text.startswith(WRITTEN)
    assert set(tomllib.loads(text)["servers"]) == {"keycloak", product}


@pytest.mark.parametrize(
    "sample", sorted(SAMPLES.glob("*/clients.toml")), ids=lambda p: p.parent.name
)
def test_every_sample_can_be_added_to_and_stays_as_it_is(tmp_path, sample):
    clients = tmp_path / "clients.toml"
    clients.write_bytes(sample.read_bytes())
    assert imported(clients, "okta", OKTA_APPS).returncode == 0
    assert clients.read_bytes().startswith(sample.read_bytes())
    before, after = (tomllib.loads(file.read_text()) for file in (sample, clients))
    assert after["clients"][: len(before["clients"])] == before["clients"]
    assert [one["name"] for one in after["clients"][-2:]] == ["Billing-EU", "Signer"]


@pytest.mark.parametrize(("ending", "last"), [("\r\n", ""), ("\n", "no newline"), ("\r\n", "none")])
def test_lines_end_as_they_do_in_the_file(tmp_path, ending, last):
    clients = tmp_path / "clients.toml"
    text = WRITTEN.rstrip("\n") if last else WRITTEN
    clients.write_bytes(text.replace("\n", ending).encode())
    before = clients.read_bytes()
    assert imported(clients, "keycloak", KEYCLOAK).returncode == 0
    after = clients.read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == after.count(ending.encode())
    assert tomllib.loads(after.decode())["clients"][4]["name"] == "poster"


@pytest.mark.parametrize(
    ("name", "text"), [("c.toml", WRITTEN), ("c.yaml", "clients:\n"), ("d.toml", "")]
)
def test_a_byte_order_mark_stays(tmp_path, name, text):
    clients = tmp_path / name
    clients.write_text(text, encoding="utf-8-sig")
    before = clients.read_bytes()
    assert imported(clients, "keycloak", KEYCLOAK).returncode == 0
    assert clients.read_bytes().startswith(before)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_mode_of_the_file_stays(clients, mode):
    clients.chmod(mode)
    imported(clients, "keycloak", KEYCLOAK)
    assert clients.read_text() != WRITTEN
    assert stat.S_IMODE(clients.stat().st_mode) == mode
    assert {file.name for file in clients.parent.iterdir()} == {"clients.toml", "export.json"}


def test_nothing_is_written_through_a_link(clients):
    target = clients.rename(clients.with_name("target.toml"))
    clients.symlink_to(target)
    result = imported(clients, "keycloak", KEYCLOAK)
    assert (result.returncode, result.stdout) == (2, "")
    assert "clients.toml: is a link, or no file: name the file itself" in result.stderr
    assert target.read_text() == WRITTEN
    assert clients.is_symlink()


def test_a_link_in_the_place_of_the_draft_is_not_followed(clients):
    victim = clients.with_name("victim")
    victim.write_text("precious")
    clients.with_name(".clients.toml.draft").symlink_to(victim)
    assert imported(clients, "keycloak", KEYCLOAK).returncode == 0
    assert victim.read_text() == "precious"
    assert not clients.is_symlink()


# -- which server the applications are of


def test_the_realm_tells_which_server_is_meant(clients):
    other = 'issuer = "https://login.corp.example/realms/other"'
    clients.write_text(WRITTEN + f"\n[servers.other]\n{other}\n")
    result = imported(clients, "keycloak", {**KEYCLOAK, "realm": "other"})
    assert told(result, "added") == ["reports", "poster"]
    assert told(result, "gone") == []
    *_, poster = tomllib.loads(clients.read_text())["clients"]
    assert poster["server"] == "other"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (WRITTEN.replace("realms/main", "realms/renamed"), ()),
        (WRITTEN + '\n[servers.twin]\nissuer = "https://x.example/realms/main"\n', ()),
        (WRITTEN.replace("keycloak", "corp").replace("issuer", "token_endpoint"), ()),
    ],
)
def test_where_the_server_does_not_show_it_has_to_be_said(clients, text, options):
    clients.write_text(text)
    result = imported(clients, "keycloak", KEYCLOAK, *options)
    assert result.returncode == 2
    assert "say --server NAME, one of its own (" in result.stderr
    assert clients.read_text() == text
    name = "corp" if "[servers.corp]" in text else "keycloak"
    assert imported(clients, "keycloak", KEYCLOAK, "--server", name).returncode == 0
    assert tomllib.loads(clients.read_text())["clients"][-1]["server"] == name


def test_a_client_that_says_itself_that_it_is_there_is_no_new_one(clients):
    text = WRITTEN.replace("login.other.example/token", "login.corp.example/realms/main/token")
    clients.write_text(text.replace('client_id = "reports"\ntoken', 'client_id = "poster"\ntoken'))
    result = imported(clients, "keycloak", KEYCLOAK)
    assert told(result, "added") == []


def test_a_server_of_another_file_is_not_written_again(clients):
    text = WRITTEN.replace("[servers.keycloak]\n", "[servers.other]\n")
    clients.write_text(text)
    assert imported(clients, "keycloak", KEYCLOAK, "--server", "keycloak").returncode == 0
    assert set(tomllib.loads(clients.read_text())["servers"]) == {"other"}


def test_an_export_that_lacks_some_says_of_nobody_that_it_is_gone(clients):
    imported(clients, "genesys", GENESYS)
    fewer = {**GENESYS, "entities": GENESYS["entities"][:1]}
    assert told(imported(clients, "genesys", fewer), "gone") == []
    whole = {**fewer, "total": 1}
    assert told(imported(clients, "genesys", whole), "gone") == ["Queues: is not in the export"]


def test_a_page_of_entra_says_of_nobody_that_it_is_gone(clients):
    imported(clients, "entra", ENTRA)
    page = {"value": ENTRA["value"][:1], "@odata.nextLink": "https://graph.microsoft.com/next"}
    assert told(imported(clients, "entra", page), "gone") == []


# -- who was never audited


def test_clients_that_no_run_has_judged_are_told(tmp_path):
    server = AuthorizationServer("corp", read_profile("strict"), [LabClient("a", SECRET, ["x"])])
    with lab([server]) as url:
        settings = {"corp": f'token_endpoint = "{url}/corp/token"'}
        entries = [Entry("a", "corp", secret=SECRET), Entry("b", "corp", extra="probe = false")]
        words, environment = write_inputs(tmp_path, settings, entries, ["x"])
        out = tmp_path / "out"
        assert scopeprobe("audit", *words, "-o", out, env=environment).returncode == 0
    clients = tmp_path / "clients.toml"
    assert told(imported(clients, "okta", OKTA_APPS), "never audited") == []
    result = imported(clients, "okta", OKTA_APPS, "-o", out)
    assert told(result, "never audited") == ["b", "Billing-EU", "Signer"]
    before = sorted((file.name, file.read_bytes()) for file in out.iterdir() if file.is_file())
    imported(clients, "okta", OKTA_APPS, "-o", out)
    after = sorted((file.name, file.read_bytes()) for file in out.iterdir() if file.is_file())
    assert after == before


# -- YAML

IN_YAML = """\
# Our clients, by hand.
servers:
  keycloak:
    issuer: https://login.corp.example/realms/main   # behind the proxy
    # scopes: later

clients:
  # everybody's
- name: reporting
  server: keycloak
  client_id: reports
  client_secret: &secret { env: REPORTS }
  owner: |
    # the team
    of reports
  # tags: [prod]
- {name: crm, server: keycloak, client_id: crm-sync, client_secret: *secret}

# what is not asked
defaults:
  rate: 2/s
"""


def plain(file):
    return parse_yaml(file.read_text()).data


@pytest.mark.parametrize("ending", ["yaml", "yml"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_in_yaml_is_added_to_in_its_own_place(tmp_path, ending, newline):
    clients = tmp_path / f"clients.{ending}"
    clients.write_bytes(IN_YAML.replace("\n", newline).encode())
    before = plain(clients)
    result = imported(clients, "keycloak", KEYCLOAK)
    assert told(result, "added") == ["poster"]
    assert told(result, "gone") == ["crm: is not in the export"]
    text = clients.read_bytes().decode()
    first, _, last = text.partition("- name: poster")
    kept = IN_YAML.replace("\n", newline)
    assert kept.startswith(first)
    assert last.endswith(kept[len(first) :])
    after = plain(clients)
    assert after["clients"][:2] == before["clients"]
    assert after == {**before, "clients": after["clients"]}
    assert after["clients"][2]["client_secret"] == {"env": "POSTER_SECRET"}
    again = clients.read_bytes()
    imported(clients, "keycloak", KEYCLOAK)
    assert clients.read_bytes() == again


def test_lines_of_yaml_end_where_the_file_says_so(tmp_path):
    clients = tmp_path / "clients.yaml"
    odd = IN_YAML.replace("# Our clients", "# Our\u2028# clients\x85# and")
    clients.write_text(odd, encoding="utf-8-sig")
    assert told(imported(clients, "keycloak", KEYCLOAK), "added") == ["poster"]
    first, _, _ = clients.read_text(encoding="utf-8-sig").partition("- name: poster")
    assert first == odd[: odd.index("\n# what is not asked")]


def test_clients_are_added_in_yaml_also_above_servers_that_stay_as_they_are(tmp_path):
    clients = tmp_path / "clients.yaml"
    servers, ours = IN_YAML.partition("clients:")[::2]
    clients.write_text(f"clients:{ours}\n{servers}")
    before = plain(clients)
    assert told(imported(clients, "keycloak", KEYCLOAK), "added") == ["poster"]
    after = plain(clients)
    assert after["servers"] == before["servers"]
    assert [one["name"] for one in after["clients"]] == [
        *(one["name"] for one in before["clients"]),
        "poster",
    ]


def test_a_server_is_added_in_yaml_too(tmp_path):
    clients = tmp_path / "clients.yaml"
    clients.write_text(IN_YAML)
    imported(clients, "okta", OKTA_APPS)
    text = clients.read_text()
    assert [line for line in text.splitlines() if line not in IN_YAML.splitlines()][:2] == [
        "  okta:",
        "    issuer: https://corp.okta.com/oauth2/default",
    ]
    assert text.index("# scopes: later") < text.index("  okta:") < text.index("clients:")
    assert [one["name"] for one in plain(clients)["clients"][2:]] == ["Billing-EU", "Signer"]


@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "clients:\nservers:\n", "defaults: {rate: 1/s}"]
)
def test_a_file_in_yaml_may_have_none_yet(tmp_path, text):
    clients = tmp_path / "clients.yaml"
    clients.write_text(text)
    assert imported(clients, "okta", OKTA_APPS).returncode == 0
    lines = iter(clients.read_text().splitlines())
    assert all(line in lines for line in text.splitlines()), "all of it, in its order"
    assert set(plain(clients)["servers"]) == {"okta"}
    assert [one["name"] for one in plain(clients)["clients"]] == ["Billing-EU", "Signer"]


@pytest.mark.parametrize("name", ["formats/clients.yaml", "several-files/finance.yaml"])
def test_samples_in_yaml_can_be_added_to(tmp_path, name):
    clients, sample = tmp_path / "clients.yaml", SAMPLES / name
    clients.write_bytes(sample.read_bytes())
    result = imported(clients, "okta", OKTA_APPS)
    assert result.returncode == 0, result.stderr
    lines = iter(clients.read_text().splitlines())
    assert all(line in lines for line in sample.read_text().splitlines()), "all of it, in its order"
    assert plain(clients)["clients"][:-2] == plain(sample)["clients"]


@pytest.mark.parametrize("text", ["clients: []\n", "servers: {a: {token_endpoint: x}}\n"])
def test_brackets_in_yaml_cannot_be_added_to(tmp_path, text):
    clients = tmp_path / "clients.yaml"
    clients.write_text(text)
    result = imported(clients, "okta", OKTA_APPS)
    assert (result.returncode, clients.read_text()) == (2, text)
    assert "in brackets cannot be added to: write one below the other" in result.stderr


# -- wrong targets


@pytest.mark.parametrize("ending", ["json", "csv", "txt"])
def test_other_files_are_refused_with_what_to_do(tmp_path, ending):
    clients = tmp_path / f"clients.{ending}"
    clients.write_text("")
    result = imported(clients, "okta", OKTA_APPS)
    assert (result.returncode, clients.read_text()) == (2, "")
    assert f"scopeprobe audit clients.{ending} imported.toml" in result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[clients]\n", "clients.toml:1:10: is not valid TOML"),
        ("clients = 1\n", "is no clients file"),
        ("clients = [1]\n", "is no clients file"),
        ("servers = [1]\n", "is no clients file"),
        ("[[clients]]\nclient_id = 'x'\n", "is no clients file"),
        (
            "clients = [{ name = 'a', client_id = 'x' }]\n",
            "in TOML as [servers.NAME]",
        ),
        (
            "servers = { corp = { token_endpoint = 'x' } }\n",
            "in TOML as [servers.NAME]",
        ),
    ],
)
def test_a_file_that_cannot_be_added_to_stays_as_it_is(tmp_path, text, words):
    clients = tmp_path / "clients.toml"
    clients.write_text(text)
    result = imported(clients, "okta", OKTA_APPS)
    assert result.returncode == 2
    assert words in result.stderr
    assert clients.read_text() == text
