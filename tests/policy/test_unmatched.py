"""A typo in what is expected is said, and is never silently green."""

import json

import pytest
from harness import Entry, Reply, raw_server, scopeprobe, summary, token_body, write_inputs


def validate(fleet, *options):
    words = (fleet.folder / "clients.toml", "--scopes", fleet.folder / "scopes.txt", *options)
    secrets = {f"SECRET_{n}": secret for n, secret in enumerate(fleet.secrets.values())}
    return scopeprobe("validate", *words, env=secrets)


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ('granted = ["a.raed"]', "granted: a.raed matches no candidate; did you mean a.read?"),
        ('granted = ["a.*", "c.*"]', "granted: c.* matches no candidate; where that is meant"),
        ('denied = ["b.wriet"]', "denied: b.wriet matches no candidate; did you mean b.write?"),
    ],
    ids=["name", "glob", "denied"],
)
def test_a_typo_in_an_expectation_is_an_error_before_anything_is_asked(
    fleet_of_nights, expect, said
):
    fleet = fleet_of_nights
    fleet.extra["two"] = f"expect = {{ {expect} }}"
    for result in (fleet.night(codes=(2,)), validate(fleet)):
        assert result.returncode == 2
        assert f" two: expect.{said}" in result.stderr
        assert result.stderr.count("error: ") == 1
    assert not fleet.out.exists()
    fleet.extra["two"] = f"expect = {{ {expect}, allow_unmatched = true }}"
    fleet.night("--fail-on", "unmatched_expectation")
    assert "matches no" not in validate(fleet).stderr


def test_the_beginning_of_a_glob_is_corrected(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.extra["one"] = 'scopes = ["invoices.read"]\nexpect = { granted = ["invocies.*"] }'
    assert "did you mean invoices.*?" in fleet.night(codes=(2,)).stderr


def test_a_guard_is_a_notice_of_every_run_and_a_finding_of_its_own(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.extra["two"] = 'expect = { denied = ["*.admin", "b.*"] }'
    place = "two: expect.denied: matches no candidate"
    for _ in range(2):
        assert place in fleet.night().stderr
        assert fleet.cells() == []
    fleet.night("--fail-on", "unmatched_expectation", "-f", "markdown", "-f", "junit", codes=(1,))
    assert fleet.cells() == [("unmatched_expectation", "two", "*.admin")]
    assert place in summary(fleet.out)["findings"][0]["detail"]
    assert "two: expect.denied: *.admin matches no candidate" in validate(fleet).stderr


def test_a_rule_for_nobody_is_an_error(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.extra |= {"one": 'tags = ["prod"]', "two": 'tags = ["billing"]'}
    policy = fleet.folder / "policy.toml"
    place = "policy.toml:1: rules[0]"
    for rule, said in (
        ('tags = ["pord"]', f"{place}.tags: no client has the tag pord; did you mean prod?"),
        ('tags = ["prod", "billing"]', f"{place}.tags: no client has all of them"),
        ('tags = ["prod"]\naudience = "x"', f"{place}.audience: no client with these tags has"),
    ):
        policy.write_text(f'[[rules]]\n{rule}\nexpect = {{ denied = ["a.read"] }}\n')
        for result in (
            fleet.night("--policy", policy, codes=(2,)),
            validate(fleet, "--policy", policy),
        ):
            assert result.returncode == 2
            assert said in result.stderr
        policy.write_text(policy.read_text() + "allow_unmatched = true\n")
        fleet.night("--policy", policy)
    policy.write_text('[[rules]]\ntags = ["prod"]\nexpect = { granted = ["a.raed"] }\n')
    said = fleet.night("--policy", policy, codes=(2,)).stderr
    assert (
        "policy.toml:3: rules[0].expect.granted: a.raed matches no candidate; did you mean" in said
    )


def test_a_choice_of_clients_makes_no_rule_and_no_default_unmatched(fleet_of_nights):
    """What is written for many has to match for one of them, whoever is asked tonight."""
    fleet = fleet_of_nights
    fleet.extra |= {"one": 'tags = ["prod"]\nscopes = ["c.read"]', "two": 'tags = ["billing"]'}
    policy = fleet.folder / "policy.toml"
    policy.write_text(
        '[[rules]]\ntags = ["prod"]\nexpect = { denied = ["c.*"] }\n'
        '[[rules]]\ntags = ["billing"]\nexpect = { denied = ["*.admin"] }\n'
    )
    options = ("--policy", policy, "--client", "two", "--fail-on", "unmatched_expectation")
    fleet.night(*options, codes=(1,))
    assert fleet.cells() == [("unmatched_expectation", "two", "*.admin")]


def test_what_defaults_expect_is_told_once(tmp_path):
    with raw_server(lambda _asked: Reply(body=token_body(scope="a"))) as server:
        settings = {
            "s": f'token_endpoint = "{server.url}/t"\nrate = "900/s"\nclient_rate = "900/s"'
        }
        entries = [Entry("one", "s", extra='scopes = ["b"]'), Entry("two", "s")]
        words, environment = write_inputs(tmp_path, settings, entries, ["a"])
        clients = tmp_path / "clients.toml"
        written = clients.read_text()
        for expect, code in (("b", 0), ("c", 2), ("c*", 1)):
            default = f'[defaults]\nexpect = {{ denied = ["{expect}"] }}\n'
            clients.write_text(default + written)
            bar = ("--fail-on", "unmatched_expectation", "-f", "junit", "-f", "markdown")
            result = scopeprobe("audit", *words, "-o", tmp_path / "out", *bar, env=environment)
            assert result.returncode == code, result.stderr
            if code == 2:
                assert result.stderr.count("defaults.expect.denied: c matches no candidate") == 1
    told = [(one["client"], one["scope"]) for one in summary(tmp_path / "out")["findings"]]
    assert told == [("", "c*")]
    for file in ("junit.xml", "report.md"):
        assert "defaults.expect.denied: matches no" in (tmp_path / "out" / file).read_text()


def test_candidates_of_metadata_are_waited_for(tmp_path):
    def answer(asked):
        if asked.method == "POST":
            return Reply(body=token_body(scope=asked.scopes or ""))
        said = {
            "issuer": server.url,
            "token_endpoint": f"{server.url}/t",
            "scopes_supported": ["a", "b"],
        }
        return Reply(body=json.dumps(said).encode())

    with raw_server(answer) as server:
        settings = {"s": f'issuer = "{server.url}"\nrate = "900/s"\nclient_rate = "900/s"'}
        entries = [Entry("one", "s", extra='expect = { granted = ["a", "bb"] }')]
        words, environment = write_inputs(tmp_path, settings, entries)
        words = (*words, "--scopes-from-metadata")
        checked = scopeprobe("validate", *words, env=environment)
        bar = ("--fail-on", "unmatched_expectation")
        audited = scopeprobe("audit", *words, "-o", tmp_path / "out", *bar, env=environment)
    assert checked.returncode == 2
    assert "expect.granted: bb matches no candidate" in checked.stderr
    assert audited.returncode == 1, audited.stderr
    assert [one["scope"] for one in summary(tmp_path / "out")["findings"]] == ["bb"]
