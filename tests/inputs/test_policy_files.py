"""Policy files and baselines: what they say, what is wrong with them, and what is kept of them."""

from datetime import date

import pytest
from outcomes import DENIED, GRANTED, LATE, REJECTED, UNENFORCED, permissions

from scopeprobe.errors import InputError
from scopeprobe.inputs.policy_files import baseline_text, read_baseline, read_policy
from scopeprobe.model.client import Expectation
from scopeprobe.model.finding import FindingKind
from scopeprobe.policy import Baseline, Rule, Waiver


@pytest.fixture
def written(tmp_path):
    def write(text, name="file.toml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def complaints(read, path):
    with pytest.raises(InputError) as caught:
        read(path)
    return [line.removeprefix(f"{path.parent}/") for line in caught.value.messages]


# -- policies


def test_a_rule_says_whom_it_is_for_what_it_expects_and_where_it_stands(written):
    path = written(
        '[[rules]]\ntags = ["prod", "eu"]\nexpect = { granted = ["a.*"], denied = ["b"] }\n'
        '\n[[rules]]\ntags = ["test"]\naudience = "x"\nallow_unmatched = true\n'
        'expect = { denied = ["c"], allow_unmatched = true }\n'
    )
    first, second = read_policy(path)
    assert first == Rule(frozenset({"prod", "eu"}), Expectation(("a.*",), ("b",)))
    assert second == Rule(
        frozenset({"test"}), Expectation(None, ("c",), allows_unmatched=True), "x",
        allows_unmatched=True,
    )  # fmt: skip
    assert [rule.place for rule in (first, second)] == [
        f"{path}:1: rules[0]", f"{path}:5: rules[1]",
    ]  # fmt: skip
    assert str(first.expect.place) == f"{path}:3: rules[0].expect"


def test_a_policy_may_be_written_as_yaml_or_json_and_may_be_empty(written):
    ours = (Rule(frozenset({"prod"}), Expectation(None, ("b",))),)
    yaml = "rules:\n  - tags: [prod]\n    expect: {denied: [b]}\n"
    json = '{"rules": [{"tags": ["prod"], "expect": {"denied": ["b"]}}]}'
    assert read_policy(written(yaml, "file.yaml")) == ours
    assert read_policy(written(json, "file.json")) == ours
    assert read_policy(written("")) == read_policy(written("", "file.yaml")) == ()


def test_all_that_is_wrong_with_a_policy_is_told_with_its_place(written):
    told = complaints(
        read_policy,
        written(
            'rulez = []\nrules = "x"\n[waivers]\n',
        ),
    )
    assert told[0].startswith("file.toml:1: rulez: unknown key")
    assert told[1:2] == ["file.toml:2: rules: must be a list of tables: write [[rules]] in TOML"]
    assert told[2].startswith("file.toml:3: waivers: unknown key")
    told = complaints(
        read_policy,
        written(
            '[[rules]]\ntags = []\nexpect = { grant = ["a"] }\n[[rules]]\nexpect = {}\n',
        ),
    )
    assert [line.partition(": ")[0] for line in told] == [
        "file.toml:2", "file.toml:3", "file.toml:4",
    ]  # fmt: skip
    assert complaints(read_policy, written("- a\n", "file.yaml")) == ["file.yaml: must be a table"]


# -- baselines


MAPS = [
    permissions("b", GRANTED, DENIED, GRANTED, UNENFORCED, LATE),
    permissions("a", DENIED, audience="x"),
    permissions("c", REJECTED),
    permissions("d", REJECTED, audience="y"),
]
ACCEPTED = """\
[[accepted]]
client = "a"
audience = "x"
denied = ["s0"]

[[accepted]]
client = "b"
granted = [
    "s0",
    "s2",
]
denied = ["s1"]
unenforced = ["s3"]

[[accepted]]
client = "c"
unauthenticated = true

[[accepted]]
client = "d"
unauthenticated = true
"""


def test_a_baseline_is_written_sorted_and_read_as_it_was(written):
    baseline = Baseline().renewed(MAPS)
    text = baseline_text(baseline)
    head, _, accepted = text.partition("\n\n")
    assert all(line.startswith("# ") for line in head.splitlines())
    assert accepted == ACCEPTED
    assert read_baseline(written(text)) == baseline


def test_a_new_baseline_keeps_comments_and_waivers_and_nothing_else(written):
    ours = '# agreed in March\n[[waivers]]\nclient = "b"\nowner = "ada"\nreason = "x"\n'
    ours += "expires = 2026-11-26\n"
    old = baseline_text(Baseline().renewed(MAPS[1:2]), ours)
    new = baseline_text(Baseline().renewed(MAPS[2:3]), old)
    assert new == f'{ours}\n[[accepted]]\nclient = "c"\nunauthenticated = true\n'
    baseline = read_baseline(written(new))
    assert baseline.waivers == (Waiver("ada", "x", date(2026, 11, 26), "b"),)
    assert baseline.verdicts == {}


def test_waivers_that_stand_behind_accepted_cells_stay():
    waiver = '[[waivers]]\nclient = "b"\nowner = "ada"\nreason = "x"\nexpires = 2026-11-26\n'
    text = f'[[accepted]]\nclient = "a"\ngranted = [\n    "s0",\n    "s1",\n]\n\n{waiver}'
    assert baseline_text(Baseline(), text).strip().startswith(waiver.strip())
    assert "s0" not in baseline_text(Baseline(), text)


def test_a_waiver_says_all_that_it_covers(written):
    path = written(
        '[[waivers]]\nclient = "b*"\nscope = "s?"\naudience = "x"\nkind = "excess"\n'
        'owner = "ada"\nreason = "trial"\nexpires = 2026-11-26\n'
    )
    assert read_baseline(path).waivers == (
        Waiver("ada", "trial", date(2026, 11, 26), "b*", "s?", "x", FindingKind.EXCESS),
    )


def test_all_that_is_wrong_with_a_baseline_is_told_with_its_place(written):
    told = complaints(
        read_baseline,
        written('[[accepted]]\ngranted = ["a"]\n[[waivers]]\nclient = "b"\nkind = "x"\n'),
    )
    assert told[0].startswith("file.toml:1: accepted[0].client: ")
    assert {line.partition(": ")[2].partition(":")[0] for line in told[1:]} == {
        "waivers[0].owner", "waivers[0].reason", "waivers[0].expires", "waivers[0].kind",
    }  # fmt: skip
