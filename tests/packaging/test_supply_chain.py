"""What is installed is what was tested, and what is built is the same wherever it is built."""

import os
import posixpath
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from contextlib import chdir

import pytest
from hatchling.build import build_wheel
from manual import LINK, PAGES, README, ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CONSTRAINTS = ROOT / "tests/constraints.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIRECT = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = [Requirement(t) for texts in PROJECT["optional-dependencies"].values() for t in texts]
TESTED_AT_THE_LOWEST = ["tests/oauth", "tests/reports", "tests/store", "tests/cli", "tests/lab"]


@pytest.fixture(scope="module")
def pinned():
    """The requirements of the constraints file, each with its hashes, by name."""
    entries = CONSTRAINTS.read_text().replace("\\\n", " ").splitlines()
    found = {}
    for entry in entries:
        text, *hashes = re.split(r"\s+--hash=", entry.strip())
        requirement = Requirement(text)
        found.setdefault(canonicalize_name(requirement.name), []).append((requirement, hashes))
    return found


def test_every_requirement_is_pinned_within_its_bounds_and_has_hashes(pinned):
    for wanted in (*DIRECT, *EXTRAS):
        for requirement, _hashes in pinned[canonicalize_name(wanted.name)]:
            ((operator, version),) = [(s.operator, s.version) for s in requirement.specifier]
            assert operator == "=="
            assert wanted.specifier.contains(version), (wanted, version)
    for several in pinned.values():
        for requirement, hashes in several:
            assert hashes, requirement
            assert all(re.fullmatch("sha256:[0-9a-f]{64}", one) for one in hashes)


def test_the_constraints_name_no_address():
    text = CONSTRAINTS.read_text()
    assert "://" not in text
    assert not re.search(
        r"^\s*(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)", text, re.MULTILINE
    )


def test_a_wheel_is_the_same_byte_for_byte_wherever_it_is_built(tmp_path):
    built = []
    for number, umask in enumerate((0o022, 0o077)):
        copy = tmp_path / f"copy-{number}"
        before = os.umask(umask)
        try:
            shutil.copytree(
                ROOT / "scopeprobe", copy / "scopeprobe", copy_function=shutil.copyfile,
                ignore=shutil.ignore_patterns("__pycache__"),
            )  # fmt: skip
            for name in ("pyproject.toml", "README.md"):
                shutil.copyfile(ROOT / name, copy / name)
            for path in copy.rglob("*"):
                os.utime(path, (10**9 + number * 10**8,) * 2)
            with chdir(copy):
                built.append(tmp_path / build_wheel(str(tmp_path)))
            built[-1] = built[-1].rename(tmp_path / f"{number}.whl")
        finally:
            os.umask(before)
    first, second = (path.read_bytes() for path in built)
    assert first == second


def test_a_wheel_has_the_manual_and_all_that_it_links_to(tmp_path):
    with chdir(ROOT):
        wheel = zipfile.ZipFile(tmp_path / build_wheel(str(tmp_path)))
    files = set(wheel.namelist())
    pages = {f"scopeprobe/docs/{page.name}" for page in PAGES if page != README}
    assert pages <= files
    linked = {
        posixpath.normpath(f"scopeprobe/docs/{link['place']}")
        for page in pages
        for link in LINK.finditer(wheel.read(page).decode())
        if link["place"]
    }
    assert linked <= files
    assert linked > pages - {"scopeprobe/docs/README.md"}


@pytest.mark.torture
def test_the_lower_bounds_are_real(tmp_path):
    """Each direct dependency at its lowest, what these need at the newest."""
    lowest = tmp_path / "lowest.txt"
    lowest.write_text("".join(f"{r.name}=={_lower_bound(r)}\n" for r in DIRECT))
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    tools = [str(r) for r in EXTRAS if r.name in _TOOLS]
    install = [python, "-m", "pip", "install", "-q", "-c", lowest, ROOT, *tools]
    subprocess.run(install, check=True)
    for words in (
        [tmp_path / "venv/bin/scopeprobe", "demo", "-o", tmp_path / "demo"],
        [python, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *TESTED_AT_THE_LOWEST],
    ):
        ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]


_TOOLS = {
    *("pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "trustme", "jsonschema", "lxml"),
    *("keyring", "PureCloudPlatformClientV2", "Flask", "check-jsonschema", "junitparser"),
    *("openpyxl", "python-calamine", "apprise"),
}


def _lower_bound(requirement):
    (bound,) = [s.version for s in requirement.specifier if s.operator == ">="]
    return bound


def test_this_python_is_one_that_is_promised():
    assert sys.version_info >= (3, 11)
    assert PROJECT["requires-python"] == ">=3.11"
