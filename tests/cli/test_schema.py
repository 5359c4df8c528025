"""JSON Schemas of the files that people write say what the readers take, and editors agree."""

import json
from importlib import resources

import pytest
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner
from harness import scopeprobe
from json_schemas import PACKAGE, as_text, json_schemas
from samples_to_run import SAMPLES

CLIENTS_FILES = sorted(
    path
    for path in SAMPLES.glob("*/*")
    if path.suffix in {".toml", ".yaml", ".json"}
    and path.stem in {"clients", "endpoints", "sales", "finance", "literal"}
)
FLEETS = sorted((*SAMPLES.glob("*/servers.toml"), PACKAGE / "lab" / "demo" / "servers.toml"))


@pytest.fixture
def judged(tmp_path):
    """What check-jsonschema, a program for editors and pipelines, says of files of a kind."""

    def judge(kind, *files):
        schema = tmp_path / f"{kind}.schema.json"
        schema.write_text(scopeprobe("schema", kind).stdout)
        words = ["--schemafile", str(schema), *map(str, files)]
        return CliRunner().invoke(check_jsonschema, words)

    return judge


@pytest.mark.parametrize("place", json_schemas())
def test_what_is_shipped_is_what_the_models_say(place):
    assert (PACKAGE / place).read_text() == as_text(json_schemas()[place])


@pytest.mark.parametrize("place", json_schemas())
def test_every_key_is_told_of(place):
    schema = json.loads((PACKAGE / place).read_text())
    untold = [
        (name, key)
        for name, shape in {"": schema, **schema["$defs"]}.items()
        for key, value in shape.get("properties", {}).items()
        if not value.get("description")
    ]
    assert untold == []


def test_all_samples_are_what_the_schemas_say(judged):
    assert len(CLIENTS_FILES) > 25
    for kind, files in (
        ("clients", CLIENTS_FILES),
        ("policy", SAMPLES.glob("*/policy.toml")),
        ("lab", FLEETS),
    ):
        result = judged(kind, *files)
        assert result.exit_code == 0, result.output


SERVER = '[servers.corp]\ntoken_endpoint = "https://login.corp.example/token"\n'
CLIENT = '[[clients]]\nname = "one"\nserver = "corp"\nclient_id = "one"\n'
WAIVER = '[[waivers]]\nowner = "iam"\nreason = "until then"\nexpires = 2026-12-31\n'


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("clients", f"{SERVER}{CLIENT}client_sercet = {{ env = 'X' }}"),
        ("clients", f"{SERVER}{CLIENT}client_secret = {{ env = 'X', file = 'y' }}"),
        ("clients", f"{SERVER}{CLIENT}client_secret = {{ env = '$X' }}"),
        ("clients", f"{SERVER}{CLIENT}token_endpoint_auth_method = 'basic'"),
        ("clients", f"{SERVER}{CLIENT}tags = 'prod'"),
        ("clients", f"{SERVER}{CLIENT}secret_expires = 'soon'"),
        ("clients", f"{SERVER}{CLIENT}expect = {{ allowed = ['a'] }}"),
        ("clients", f"{SERVER}rate = 5"),
        ("clients", "[servers.corp]\ntoken_endpoint = 'login.corp.example'"),
        ("clients", "[[clients]]\nserver = 'corp'"),
        ("clients", "[[clients]]\nname = 'a/b'"),
        ("clients", "[client]\nname = 'a'"),
        ("policy", "[[rules]]\ntags = []\nexpect = { denied = ['a'] }"),
        ("policy", "[[rules]]\nexpect = { denied = ['a'] }"),
        ("baseline", WAIVER),
        ("baseline", f"{WAIVER}client = 'one'\nkind = 'exces'"),
        ("lab", "[servers.corp]\nscopes = ['a']"),
        ("lab", "[servers.corp]\nmanner = 'strict'\nscopes = ['a b']"),
    ],
)
def test_what_is_wrong_is_told(judged, tmp_path, kind, text):
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    result = judged(kind, file)
    assert result.exit_code == 1
    assert "Schema validation errors were encountered" in result.output


def test_a_baseline_that_was_written_is_what_its_schema_says(judged, tmp_path, fleet_of_nights):
    fleet_of_nights.night()
    file = tmp_path / "baseline.toml"
    written = scopeprobe("baseline", "write", "-o", fleet_of_nights.out, "--baseline", file)
    assert written.returncode == 0, written.stderr
    file.write_text(file.read_text() + f"\n{WAIVER}client = 'one'\n")
    result = judged("baseline", file)
    assert result.exit_code == 0, result.output


def test_init_names_the_schema_that_it_writes(tmp_path):
    assert scopeprobe("init", tmp_path).returncode == 0
    first = (tmp_path / "clients.toml").read_text().splitlines()[0]
    schema = tmp_path / first.removeprefix("#:schema ")
    shipped = resources.files("scopeprobe") / "inputs" / "schemas" / "clients.json"
    assert schema.read_text() == shipped.read_text()
    words = ["--schemafile", str(schema), str(tmp_path / "clients.toml")]
    assert CliRunner().invoke(check_jsonschema, words).exit_code == 0


def test_schemas_of_reports_are_printed_and_others_do_not_exist():
    assert json.loads(scopeprobe("schema", "report").stdout)["$ref"]
    assert json.loads(scopeprobe("schema", "cell").stdout)["$ref"]
    assert scopeprobe("schema", "clinets").returncode == 2
