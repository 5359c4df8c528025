"""Which patterns, tags and audiences match nothing, and what is said of them."""

from dataclasses import replace

import pytest

from scopeprobe.model.client import Expectation
from scopeprobe.model.finding import FindingKind
from scopeprobe.policy import Rule, complaints_of_rules, unmatched_expectations

ALLOWED = "; where that is meant, write allow_unmatched = true beside it"


@pytest.fixture
def client(make_client):
    """Build a client; each of its targets, by audience, has candidates and an expectation."""

    def build(name="a", tags=(), **targets):
        made = tuple(
            replace(target, expect=expect)
            for audience, (candidates, expect) in targets.items()
            for target in make_client(*candidates.split(), audience=audience.strip("_")).targets
        )
        return replace(make_client(name=name), targets=made, tags=tuple(tags))

    return build


def expect(granted=None, denied=(), place="", **more):
    return Expectation(granted and tuple(granted), tuple(denied), place=place, **more)


def told(clients, rules=(), **known):
    return [str(one) for one in unmatched_expectations(clients, rules, **known)]


def test_patterns_that_match_a_candidate_are_not_told(client):
    assert told([client(_=("a.read b.read", expect(["a.*"], ["b.read", "?.read"])))]) == []


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (expect(["a.raed"]), "granted: a.raed matches no candidate; did you mean a.read?"),
        (expect(["zzz"]), f"granted: zzz matches no candidate{ALLOWED}"),
        (expect(denied=["b.wriet"]), "denied: b.wriet matches no candidate; did you mean b.write?"),
        (
            expect(["invocies.*"], place="p:1"),
            "p:1.granted: invocies.* matches no candidate; did you mean invoices.*?",
        ),
        (expect(["invocies.?"]), f"granted: invocies.? matches no candidate{ALLOWED}"),
        (expect(["zzz.*"]), f"granted: zzz.* matches no candidate{ALLOWED}"),
    ],
    ids=str,
)
def test_a_pattern_that_matches_none_is_told_with_what_was_probably_meant(client, expected, words):
    assert told([client(_=("a.read b.write invoices.list", expected))]) == [words]


def test_everything_that_matches_nothing_is_told(client):
    clients = [client(_=("a", expect(["x"], ["y", "a", "z"]))), client("b", _=("a", expect(["w"])))]
    assert [one.pattern for one in unmatched_expectations(clients)] == ["x", "y", "z", "w"]


def test_what_expects_nothing_or_may_match_nothing_keeps_no_other_from_being_told(client):
    clients = [
        client("a", _=("a", expect())),
        client("b", _=("a", expect(["x"], allows_unmatched=True))),
        client("c", _=("a", expect(["y"]))),
        client("d", _=("a", expect(["z"]))),
    ]
    assert [one.pattern for one in unmatched_expectations(clients, unread={"c"})] == ["z"]


def test_only_a_glob_of_what_is_denied_is_a_guard(client):
    ours = expect(["x.*", "x"], ["y.*", "y?", "y[ab]", "y"])
    unmatched = unmatched_expectations([client(_=("a", ours))])
    assert [one.pattern for one in unmatched if one.is_guard] == ["y.*", "y?", "y[ab]"]


def test_scopes_that_a_run_found_beside_its_candidates_are_matched_too(client):
    clients = [client(x=("a", expect(["rights:*"])))]
    assert told(clients, found=[("a", "x", "rights:view")]) == []
    for other in (("b", "x", "rights:view"), ("a", "y", "rights:view"), ("a", "x", "a")):
        assert len(told(clients, found=[other])) == 1
    several = [("a", "x", "a"), ("a", "x", "rights:view"), ("a", "x", "b")]
    assert told(clients, found=several) == []


# -- whom it was written for


