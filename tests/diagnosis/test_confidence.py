"""How sure a cause is, and what makes a client explained."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from faults_to_explain import healthy

import scopeprobe.diagnosis
from scopeprobe.audits.explain import case_of
from scopeprobe.diagnosis import Known, ToldToAnother, codes, diagnose, explain_log
from scopeprobe.diagnosis.confidence import WORDS, Sign, confidences, model
from scopeprobe.model.answer import Refused, Subject, Unauthenticated
from scopeprobe.model.cell import Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.experiment import Experiment, Trace
from scopeprobe.model.scope_names import Scope

ROOM = Path(scopeprobe.diagnosis.__file__).parent
TELLS_NOTHING = Unauthenticated(401, "invalid_client", "Client authentication failed.")
SPEAKS_OF_BOTH = Unauthenticated(401, "invalid_client", "invalid client or missing scope")


def test_every_cause_has_a_prior_and_together_they_are_all_there_is():
    priors = model().priors["any"]
    assert sorted(priors) == sorted(codes())
    assert 0.9 <= sum(priors.values()) <= 1


def test_every_sign_of_the_table_is_seen_somewhere_and_every_seen_one_is_in_the_table():
    text = "".join(file.read_text() for file in ROOM.rglob("*.py"))
    named = {name for name in model().signs if f'"{name}"' in text}
    seen = set(re.findall(r'Sign\("(\w+)"', text))
    assert named == set(model().signs)
    assert seen <= set(model().signs)


@pytest.mark.parametrize("strength", [0.4, 0.7, 0.95])
def test_words_alone_are_as_sure_as_their_row_says(strength):
    words = Sign(WORDS, strength, "client_locked")
    (sure,) = confidences([("client_locked", [words])], "")
    assert sure == pytest.approx(strength)


def test_rivals_share_what_there_is():
    rejected = [Sign("rejected")]
    sure = confidences([("secret_rejected", rejected), ("unknown_client", rejected)], "")
    assert sum(sure) < 1
    assert sure[0] > sure[1] > 0.3


def test_a_provider_has_priors_of_its_own():
    rivals = [("wrong_region", [Sign("rejected")]), ("secret_rejected", [Sign("rejected")])]
    assert confidences(rivals, "genesys")[0] > confidences(rivals, "okta")[0]


# -- what was asked, and what others were told


def explained(answer, known=None, wanted=("orders.write",)):
    """Explain a client to which a server answers everything alike."""
    patient = healthy("strict")
    patient.wanted = wanted
    patient.has_issuer = False
    case = anyio.run(case_of, patient.order("raw", "http://127.0.0.1:9"))
    case = replace(case, known=known or Known(), methods=("client_secret_basic",))
    plan, log = diagnose(case), []
    try:
        question = next(plan)
        while True:
            body = f'{{"error_description":"{answer.description}"}}'
            log.append(Experiment(question, answer, Trace("curl", answer.status, body=body)))
            question = plan.send(log[-1])
    except StopIteration:
        explanation = explain_log(case, log)
        return explanation, {cause.code: cause for cause in explanation.causes}


def told(scopes, answer=TELLS_NOTHING, *, is_authenticated=True):
    is_canary = bool(scopes) and scopes[0].startswith("scopeprobe-canary")
    return ToldToAnother(ClientName("billing"), is_authenticated, scopes, is_canary, answer)


WANTED = (Scope("orders.write"),)
CANARY = (Scope("scopeprobe-canary-1"),)


def test_a_rejection_that_tells_nothing_explains_nothing():
    explanation, causes = explained(TELLS_NOTHING)
    assert explanation.outcome == "not_explained"
    assert list(causes) == ["secret_rejected", "unknown_client"]


def test_plain_words_explain():
    plain = Unauthenticated(401, "invalid_client", "Invalid client secret")
    explanation, causes = explained(plain)
    assert explanation.outcome == "explained"
    assert list(causes) == ["secret_rejected"]


def test_a_scope_stays_in_the_list_where_the_words_speak_of_it():
    explanation, causes = explained(SPEAKS_OF_BOTH)
    assert explanation.outcome == "not_explained"
    assert {"secret_rejected", "unknown_client", "scope_refused"} == set(causes)


def test_what_others_with_good_credentials_were_told_is_evidence_without_a_request():
    _, causes = explained(TELLS_NOTHING, Known(told_to_others=(told(CANARY),)))
    line = (
        "to an invented scope of billing, whose credentials are good, the same server answered"
        " 401 invalid_client \u201cClient authentication failed.\u201d"
    )
    assert line in causes["scope_refused"].evidence
    _, unproved = explained(
        TELLS_NOTHING, Known(told_to_others=(told(CANARY, is_authenticated=False),))
    )
    assert "scope_refused" not in unproved


def test_a_missing_scope_that_others_are_told_so_of_makes_scopes_likelier():
    _, one = explained(TELLS_NOTHING, Known(told_to_others=(told(CANARY),)))
    _, both = explained(TELLS_NOTHING, Known(told_to_others=(told(CANARY), told(None))))
    assert both["scope_refused"].confidence > one["scope_refused"].confidence


def test_who_wanted_one_scope_alone_has_tried_no_other_in_vain():
    """A lone scope that is rejected too counts against the scopes where others were wanted."""
    _, one = explained(SPEAKS_OF_BOTH)
    _, several = explained(SPEAKS_OF_BOTH, wanted=("orders.write", "orders.read"))
    assert one["scope_refused"].confidence > several["scope_refused"].confidence


def test_scopes_that_are_refused_otherwise_to_others_are_not_in_the_list():
    refused = Refused(400, "invalid_scope", about=Subject.SCOPE)
    _, causes = explained(SPEAKS_OF_BOTH, Known(told_to_others=(told(WANTED, refused),)))
    assert "scope_refused" not in causes


def test_a_scope_that_the_last_run_found_denied_is_doubted_before_the_secret():
    denied = Known(verdicts={Scope("orders.write"): Verdict.DENIED})
    _, causes = explained(SPEAKS_OF_BOTH, denied)
    assert "the last run found `orders.write` denied" in causes["scope_refused"].evidence
    assert next(iter(causes)) == "scope_refused"


def test_a_client_that_worked_is_hardly_unknown():
    worked = datetime(2026, 11, 25, tzinfo=UTC)
    _, causes = explained(TELLS_NOTHING, Known(last_worked=worked))
    assert causes["secret_rejected"].confidence > 0.6
    assert "unknown_client" not in causes or causes["unknown_client"].confidence < 0.2
