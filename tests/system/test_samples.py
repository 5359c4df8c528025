"""Every sample is read, and every one whose server the lab can play is audited as a user would."""

import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from bound import bound
from harness import lab, rows, scopeprobe_process, summary, verdicts
from samples_to_run import AUDITED, READ_ONLY, SAMPLES, Sample

import scopeprobe as package
from scopeprobe.lab import demo_environment, read_fleet

OTHERS = {
    "servers.toml", "environment.toml", "policy.toml", "cronjob.yaml", "compose.yaml", "apps.json",
}  # fmt: skip
"""Files beside clients files, with endings that those have."""
PORT = ":8089/"
"""Of the lab, in every sample that it plays."""
OURS = {"PYTHONPATH": str(Path(package.__file__).parent.parent)}
"""Runs the program that is under test, wherever one stands."""


@pytest.fixture
def here(tmp_path):
    """A folder with the samples as users have them, to stand in."""
    return with_samples(tmp_path)


def with_samples(folder):
    shutil.copytree(SAMPLES, folder / "samples")
    fleet = folder / "samples" / "fleet" / "clients.toml"
    fleet.write_text(fleet.read_text().replace("{port}", "8089"))
    (folder / "samples" / "secrets" / "literal.toml").chmod(0o600)
    return folder


def in_shell(here, sample, command):
    """Run a command after the sample's secrets.sh, as its header says."""
    secrets = f"samples/{sample.folder}/secrets.sh"
    words = [sys.executable, "-m", "scopeprobe", command, *sample.arguments()]
    words += ["-o", "out", *sample.options] if command == "audit" else ["--print", "json"]
    script = f"test ! -e {secrets} || . {secrets}; exec {shlex.join(words)}"
    return subprocess.run(
        bound(["sh", "-c", script]),
        cwd=here,
        env={**os.environ, **OURS, **demo_environment()},
        capture_output=True,
        text=True,
        check=False,
    )


def point_at(url, here, sample):
    """Give the sample the port on which the lab listens here."""
    for name in sample.clients:
        file = here / "samples" / sample.folder / name
        file.write_text(file.read_text().replace(PORT, f":{url.rpartition(':')[2]}/"))


def name_of(sample):
    return f"{sample.folder}-{sample.clients[0]}"


@pytest.mark.parametrize("sample", READ_ONLY, ids=name_of)
def test_a_sample_can_be_used_and_says_what_it_shows(here, sample):
    result = in_shell(here, sample, "validate")
    assert result.returncode == 0, result.stderr
    inventory = json.loads(result.stdout)
    assert inventory["clients"]
    assert all(target["candidates"] for c in inventory["clients"] for target in c["targets"])


@dataclass(frozen=True)
class Audited:
    ended: subprocess.CompletedProcess
    out: Path

    def cells(self):
        return {
            (f"{row['client']} {row['audience']}".rstrip(), row["scope"]): row["verdict"]
            for row in rows(self.out / "permissions.csv")
        }


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """Audits a sample on the lab, once for all tests."""

    @cache
    def audit(name):
        sample = next(sample for sample in AUDITED if name_of(sample) == name)
        here = with_samples(tmp_path_factory.mktemp(sample.folder))
        with lab(read_fleet(here / "samples" / sample.folder / "servers.toml")) as url:
            point_at(url, here, sample)
            return Audited(in_shell(here, sample, "audit"), here / "out")

    return audit


@pytest.mark.parametrize("sample", AUDITED, ids=name_of)
def test_an_audited_sample_finds_the_truth(audited, sample):
    result = audited(name_of(sample))
    assert result.ended.returncode == sample.exit_code, result.ended.stderr
    found = result.cells()
    assert found == {cell: sample.verdict(*cell) for cell in found}
    assert {label for label, _ in found} == set(sample.granted)
    assert found.keys() >= {
        (label, scope)
        for label, granted in sample.granted.items()
        for scope in (granted or "").split()
    }


@pytest.fixture
def told(audited):
    """The summary of a sample's audit."""
    return lambda folder: summary(audited(f"{folder}-clients.toml").out)


def test_the_expectations_find_one_missing_and_two_in_excess(told):
    cells = told("expectations")["findings"]
    assert [(cell["kind"], cell["client"], cell["scope"]) for cell in cells] == [
        ("missing", "has-too-little", "invoices.write"),
        ("excess", "has-too-much", "users.admin"),
        ("excess", "only-forbidden", "invoices.delete"),
    ]


