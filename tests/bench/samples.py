"""
What every sample does, in files, so that two ends of a rebuild can be compared.

    python tests/bench/samples.py record FOLDER [--python PATH]
    python tests/bench/samples.py compare BEFORE AFTER

`record` plays the samples of this checkout with the program that PATH has installed (default: the
interpreter that runs this) and makes FOLDER, which holds for each sample: what `validate`, `plan`
and `explain` print, the CSV files and the summary of the audit, exit codes, and every request that
the lab was sent, with the status of its answer. Requests are sorted: it counts which ones were
sent, and how often, not when. Times and run ids are masked, tokens named by what they were issued
for, secrets by a digest. Port 8089 has to be free: invented scopes depend on it.

`compare` prints one line a sample, and ends with exit code 1 where anything differs.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from urllib.parse import parse_qs, urlsplit

sys.path[:0] = [str(Path(__file__).parents[1] / "support")]

from samples_to_run import AUDITED, READ_ONLY, Sample  # noqa: E402 - of the tests beside this folder

SAMPLES = Path(__file__).parents[2] / "samples"
PORT = 8089
"""Where the samples expect the lab."""
EXPLAINED = {"forum": ("agent-desk", "--scope", "admin:agent")}
"""By sample: whom to explain, and what that client asks for."""
PASSING = re.compile(r'"(Date|run|started|finished|seconds)": ("[^"]*"|[\d.]+)')
"""What no two runs have in common."""
JWT = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")
"""Assertions and proofs: each is signed anew."""
UNTOLD = {"accept-encoding", "authorization", "connection", "content-length", "host"}
"""Headers of the transport, and the one that is told apart."""


@dataclass(frozen=True)
class Heard:
    """One request to the lab, and what came of it."""

    request: str
    headers: dict[str, str]
    form: dict[str, list[str]]
    status: int
    token: str

    def told(self, tokens: dict[str, str]) -> str:
        """Give the request as a line of JSON in which nothing is random."""
        client, secret = self.basic()
        sent = f"Basic {client}:{digest(secret)}" if client else self.headers.get("authorization")
        fields = {
            "authorization": masked(sent or "", tokens),
            "form": {
                name: [digest(v) if name == "client_secret" else masked(v, tokens) for v in values]
                for name, values in self.form.items()
            },
            "headers": {
                name: masked(v, tokens) for name, v in self.headers.items() if name not in UNTOLD
            },
            "request": self.request,
            "status": self.status,
        }
        return json.dumps(fields, ensure_ascii=False, sort_keys=True)

    def basic(self) -> tuple[str, str]:
        """Give client and secret of HTTP Basic, encoded as they were sent."""
        scheme, _, credential = self.headers.get("authorization", "").partition(" ")
        pair = b64decode(credential).decode() if scheme == "Basic" else ""
        client, _, secret = pair.partition(":")
        return client, secret

    def purpose(self) -> str:
        client = self.basic()[0] or self.form.get("client_id", ["nobody"])[0]
        return f"{client}, {self.form.get('scope', ['no scope'])[0]}"


def digest(secret: str) -> str:
    return f"({sha256(secret.encode()).hexdigest()[:8]})"


def masked(value: str, tokens: dict[str, str]) -> str:
    scheme, space, token = value.rpartition(" ")
    if token in tokens:
        return f"{scheme}{space}(token of {tokens[token]})"
    return JWT.sub("(JWT)", value)


class Handler(BaseHTTPRequestHandler):
    """Passes a request on to the lab, and the answer back."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: "Recorder"

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        lab = HTTPConnection("127.0.0.1", self.server.lab)
        lab.request(self.command, self.path, body, dict(self.headers))
        answer = lab.getresponse()
        content = answer.read()
        lab.close()
        self.server.heard.append(
            Heard(
                f"{self.command} {self.path}",
                {name.lower(): value for name, value in self.headers.items()},
                parse_qs(body.decode(), keep_blank_values=True),
                answer.status,
                token_in(content),
            )
        )
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = pass_on  # noqa: N815 - the names are the standard library's

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def token_in(content: bytes) -> str:
    try:
        return json.loads(content)["access_token"]
    except (ValueError, TypeError, KeyError):
        return ""


class Recorder(ThreadingHTTPServer):
    """Stands where the samples expect the lab, and keeps what passes."""

    request_queue_size = 128

    def __init__(self, lab: int) -> None:
        super().__init__(("127.0.0.1", PORT), Handler)
        self.lab = lab
        self.heard: list[Heard] = []

    def told(self) -> str:
        purposes = defaultdict(set)
        for heard in self.heard:
            if heard.token:
                purposes[heard.token].add(heard.purpose())
        tokens = {token: "; ".join(sorted(told)) for token, told in purposes.items()}
        return "".join(sorted(f"{heard.told(tokens)}\n" for heard in self.heard))


