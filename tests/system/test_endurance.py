"""The command of tests/bench/endurance.py, for seconds instead of an hour."""

import json
import subprocess
import sys
from pathlib import Path

from bound import bound

COMMAND = Path(__file__).parents[1] / "bench/endurance.py"


def test_audit_after_audit_in_one_process_leaves_nothing_behind(tmp_path):
    words = ["--audits", 4, "--seconds", 2, "--rate", 300, "--json", tmp_path / "figures.json"]
    ended = subprocess.run(
        bound([sys.executable, "-W", "error", COMMAND, *words]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert [audit["requests"] > 600 for audit in figures["audits"]] == [True] * 4
