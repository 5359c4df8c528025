"""samples/nightly: what schedulers read is valid, and its commands are ours."""

import configparser
import re
import shlex
import shutil
import subprocess

import jsonschema
import pytest
from ruamel.yaml import YAML
from samples_to_run import SAMPLES

from scopeprobe.cli.app import load
from scopeprobe.inputs import read_policy

NIGHTLY = SAMPLES / "nightly"
UNITS = ("scopeprobe-nightly.service", "scopeprobe-nightly.timer")


def yaml(name):
    return list(YAML(typ="safe").load_all((NIGHTLY / name).read_text()))


def commands():
    """Every command line of ours in the folder, with its file."""
    for name in ("crontab", "scopeprobe-nightly.service"):
        (line,) = re.findall(r"scopeprobe audit [^'\n]*", (NIGHTLY / name).read_text())
        yield name, line
    steps = yaml("github-actions.yml")[0]["jobs"]["audit"]["steps"]
    yield "github-actions.yml", next(s["run"] for s in steps if s.get("name") == "audit")
    yield "gitlab-ci.yml", yaml("gitlab-ci.yml")[0]["scopeprobe"]["script"][-1]
    job = yaml("cronjob.yaml")[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    yield "cronjob.yaml", shlex.join(["scopeprobe", *job["containers"][0]["args"]])


@pytest.mark.parametrize(("file", "line"), list(commands()))
def test_each_command_is_one_that_the_program_understands(file, line):
    words = shlex.split(line)
    assert words[:2] == ["scopeprobe", "audit"], file
    audit = load("audit")
    context = audit.make_context("audit", [w.replace("$STATE_DIRECTORY", "x") for w in words[2:]])
    assert context.params["previous"] == "last"
    assert context.params["strategy"] == "recheck"
    assert "changed" in context.params["fail_on"]


def test_the_units_are_what_systemd_expects(tmp_path):
    """By systemd itself where this machine has it; what they promise is read in any case."""
    for name in UNITS:
        shutil.copy(NIGHTLY / name, tmp_path)
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str
    read.read([tmp_path / name for name in UNITS])
    assert read["Service"]["LoadCredential"].startswith("billing-secret:")
    assert set(read["Service"]["SuccessExitStatus"].split()) == {"1", "3"}
    assert read["Timer"]["OnCalendar"] == "*-*-* 02:30:00"
    if shutil.which("systemd-analyze"):
        verified = subprocess.run(
            ["systemd-analyze", "verify", *(tmp_path / name for name in UNITS)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        ours = [line for line in verified.stderr.splitlines() if "scopeprobe-nightly" in line]
        assert verified.returncode == 0 or not ours, verified.stderr


TEXT = {"type": "string", "minLength": 1}
WORKFLOW = {
    "type": "object",
    "required": ["on", "permissions", "jobs"],
    "properties": {
        "on": {"type": "object", "required": ["schedule"]},
        "permissions": {"const": {"contents": "read"}},
        "jobs": {
            "additionalProperties": {
                "required": ["runs-on", "timeout-minutes", "steps"],
                "properties": {
                    "steps": {
                        "items": {
                            "type": "object",
                            "anyOf": [{"required": ["uses"]}, {"required": ["run"]}],
                        }
                    }
                },
            }
        },
    },
}
CRON_JOB = {
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "batch/v1"},
        "kind": {"const": "CronJob"},
        "spec": {
            "required": ["schedule", "concurrencyPolicy", "jobTemplate"],
            "properties": {"schedule": TEXT, "concurrencyPolicy": {"const": "Forbid"}},
        },
    },
}
PIPELINE = {
    "additionalProperties": {
        "required": ["script", "rules", "artifacts"],
        "properties": {
            "artifacts": {
                "required": ["reports", "paths", "access"],
                "properties": {"access": {"enum": ["developer", "none"]}},
            }
        },
    }
}


@pytest.mark.parametrize(
    ("file", "schema"),
    [("github-actions.yml", WORKFLOW), ("cronjob.yaml", CRON_JOB), ("gitlab-ci.yml", PIPELINE)],
)
def test_workflows_have_the_shape_that_their_systems_want(file, schema):
    jsonschema.validate(yaml(file)[0], schema)


def test_the_cron_job_runs_the_image_of_samples_docker():
    """As its user, writing where its volume is."""
    steps = (SAMPLES / "docker" / "Dockerfile").read_text().splitlines()
    told = dict(line.split(" ", 1) for line in steps if line and not line.startswith("#"))
    pod = yaml("cronjob.yaml")[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert told["USER"].partition(":")[0] == str(pod["securityContext"]["runAsUser"])
    [container] = pod["containers"]
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert mounts["state"] == told["VOLUME"] == told["WORKDIR"]
    assert told["ENTRYPOINT"] == '["scopeprobe"]'
    assert f"--out={told['VOLUME']}" in container["args"]


def test_no_permission_map_leaves_a_job():
    """Of the output folder only summary and JUnit are published."""
    workflow, pipeline = yaml("github-actions.yml")[0], yaml("gitlab-ci.yml")[0]
    uploads = [
        step["with"]["path"]
        for step in workflow["jobs"]["audit"]["steps"]
        if step.get("uses", "").startswith("actions/upload-artifact")
    ]
    assert uploads == ["nightly/junit.xml"]
    artifacts = pipeline["scopeprobe"]["artifacts"]
    assert artifacts["paths"] == ["nightly/report.md"]
    assert artifacts["reports"] == {"junit": "nightly/junit.xml"}


def test_the_policy_is_one():
    (rule,) = read_policy(NIGHTLY / "policy.toml")
    assert rule.tags == {"prod"}
