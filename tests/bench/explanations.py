"""
How often `explain` names the true cause first, and what its confidence is worth.

    python tests/bench/explanations.py

About five minutes: every fault of tests/support/faults_to_explain.py on every server of the lab
that has it, and on servers that answer 401 to a bad scope and to a missing one.

"Right" is a client whose first cause is the one that was inflicted, or that of another fault whose
answers are the same to the byte: nothing tells those apart. "Strictly" leaves that out. The table
has, for each tenth of confidence, how many causes were named with it, what it promised, and how
many of them were true. Exit code 1: fewer than 98 % right, a tenth with thirty causes or more that
is off by more than ten points, or a wrong cause of which it was 95 % sure.
"""

import sys
from pathlib import Path

import anyio

sys.path[:0] = [str(Path(__file__).parents[1] / "support")]

from explained_faults import (  # noqa: E402 - of the tests beside this folder
    cells_of,
    explained,
    first_strictly_wrong,
    first_wrong,
    reliability,
    show,
)
from faults_to_explain import FAULTS, PROFILES, SAYING_401  # noqa: E402

LEAST_RIGHT = 0.98
MOST_OFF = 0.10


def main() -> int:
    cells = [cell for fault in FAULTS for cell in cells_of(fault, profiles=PROFILES + SAYING_401)]
    found = anyio.run(explained, cells)
    show(cells, found)
    measured, wrong = reliability(cells, found), first_wrong(cells, found)
    measured.show()
    strictly = len(first_strictly_wrong(cells, found))
    right = 1 - len(wrong) / len(cells)
    print(f"\n{len(cells)} clients, first cause right: {right:.1%}", end="")
    print(f", strictly: {1 - strictly / len(cells):.1%}")
    print(f"worst tenth: {measured.worst:.1%} off; sure and wrong: {measured.sure_and_wrong}")
    failures = max(explanation.credential_failures for explanation in found.values())
    print(f"failed authentications of one client: {failures} at most")
    is_well = right >= LEAST_RIGHT and measured.worst <= MOST_OFF and not measured.sure_and_wrong
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
