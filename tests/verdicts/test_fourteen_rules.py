"""
The fourteen rules (docs/design.md), each with the smallest server that fools a weaker one.

A server is a function from a client's grants and a request to an answer; every client asks what
`each` would ask. What may be said of a cell is known from the server alone.
"""

from collections.abc import Callable
from itertools import count

import pytest

from scopeprobe.model.answer import Answer, Fact, Issued, Refused, Unauthenticated
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Reason
from scopeprobe.model.question import Question
from scopeprobe.verdicts import judge, learn_behavior

INVALID = Refused(400, "invalid_scope")
VAGUE = Refused(403, "forbidden")
FAILED = Unauthenticated(401, "invalid_client")
STRANGE = Refused(400, "invalid_request", "認証に失敗しました")
OK = Issued()
CANDIDATES = ("a", "b", "c")

Server = Callable[[frozenset[str], tuple[str, ...] | None], Answer]


class Fleet:
    """Clients of one server, what they asked and were told, and what is made of it."""

    def __init__(self, make_client, server: Server, **grants: str) -> None:
        self._ticks = count()
        self.assignments = {}
        self.facts: dict[str, list[Fact]] = {}
        for name, granted in grants.items():
            client = make_client(*CANDIDATES, name=name, client_id=name)
            self.assignments[name] = Assignment(client, client.targets[0])
            self.facts[name] = []
            self._has = frozenset(granted.split())
            self._ask(name, server)

    def _ask(self, name: str, server: Server) -> None:
        canary = self.assignments[name].canary
        asked = [None, (canary,), *((scope,) for scope in CANDIDATES), (canary,)]
        for scopes in asked:
            self.tell(name, scopes, server(self._has, scopes))
        success = next(
            (f.question.scopes for f in self.facts[name] if isinstance(f.answer, Issued)), None
        )
        self.tell(name, success, server(self._has, success))

    def tell(self, name: str, scopes: tuple[str, ...] | None, answer: Answer) -> None:
        again = sum(fact.question.scopes == scopes for fact in self.facts[name])
        tick = next(self._ticks)
        self.facts[name].append(Fact(Question(scopes, again=again), answer, 2 * tick, 2 * tick + 1))

    def cells(self, name: str) -> dict[str, tuple[str, str]]:
        """Verdict and reason of each candidate."""
        behavior = learn_behavior((a, self.facts[n]) for n, a in self.assignments.items())
        found = judge(self.assignments[name], behavior, self.facts[name], Reason.NOT_ASKED)
        return {c.scope: (str(c.verdict), str(c.reason)) for c in found if c.scope in CANDIDATES}

    def verdicts(self, name: str) -> str:
        """The first letters of the verdicts: granted, denied, open (unenforced), unknown."""
        letters = {"granted": "g", "denied": "d", "unenforced": "o", "unauthenticated": "x"}
        cells = self.cells(name)
        return "".join(letters.get(cells[scope][0], "?") for scope in CANDIDATES)


@pytest.fixture
def fleet(make_client):
    def made(server: Server, **grants: str) -> Fleet:
        return Fleet(make_client, server, **grants)

    return made


def listing(has, asked):
    """Narrows, and lists what is left."""
    return Issued(tuple(scope for scope in asked or () if scope in has))


def refusing(has, asked):
    """Refuses whatever is not granted; shows nothing."""
    return OK if has.issuperset(asked or ()) else INVALID


# -- servers that tell the truth, and are believed


def test_a_list_that_narrows_is_read(fleet):
    assert fleet(listing, one="a", other="a b").verdicts("one") == "gdd"


def test_what_is_refused_alone_and_given_to_others_is_told_apart(fleet):
    found = fleet(refusing, one="a", other="a b c")
    assert (found.verdicts("one"), found.verdicts("other")) == ("gdd", "ggg")


def test_silence_is_an_empty_list_where_lists_are_exact(fleet):
    def server(has, asked):
        return Issued(tuple(asked)) if asked and has.issuperset(asked) else OK

    assert fleet(server, one="a", other="b").verdicts("one") == "gdd"


