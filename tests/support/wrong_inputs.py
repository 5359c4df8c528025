"""Wrong inputs as people make them, and what their message has to say: where, what, what to do."""

from dataclasses import dataclass, field

from harness import scopeprobe

SERVER = '[servers.kc]\ntoken_endpoint = "https://login.corp.example/token"\n'
CLIENT = """
[[clients]]
name = "crm-07"
server = "kc"
client_id = "crm-07"
client_secret = { env = "CRM_SECRET" }
scopes = ["orders.read", "orders.write"]
"""
SECRET = "s3cret-of-nobody"


@dataclass(frozen=True)
class Wrong:
    name: str
    where: str
    """File and line, or the option or variable, as the message begins."""
    what: str
    cure: str
    files: dict[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ("validate", "clients.toml")
    environment: dict[str, str] = field(default_factory=lambda: {"CRM_SECRET": SECRET})

    is_open: bool = False
    """Others can read the files."""

    def said(self, folder):
        """What is said of it on standard error, without the word `error`."""
        folder.mkdir(exist_ok=True)
        for name, text in {"clients.toml": SERVER + CLIENT, **self.files}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o644 if self.is_open else 0o600)
        ended = scopeprobe(*self.words, env=self.environment, cwd=folder)
        assert ended.returncode == 2, ended
        return " ".join(line.removeprefix("error: ") for line in ended.stderr.splitlines())


def client(before, after):
    assert before in CLIENT
    return {"clients.toml": SERVER + CLIENT.replace(before, after)}


def added(line):
    return {"clients.toml": SERVER + CLIENT + line + "\n"}


def to_server(line):
    return {"clients.toml": SERVER + line + "\n" + CLIENT}


YAML = ("validate", "clients.toml", "more.yaml")
JSON = ("validate", "clients.toml", "more.json")
CSV = ("validate", "clients.toml", "more.csv")
MORE = (
    "clients:\n- name: more\n  server: kc\n  client_id: more\n  client_secret: {env: CRM_SECRET}\n"
)
AUDIT = ("audit", "clients.toml")
POLICY = ("validate", "clients.toml", "--policy", "policy.toml")