@dataclass(frozen=True)
class Program:
    """The command line of an interpreter, in a folder with the samples as users have them."""

    python: str
    here: Path

    def __post_init__(self) -> None:
        shutil.copytree(SAMPLES, self.here / "samples")
        fleet = self.here / "samples" / "fleet" / "clients.toml"
        fleet.write_text(fleet.read_text().replace("{port}", str(PORT)))
        (self.here / "samples" / "secrets" / "literal.toml").chmod(0o600)

    def command(self, *words: str) -> list[str]:
        return [self.python, "-m", "scopeprobe", *words]

    def environment(self) -> dict[str, str]:
        """Give the secrets of the fleet, and as little as possible of who runs this."""
        fleet = tomllib.loads((SAMPLES / "fleet" / "environment.toml").read_text())
        return {"PATH": os.environ["PATH"], "COLUMNS": "80", **fleet}

    def run(self, sample: Sample, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command after the sample's secrets.sh, as its header says."""
        secrets = f"samples/{sample.folder}/secrets.sh"
        script = f"test ! -e {secrets} || . {secrets}; exec {shlex.join(self.command(*words))}"
        return subprocess.run(
            ["sh", "-c", script],
            cwd=self.here,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @contextmanager
    def lab(self, sample: Sample) -> Iterator[Recorder]:
        """Play the sample's servers behind a recorder."""
        command = self.command("lab", "--fleet", f"samples/{sample.folder}/servers.toml")
        output = {"stdout": subprocess.PIPE, "text": True}
        with (
            subprocess.Popen(command, cwd=self.here, env=self.environment(), **output) as lab,
            ExitStack() as stack,
        ):
            stack.callback(lab.terminate)
            url = lab.stdout.readline().partition(" ")[0]
            if not url:
                sys.exit(f"{shlex.join(command)}: plays nothing")
            recorder = stack.enter_context(Recorder(urlsplit(url).port))
            Thread(target=recorder.serve_forever).start()
            stack.callback(recorder.shutdown)
            yield recorder


def record(folder: Path, python: str) -> None:
    folder.mkdir(parents=True)
    for sample in [*AUDITED, *READ_ONLY]:
        name = f"{sample.folder}-{sample.clients[0]}"
        print(name, flush=True)
        with TemporaryDirectory() as here:
            files = play(sample, Program(python, Path(here)))
        for path, content in files.items():
            file = folder / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def play(sample: Sample, program: Program) -> dict[str, bytes]:
    """Run the commands that the sample is for, and give by file name what comes of them."""
    commands = {"validate": (), "plan": ()}
    if sample.folder in EXPLAINED:
        commands["explain"] = EXPLAINED[sample.folder]
    elif sample in AUDITED or sample.folder == "fleet":
        commands["audit"] = (*sample.options, "-o", "out")
    has_lab = len(commands) > 2
    with program.lab(sample) if has_lab else nullcontext() as recorder:
        results = {
            command: program.run(sample, command, *sample.arguments(), *words, "--print", "json")
            for command, words in commands.items()
        }
    codes = {command: result.returncode for command, result in results.items()}
    texts = {f"{command}.json": result.stdout for command, result in results.items()}
    texts["exit_codes.json"] = json.dumps(codes)
    if recorder:
        texts["requests.jsonl"] = recorder.told()
    out = program.here / "out"
    texts |= {path.name: path.read_text() for path in out.glob("*.json")}
    files = {name: PASSING.sub(r'"\1": "masked"', text).encode() for name, text in texts.items()}
    return files | {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.csv")}


def compare(before: Path, after: Path) -> bool:
    """Print for each sample what differs, and tell whether anything does."""
    names = {path.name for end in (before, after) for path in end.iterdir()}
    differs = False
    for name in sorted(names):
        one, other = contents(before / name), contents(after / name)
        files = sorted(path for path in one | other if one.get(path) != other.get(path))
        print(f"{name}: {'differs in ' + ', '.join(files) if files else 'same'}")
        differs |= bool(files)
    return differs


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["record", folder]:
            record(Path(folder), sys.executable)
        case ["record", folder, "--python", python]:
            record(Path(folder), str(Path(python).absolute()))
        case ["compare", before, after]:
            sys.exit(compare(Path(before), Path(after)))
        case _:
            sys.exit(__doc__)
