"""Print what is said of wrong inputs as a table: `python tests/bench/wrong_inputs.py`."""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from wrong_inputs import WRONG_INPUTS


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        told = {one.name: one.said(Path(folder) / str(n)) for n, one in enumerate(WRONG_INPUTS)}
    if "--json" in sys.argv:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    print("| wrong | what is said |")
    print("|---|---|")
    for name, said in told.items():
        print(f"| {name} | {said.replace('|', chr(92) + '|')} |")


if __name__ == "__main__":
    main()
