"""Where names stand in requests, and what that makes of a server that names them."""

import pytest

from scopeprobe.model.client import Scope
from scopeprobe.model.scope_names import (
    are_believable,
    is_canary,
    places_of,
    prefix,
    resembles,
    resource,
    stand_at_an_edge,
)

ASKED = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("named", "is_at_an_edge"),
    [
        ({"a"}, True), ({"d"}, True), ({"a", "b"}, True), ({"c", "d"}, True), (set(ASKED), True),
        ({"b"}, False), ({"b", "c"}, False), ({"a", "d"}, False), ({"a", "x"}, False),
    ],
)  # fmt: skip
def test_the_first_and_the_last_names_of_a_request_stand_at_an_edge(named, is_at_an_edge):
    assert stand_at_an_edge(named, ASKED) is is_at_an_edge


@pytest.mark.parametrize(
    ("named", "requests", "are_believed"),
    [
        ({"b"}, [ASKED], True),
        ({"a"}, [ASKED], False),
        ({"a"}, [ASKED, ("b", "c", "a")], False),
        ({"a"}, [ASKED, ("b", "a", "c")], True),
        ({"a", "b"}, [ASKED], False),
        ({"a", "b"}, [ASKED, ASKED], False),
        ({"a", "b"}, [ASKED, ("c", "d", "a", "b")], True),
        ({"a", "b"}, [], False),
    ],
)
def test_names_are_believed_where_no_echo_would_name_the_same(named, requests, are_believed):
    assert are_believable(named, requests) is are_believed


def test_names_have_prefixes_and_resources():
    assert [prefix(s) for s in ("a.b:c/d.e", "a:b", "a", "a.")] == ["a.b:c/d.", "a:", "", "a."]
    assert [resource(s) for s in ("https://x/a/read", "read", "/")] == ["https://x/a", "", ""]
    assert is_canary("scopeprobe-canary-1")
    assert not is_canary("x-scopeprobe-canary-1")


@pytest.mark.parametrize(
    "name",
    ["users:read", "Users:Read", "[users:read]", "api/users:read", "api.users:read", "users",
     "users:*", "u*", "\uff55sers:read", "urn#users:read", "users:read "],
)  # fmt: skip
def test_a_server_may_mean_a_scope_by_a_name_that_resembles_it(name):
    assert resembles(Scope(name), Scope("users:read"))


@pytest.mark.parametrize(
    "name", ["users:write", "read_users", "users-read", "user", "usersread", "x*", "users:rea?"]
)
def test_a_name_that_only_looks_alike_is_another(name):
    assert not resembles(Scope(name), Scope("users:read"))


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", []), ("read", [0]), ("reads, read", [7]), ("x_read x.read read2", [9]),
        ("read read", [0, 5]), ("éread readé [read]", [13]), ("readread read", [9]), ("READ", []),
    ],
)  # fmt: skip
def test_a_word_is_found_where_it_is_no_part_of_a_longer_one(text, places):
    assert [*places_of("read", text)] == places
    assert [*places_of("", text)] == []
