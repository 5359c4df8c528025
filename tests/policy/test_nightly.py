"""A fortnight of nights, and what is told of each: changes, baseline, waivers, history."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from harness import maps, scopeprobe, verdicts

TODAY = datetime.now(UTC).date()


CHANGED = ("--previous", "last", "--fail-on", "changed,missing,excess,unauthenticated")


def test_the_first_night_has_nothing_to_compare_with_and_says_so(fleet_of_nights):
    fleet = fleet_of_nights
    result = fleet.night(*CHANGED)
    assert "no earlier run is finished here" in result.stderr
    assert fleet.cells() == []


def test_a_grant_and_a_revocation_are_found_the_same_night_and_no_longer_the_next(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.night(*CHANGED)
    fleet.granted["two"] = {"a.write"}
    fleet.night(*CHANGED, codes=(1,))
    assert fleet.cells() == [("changed", "two", "a.read"), ("changed", "two", "a.write")]
    files = maps(fleet_of_nights.out)
    fleet.night(*CHANGED)
    assert fleet.cells() == []
    assert maps(fleet_of_nights.out) == files


def test_a_dead_server_shows_no_loss_and_hides_none(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.night(*CHANGED)
    fleet.down.add("west")
    fleet.night(*CHANGED, codes=(3,))
    assert fleet.cells() == []
    fleet.granted["three"] = set()  # revoked behind the outage
    fleet.night(*CHANGED, codes=(3,))
    assert fleet.cells() == []
    fleet.down.clear()
    fleet.night(*CHANGED, codes=(1,))
    assert fleet.cells() == [("changed", "three", "b.read")]


def test_only_what_is_new_is_told_where_that_is_asked_for(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.extra["two"] = 'expect = { granted = ["b.*"] }'
    options = ("--new-only",)
    fleet.night(*options, codes=(1,))
    everything = fleet.cells()
    assert ("missing", "two", "b.read") in everything
    fleet.night(*options)
    assert fleet.cells() == []
    fleet.down.add("east")
    fleet.night(*options, codes=(3,))
    fleet.down.clear()
    fleet.night(*options)
    assert fleet.cells() == []
    fleet.granted["two"].add("a.write")
    fleet.night(*options, codes=(1,))
    assert fleet.cells() == [("excess", "two", "a.write")]


def test_a_named_run_that_is_not_there_is_an_input_error_before_anything_is_sent(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.night()
    asked = fleet.night("--previous", "20200101T000000Z-0000", codes=(2,))
    assert "there is no run 20200101T000000Z-0000" in asked.stderr
    for option in ("--baseline", "--policy"):
        assert "none.toml" in fleet.night(option, fleet.folder / "none.toml", codes=(2,)).stderr


def test_what_is_accepted_is_no_finding_and_what_differs_from_it_is(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.extra["two"] = 'expect = { granted = ["b.*"] }'
    fleet.secrets["three"] = "rotated"
    fleet.night(codes=(1,))
    written = scopeprobe("baseline", "write", "-o", fleet.out)
    assert written.returncode == 0, written.stderr
    baseline = fleet.out / "baseline.toml"
    held = ("--baseline", baseline)
    fleet.night(*held)
    assert fleet.cells() == []
    fleet.granted["one"] = {"a.read", "b.write"}
    fleet.night(*held, codes=(1,))
    assert fleet.cells() == [("missing", "one", "a.write"), ("excess", "one", "b.write")]


def test_writing_a_baseline_names_the_findings_that_it_accepts(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.extra["two"] = 'expect = { granted = ["b.read"] }'
    fleet.secrets["three"] = "rotated"
    fleet.night("--fail-on", "missing", codes=(1,))
    told = scopeprobe("baseline", "write", "-o", fleet.out).stderr.splitlines()
    assert told[:-1] == [
        "accepts: missing: two b.read: expected granted, is denied: refused_alone",
        "accepts: unauthenticated: three: credentials_rejected: 401 invalid_client",
        "accepts: excess: two a.read: not expected, is granted",
    ]
    fleet.night("--baseline", fleet.out / "baseline.toml")
    assert scopeprobe("baseline", "write", "-o", fleet.out).stderr.count("accepts: ") == 0


def test_writing_a_baseline_names_a_server_all_of_whose_clients_fail(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.secrets |= dict.fromkeys(("one", "two"), "rotated")
    fleet.down.add("west")
    fleet.night(codes=(4,))
    told = scopeprobe("baseline", "write", "-o", fleet.out).stderr.splitlines()
    assert told[:-1] == [
        "accepts: unauthenticated: east: all 2 clients: credentials_rejected: 401",
        "  invalid_client (one, two)",
    ]


def test_writing_a_baseline_keeps_what_was_not_tested_and_what_people_wrote(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.night()
    scopeprobe("baseline", "write", "-o", fleet.out)
    baseline = fleet.out / "baseline.toml"
    end = TODAY + timedelta(days=3)
    baseline.write_text(
        baseline.read_text()
        + f'\n# agreed in March\n[[waivers]]\nclient = "one"\nscope = "b.*"\nkind = "excess"\n'
        f'owner = "ann"\nreason = "migration"\nexpires = {end}\n'
    )
    fleet.down.add("west")
    fleet.granted["one"].add("b.read")
    fleet.night("--baseline", baseline, codes=(3,))
    assert fleet.cells() == []  # waived
    scopeprobe("baseline", "write", "-o", fleet.out)
    text = baseline.read_text()
    assert "# agreed in March" in text
    shown = json.loads(scopeprobe("baseline", "show", "-o", fleet.out, "--print", "json").stdout)
    assert {"client": "three", "audience": "", "scope": "b.read", "verdict": "granted"} in shown[
        "accepted"
    ]
    assert shown["waivers"][0]["owner"] == "ann"
    fleet.down.clear()
    stale = ("--fail-on", "missing,excess,stale_waiver")
    fleet.night("--baseline", baseline, *stale, codes=(1,))
    assert fleet.cells() == [("stale_waiver", "one", "b.*")]  # b.read is accepted by now


def test_a_waiver_that_has_expired_is_told_with_what_it_hid(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.night()
    scopeprobe("baseline", "write", "-o", fleet.out)
    baseline = fleet.out / "baseline.toml"
    fleet.granted["one"].add("b.read")
    yesterday = TODAY - timedelta(days=1)
    baseline.write_text(
        baseline.read_text()
        + f'\n[[waivers]]\nclient = "o*"\nowner = "ann"\nreason = "trial"\nexpires = {yesterday}\n'
    )
    fleet.night("--baseline", baseline, "--fail-on", "excess,stale_waiver", codes=(1,))
    assert fleet.cells() == [("stale_waiver", "o*", "*"), ("excess", "one", "b.read")]
    table = scopeprobe("baseline", "show", "-o", fleet.out).stdout
    assert "expired" in table
    assert max(map(len, table.splitlines())) <= 80


def test_rules_for_tags_add_to_what_a_client_expects(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.extra["one"] = 'tags = ["prod", "billing"]\nexpect = { granted = ["a.read"] }'
    fleet.extra["two"] = 'tags = ["prod"]'
    policy = fleet.folder / "policy.toml"
    policy.write_text(
        '[[rules]]\ntags = ["prod", "billing"]\nexpect = { granted = ["a.write"] }\n'
        '[[rules]]\ntags = ["prod"]\nexpect = { denied = ["a.read"] }\n'
    )
    fleet.night("--policy", policy, codes=(1,))
    assert fleet.cells() == [("excess", "one", "a.read"), ("excess", "two", "a.read")]
    policy.write_text('[[rules]]\ntags = []\nexpect = { grant = ["a"] }\n[[rule]]\n')
    messages = fleet.night("--policy", policy, codes=(2,)).stderr
    assert "rules[0].expect.grant" in messages
    assert "policy.toml:4: rule: unknown key" in messages


@pytest.mark.parametrize(("days", "code"), [(31, 0), (30, 1), (0, 1), (-1, 1)])
def test_a_secret_is_a_finding_thirty_days_before_its_end(fleet_of_nights, days, code):
    fleet = fleet_of_nights
    fleet.extra["one"] = f"secret_expires = {TODAY + timedelta(days=days)}"
    fleet.night("--fail-on", "secret_expiry", codes=(code,))
    assert fleet.cells() == [("secret_expiry", "one", "")] * code


def test_a_secret_that_expires_soon_is_told_although_it_is_not_over_the_bar(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.extra["one"] = f"secret_expires = {TODAY + timedelta(days=9)}"
    said = fleet.night("--log-format", "console").stderr
    assert "one\n  warning, secret_expiry: its secret expires on" in said
    assert fleet.cells() == []


def test_the_history_of_a_cell_ends_with_proof_only_and_tells_flapping(fleet_of_nights):
    fleet = fleet_of_nights
    for truth, is_down in (
        ({"b.read"}, False),
        (set(), True),
        (set(), False),
        ({"b.read"}, False),
        (set(), False),
    ):
        fleet.granted["three"] = truth
        fleet.down = {"west"} if is_down else set()
        fleet.night(codes=(0, 3))
    told = scopeprobe("history", "three", "b.read", "-o", fleet.out, "--print", "json")
    (cell,) = json.loads(told.stdout)["cells"]
    assert [i["verdict"] for i in cell["intervals"]] == ["granted", "denied", "granted", "denied"]
    assert cell["intervals"][0]["not_proved"] == 1
    assert cell["flapping"]
    table = scopeprobe("history", "three", "-o", fleet.out).stdout
    assert "b.read (flapping)" in table
    assert max(map(len, table.splitlines())) <= 80
    assert scopeprobe("history", "nobody", "-o", fleet.out).returncode == 2


def test_runs_are_compared_by_their_last_proof(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.night()
    fleet.down.add("west")
    fleet.night(codes=(3,))
    fleet.down.clear()
    fleet.granted["three"] = set()
    fleet.night()
    listed = json.loads(scopeprobe("runs", "-o", fleet.out, "--print", "json").stdout)
    last, down, first = [run["run"] for run in listed["runs"]]

    def lost(old, new):
        words = ("diff", old, new, "-o", fleet.out, "--print", "json", "--exit-code")
        told = json.loads(scopeprobe(*words).stdout)
        return [(one["client"], one["scope"]) for one in told["lost"]], told["changed"]

    assert lost(first, down) == ([], [])
    assert lost(down, "last") == ([("three", "b.read")], [])
    assert lost(first, last) == ([("three", "b.read")], [])
    assert scopeprobe("diff", "no-such-run", last, "-o", fleet.out).returncode == 2


def test_only_so_many_runs_are_remembered(fleet_of_nights):
    fleet = fleet_of_nights
    for _ in range(4):
        fleet.night("--keep", "2")
    listed = json.loads(scopeprobe("runs", "-o", fleet.out, "--print", "json").stdout)
    assert len(listed["runs"]) == 2
    assert verdicts(fleet_of_nights.out)


def test_what_changed_in_the_fleet_last_night_is_one_command(fleet_of_nights):
    fleet = fleet_of_nights

    def told(*words):
        ended = scopeprobe("history", *words, "-o", fleet.out, "--print", "json")
        assert ended.returncode == 0, ended.stderr
        return [(one["client"], one["scope"]) for one in json.loads(ended.stdout)["cells"]]

    fleet.down.add("west")
    fleet.night(codes=(3,))
    fleet.down.clear()
    fleet.night()
    assert told("--changed") == []  # what is proved for the first time has not changed
    fleet.granted |= {"two": {"a.write"}, "three": set()}
    fleet.night()
    changed = [("three", "b.read"), ("two", "a.read"), ("two", "a.write")]
    assert told("--changed") == changed
    assert told("t*", "*.read", "--changed") == changed[:2]
    table = scopeprobe("history", "--changed", "-o", fleet.out).stdout
    assert table.splitlines()[0].startswith("client")
    assert "three" in table
    fleet.night()
    ended = scopeprobe("history", "--changed", "-o", fleet.out)
    assert "nothing changed in the last finished run" in ended.stderr


def test_history_takes_globs_and_either_order_and_says_what_was_meant(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.night()

    def history(*words):
        return scopeprobe("history", *words, "-o", fleet.out, "--print", "json")

    cells = json.loads(history("t*", "a.*").stdout)["cells"]
    assert [(one["client"], one["scope"]) for one in cells] == [
        (client, scope) for client in ("three", "two") for scope in ("a.read", "a.write")
    ]
    assert history("b.read", "two").stdout == history("two", "b.read").stdout
    assert "did you mean three?" in history("thre").stderr
    assert "did you mean b.read?" in history("two", "b.raed").stderr
    assert "a glob such as '*', or --changed" in history().stderr


def test_the_folder_of_runs_may_be_given_without_its_option(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.night()
    assert scopeprobe("runs", fleet.out).stdout == scopeprobe("runs", "-o", fleet.out).stdout != ""
