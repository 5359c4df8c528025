"""
How long it takes to read, validate and plan a clients file, from start to exit of the program.

    python tests/bench/inputs.py [CLIENTS]

Prints seconds by format, the best of three, and ends with exit code 1 where one takes two or more.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support")]

import many_clients  # noqa: E402 - of the tests beside this folder
from harness import scopeprobe_process  # noqa: E402

MOST = 2.0


def seconds(words):
    began = time.monotonic()
    result = scopeprobe_process(*words, env=many_clients.ENVIRONMENT)
    assert result.returncode == 0, result.stderr
    return time.monotonic() - began


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    slow = False
    with tempfile.TemporaryDirectory() as name:
        for ending in many_clients.FORMATS:
            files = many_clients.write(Path(name), ending, many_clients.entries(count))
            for command in ("validate", "plan"):
                best = min(seconds([command, *files, "--print", "json"]) for _ in range(3))
                slow |= best >= MOST
                print(f"{command:8} {ending:4} {count:,} clients: {best:.2f} s", flush=True)
    sys.exit(slow)


if __name__ == "__main__":
    main()
