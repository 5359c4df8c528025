"""
The embedded OAuth 2.0 authorization server: several of them in one process, each with manners.

It answers client credentials requests (RFC 6749 section 4.4) the way real servers do, for tests
and for the demo. Manners are data (`manners/*.toml`); nothing here is shared with what it tests.
"""

from scopeprobe.lab.demonstration import (
    demo_clients,
    demo_environment,
    demo_scopes,
    demo_servers,
)
from scopeprobe.lab.fleet import read_fleet
from scopeprobe.lab.lab import Lab
from scopeprobe.lab.manners import Manner, available_manners, read_manner
from scopeprobe.lab.server import AuthorizationServer, Client, Received

__all__ = [
    "AuthorizationServer",
    "Client",
    "Lab",
    "Manner",
    "Received",
    "available_manners",
    "demo_clients",
    "demo_environment",
    "demo_scopes",
    "demo_servers",
    "read_fleet",
    "read_manner",
]
