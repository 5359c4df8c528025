"""
Write the corpus of tests/data/bundles: every fault of the matrix, on one server each.

    PYTHONPATH=tests/support python tests/bench/bundles.py
"""

from pathlib import Path

import anyio
from explained_faults import cells_of, explained
from faults_to_explain import FAULTS

from scopeprobe.audits.explain import bundled, explain_all

CORPUS = Path(__file__).parents[1] / "data" / "bundles"


async def main():
    cells = []
    for number, fault in enumerate(FAULTS):
        possible = list(cells_of(fault))
        cells.append(possible[number % len(possible)])
    CORPUS.mkdir(exist_ok=True)
    for name, found in (await explained(cells, explain_all)).items():
        (CORPUS / f"{name}.json").write_text(bundled(found))


if __name__ == "__main__":
    anyio.run(main)
