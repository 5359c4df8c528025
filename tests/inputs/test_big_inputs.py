"""Many clients: CSV, selections, clients that are left alone, and where a mistake is."""

import json
import re

import many_clients
import pytest
from harness import (
    Entry,
    Reply,
    raw_server,
    scopeprobe,
    summary,
    token_body,
    verdicts,
    write_inputs,
)


def inventory(folder, ending, clients, *options):
    files = many_clients.write(folder, ending, clients)
    result = scopeprobe(
        "validate", *files, "--print", "json", *options, env=many_clients.ENVIRONMENT
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_thousand_clients_are_read_alike_in_every_format(tmp_path):
    clients = many_clients.entries(1000)
    read = [inventory(tmp_path, ending, clients) for ending in many_clients.FORMATS]
    assert len(read[0]["clients"]) == 1000
    assert all(one == read[0] for one in read)


@pytest.mark.parametrize(
    ("ending", "written"),
    [
        ("toml", 'client_id = ""'),
        ("yaml", "client_id: ''"),
        ("json", '"client_id": ""'),
        ("csv", "client-0731,"),
    ],
)
def test_a_mistake_in_one_of_a_thousand_is_named_with_its_line(tmp_path, ending, written):
    clients = many_clients.entries(1000)
    clients[731]["client_id"] = ""
    files = many_clients.write(tmp_path, ending, clients)
    result = scopeprobe("validate", *files, env=many_clients.ENVIRONMENT)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    place = re.search(rf"clients\.{ending}:(\d+) client-0731: client_id: ", line)
    lines = (tmp_path / f"clients.{ending}").read_text().splitlines()
    assert written in lines[int(place[1]) - 1]


ROW = "one,corp,one,S,a.read b.read,a.*,b.read,prod billing,https://x,true,2030-01-31\n"
HEADER = (
    "name,server,client_id,client_secret.env,scopes,expect.granted,expect.denied,tags,"
    "token_params.audience,probe,secret_expires\n"
)


def validated(folder, text, name="clients.csv"):
    (folder / "servers.toml").write_text(many_clients.SERVERS)
    (folder / name).write_text(text)
    words = ("validate", folder / "servers.toml", folder / name, "--print", "json")
    return scopeprobe(*words, env={"S": "x"})


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_csv_has_the_keys_of_a_client_as_columns(tmp_path, delimiter):
    result = validated(tmp_path, (HEADER + "\n" + ROW).replace(",", delimiter))
    assert result.returncode == 0, result.stderr
    (client,) = json.loads(result.stdout)["clients"]
    assert client["targets"] == [{"audience": "", "candidates": ["a.read", "b.read"]}]
    assert client["tags"] == ["prod", "billing"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "clients.csv:1:1: has no header"),
        (HEADER.replace("client_id", "clientid") + ROW, "clients.csv:1:3: column 3 is no key"),
        (HEADER.replace("expect.denied", "expect.refused") + ROW, "column 7 is no key"),
        (HEADER.replace("tags", "scopes") + ROW, "has the column `scopes` twice"),
        (HEADER + ROW + "two,corp\n", "clients.csv:3:1: number of cells: 2, in the header 11"),
        (HEADER + ROW.replace("true", "maybe"), "clients.csv:2:10: `probe` must be true or false"),
        (
            HEADER + ROW.replace("2030-01-31", "soon"),
            '.csv:2 one: secret_expires "soon": must',
        ),
        (HEADER + 'a,"b" c,d\n', "is not valid CSV"),
        (HEADER + ROW + ROW, "clients.csv:3 one: name: is the name of another client"),
    ],
    ids=range(9),
)
def test_a_broken_csv_is_complained_about_with_its_line(tmp_path, text, message):
    result = validated(tmp_path, text)
    assert result.returncode == 2
    assert message in result.stderr


@pytest.fixture
def fleet(tmp_path):
    entries = [
        Entry("billing-eu", "corp", extra='tags = ["prod"]'),
        Entry("billing-us", "corp", extra='tags = ["prod", "us"]'),
        Entry("trial", "corp", extra='tags = ["test"]'),
        Entry("fragile", "corp", extra='tags = ["prod"]\nprobe = false'),
    ]
    with raw_server(lambda _asked: Reply(body=token_body(scope="a"))) as wire:
        servers = {
            "corp": f'token_endpoint = "{wire.url}/t"\nrate = "900/s"\nclient_rate = "900/s"'
        }
        words, environment = write_inputs(tmp_path, servers, entries, ["a"])

        def run(*options, codes=(0,), environment=environment):
            result = scopeprobe("audit", *words, "-o", tmp_path / "out", *options, env=environment)
            assert result.returncode in codes, result.stderr
            return result

        run.out, run.environment = tmp_path / "out", environment
        yield run


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ((), {"billing-eu", "billing-us", "trial"}),
        (("--client", "billing-*"), {"billing-eu", "billing-us"}),
        (("--client", "trial", "--client", "*-us"), {"billing-us", "trial"}),
        (("--tag", "us", "--tag", "test"), {"billing-us", "trial"}),
        (("--tag", "prod", "--client", "*-eu"), {"billing-eu"}),
    ],
)
def test_clients_are_chosen_by_name_and_tag(fleet, options, chosen):
    fleet(*options)
    assert {client for client, _ in verdicts(fleet.out)} == chosen


def test_a_client_that_says_so_is_left_alone_and_listed(fleet):
    fleet()
    told = summary(fleet.out)
    assert told["not_tested"] == [
        {"client": "fragile", "reason": "not_asked", "cells": 1, "detail": ""}
    ]
    assert told["complete"]
    assert "no client is left to probe" in fleet("--client", "fragile", codes=(2,)).stderr


def test_maps_of_clients_that_were_not_chosen_stay(fleet):
    fleet()
    fleet("--client", "trial")
    assert {path.stem for path in (fleet.out / "clients").iterdir()} == {
        "billing-eu", "billing-us", "trial",
    }  # fmt: skip


def test_no_secret_of_a_client_that_is_not_chosen_is_needed(fleet):
    only = {"SECRET_2": fleet.environment["SECRET_2"]}
    fleet("--client", "trial", environment=only)


def test_a_choice_of_nobody_says_what_there_is(fleet):
    said = fleet("--client", "nobody", "--tag", "none", codes=(2,)).stderr
    assert "--client nobody: is the name of no client; there are billing-eu" in said
    assert "--tag none: no client has that tag; there are prod, test, us" in said
    said = fleet("--client", "trial", "--tag", "us", codes=(2,)).stderr
    assert "--client trial --tag us: chooses no client" in said


def test_each_glob_and_each_tag_has_to_choose_somebody(fleet):
    """Also beside one that does: otherwise a typo leaves a client out of every night."""
    said = fleet("--client", "trial", "--client", "biling-*", codes=(2,)).stderr
    assert "--client biling-*: is the name of no client; did you mean billing-" in said
    said = fleet("--tag", "prod", "--tag", "tets", codes=(2,)).stderr
    assert "--tag tets: no client has that tag; did you mean test?" in said
