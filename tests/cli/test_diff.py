"""`scopeprobe diff`: what two permission maps differ in."""

import json

import pytest
from harness import scopeprobe

HEADER = (
    "client,client_id,audience,scope,verdict,reason,evidence,http_status,error,error_description"
)
REASONS = {
    "granted": "listed_in_response",
    "denied": "refused_alone",
    "unknown": "unreachable",
    "unenforced": "canary_issued",
}


def written(path, *cells):
    lines = [f"{c},{c},,{scope},{v},{REASONS[v]},none,,," for c, scope, v in cells]
    path.write_text("\n".join([HEADER, *lines, ""]))
    return path


@pytest.fixture
def nights(tmp_path):
    (tmp_path / "new").mkdir()
    old = written(
        tmp_path / "old.csv",
        ("a", "s1", "granted"),
        ("a", "s2", "denied"),
        ("a", "s3", "granted"),
        ("a", "s4", "denied"),
        ("a", "s5", "granted"),
        ("gone", "s1", "granted"),
    )
    written(
        tmp_path / "new" / "permissions.csv",
        ("a", "s1", "denied"),
        ("a", "s2", "granted"),
        ("a", "s3", "unknown"),
        ("a", "s5", "granted"),
        ("a", "s6", "unenforced"),
        ("new", "s1", "granted"),
    )
    return old, tmp_path / "new"


def of_a(scope, before, after):
    return {"client": "a", "audience": "", "scope": scope, "before": before, "after": after}


def test_each_difference_stands_once_where_it_belongs(nights):
    result = scopeprobe("diff", *nights, "--print", "json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {
        "version": 1,
        "gained": [of_a("s2", "denied", "granted")],
        "lost": [of_a("s1", "granted", "denied")],
        "changed": [
            of_a("s3", "granted", "unknown"),
            of_a("s4", "denied", None),
            of_a("s6", None, "unenforced"),
        ],
        "new_clients": ["new"],
        "gone_clients": ["gone"],
    }


def test_people_read_one_difference_a_line(nights):
    assert scopeprobe("diff", *nights).stdout.splitlines() == [
        "gained: a s2: denied -> granted",
        "lost: a s1: granted -> denied",
        "changed: a s3: granted -> unknown",
        "changed: a s4: denied -> absent",
        "changed: a s6: absent -> unenforced",
        "new client: new",
        "gone client: gone",
    ]


def test_the_exit_code_tells_a_difference_only_when_asked(nights):
    old, new = nights
    assert scopeprobe("diff", old, new).returncode == 0
    assert scopeprobe("diff", old, new, "--exit-code").returncode == 1
    equal = scopeprobe("diff", old, old, "--exit-code")
    assert (equal.returncode, equal.stdout) == (0, "no differences\n")


def test_a_map_that_is_not_there_is_an_input_error(nights, tmp_path):
    result = scopeprobe("diff", nights[0], tmp_path / "nowhere.csv")
    assert result.returncode == 2
    assert "nowhere.csv" in result.stderr


def test_alone_it_compares_the_last_two_runs(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.night()
    alone = ("diff", "-o", fleet.out)
    assert f"{fleet.out}: only one run was finished here" in scopeprobe(*alone).stderr
    fleet.granted["two"] = {"a.write"}
    fleet.night()
    told = json.loads(scopeprobe(*alone, "--print", "json").stdout)
    assert [one["scope"] for one in told["gained"]] == ["a.write"]
    assert [one["scope"] for one in told["lost"]] == ["a.read"]
    back = json.loads(scopeprobe("diff", "last", "previous", *alone[1:], "--print", "json").stdout)
    assert back["gained"] == [
        {**one, "before": "denied", "after": "granted"} for one in told["lost"]
    ]
    nowhere = scopeprobe("diff", "-o", fleet.folder / "nowhere")
    assert nowhere.returncode == 2
    assert "no run is stored here" in nowhere.stderr
