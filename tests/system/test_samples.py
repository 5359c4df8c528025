"""Every sample is read, and every one whose server the lab can play is audited as a user would."""

import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from harness import lab, rows, scopeprobe, summary, verdicts
from samples_to_run import AUDITED, READ_ONLY, SAMPLES, Sample

import scopeprobe as package
from scopeprobe.lab import demo_environment, read_fleet

OTHERS = {"servers.toml", "environment.toml", "policy.toml", "cronjob.yaml"}
"""Files beside clients files, with endings that those have."""
PORT = ":8089/"
"""Of the lab, in every sample that it plays."""
OURS = {"PYTHONPATH": str(Path(package.__file__).parent.parent)}
"""Runs the program that is under test, wherever one stands."""


@pytest.fixture
def here(tmp_path):
    """A folder with the samples as users have them, to stand in."""
    shutil.copytree(SAMPLES, tmp_path / "samples")
    fleet = tmp_path / "samples" / "fleet" / "clients.toml"
    fleet.write_text(fleet.read_text().replace("{port}", "8089"))
    (tmp_path / "samples" / "secrets" / "literal.toml").chmod(0o600)
    return tmp_path


def in_shell(here, sample, command):
    """Run a command after the sample's secrets.sh, as its header says."""
    secrets = f"samples/{sample.folder}/secrets.sh"
    words = [sys.executable, "-m", "scopeprobe", command, *sample.arguments()]
    words += ["-o", "out", *sample.options] if command == "audit" else ["--print", "json"]
    script = f"test ! -e {secrets} || . {secrets}; exec {shlex.join(words)}"
    return subprocess.run(
        ["sh", "-c", script],
        cwd=here,
        env={**os.environ, **OURS, **demo_environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def point_at(url, here, sample):
    """Give the sample the port on which the lab listens here."""
    for name in sample.clients:
        file = here / "samples" / sample.folder / name
        file.write_text(file.read_text().replace(PORT, f":{url.rpartition(':')[2]}/"))


def name_of(sample):
    return f"{sample.folder}-{sample.clients[0]}"


@pytest.mark.parametrize("sample", [*AUDITED, *READ_ONLY], ids=name_of)
def test_a_sample_can_be_used_and_says_what_it_shows(here, sample):
    result = in_shell(here, sample, "validate")
    assert result.returncode == 0, result.stderr
    inventory = json.loads(result.stdout)
    assert inventory["clients"]
    assert all(target["candidates"] for c in inventory["clients"] for target in c["targets"])


@pytest.mark.parametrize("sample", AUDITED, ids=name_of)
def test_an_audited_sample_finds_the_truth(here, sample):
    with lab(read_fleet(here / "samples" / sample.folder / "servers.toml")) as url:
        point_at(url, here, sample)
        result = in_shell(here, sample, "audit")
    assert result.returncode == sample.exit_code, result.stderr
    found = {
        (f"{row['client']} {row['audience']}".rstrip(), row["scope"]): row["verdict"]
        for row in rows(here / "out" / "permissions.csv")
    }
    assert found == {cell: sample.verdict(*cell) for cell in found}
    assert {label for label, _ in found} == set(sample.granted)
    assert found.keys() >= {
        (label, scope)
        for label, granted in sample.granted.items()
        for scope in (granted or "").split()
    }


def audited(here, folder):
    """The summary of a sample's audit on the lab."""
    sample = next(sample for sample in AUDITED if sample.folder == folder)
    with lab(read_fleet(here / "samples" / folder / "servers.toml")) as url:
        point_at(url, here, sample)
        in_shell(here, sample, "audit")
    return summary(here / "out")


def test_the_expectations_find_one_missing_and_two_in_excess(here):
    cells = audited(here, "expectations")["findings"]
    assert [(cell["kind"], cell["client"], cell["scope"]) for cell in cells] == [
        ("missing", "has-too-little", "invoices.write"),
        ("excess", "has-too-much", "users.admin"),
        ("excess", "only-forbidden", "invoices.delete"),
    ]


def test_the_limits_hold_and_what_is_left_is_open(here):
    told = audited(here, "limits")
    assert told["requests"] == 6
    assert told["not_tested"] == [{"client": "rationed", "reason": "budget_spent", "cells": 2}]


def test_the_rights_of_a_genesys_client_cost_one_token(here):
    told = audited(here, "genesys")
    assert (told["requests"], told["tokens"], told["rights_calls"]) == (2, 2, 4)


def test_an_entra_client_without_a_resource_is_asked_nothing(here):
    told = audited(here, "entra")
    assert told["requests"] == 2
    assert [(n["client"], n["reason"]) for n in told["not_tested"]] == [
        ("no-target", "needs_target")
    ]


def test_what_is_shared_is_not_revoked_and_everything_else_is(here):
    told = audited(here, "revocation")
    assert (told["revocations"], told["tokens_left_alive"]) == (5, 0)
    assert told["shared_tokens"] == ["shop"]


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


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=f"{path.parent.name}-{path.name}")
        for folder in sorted(SAMPLES.iterdir())
        if folder.is_dir()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in {".json", ".secret"}  # these have no comments
    ],
)
def test_a_file_opens_with_what_it_shows(path):
    first = path.read_text().partition("\n")[0]
    assert re.fullmatch(r"# \S.{10,}", first)


def test_the_fleet_of_the_demo_is_no_copy():
    assert (SAMPLES / "fleet").is_symlink()
    assert (SAMPLES / "fleet" / "servers.toml").is_file()


def test_what_init_writes_can_be_used_once_its_secret_is_there(tmp_path):
    assert scopeprobe("init", "start", cwd=tmp_path, env=OURS).returncode == 0
    inputs = ["start/clients.toml", "--scopes", "start/scopes.txt"]
    environment = OURS | {"BILLING_SECRET": "made-up"}
    result = scopeprobe("validate", *inputs, cwd=tmp_path, env=environment)
    assert result.returncode == 0, result.stderr


def test_one_fleet_in_three_formats_is_one_fleet(here):
    told = {
        in_shell(here, Sample("formats", (name,), {}), "validate").stdout
        for name in ("clients.toml", "clients.yaml", "clients.json")
    }
    assert len(told) == 1


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


def test_the_demo_finds_what_its_servers_grant_in_time(tmp_path):
    started = time.monotonic()
    result = scopeprobe("demo", "-o", "results", cwd=tmp_path, env=OURS)
    assert time.monotonic() - started < 15
    assert result.returncode == 0, result.stderr

    found = verdicts(tmp_path / "results")
    servers = {
        client["name"]: client["server"] for client in summary(tmp_path / "results")["clients"]
    }
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


def test_the_demo_shows_its_matrix_and_where_its_files_are(tmp_path):
    result = scopeprobe("demo", "-o", "results", cwd=tmp_path, env=OURS)
    for client in ("billing-nightly", "payroll-export", "globex-feed", "dev-playground"):
        assert client in result.stdout
    for name in ("permissions.csv", "matrix.csv", "summary.json", "clients.toml", "scopes.txt"):
        assert (tmp_path / "results" / name).is_file()
        assert name in result.stderr
    assert len(list((tmp_path / "results" / "clients").iterdir())) == 14
