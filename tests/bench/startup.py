"""
How long the program takes to say its version and its help, beside a bare typer program.

    python tests/bench/startup.py

The machine is shared: both alternate, and the medians of their ratios count. Ends with exit code 1
where ours takes more than 1.3 times as long.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from benches import (
    alternating,
    finish,
    print_table,
    ratio,
)

MOST, ROUNDS = 1.3, 15
BARE = """
import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def say(wanted: bool) -> None:
    if wanted:
        typer.echo("bare 1")
        raise typer.Exit


@app.command()
def main(*, version: bool = typer.Option(False, "--version", is_eager=True, callback=say)) -> None:
    pass


app()
"""


def seconds(*words: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        found = alternating(
            {
                f"{name} {option}": lambda words=(*words, option): seconds(*words)
                for option in ("--version", "--help")
                for name, words in {
                    "typer": (str(bare),),
                    "scopeprobe": ("-m", "scopeprobe"),
                }.items()
            },
            ROUNDS,
        )
    ratios = {
        option: ratio(found[f"scopeprobe {option}"], found[f"typer {option}"])
        for option in ("--version", "--help")
    }
    print_table(
        "Start-up",
        ("", "milliseconds", "times a bare typer program"),
        [
            (name, f"{median(times) * 1000:.0f}", f"{ratios[name.split()[1]]:.2f}" * ("sc" in name))
            for name, times in found.items()
        ],
    )
    finish(
        {"seconds": {name: median(times) for name, times in found.items()}, "ratios": ratios},
        {f"{option} within {MOST} times": ratios[option] <= MOST for option in ratios},
    )


if __name__ == "__main__":
    main()