def test_the_limits_hold_and_what_is_left_is_open(told):
    limits = told("limits")
    assert limits["requests"] == 6
    assert [(n["client"], n["reason"], n["cells"]) for n in limits["not_tested"]] == [
        ("rationed", "budget_spent", 2)
    ]


def test_the_rights_of_a_genesys_client_cost_one_token(told):
    genesys = told("genesys")
    assert (genesys["requests"], genesys["tokens"], genesys["rights_calls"]) == (2, 2, 4)


def test_an_entra_client_without_a_resource_is_asked_nothing(told):
    entra = told("entra")
    assert entra["requests"] == 2
    assert [(n["client"], n["reason"]) for n in entra["not_tested"]] == [
        ("no-target", "needs_target")
    ]


def test_what_is_shared_is_not_revoked_and_everything_else_is(told):
    revocation = told("revocation")
    assert (revocation["revocations"], revocation["tokens_left_alive"]) == (5, 0)
    assert revocation["shared_tokens"] == ["shop"]


def test_no_sample_is_forgotten():
    """Each clients file is run above, and each folder is in the index."""
    suffixes = {".toml", ".yaml", ".json"}
    there = {
        (path.parent.name, path.name)
        for folder in SAMPLES.iterdir()
        if folder.is_dir()
        for path in folder.iterdir()
        if path.suffix in suffixes and path.name not in OTHERS
    }
    run = {(sample.folder, name) for sample in [*AUDITED, *READ_ONLY] for name in sample.clients}
    assert there == run
    index = re.findall(r"^\| `([\w-]+)` \|", (SAMPLES / "README.md").read_text(), re.MULTILINE)
    assert sorted(index) == sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())


def test_the_fleet_of_the_demo_is_no_copy():
    assert (SAMPLES / "fleet").is_symlink()
    assert (SAMPLES / "fleet" / "servers.toml").is_file()


def test_one_fleet_in_three_formats_is_one_fleet(audited):
    names = ("clients.toml", "clients.yaml", "clients.json")
    toml, *others = [audited(f"formats-{name}").cells() for name in names]
    assert others == [toml, toml]


def test_a_secret_written_down_is_warned_about_and_refused_where_others_can_read_it(here):
    sample = Sample("secrets", ("literal.toml",), {})
    assert "literal secret" in in_shell(here, sample, "validate").stderr
    (here / "samples/secrets/literal.toml").chmod(0o644)
    refused = in_shell(here, sample, "validate")
    assert refused.returncode == 2
    assert "chmod 600" in refused.stderr


def test_the_private_ca_is_one_that_tls_can_use():
    context = ssl.create_default_context(cafile=SAMPLES / "private-ca" / "corp-ca.pem")
    names = [ca["subject"] for ca in context.get_ca_certs()]
    assert any("scopeprobe sample CA" in str(name) for name in names)


def granted_by_the_servers():
    """What the demo's servers know: (client name, scope) of everything that is granted."""
    servers = tomllib.loads((SAMPLES / "fleet" / "servers.toml").read_text())["servers"]
    return {
        (client["client_id"], scope)
        for server in servers.values()
        for client in server["clients"]
        for scope in client.get("granted", [])
    }


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo as a process of its own, and where it stood."""
    folder = tmp_path_factory.mktemp("demo")
    return scopeprobe_process("demo", "-o", "results", cwd=folder, env=OURS), folder / "results"


def test_the_demo_finds_what_its_servers_grant(demo):
    result, out = demo
    assert result.returncode == 0, result.stderr

    found = verdicts(out)
    servers = {client["name"]: client["server"] for client in summary(out)["clients"]}
    granted = granted_by_the_servers()
    assert len(servers) >= 12
    assert len(set(servers.values())) == 4
    assert found == {
        (client, scope): expected_of_the_demo(client, scope, servers[client], granted)
        for client, scope in found
    }
    assert len(found) == len(servers) * 9


def expected_of_the_demo(client, scope, server, granted):
    if client in {"warehouse-loader", "shop-checkout"}:  # a wrong secret, and no such client
        return "unauthenticated"
    if server == "sandbox":  # issues whatever is asked for
        return "unenforced"
    return "granted" if (client, scope) in granted else "denied"


def test_the_demo_shows_its_matrix_and_where_its_files_are(demo):
    result, out = demo
    for client in ("billing-nightly", "payroll-export", "globex-feed", "dev-playground"):
        assert client in result.stdout
    for name in ("permissions.csv", "matrix.csv", "summary.json", "clients.toml", "scopes.txt"):
        assert (out / name).is_file()
        assert name in result.stderr
    assert len(list((out / "clients").iterdir())) == 14
