"""The sample fleet of `scopeprobe demo`: its servers, and what an auditor of them would write."""

from __future__ import annotations

from importlib.resources import files

import msgspec

from scopeprobe.lab.fleet import read_fleet
from scopeprobe.lab.profiles import parse_toml
from scopeprobe.lab.server import AuthorizationServer

DEMO = files("scopeprobe.lab") / "demo"


def demo_servers() -> tuple[AuthorizationServer, ...]:
    """The servers to run: `Lab(demo_servers())`."""
    return read_fleet(DEMO / "servers.toml")


def demo_clients(port: int) -> str:
    """The clients file, its token endpoints on the port that the lab listens on."""
    text = (DEMO / "clients.toml").read_text(encoding="utf-8")
    return text.replace("{port}", str(port))


def demo_scopes() -> str:
    """The scopes file."""
    return (DEMO / "scopes.txt").read_text(encoding="utf-8")


def demo_environment() -> dict[str, str]:
    """The variables that the clients file names. One client's secret is wrong on purpose."""
    return msgspec.convert(
        parse_toml(DEMO / "environment.toml", place="environment.toml"), dict[str, str]
    )
