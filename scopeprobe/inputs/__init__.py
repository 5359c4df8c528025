"""Every file that a user gives: read, checked and turned into values of the model."""

from scopeprobe.inputs.clients import Selection, read_client, read_clients, read_servers
from scopeprobe.inputs.fleet import Fleet
from scopeprobe.inputs.layers import Overrides
from scopeprobe.inputs.maps import read_permissions
from scopeprobe.inputs.policies import baseline_text, read_baseline, read_policy
from scopeprobe.inputs.quantities import parse_duration, parse_rate
from scopeprobe.inputs.scopes import read_scopes

__all__ = [
    "Fleet",
    "Overrides",
    "Selection",
    "baseline_text",
    "parse_duration",
    "parse_rate",
    "read_baseline",
    "read_client",
    "read_clients",
    "read_permissions",
    "read_policy",
    "read_scopes",
    "read_servers",
]
