"""Who has the say, and how rates and durations are written."""

from __future__ import annotations

import pytest
from clients_files import BILLING, CORP, fleet_of

from scopeprobe.inputs import Overrides, parse_duration, parse_rate
from scopeprobe.inputs.units import parse_quiet
from scopeprobe.model.rate import Rate

pytestmark = pytest.mark.usefixtures("_folder")


def test_the_command_line_outdoes_the_file_and_only_lowers_its_rates():
    overrides = Overrides(
        rate=Rate(1, 60),
        client_rate=Rate(1, 1),
        in_flight=1,
        timeout=5,
        retries=0,
        max_auth_failures=1,
    )
    says_all = 'rate = "2/min"\nin_flight = 9\ntimeout = "9s"\nretries = 9\nmax_auth_failures = 9\n'
    [client] = fleet_of(CORP + says_all + BILLING, overrides=overrides).clients
    server = client.server
    assert server.limits.rates == (Rate(2, 60), Rate(1, 60)), "both hold, so the stricter counts"
    assert server.limits.client_rates == (Rate(1, 1),), "the file names none"
    assert (
        server.limits.in_flight,
        server.connection.timeout,
        server.limits.retries,
        server.limits.max_auth_failures,
    ) == (
        1,
        5,
        0,
        1,
    )


def test_a_server_outdoes_the_defaults():
    defaults = "[defaults]\nretries = 9\nin_flight = 9\nowner = 'far'\n"
    near = "retries = 0\nowner = 'near'\n"
    [client] = fleet_of(defaults + CORP + near + BILLING).clients
    assert (client.server.limits.retries, client.server.limits.in_flight, client.owner) == (
        0,
        9,
        "near",
    )


@pytest.mark.parametrize(
    "written", ["", "5", "5/", "0/s", "5/0h", "-1/s", "1.5/s", "5/S", "5 /s", 5]
)
def test_a_bad_rate_is_told_the_accepted_forms(written):
    with pytest.raises(ValueError, match=r"^must be a rate"):
        parse_rate(written)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("15s", 15), ("500ms", 0.5), ("2m", 120), ("2h", 7200), ("1.5s", 1.5), (15, 15), (0.5, 0.5)],
)
def test_a_duration_is_text_with_a_unit_or_a_number_of_seconds(written, seconds):
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written", ["15", "s", "-1s", "0s", 0, True, None, float("nan"), float("inf")]
)
def test_a_bad_duration_is_told_the_accepted_forms(written):
    with pytest.raises(ValueError, match=r"^must be a duration: 500ms, 15s, 2m"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("at night", "must be hours and a time zone"),
        ("25:00-02:00", "must be times of a day"),
        ("22:00-22:00", "begins when it ends"),
        ("22:00-02:00 Europe/Atlantis", "names no time zone"),
        (22, "must be hours and a time zone"),
    ],
)
def test_what_is_no_quiet_hours_is_told_so(text, words):
    with pytest.raises(ValueError, match=words):
        parse_quiet(text)
