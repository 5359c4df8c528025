"""The manual of an installed wheel, which has no checkout around it."""

import os
import re
import subprocess
import sys
import zipfile
from contextlib import chdir
from pathlib import Path

import pytest
from bound import bound
from hatchling.build import build_wheel
from manual import DOCS, ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Where a wheel of this checkout is installed."""
    folder = tmp_path_factory.mktemp("site")
    with chdir(ROOT):
        wheel = zipfile.ZipFile(folder / build_wheel(str(folder)))
    wheel.extractall(folder)
    return folder


SHOW = "import sys; from scopeprobe.cli import main; sys.exit(max(map(main, eval(sys.argv[1]))))"


def docs(site, topics):
    """What the installed program shows of each topic."""
    ended = subprocess.run(
        bound([sys.executable, "-c", SHOW, repr([["docs", topic] for topic in topics])]),
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_every_page_is_shown_with_links_that_lead_somewhere(site):
    text = docs(site, [page.stem for page in DOCS.glob("*.md") if page.stem != "README"])
    assert docs(site, sorted(set(re.findall(r"\(scopeprobe docs ([\w-]+)\)", text))))
    files = re.findall(rf"\(({re.escape(str(site))}[^)]*)\)", text.replace("\n", ""))
    assert {Path(file).name for file in files} == {"confidence.toml", "error_patterns.toml"}
    assert all(Path(file).is_file() for file in files)


def test_a_code_is_explained(site):
    assert "a token was issued without it" in docs(site, ["left_out"])
