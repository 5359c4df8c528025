"""`scopeprobe completion`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]

from scopeprobe.cli.environment import COMPLETION
from scopeprobe.cli.streams import print_data

EXAMPLES = """
Examples:

  source <(scopeprobe completion bash)

  scopeprobe completion bash >> ~/.bashrc

  scopeprobe completion zsh > ~/.zfunc/_scopeprobe

  scopeprobe completion fish > ~/.config/fish/completions/scopeprobe.fish
"""


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion_command(
    shell: Annotated[
        Shell, typer.Argument(metavar="SHELL", help=", ".join(Shell), show_default=False)
    ],
) -> None:
    """
    Print what makes a shell complete commands, options, clients, tags, servers and runs.

    Clients, tags and servers are those of the clients files on the command line, or of clients.toml
    of this folder; runs those of --out. No secret is looked up, and nothing is written.
    """
    print_data(get_completion_script(prog_name="scopeprobe", complete_var=COMPLETION, shell=shell))
    print_data("\n")
