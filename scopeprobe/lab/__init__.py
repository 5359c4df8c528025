"""
The embedded OAuth 2.0 authorization server: several of them in one process, each with a profile.

It answers client credentials requests (RFC 6749 section 4.4) the way real servers do, for tests
and for the demo; introspection, revocation and metadata too. How a server behaves is data
(`profiles/*.toml`). Nothing here is shared with what it tests.
"""

from scopeprobe.lab.clients import Client
from scopeprobe.lab.conclusions import CellKind, Conclusion, Conclusions
from scopeprobe.lab.demo import demo_clients, demo_environment, demo_scopes, demo_servers
from scopeprobe.lab.fleet import read_fleet
from scopeprobe.lab.lab import Lab
from scopeprobe.lab.profiles import (
    abstract_profiles,
    available_profiles,
    read_profile,
    real_profiles,
)
from scopeprobe.lab.requests import Message
from scopeprobe.lab.schema import Profile
from scopeprobe.lab.server import AuthorizationServer, Received

__all__ = [
    "AuthorizationServer",
    "CellKind",
    "Client",
    "Conclusion",
    "Conclusions",
    "Lab",
    "Message",
    "Profile",
    "Received",
    "abstract_profiles",
    "available_profiles",
    "demo_clients",
    "demo_environment",
    "demo_scopes",
    "demo_servers",
    "read_fleet",
    "read_profile",
    "real_profiles",
]
