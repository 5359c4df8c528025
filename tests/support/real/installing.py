"""Installs servers that the suite does without, into a folder of their own."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

FOLDER = Path(os.environ.get("REAL_SERVERS", "~/.cache/scopeprobe-servers")).expanduser()


def from_pypi(*packages: str) -> Path:
    """Give the Python of an environment that has them."""

    def install(folder: Path) -> None:
        _run(sys.executable, "-m", "venv", folder)
        _run(folder / "bin/pip", "install", "--quiet", *packages)

    return _once(packages, install) / "bin/python"


def from_debian(*packages: str) -> Path:
    """Give the root of a tree that has them, and what they need that this machine has not."""

    def install(folder: Path) -> None:
        archives = folder / "var/cache/apt/archives"
        (archives / "partial").mkdir(parents=True)
        _run(
            *("apt-get", "install", "--download-only", "--no-install-recommends", "--yes"),
            *("--quiet", "--option", f"Dir::Cache::archives={archives}"),
            *("--option", "Debug::NoLocking=true", *packages),
        )
        for archive in archives.glob("*.deb"):
            _run("dpkg-deb", "--extract", archive, folder)
            archive.unlink()

    return _once(packages, install)


def found_in(root: Path, name: str) -> Path:
    """Where a file of a package is: what this machine had already is not in the tree."""
    return root / name if (root / name).exists() else Path("/") / name


def environment_of(root: Path) -> Mapping[str, str]:
    """What programs of such a tree need to find its libraries, Ruby's too."""
    libraries = root / "usr/lib/x86_64-linux-gnu"
    ruby = root / "usr/lib/ruby"
    load = [
        ruby / "vendor_ruby/3.1.0",
        libraries / "ruby/vendor_ruby/3.1.0",
        ruby / "vendor_ruby",
        ruby / "3.1.0",
        libraries / "ruby/3.1.0",
    ]
    gems = [
        top / folder
        for top in (root, Path("/"))
        for folder in (
            "usr/share/rubygems-integration/all",
            "usr/share/rubygems-integration/3.1.0",
            "usr/lib/ruby/gems/3.1.0",
            "usr/lib/x86_64-linux-gnu/rubygems-integration/3.1.0",
            "usr/lib/x86_64-linux-gnu/ruby/gems/3.1.0",
        )
    ]
    return {
        "GEM_HOME": str(root / "var/lib/gems"),
        "GEM_PATH": os.pathsep.join(map(str, gems)),
        "LD_LIBRARY_PATH": str(libraries),
        "RUBYLIB": os.pathsep.join(map(str, load)),
    }


def _once(packages: tuple[str, ...], install: Callable[[Path], None]) -> Path:
    folder = FOLDER / "+".join(packages)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".installed").open("a+") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)  # two processes, one install
        if mark.tell() == 0:
            print(f"installing {', '.join(packages)} into {folder}", file=sys.stderr, flush=True)
            install(folder)
            mark.write("done\n")
    return folder


def _run(*command: object) -> None:
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stderr}")
