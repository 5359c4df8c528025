"""Hours in which a server is left alone."""

from datetime import UTC, datetime, timedelta

import pytest

from scopeprobe.inputs.units import parse_quiet

NOON = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "moment", "holds", "begins_in_h"),
    [
        ("11:00-13:00", NOON, True, 0),
        ("12:00-13:00", NOON, True, 0),
        ("11:00-12:00", NOON, False, 23),
        ("13:30-14:00 UTC", NOON, False, 1.5),
        ("22:00-02:00 Europe/Berlin", NOON, False, 9),  # 21:00 UTC in winter time
        ("22:00-02:00 Europe/Berlin", NOON + timedelta(hours=11), True, 0),
        ("22:00-02:00 Europe/Berlin", NOON + timedelta(hours=13), False, 19),  # summer time by then
        ("13:00-14:00 Asia/Kolkata", NOON, False, 19.5),
    ],
)
def test_hours_are_those_of_their_time_zone(hours, moment, holds, begins_in_h):
    quiet = parse_quiet(hours)
    assert quiet.holds(moment) is holds
    assert quiet.begins_in(moment) == begins_in_h * 3600
