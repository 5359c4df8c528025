"""Every file that a user gives: read, checked and turned into values of the model."""

from scopeprobe.inputs.fleet import Fleet
from scopeprobe.inputs.permissions_csv import read_permissions
from scopeprobe.inputs.policy_files import baseline_text, read_baseline, read_policy
from scopeprobe.inputs.precedence import Overrides
from scopeprobe.inputs.read import (
    Selection,
    client_of_words,
    clients_with_secrets,
    read_chosen,
    read_client,
    read_clients,
    read_servers,
)
from scopeprobe.inputs.scopes import read_scopes
from scopeprobe.inputs.sources import read_text
from scopeprobe.inputs.units import parse_duration
from scopeprobe.model.rate import parse_rate

__all__ = [
    "Fleet",
    "Overrides",
    "Selection",
    "baseline_text",
    "client_of_words",
    "clients_with_secrets",
    "parse_duration",
    "parse_rate",
    "read_baseline",
    "read_chosen",
    "read_client",
    "read_clients",
    "read_permissions",
    "read_policy",
    "read_scopes",
    "read_servers",
    "read_text",
]