WRONG_INPUTS = (
    # -- values of a clients file
    Wrong(
        "a typo in a server's name",
        'clients.toml:6 crm-07: server "kcc"',
        "",
        'did you mean "kc"?',
        client('"kc"', '"kcc"'),
    ),
    Wrong(
        "a server that nobody defined",
        'clients.toml:6 crm-07: server "okta"',
        "no such server",
        "define it under [servers], or name one of kc",
        client('"kc"', '"okta"'),
    ),
    Wrong(
        "no server",
        "clients.toml:4 crm-07: server",
        "is missing",
        "name one",
        client('server = "kc"\n', ""),
    ),
    Wrong(
        "a typo in a key",
        "clients.toml:10 crm-07: secret",
        "unknown key",
        "did you mean `client_secret`?",
        added('secret = "x"'),
    ),
    Wrong(
        "a typo in a key of a server",
        "clients.toml:3: servers.kc.timout",
        "unknown key",
        "did you mean `timeout`?",
        to_server("timout = 3"),
    ),
    Wrong(
        "a typo in the name of a table",
        "clients.toml:10: client",
        "unknown key",
        "did you mean `clients`?",
        added("[[client]]"),
    ),
    Wrong(
        "no client_id",
        "clients.toml:4 crm-07: client_id",
        "is missing",
        "add it",
        client('client_id = "crm-07"\n', ""),
    ),
    Wrong(
        "a number for a client_id",
        "clients.toml:7 crm-07: client_id",
        "must be text",
        "put it in quotes",
        client('client_id = "crm-07"', "client_id = 7"),
    ),
    Wrong(
        "a name that no file can have",
        "clients.toml:5 clients[0]: name",
        "must be 1 to 64 letters",
        "dashes or underscores",
        client('name = "crm-07"', 'name = "crm/07"'),
    ),
    Wrong(
        "one name twice",
        "clients.toml:12 crm-07: name",
        "clients.toml:4 crm-07",
        "choose another",
        {"clients.toml": SERVER + CLIENT + CLIENT},
    ),
    Wrong(
        "no secret",
        "clients.toml:4 crm-07: client_secret",
        "is missing",
        'such as { env = "NAME" }',
        client('client_secret = { env = "CRM_SECRET" }\n', ""),
    ),
    Wrong(
        "a variable that is not set",
        "clients.toml:8 crm-07: client_secret",
        "environment variable CRM_SECRET is not set",
        "export it",
        {},
        environment={},
    ),
    Wrong(
        "a secret's file that is not there",
        "clients.toml:8 crm-07: client_secret",
        "No such file or directory",
        "correct the path: it starts in the folder of this file",
        client('{ env = "CRM_SECRET" }', '{ file = "secrets/crm" }'),
    ),
    Wrong(
        "a secret's program that is not there",
        "clients.toml:8 crm-07: client_secret",
        "command vault-7 cannot be run",
        "install it, or give its whole path",
        client('{ env = "CRM_SECRET" }', '{ command = ["vault-7"] }'),
    ),
    Wrong(
        "a method that is none",
        "clients.toml:10 crm-07: token_endpoint_auth_method",
        "must be",
        "'client_secret_post'",
        added('token_endpoint_auth_method = "post"'),
    ),
    Wrong(
        "a rate that is none",
        'clients.toml:3: servers.kc.rate "5/week"',
        "must be a rate",
        "N/day",
        to_server('rate = "5/week"'),
    ),
    Wrong(
        "a time without a unit",
        'clients.toml:3: servers.kc.timeout "15"',
        "must be a duration",
        "15s",
        to_server('timeout = "15"'),
    ),
    Wrong(
        "a number that is too small",
        "clients.toml:3: servers.kc.burst 0",
        "must be",
        "at least 1",
        to_server("burst = 0"),
    ),
    Wrong(
        "a day that is none",
        'clients.toml:10 crm-07: secret_expires "soon"',
        "must be a date",
        "2026-12-31",
        added('secret_expires = "soon"'),
    ),
    Wrong(
        "two scopes in one",
        "clients.toml:9 crm-07: scopes[0]",
        "a scope holds no U+0020 SPACE",
        "write each in quotes of its own",
        client('"orders.read", "orders.write"', '"orders.read orders.write"'),
    ),
    Wrong(
        "no scopes at all",
        "clients.toml:4 crm-07",
        "has no candidate scopes",
        "give --scopes FILE",
        client('scopes = ["orders.read", "orders.write"]\n', ""),
    ),
    Wrong(
        "a typo in an expectation",
        "clients.toml:10 crm-07: expect.granted",
        "orders.raed matches no candidate",
        "did you mean orders.read?",
        added('expect = { granted = ["orders.raed"] }'),
    ),
    Wrong(
        "an endpoint without TLS",
        "clients.toml:2: servers.kc.token_endpoint",
        "must be https",
        "allow_http = true",
        {"clients.toml": SERVER.replace("https", "http") + CLIENT},
    ),
    Wrong(
        "an endpoint that is no URL",
        "clients.toml:2: servers.kc.token_endpoint",
        "must be an absolute http or https URL",
        "such as https://",
        {"clients.toml": SERVER.replace("https://", "") + CLIENT},
    ),
    Wrong(
        "no endpoint",
        "clients.toml:1: servers.kc.token_endpoint",
        "is missing",
        "give one of them",
        {"clients.toml": "[servers.kc]\n" + CLIENT},
    ),
    Wrong(
        "a CA file that is not there",
        'clients.toml:3: servers.kc.ca_file "ca.pem"',
        "there is no such file",
        "correct the path: it starts in the folder of this file",
        to_server('ca_file = "ca.pem"'),
    ),
    Wrong(
        "a provider that nobody knows",
        'clients.toml:3: servers.kc.provider "oktaa"',
        "is none of the provider packs",
        "did you mean okta?",
        to_server('provider = "oktaa"'),
    ),
    Wrong(
        "literal secrets that others can read",
        "clients.toml",
        "others can read it",
        "chmod 600",
        client('{ env = "CRM_SECRET" }', '"hunter2"'),
        is_open=True,
    ),
    # -- texts that cannot be read
    Wrong(
        "TOML: no quotes",
        "clients.toml:10:9: is not valid TOML",
        "text without quotes",
        "quotes",
        added("owner = team-x"),
    ),
    Wrong(
        "TOML: a quotation mark too few",
        "clients.toml:10:16: is not valid TOML",
        "a quotation mark is missing",
        "at the end of the line",
        added('owner = "team-x'),
    ),
    Wrong(
        "TOML: a list that is not closed",
        "clients.toml:",
        "is not valid TOML",
        "a comma is missing",
        client('"orders.write"]', '"orders.write"'),
    ),
    Wrong(
        "TOML: a table twice",
        "clients.toml:10:12: is not valid TOML",
        "a key or table is given twice",
        "take one of them out",
        added("[servers.kc]"),
    ),
    Wrong(
        "YAML: the indentation",
        "more.yaml:3:",
        "is not valid YAML",
        "the indentation",
        {"more.yaml": MORE.replace("  server", "   server")},
        YAML,
    ),
    Wrong(
        "YAML: a tab",
        "more.yaml:3:1: is not valid YAML",
        "a tab",
        "indented by spaces",
        {"more.yaml": MORE.replace("  server", "\tserver")},
        YAML,
    ),
    Wrong(
        "YAML: a value of a client",
        'more.yaml:3 more: server "kcc"',
        "",
        'did you mean "kc"?',
        {"more.yaml": MORE.replace("server: kc", "server: kcc")},
        YAML,
    ),
    Wrong(
        "JSON: a comma too many",
        "more.json:1:14: is not valid JSON",
        "",
        "comma",
        {"more.json": '{"clients": [,]}'},
        JSON,
    ),
    Wrong(
        "JSON: a member twice",
        "more.json:2",
        "an object has the member `name` twice",
        "take one of them out",
        {"more.json": '{"clients": [{"name": "a",\n"name": "b"}]}'},
        JSON,
    ),
    Wrong(
        "CSV: a column that is no key",
        "more.csv:1:3",
        "column 3 is no key of a client",
        "did you mean client_id?",
        {"more.csv": "name,server,clientid\na,kc,a\n"},
        CSV,
    ),
    Wrong(
        "CSV: a row that is too short",
        "more.csv:2:1",
        "number of cells: 2, in the header 3",
        "needs quotes",
        {"more.csv": "name,server,client_id\na,kc\n"},
        CSV,
    ),
    Wrong(
        "CSV: a value of a row",
        'more.csv:2 a: server "kcc"',
        "",
        'did you mean "kc"?',
        {"more.csv": "name,server,client_id,client_secret.env\na,kcc,a,CRM_SECRET\n"},
        CSV,
    ),
    Wrong(
        "a bad scope in a scopes file",
        "scopes.txt:2",
        "a scope holds no U+0022 QUOTATION MARK",
        "take it out",
        {"scopes.txt": 'a.read\n"b.read"\n'},
        ("validate", "clients.toml", "--scopes", "scopes.txt"),
    ),
    # -- files and options
    Wrong(
        "a file that is not there",
        "cleints.toml",
        "there is no such file",
        "did you mean clients.toml?",
        {},
        ("validate", "cleints.toml"),
    ),
    Wrong(
        "a file of another kind",
        "clients.txt",
        "the ending must be one of",
        ".toml, .yaml",
        {"clients.txt": "x"},
        ("validate", "clients.txt"),
    ),
    Wrong(
        "a client that is chosen and not there",
        "--client crm-7",
        "is the name of no client",
        "did you mean crm-07?",
        {},
        ("validate", "clients.toml", "--client", "crm-7"),
    ),
    Wrong(
        "a tag that nobody has",
        "--tag prod",
        "no client has that tag",
        "write tags = [",
        {},
        ("validate", "clients.toml", "--tag", "prod"),
    ),
    Wrong(
        "a kind of findings that is none",
        "--fail-on",
        "no such kind: exces",
        "did you mean excess?",
        {},
        (*AUDIT, "--fail-on", "exces"),
    ),
    Wrong(
        "a time that is none",
        "--max-time 2hours",
        "must be a duration",
        "2h",
        {},
        (*AUDIT, "--max-time", "2hours"),
    ),
    Wrong(
        "a run that is not there",
        "scopeprobe-out",
        "no run is stored here",
        "--out",
        {},
        (*AUDIT, "--resume"),
    ),
    Wrong(
        "scopes in the place of clients",
        "scopes.txt",
        "the ending must be one of",
        "scopes are given by --scopes FILE",
        {"scopes.txt": "a.read"},
        ("audit", "clients.toml", "scopes.txt"),
    ),
    Wrong(
        "a file in the place of the output folder",
        "clients.toml",
        "cannot be used: File exists",
        "choose another folder with --out",
        {},
        (*AUDIT, "--out", "clients.toml"),
    ),
    Wrong(
        "metadata of a server without an issuer",
        "clients.toml",
        "names no issuer",
        "write `issuer` for the server",
        {},
        ("discover", "clients.toml"),
    ),
    Wrong(
        "a comparison with a run that is not there",
        "monday",
        "is no file and no run of scopeprobe-out",
        "choose its folder with --out",
        {},
        ("diff", "monday", "tuesday"),
    ),
    Wrong(
        "a policy's tag that nobody has",
        "policy.toml:1: rules[0].tags",
        "no client has the tag prod",
        "allow_unmatched = true",
        {"policy.toml": '[[rules]]\ntags = ["prod"]\nexpect = { denied = [] }\n'},
        POLICY,
    ),
    Wrong(
        "a baseline without a reason",
        "baseline.toml:1: waivers[0].reason",
        "is missing",
        "add it",
        {"baseline.toml": '[[waivers]]\nowner = "x"\nclient = "*"\nexpires = 2030-01-01\n'},
        (*AUDIT, "--baseline", "baseline.toml"),
    ),
)
