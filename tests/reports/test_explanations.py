"""Explanations: as a whole, of several clients by cause, and beside a client that works."""

import json
from dataclasses import replace

import pytest
from msgspec import structs
from printed import printed

from scopeprobe.diagnosis import Case, Cause, Explanation
from scopeprobe.diagnosis.case import Known, ToldToAnother
from scopeprobe.diagnosis.comparison import Compared
from scopeprobe.model.answer import Issued, Refused, Unauthenticated
from scopeprobe.model.client import ClientName
from scopeprobe.model.experiment import Experiment, Trace
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.reports.explanation import (
    explanation_for_people,
    explanation_json,
    explanation_markdown,
)
from scopeprobe.reports.explanations import (
    Explained,
    NotExplained,
    answering_401_to_scopes,
    explained_for_people,
    explained_json,
    explained_markdown,
    explanations_for_people,
    explanations_json,
    explanations_markdown,
    one_of_each_group,
)

FAILED = Unauthenticated(401, "invalid_client")


@pytest.fixture
def explained(make_client):
    """One explained target; a cause is its code and how sure it is."""

    def explain(name, *causes, sets=(), audience="", outcome="", server="corp", **more):
        log = more.pop("log", ())
        client = replace(make_client("a", name=name, audience=audience))
        client = replace(client, server=replace(client.server, name=server))
        explanation = Explanation(
            client=name,
            outcome=outcome or ("explained" if causes else "not_explained"),
            causes=tuple(
                Cause(code=code, confidence=sure, evidence=(f"seen of {code}",), next_step="Do it.")
                for code, sure in causes
            ),
            refusing_sets=sets, experiments=log, requests=2, credential_failures=1, refusals=1,
        )  # fmt: skip
        case = Case(client, client.targets[0], known=more.pop("known", Known()))
        return Explained(case, explanation, **more)

    return explain


REJECTED = ("secret_rejected", 0.9)
REFUSED_SCOPE = ("scope_refused", 0.9)


def lines(several, not_explained=()):
    """What people see of the groups, which is what a ticket gets as a list."""
    seen = printed(explanations_for_people(several, not_explained, {}), width=200)
    ticket = explanations_markdown(several, not_explained, {})
    assert ticket.splitlines() == [*(f"* {line}" for line in seen), ""]
    return seen


# -- groups


def test_clients_with_one_surest_cause_are_one_line_and_those_that_work_are_the_last(explained):
    several = [
        explained("w1", outcome="working"),
        explained("w2", outcome="working"),
        explained("w3", outcome="working"),
        explained("a", REJECTED, ("throttled", 0.2)),
        explained("b", ("throttled", 0.2), REJECTED),
        explained("c", ("unknown_client", 0.9)),
        explained("d"),
    ]
    assert lines(several) == [
        "2 clients: secret rejected (a, b)",
        "1 client: not explained (d)",
        "1 client: unknown client (c)",
        "3 clients: working (w1, w2, w3)",
    ]
    assert [one.name for one in one_of_each_group(several)] == ["a", "d", "c", "w1"]


def test_causes_in_scopes_are_grouped_by_the_scopes(explained):
    several = [
        explained("a", REFUSED_SCOPE, sets=(("x",), ("y", "x"))),
        explained("b", REFUSED_SCOPE, sets=(("x", "y"),)),
        explained("c", REFUSED_SCOPE, sets=(("y",),)),
        explained("d", REJECTED, sets=(("y",),)),
    ]
    assert lines(several) == [
        "2 clients: scope refused: `x`, `y` (a, b)",
        "1 client: scope refused: `y` (c)",
        "1 client: secret rejected (d)",
    ]


@pytest.mark.parametrize(
    ("granted", "words"),
    [
        (None, "scope refused: `x`, `y`"),
        (set(), "`x`, `y` was never granted"),
        ({"x", "y", "z"}, "`x`, `y` was granted before"),
        ({"x"}, "scope refused: `x`, `y`"),
    ],
)
def test_what_earlier_runs_say_of_refused_scopes_is_told(explained, granted, words):
    ever = None if granted is None else frozenset(("aud", scope) for scope in granted)
    one = explained("a", REFUSED_SCOPE, sets=(("x", "y"),), audience="aud", ever_granted=ever)
    assert lines([one]) == [f"1 client: {words} (a (aud))"]
    elsewhere = None if granted is None else frozenset(("", scope) for scope in granted)
    other = replace(one, ever_granted=elsewhere)
    if granted:
        assert lines([other]) == ["1 client: `x`, `y` was never granted (a (aud))"]


def test_a_scope_that_was_misspelt_was_never_to_be_granted(explained):
    one = explained("a", ("scope_misspelt", 0.9), sets=(("x",),), ever_granted=frozenset())
    assert lines([one]) == ["1 client: scope misspelt: `x` (a)"]