def test_what_is_written_for_one_target_is_told_of_it(client):
    (one,) = unmatched_expectations(
        [client(x=("a", expect(denied=["z*"], place="p")), y=("z", expect(place="q")))]
    )
    assert (one.client, one.audience) == ("a", "x")
    found = one.as_finding()
    assert (found.kind, found.scope) == (FindingKind.UNMATCHED_EXPECTATION, "z*")
    assert (found.client, found.audience) == ("a", "x")
    assert found.detail == f"p.denied: matches no candidate{ALLOWED}"


def test_what_is_written_for_all_targets_of_a_client_has_to_match_in_one_of_them(client):
    ours = expect(["b", "c"], place="p")
    (one,) = unmatched_expectations([client(x=("a", ours), y=("b", ours))])
    assert (one.client, one.audience, one.pattern) == ("a", "", "c")


def test_what_is_written_for_many_clients_has_to_match_for_one_of_them(client):
    ours = expect(["a", "b", "c"], place="defaults")
    clients = [client(name, _=(name, ours)) for name in ("a", "b")]
    (one,) = unmatched_expectations(clients)
    assert (one.client, one.audience, one.pattern) == ("", "", "c")


def test_a_place_that_is_not_known_is_the_target_itself(client):
    clients = [client("a", x=("a", expect(["b"])), y=("b", expect(["a"])))]
    assert [one.audience for one in unmatched_expectations(clients)] == ["x", "y"]


def test_a_rule_has_to_match_for_one_of_those_it_holds_for(client):
    clients = [
        client("a", ["prod"], x=("a", expect()), y=("b", expect())),
        client("b", ["test"], x=("c", expect())),
    ]

    def of(*patterns, audience=None):
        ours = expect(patterns, place="p")
        return told(clients, [Rule(frozenset({"prod"}), ours, audience)])

    assert of("a", "b") == of("a", audience="x") == []
    assert of("c") == [f"p.granted: c matches no candidate{ALLOWED}"]
    assert of("b", audience="x") == [f"p.granted: b matches no candidate{ALLOWED}"]
    assert told(clients, [Rule(frozenset({"nobody"}), expect(["z"]))]) == []


# -- rules for nobody


def complaints(clients, *tags, **more):
    ours = Rule(frozenset(tags), expect(), place="p", **more)
    last = Rule(frozenset(), expect(), audience="none", place="last")
    *of_ours, of_last = complaints_of_rules(clients, [ours, last])
    assert of_last.startswith("last.audience: ")
    return of_ours


def test_a_tag_that_no_client_has_is_told_with_what_was_probably_meant(client):
    clients = [client("a", ["prod", "eu"]), client("b", ["billing"])]
    assert complaints(clients, "pord") == ["p.tags: no client has the tag pord; did you mean prod?"]
    assert complaints(clients, "zzz", "prod", "yyy") == [
        f"p.tags: no client has the tag yyy{ALLOWED}",
        f"p.tags: no client has the tag zzz{ALLOWED}",
    ]
    assert complaints(clients, "prod", "billing") == [f"p.tags: no client has all of them{ALLOWED}"]
    assert complaints(clients, "prod", "eu") == complaints(clients, "prod") == []
    assert complaints(clients) == []


def test_an_audience_that_no_target_has_is_told_with_what_was_probably_meant(client):
    clients = [client("a", ["prod"], reports=("a", expect())), client("b", [], x=("a", expect()))]
    words = "p.audience: no client with these tags has that audience"
    assert complaints(clients, "prod", audience="reprots") == [f"{words}; did you mean reports?"]
    assert complaints(clients, "prod", audience="x") == [f"{words}{ALLOWED}"]
    assert complaints(clients, "prod", audience="reports") == []
    assert complaints(clients, "prod", "zzz", audience="x") == [
        f"p.tags: no client has the tag zzz{ALLOWED}"
    ]


def test_a_rule_that_may_hold_for_nobody_is_not_told(client):
    clients = [client("a", ["prod"])]
    for tags in (["pord"], ["prod", "eu"]):
        assert complaints(clients, *tags, allows_unmatched=True) == []
    assert complaints(clients, "prod", audience="x", allows_unmatched=True) == []
