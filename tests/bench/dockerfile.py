"""
The steps of samples/docker/Dockerfile without Docker: each in a chroot, as root.

    debootstrap --variant=minbase bookworm BASE MIRROR
    python tests/bench/dockerfile.py BASE FOLDER [WORD...]

BASE stands for the base image and stays as it is; the stages are made in FOLDER, which is not there
yet. At the end the image runs with WORDs, as its user, in its folder. Names are resolved and
authorities trusted as on this machine.
"""

import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "samples" / "docker" / "Dockerfile"
RESOLVER = "/etc/resolv.conf"
AUTHORITIES, LENT_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt", "/run/authorities.crt"


@dataclass
class Stage:
    """One image, as far as it is made."""

    root: Path
    environment: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/bin"}
    )
    user: str = "0:0"
    folder: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def run(self, words: list[str], **options: object) -> subprocess.CompletedProcess:
        inside = ["chroot", f"--userspec={self.user}", str(self.root), "env", "-C", self.folder]
        lent = {"PIP_CERT": LENT_AUTHORITIES}
        environment = {**lent, "DEBIAN_FRONTEND": "noninteractive", **self.environment}
        return subprocess.run([*inside, *words], env=environment, check=False, **options)

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")


def steps(text: str) -> list[tuple[str, str]]:
    lines = text.replace("\\\n", " ").splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if line and not line.startswith("#")]


def build(base: Path, folder: Path) -> Stage:
    """Carry the steps out, and return the last stage."""
    stages: dict[str, Stage] = {}
    for instruction, words in steps(DOCKERFILE.read_text()):
        print(f"== {instruction} {words}", flush=True)
        if instruction == "FROM":
            name = words.partition(" AS ")[2] or "image"
            subprocess.run(["cp", "-a", str(base), str(folder / name)], check=True)
            stage = stages[name] = Stage(folder / name)
            lend(stage)
        else:
            carry_out(instruction, words, stage, stages)
    return stage


def lend(stage: Stage) -> None:
    shutil.copyfile(RESOLVER, stage.at(RESOLVER))
    shutil.copyfile(AUTHORITIES, stage.at(LENT_AUTHORITIES))


def carry_out(instruction: str, words: str, stage: Stage, stages: dict[str, Stage]) -> None:
    match instruction:
        case "RUN":
            if stage.run(["/bin/sh", "-c", words], stdout=subprocess.DEVNULL).returncode:
                sys.exit(f"failed: {words}")
        case "COPY":
            copy(shlex.split(words), stage, stages)
        case "ENV":
            known = stage.environment
            told = dict(word.split("=", 1) for word in shlex.split(words))
            known |= {key: value.replace("$PATH", known["PATH"]) for key, value in told.items()}
        case "USER":
            stage.user = words
        case "WORKDIR":
            stage.folder = words
        case "ENTRYPOINT":
            stage.entrypoint = json.loads(words)
        case "CMD":
            stage.command = json.loads(words)
        case "VOLUME":
            assert stage.at(words).is_dir()
        case _:
            sys.exit(f"unknown: {instruction}")


def copy(words: list[str], stage: Stage, stages: dict[str, Stage]) -> None:
    """What is copied from another stage stands there by its whole path."""
    source = ROOT
    if words[0].startswith("--from="):
        source = stages[words.pop(0).removeprefix("--from=")].root
    *names, target = words
    for name in names:
        is_into = target.endswith("/")
        there = stage.at(target) / Path(name).name if is_into else stage.at(target)
        there.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", str(source / name.lstrip("/")), str(there)], check=True)


if __name__ == "__main__":
    base, folder, *arguments = sys.argv[1:]
    Path(folder).mkdir()
    image = build(Path(base), Path(folder))
    size = subprocess.run(
        ["du", "-sm", str(image.root)], capture_output=True, text=True, check=True
    )
    print(f"== the image has {size.stdout.split()[0]} MB, {image.user} runs it", flush=True)
    sys.exit(image.run([*image.entrypoint, *(arguments or image.command)]).returncode)