def test_targets_of_a_client_are_told_apart_and_those_not_asked_are_named(explained):
    several = [explained("a", REJECTED, audience="x"), explained("a", REJECTED, audience="y")]
    not_asked = [
        NotExplained("b", "", "left alone"),
        NotExplained("c", "z", "left alone"),
        NotExplained("d", "", "no secret"),
    ]
    assert lines(several, not_asked) == [
        "2 clients: secret rejected (a (x), a (y))",
        "not asked: b, c (z): left alone",
        "not asked: d: no secret",
    ]
    assert [one.told for one in not_asked] == [
        "b: left alone", "c (z): left alone", "d: no secret",
    ]  # fmt: skip


# -- servers that answer a scope as they do a wrong secret


def experiment(scopes, answer, **change):
    question = Question(scopes) if scopes else WITHOUT_SCOPE
    return Experiment(structs.replace(question, **change), answer, Trace("curl …"))


def told_to_another(answer, *, is_authenticated=True):
    other = ToldToAnother(ClientName("o"), is_authenticated, ("x",), False, answer)
    return Known(told_to_others=(other,))


def test_a_server_that_said_401_for_a_scope_to_good_credentials_is_named_once(explained):
    good = (experiment(None, Issued()), experiment(("x",), FAILED))
    several = [
        explained("a", REFUSED_SCOPE, sets=(("x",),), log=good),
        explained("b", REFUSED_SCOPE, sets=(("x",),), log=good),
        explained("c", REJECTED, server="west", known=told_to_another(FAILED)),
    ]
    assert answering_401_to_scopes(several) == ("corp", "west")
    assert lines(several)[2:] == ["corp: answers 401 to scopes", "west: answers 401 to scopes"]


@pytest.mark.parametrize(
    "settings",
    [
        {"log": (experiment(None, FAILED), experiment(("x",), FAILED))},
        {"log": (experiment(None, Issued()), experiment(None, FAILED))},
        {"log": (experiment(None, Issued()), experiment(("x",), Refused(400, "invalid_scope")))},
        {"known": told_to_another(FAILED, is_authenticated=False)},
        {"known": told_to_another(Refused(400, "invalid_scope"))},
    ],
)
def test_a_401_that_may_be_about_credentials_says_nothing_of_scopes(explained, settings):
    assert answering_401_to_scopes([explained("a", REJECTED, **settings)]) == ()


# -- beside one that works


COMPARED = (
    Compared("audience", "none", "https://x", "with it the request is accepted", True),
    Compared("method", "post", "basic", "it makes no difference"),
)
BESIDE = [
    "a beside b, which works:",
    "- audience: none instead of https://x; with it the request is accepted",
    "- method: post instead of basic; it makes no difference",
    "",
]


def test_people_see_what_two_clients_do_otherwise(explained):
    one = explained("a", REJECTED)
    alone = printed(explanation_for_people(one.explanation, ()))
    assert printed(explained_for_people(one, ())) == alone
    beside = replace(one, like="b", compared=COMPARED)
    assert printed(explained_for_people(beside, ())) == [*BESIDE, *alone]
    same = replace(one, like="b")
    words = "a is configured like b, which works."
    assert printed(explained_for_people(same, ())) == [words, "", *alone]


def test_a_ticket_tells_what_two_clients_do_otherwise(explained):
    one = explained("a", REJECTED)
    alone = explanation_markdown(one.explanation, ())
    assert explained_markdown(one, ()) == alone
    beside = replace(one, like="b", compared=COMPARED)
    assert explained_markdown(beside, ()) == (
        alone + "\na beside b, which works:\n\n"
        "* **audience**: none instead of https://x; with it the request is accepted\n"
        "* **method**: post instead of basic; it makes no difference\n"
    )


def test_machines_read_what_two_clients_do_otherwise(explained):
    one = explained("a", REJECTED)
    assert explained_json(one) == explanation_json(one.explanation)
    told = json.loads(explained_json(replace(one, like="b", compared=COMPARED)))
    like = told.pop("like")
    assert told == json.loads(explanation_json(one.explanation))
    assert like["client"] == "b"
    assert like["differences"][0] == {
        "what": "audience", "mine": "none", "its": "https://x", "decides": True,
        "found": "with it the request is accepted",
    }  # fmt: skip
    assert [one["decides"] for one in like["differences"]] == [True, False]


# -- all of it


def test_machines_read_groups_and_every_explanation(explained):
    several = [
        explained("a", REFUSED_SCOPE, sets=(("x",),), audience="aud"),
        explained("b", outcome="working", known=told_to_another(FAILED)),
    ]
    told = json.loads(explanations_json(several, [NotExplained("c", "z", "left alone")]))
    explanations = told.pop("explanations")
    assert [(one["client"], one["audience"]) for one in explanations] == [("a", "aud"), ("b", "")]
    assert explanations[0]["refusing_sets"] == [["x"]]
    assert told == {
        "version": 1,
        "groups": [
            {"cause": "scope_refused", "scopes": ["x"], "clients": ["a (aud)"]},
            {"cause": "working", "scopes": [], "clients": ["b"]},
        ],
        "answer_401_to_scopes": ["corp"],
        "not_asked": [{"client": "c", "audience": "z", "because": "left alone"}],
    }