def test_a_silent_answer_takes_nothing_from_what_a_list_shows(fleet):
    def server(has, asked):
        if asked is None:
            return Issued(tuple(sorted(has)))
        return OK if has.issuperset(asked) else INVALID

    assert fleet(server, one="a", other="a b").verdicts("one") == "gdd"


# -- rule 1


def test_an_echo_whose_canary_met_a_stray_refusal_grants_nothing(fleet):
    found = fleet(lambda _has, asked: Issued(asked or ()), one="", other="")
    stray = Fact(found.facts["one"][1].question, VAGUE, 2, 3)
    found.facts["one"][1] = stray
    assert "g" not in found.verdicts("one")


def test_a_place_that_repeats_the_request_does_not_outweigh_one_that_narrows(fleet):
    def server(has, asked):
        return Issued(asked or (), tuple(s for s in asked or () if s in has), True)

    assert fleet(server, one="a", other="b").verdicts("one") == "gdd"


def test_an_echo_of_a_set_tells_nothing_of_its_members(fleet):
    """Sets are narrowed in silence and repeated in the answer; lone scopes are refused."""

    def server(has, asked):
        known = {"a", "b", "c"}.intersection(asked or ())
        return Issued(asked or ()) if not known or has & known else INVALID

    found = fleet(server, one="a", other="b")
    found.facts["one"] = [f for f in found.facts["one"] if f.question.scopes != ("b",)]
    found.tell("one", ("a", "b"), Issued(("a", "b")))
    assert found.verdicts("one") == "g?d"


def test_an_echo_of_lone_scopes_tells_nothing_where_only_unknown_names_are_refused(fleet):
    """What exists is dropped in silence where it is not given, and repeated in the answer."""

    def server(has, asked):
        unknown = set(asked or ()).difference(CANDIDATES)
        return INVALID if unknown and not has.intersection(asked) else Issued(asked or ())

    found = fleet(server, one="a")
    assert found.verdicts("one") == "???"
    beside_the_canary = (*CANDIDATES, found.assignments["one"].canary)
    found.tell("one", beside_the_canary, server({"a"}, beside_the_canary))
    assert found.verdicts("one") == "???"
    honest = fleet(server, one="a")
    honest.tell("one", beside_the_canary, INVALID)
    assert honest.verdicts("one") == "ggg"


# -- rule 2


def test_a_scope_that_no_list_shows_is_not_denied_for_that(fleet):
    """Keycloak's scopes that are not included in tokens."""

    def server(has, asked):
        if not has.issuperset(asked or ()):
            return INVALID
        return Issued(tuple(s for s in asked or () if s != "b"))

    found = fleet(server, one="a b", other="a")
    assert found.cells("one")["b"] == ("granted", "accepted_alone")
    assert found.cells("other")["b"] == ("denied", "refused_alone")
    assert fleet(server, one="a b", other="b").cells("one")["b"] == ("unknown", "unconfirmed")


@pytest.mark.parametrize(
    "spelling", ["[{}]", "api://app/{}", "app/{}", "app:{}", "{}.all", "ROLE_{}"]
)
def test_lists_in_another_spelling_deny_nothing(fleet, spelling):
    def server(has, asked):
        return Issued(tuple(spelling.format(s) for s in asked or () if s in has))

    found = fleet(server, one="a", other="a b")
    assert found.cells("one")["a"][0] == "unknown"
    assert found.cells("other")["b"][0] == "unknown"


def test_upper_case_in_lists_denies_nothing(fleet):
    def server(has, asked):
        return Issued(tuple(s.upper() for s in asked or () if s in has))

    assert fleet(server, one="a", other="a b").cells("one")["a"] == ("unknown", "contradictory")


def test_an_empty_claim_of_scopes_beside_refusals_denies_nothing(fleet):
    def server(has, asked):
        return Issued(None, (), True) if has.issuperset(asked or ()) else INVALID

    assert "d" not in fleet(server, one="a b c", other="a b").verdicts("one")


# -- rules 3 and 4


def test_lists_given_to_others_make_silence_no_denial(fleet):
    """Tokens of one client are JWTs with lists, those of the other are opaque."""

    def server(has, asked):
        if "jwt" in has:
            return Issued(None, tuple(s for s in asked or () if s in has), True)
        return OK

    found = fleet(server, one="a", other="a b jwt")
    assert set(found.verdicts("one")) == {"?"}


