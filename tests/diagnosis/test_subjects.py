"""Who asks in the name of a user is told that the answer is about that user."""

from dataclasses import replace

from answers import ANSWERS
from faults_to_explain import healthy

from scopeprobe.diagnosis import Case, diagnose, explain_log
from scopeprobe.model.answer import Issued
from scopeprobe.model.experiment import Experiment, Trace
from scopeprobe.model.scope_names import Scope

WANTED = (Scope("orders.read"), Scope("orders.write"))
NOT_DELEGATED = ANSWERS["google-not-delegated-as-unauthorized_client"]


def next_step(subject):
    """What to do where the second scope is refused."""
    client = replace(healthy("strict").order("corp", "http://127.0.0.1:9").client, subject=subject)
    case, log = Case(client, client.targets[0], WANTED), []
    plan = diagnose(case)
    try:
        question = next(plan)
        while True:
            is_granted = question.scopes == WANTED[:1]
            answer = Issued() if is_granted else NOT_DELEGATED.read_as
            body = "" if is_granted else NOT_DELEGATED.sent().decode()
            log.append(
                Experiment(question, answer, Trace("curl", 200 if is_granted else 401, body=body))
            )
            question = plan.send(log[-1])
    except StopIteration:
        causes = {cause.code: cause for cause in explain_log(case, log).causes}
        return causes["scope_refused"].next_step


def test_a_refused_scope_is_refused_to_its_subject():
    told = "This holds for the subject ann@corp.example: for another one it may differ."
    assert next_step("ann@corp.example").endswith(f" {told}")
    assert "subject" not in next_step("")