def test_only_targets_that_are_to_be_shown_are_told_in_full(explained):
    several = [explained("a", REJECTED, audience="x"), explained("b", REJECTED)]
    shown = {"a (x)": (), "b": ()}
    alone = [printed(explanation_for_people(one.explanation, ())) for one in several]
    seen = printed(explanations_for_people(several, (), shown))
    assert seen == ["2 clients: secret rejected (a (x), b)", "", "For x:", *alone[0], "", *alone[1]]
    assert printed(explanations_for_people(several, (), {"b": ()}))[2:] == alone[1]
    tickets = [explanation_markdown(one.explanation, ()) for one in several]
    assert explanations_markdown(several, (), shown) == (
        f"* 2 clients: secret rejected (a (x), b)\n\nFor `x`:\n\n{tickets[0]}\n{tickets[1]}"
    )


# -- one explanation as a whole


HEADERS = (
    ("Server", "nginx"),
    ("Content-Type", "application/json"),
    ("WWW-Authenticate", 'Basic realm="corp", error="invalid_client"'),
)


def test_people_see_causes_sets_and_the_requests_that_are_shown(explained):
    log = (
        experiment(None, Issued()),
        replace(
            experiment(("x",), Unauthenticated(401, "invalid_client", "no `x`")),
            trace=Trace("curl https://corp", 401, HEADERS, '{"error": "invalid_client"}\n```\n'),
        ),
    )
    one = explained("a", REFUSED_SCOPE, ("throttled", 0.5), sets=(("x",), ("y", "z")), log=log)
    assert printed(explanation_for_people(one.explanation, log[1:])) == [
        "a is explained: 2 requests, 1 failed authentication, 1 refusal",
        "",
        "1. scope_refused  90% sure",
        "   Do it.",
        "   - seen of scope_refused",
        "",
        "2. throttled  50% sure",
        "   Do it.",
        "   - seen of throttled",
        "",
        "Refused, and no smaller set of them is: x, y + z",
        "",
        "Request 2, scope “x”",
        "curl https://corp",
        "→ 401 invalid_client “no `x`”",
        '  WWW-Authenticate: Basic realm="corp", error="invalid_client"',
        "    asks for Basic: realm is “corp”, error is “invalid_client”",
        '  {"error": "invalid_client"}',
        "  ```",
    ]
    assert explanation_markdown(one.explanation, log[1:]).splitlines() == [
        "# a is explained: 2 requests, 1 failed authentication, 1 refusal",
        "",
        "1. **scope_refused** (90% sure): Do it.",
        "   - seen of scope\\_refused",
        "",
        "2. **throttled** (50% sure): Do it.",
        "   - seen of throttled",
        "",
        "Refused, and no smaller set of them is: `x`, `y + z`",
        "",
        "## Request 2, scope “x”",
        "",
        "```sh",
        "curl https://corp",
        "```",
        "",
        "```text",
        "401 invalid_client “no `x`”",
        'WWW-Authenticate: Basic realm="corp", error="invalid_client"',
        "  asks for Basic: realm is “corp”, error is “invalid_client”",
        '{"error": "invalid_client"}',
        "'''",
        "```",
    ]


def test_plain_headers_are_shown_of_a_page_that_is_not_the_servers_own(explained):
    page = Trace("curl", 403, (("Server", "gateway"),), "<html>")
    log = (replace(experiment(("x",), FAILED), trace=page),)
    seen = printed(explanation_for_people(explained("a", REJECTED, log=log).explanation, log))
    assert seen[-2:] == ["  Server: gateway", "  <html>"]


def test_machines_read_every_request_of_an_explanation(explained):
    trace = Trace("curl", 401, (("X-Id", "7"),), "{}")
    log = (replace(experiment(("x",), FAILED), trace=trace),)
    told = json.loads(
        explanation_json(explained("a", REJECTED, sets=(("x",),), log=log).explanation)
    )
    assert told == {
        "version": 1, "client": "a", "outcome": "explained", "refusing_sets": [["x"]],
        "causes": [
            {
                "code": "secret_rejected", "confidence": 0.9,
                "evidence": ["seen of secret_rejected"],
                "next_step": "Do it.",
            }
        ],
        "requests": 2, "credential_failures": 1, "refusals": 1, "ruled_out": [], "not_tested": [],
        "next_test": "",
        "experiments": [
            {
                "asked": "scope “x”", "answered": "401 invalid_client", "curl": "curl",
                "status": 401, "headers": {"X-Id": "7"}, "body": "{}",
            }
        ],
    }  # fmt: skip