def test_one_s_silence_and_another_s_refusal_do_not_grant_each_other(fleet):
    """It ignores the request, lists whatever the client has, and nothing where it has nothing."""

    def server(has, _asked):
        return Issued(tuple(sorted(has))) if has else OK

    found = fleet(server, nobody="", one="a", other="a b")
    assert "g" not in found.verdicts("nobody")


def test_a_secret_that_is_rejected_in_unknown_words_polices_no_scope(fleet):
    """No scope is looked at; a wrong secret meets 403."""
    found = fleet(lambda has, _asked: OK if has else VAGUE, one="a", other="a", wrong="")
    assert "g" not in found.verdicts("one") + found.verdicts("wrong")
    assert "d" not in found.verdicts("wrong")


# -- rule 5


def silently_narrowing_sets(has, asked):
    return OK if asked is None or has.intersection(asked) else INVALID


def test_a_silent_set_proves_nothing_where_sets_are_narrowed(fleet):
    found = fleet(silently_narrowing_sets, one="a", other="a b")
    found.facts["one"] = [
        fact for fact in found.facts["one"] if fact.question.scopes not in {("b",), ("c",)}
    ]
    found.tell("one", ("a", "b", "c"), OK)
    assert found.cells("one")["b"][0] == found.cells("one")["c"][0] == "unknown"


# -- rule 6


def test_a_firewall_that_refuses_everything_denies_nothing(fleet):
    found = fleet(lambda _has, asked: OK if asked is None else VAGUE, one="", other="")
    assert set(found.verdicts("one")) == {"?"}


def test_two_stray_refusals_in_a_row_deny_nothing(fleet):
    def server(has, asked):
        return OK if has.issuperset(asked or ()) else INVALID

    found = fleet(server, one="a b", other="a")
    found.facts["one"] = [f for f in found.facts["one"] if f.question.scopes != ("a",)]
    for _ in range(2):
        found.tell("one", ("a",), VAGUE)
    found.tell("one", None, OK)
    assert found.cells("one")["a"] == ("unknown", "refusals_unbracketed")


# -- rules 7 and 8


def test_a_client_that_nobody_knows_shows_nothing_of_the_order_of_checks(fleet):
    """Look-up first, then scopes, then the secret."""
    unknown = Unauthenticated(401, "invalid_client", "client not found", True)

    def server(has, asked):
        if "unknown" in has:
            return unknown
        if asked is None or not has.issuperset(asked):
            return INVALID
        return FAILED if "stale" in has else OK

    found = fleet(server, good="a", typo="unknown", stale="stale")
    assert found.verdicts("good") == "gdd" or "?" in found.verdicts("good")
    assert set(found.verdicts("stale")) == {"?"}


def test_credentials_that_are_rejected_first_prove_those_of_others(fleet):
    def server(has, asked):
        if "wrong" in has:
            return FAILED
        return OK if asked and has.issuperset(asked) else INVALID

    found = fleet(server, good="a b", none="", wrong="wrong")
    assert found.verdicts("none") == "ddd"
    assert found.verdicts("wrong") == "xxx"


def test_who_is_refused_the_canary_that_others_are_issued_is_not_authenticated(fleet):
    """An unknown client meets the words of a refused scope, whatever it asks."""

    def server(has, asked):
        if "wrong" in has:
            return FAILED
        if "unknown" in has or asked is None:
            return INVALID
        return Issued(tuple(scope for scope in asked if scope in has))

    found = fleet(server, good="a b", other="b", wrong="wrong", stranger="unknown")
    assert set(found.verdicts("stranger")) == {"?"}


def test_credentials_are_rejected_in_whatever_words_where_good_ones_need_no_scope(fleet):
    """Unknown scopes are refused before the secret is looked at."""

    def server(has, asked):
        if set(asked or ()).difference(CANDIDATES):
            return INVALID
        return STRANGE if "wrong" in has else listing(has, asked)

    assert fleet(server, good="a b", wrong="wrong").verdicts("wrong") == "xxx"


