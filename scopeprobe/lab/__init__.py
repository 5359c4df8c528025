"""
The embedded OAuth 2.0 authorization server: several of them in one process, each with manners.

It answers client credentials requests (RFC 6749 section 4.4) the way real servers do, for tests
and for the demo; introspection, revocation and metadata too. Manners are data (`manners/*.toml`);
nothing here is shared with what it tests.
"""

from scopeprobe.lab.clients import Client
from scopeprobe.lab.conclusions import CellKind, Conclusion, Conclusions
from scopeprobe.lab.demonstration import (
    demo_clients,
    demo_environment,
    demo_scopes,
    demo_servers,
)
from scopeprobe.lab.fleet import read_fleet
from scopeprobe.lab.lab import Lab
from scopeprobe.lab.manners import (
    abstract_manners,
    available_manners,
    read_manner,
    real_manners,
)
from scopeprobe.lab.requests import Message
from scopeprobe.lab.schema import Manner
from scopeprobe.lab.server import AuthorizationServer, Received

__all__ = [
    "AuthorizationServer",
    "CellKind",
    "Client",
    "Conclusion",
    "Conclusions",
    "Lab",
    "Manner",
    "Message",
    "Received",
    "abstract_manners",
    "available_manners",
    "demo_clients",
    "demo_environment",
    "demo_scopes",
    "demo_servers",
    "read_fleet",
    "read_manner",
    "real_manners",
]
