"""A client that its server will delete, or does not call active: found, and never a verdict."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from harness import Entry, lab, maps, scopeprobe, summary, verdicts, write_inputs

from scopeprobe.lab import AuthorizationServer, Client, read_profile

TODAY = datetime.now(UTC).date()
RIGHTS = ["routing:queue:view", "routing:queue:edit"]


class Nights:
    """A client of Genesys Cloud that is audited night after night."""

    def __init__(self, folder):
        self.folder, self.out = folder, folder / "out"
        self.client = Client("bot", "bot-s3cret", RIGHTS[:1])
        self.server = AuthorizationServer("corp", read_profile("genesys"), [self.client])
        self.extra = self.url = ""

    def deleted_in(self, days):
        self.client.date_to_delete = f"{TODAY + timedelta(days=days)}T12:00:00.000Z"

    def night(self, *options, code=0, fail_on="secret_expiry"):
        base = f"{self.url}/corp"
        text = f'provider = "genesys"\ntoken_endpoint = "{base}/token"\nrate = "500/s"\n'
        text += f'rights_url = "{base}/api/v2/authorization/subjects/me"\n'
        entries = [Entry("bot", "corp", secret="bot-s3cret", extra=self.extra)]
        arguments, secrets = write_inputs(self.folder, {"corp": text}, entries, RIGHTS)
        words = ("audit", *arguments, *options, "--fail-on", fail_on, "-o", self.out)
        result = scopeprobe(*words, env=secrets)
        assert result.returncode == code, result.stderr
        return result

    def told(self):
        return [
            (one["kind"], one["client"], one["detail"]) for one in summary(self.out)["findings"]
        ]


@pytest.fixture
def nights(tmp_path):
    nights = Nights(tmp_path)
    with lab([nights.server]) as nights.url:
        yield nights


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (31, None),
        (30, "its server deletes it on {day}, in 30 days"),
        (1, "its server deletes it on {day}, in 1 day"),
        (-1, "its server was to delete it on {day}"),
    ],
)
def test_a_client_that_is_to_be_deleted_is_found_thirty_days_before(nights, days, words):
    nights.deleted_in(days)
    nights.night(code=1 if words else 0)
    detail = words and words.format(day=TODAY + timedelta(days=days))
    assert nights.told() == ([("secret_expiry", "bot", detail)] if words else [])
    assert list(verdicts(nights.out).values()) == ["denied", "granted"]


def test_a_client_that_is_not_active_is_found_and_its_map_stays(nights):
    nights.night()
    files = maps(nights.out)
    nights.client.state = "inactive"
    nights.night(code=1)
    assert nights.told() == [("secret_expiry", "bot", "its server says that it is inactive")]
    assert maps(nights.out) == files


def test_it_is_told_although_it_is_not_over_the_bar(nights):
    nights.client.state = "disabled"
    said = nights.night("--log-format", "console", fail_on="missing").stderr
    assert "bot\n  warning, secret_expiry: its server says that it is disabled\n" in said
    assert nights.told() == []


def test_what_the_inputs_say_of_the_secret_and_the_server_of_the_client_are_one_finding(nights):
    nights.extra = f"secret_expires = {TODAY + timedelta(days=3)}"
    nights.client.state = "inactive"
    nights.deleted_in(5)
    nights.night(code=1)
    ((_, _, detail),) = nights.told()
    secret, state, client = detail.split("; ")
    assert secret == f"its secret expires on {TODAY + timedelta(days=3)}, in 3 days"
    assert state == "its server says that it is inactive"
    assert client == f"its server deletes it on {TODAY + timedelta(days=5)}, in 5 days"


def test_an_end_is_new_once(nights):
    new = ("--previous", "last", "--new-only")
    nights.night(*new)
    nights.deleted_in(14)
    nights.night(*new, code=1)
    nights.night(*new)
    assert nights.told() == []
    nights.night(code=1)


def test_an_end_that_came_near_since_the_last_night_is_new(nights):
    nights.extra = f"secret_expires = {TODAY + timedelta(days=30)}"
    nights.night(code=1)
    with sqlite3.connect(nights.out / "scopeprobe.db") as database:
        database.execute("update runs set started = started - 86400")  # begun yesterday
    database.close()
    nights.night("--new-only", code=1)
    nights.night("--new-only")


def test_the_end_of_a_client_outlasts_an_interruption(nights):
    nights.deleted_in(14)
    nights.night("--max-requests", "1", code=1)
    nights.night("--resume", code=1)
    assert len(nights.told()) == 1
    assert len(nights.server.received) == 1


def test_a_night_under_recheck_reads_it_anew(nights):
    nights.night()
    nights.deleted_in(14)
    nights.night("-s", "recheck", code=1)
    nights.client.date_to_delete = None
    nights.night("-s", "recheck")