def test_who_is_denied_by_a_policy_has_no_wrong_secret(fleet):
    def server(has, asked):
        return Refused(400, "access_denied") if "denied" in has else listing(has, asked)

    assert fleet(server, good="a b", other="denied").verdicts("other") == "???"


def test_one_passing_refusal_of_each_of_two_canaries_denies_nothing(fleet):
    def server(has, asked):
        known = {"a", "b", "c"}.intersection(asked or ())
        return FAILED if known - has else Issued(asked or ())

    found = fleet(server, one="a b c", other="a b c")
    for facts in found.facts.values():
        facts[1] = Fact(facts[1].question, VAGUE, facts[1].sent, facts[1].received)
    stray = found.facts["one"][2]
    found.facts["one"][2] = Fact(stray.question, VAGUE, stray.sent, stray.received)
    assert "d" not in found.verdicts("one")


def test_the_401_of_the_forum_rejects_nobody(fleet):
    """A wrong secret, a bad scope and a missing one look alike."""

    def server(has, asked):
        return OK if asked and has.issuperset(asked) else FAILED

    found = fleet(server, good="a", none="")
    assert set(found.verdicts("none")) == {"?"}
    assert "x" not in found.verdicts("none")


# -- rule 9


def test_scopes_that_are_policed_are_not_open_though_unknown_ones_pass(fleet):
    def server(has, asked):
        registered = {"a", "b"}
        return OK if not asked or has.issuperset(registered.intersection(asked)) else INVALID

    found = fleet(server, one="a", other="b")
    assert "o" not in found.verdicts("one") + found.verdicts("other")


def test_a_claim_that_comes_for_some_scopes_only_says_that_something_is_decided(fleet):
    """The answer repeats the request; JWTs, which some clients get, lack what is not given."""

    def server(has, asked):
        carried = tuple(s for s in asked or () if s in has or s not in CANDIDATES)
        is_jwt = "jwt" in has
        return Issued(asked or (), carried if is_jwt and carried else None, is_jwt)

    found = fleet(server, one="a jwt", other="b")
    assert "o" not in found.verdicts("other")


def test_words_about_a_scope_say_that_something_is_decided_to_whomever_they_are_said(fleet):
    """The client that is told so never gets a token; for the other, sets are narrowed silently."""

    def server(has, asked):
        return INVALID if asked and "none" in has else OK

    found = fleet(server, one="a", stranger="none")
    found.facts["stranger"] = [f for f in found.facts["stranger"] if f.question.scopes]
    assert "o" not in found.verdicts("one")


def test_a_client_that_gets_whatever_it_asks_is_open_where_others_are_not(fleet):
    def server(has, asked):
        return Issued(asked or ()) if "*" in has else listing(has, asked)

    found = fleet(server, admin="*", one="a", other="b")
    assert (found.verdicts("admin"), found.verdicts("one")) == ("ooo", "gdd")


# -- rule 11


def test_one_token_for_every_request_denies_nothing(fleet):
    found = fleet(lambda _has, _asked: Issued(("a",), token=7), one="a b", other="a")
    assert found.cells("one")["b"] == ("unknown", "token_shared")
    assert set(found.verdicts("one")) == {"?"}


def test_a_token_for_each_set_of_scopes_is_made_for_it(fleet):
    def server(has, asked):
        names = tuple(s for s in asked or () if s in has)
        return Issued(names, token=1 + len(names))

    found = fleet(server, one="a b", other="c")
    assert found.verdicts("one") == "ggd"


# -- the canary in silence


def test_a_canary_that_was_issued_in_silence_is_neither_refused_nor_missing(fleet):
    """Lists repeat what was asked, where more than one was."""

    def server(_has, asked):
        return Issued(asked) if asked and len(asked) > 1 else OK

    found = fleet(server, one="", other="")
    found.tell("one", ("a", "b"), Issued(("a", "b")))
    assert "g" not in found.verdicts("one")
    canary = found.assignments["one"].canary
    found.tell("one", ("a", "b", canary), Issued(("a", "b", canary)))
    assert "g" not in found.verdicts("one")
