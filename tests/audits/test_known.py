"""What the store of an audit tells a diagnosis before anything is sent."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest
from harness import Entry, lab, scopeprobe, write_inputs

from scopeprobe.audits.cases import Explain, case_of
from scopeprobe.inputs import read_client
from scopeprobe.lab import AuthorizationServer, read_profile
from scopeprobe.lab.clients import Client
from scopeprobe.model.answer import Issued, Unauthenticated
from scopeprobe.model.cell import Verdict

SECRET = "s3cret-of-nobody"
RATES = 'rate = "1000/s"\nclient_rate = "1000/s"'


@pytest.fixture
def audited(tmp_path):
    """An output folder of an audit: billing has its token, mistaken is rejected; `case` reads."""
    clients = [Client(name, SECRET, ["a.read", "a.write"]) for name in ("billing", "shop")]
    servers = [
        AuthorizationServer(name, read_profile("strict-401"), clients) for name in ("corp", "else")
    ]
    with lab(servers) as base:
        settings = {
            name: f'token_endpoint = "{base}/{name}/token?key=k"\n{RATES}'
            for name in ("corp", "else")
        }
        entries = [
            Entry("billing", "corp"),
            Entry("mistaken", "corp", "shop", "of-yesterday"),
            Entry("far", "else", "shop"),
        ]
        words, environment = write_inputs(tmp_path, settings, entries, ["a.read", "z.read"])
        out = tmp_path / "out"
        scopeprobe("audit", *words, "-o", out, env=environment)

        def case(name, **order):
            client, *_ = read_client([words[0]], name, environment=environment)
            return anyio.run(case_of, Explain(client, out=out, **order))

        yield case


def test_the_candidates_and_verdicts_of_the_last_run(audited):
    case = audited("billing")
    assert case.wanted == case.target.candidates == case.known.candidates == ("a.read", "z.read")
    granted = dict.fromkeys(("a.read", "a.write"), Verdict.GRANTED)
    assert case.known.verdicts == {**granted, "z.read": Verdict.DENIED}


def test_when_the_client_last_worked(audited):
    worked = audited("billing").known.last_worked
    assert timedelta() <= datetime.now(UTC) - worked < timedelta(minutes=1)
    assert audited("mistaken").known.last_worked is None


def test_what_the_same_server_told_to_others(audited):
    told = audited("mistaken").known.told_to_others
    assert {one.client for one in told} == {"billing"}
    assert all(one.is_authenticated for one in told)
    by_question = {"canary" if one.is_canary else one.scopes: one.answer for one in told}
    assert isinstance(by_question["canary"], Unauthenticated)
    assert isinstance(by_question["z.read",], Unauthenticated)
    assert isinstance(by_question["a.read",], Issued)


def test_what_the_server_is_like(audited):
    behavior = audited("mistaken").known.behavior
    assert behavior.withholds
    assert behavior.accepts_scopes
    assert audited("far").known.told_to_others == ()


def test_scopes_that_are_asked_for_are_looked_up_with_others(audited):
    told = audited("mistaken", scopes=("z.read",)).known.told_to_others
    assert ("a.read",) not in {one.scopes for one in told}


def test_nothing_is_known_without_a_folder(audited, tmp_path):
    assert audited("billing").known.candidates
    (tmp_path / "out" / "scopeprobe.db").unlink()
    assert not audited("billing").known.candidates


def test_reading_changes_no_byte(audited, tmp_path):
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    audited("billing")
    after = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert before == after
