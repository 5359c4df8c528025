"""In which order the clients of a rate group are asked, as their server sees it."""

from collections import Counter
from dataclasses import replace

from granting import FAST, grants
from harness import Entry, Reply, raw_server, scopeprobe, write_inputs

NAMES = [f"c{n}" for n in range(6)]
SCOPES = [f"s{n}" for n in range(40)]
REJECTED = b'{"error":"invalid_client"}'
TWO_AUDIENCES = "".join(
    f'[[clients.targets]]\naudience = "https://{name}.example"\n' for name in ("one", "two")
)


def asked_in_turn(tmp_path, answer, clients):
    """All requests of an audit, in the order in which a server saw them."""
    entries = [
        Entry(name, "s", method="client_secret_post", extra=extra)
        for name, extra in clients.items()
    ]
    with raw_server(answer) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}
        arguments, environment = write_inputs(tmp_path, settings, entries, SCOPES)
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    return server.asked


def last_ones(asked):
    """How often each client is among the last fifth of all requests."""
    return Counter(one.client for one in asked[-len(asked) // 5 :])


def test_all_clients_of_a_rate_group_are_finished_together(tmp_path):
    last = last_ones(asked_in_turn(tmp_path, grants(*SCOPES[::2]), dict.fromkeys(NAMES, "")))
    assert set(last) == set(NAMES)
    assert max(last.values()) <= 2 * min(last.values())


def test_who_has_more_to_ask_goes_ahead_of_who_has_less(tmp_path):
    clients = {"few": "", "many": TWO_AUDIENCES, "little": ""}
    last = last_ones(asked_in_turn(tmp_path, grants(*SCOPES), clients))
    assert set(last) == set(clients)


def test_until_a_server_issues_a_token_the_first_of_the_file_go_first(tmp_path):
    names = [f"c{n}" for n in range(60)]
    asked = asked_in_turn(tmp_path, lambda _asked: Reply(401, REJECTED), dict.fromkeys(names, ""))
    found = {one.client for one in asked}
    assert found == set(names[: len(found)])
    assert len(found) <= 24
    assert len(asked) <= 20 * 3 + 4


def test_before_its_first_success_a_client_has_one_request_in_the_air(tmp_path):
    """Although all of them have most left to ask."""
    grant, seconds = grants(*SCOPES), 0.05

    def slowly(asked):
        return replace(grant(asked), delay=seconds)

    asked = asked_in_turn(tmp_path, slowly, dict.fromkeys(NAMES, ""))
    for name in NAMES:
        first, second, *_ = (one.at for one in asked if one.client == name)
        assert second - first >= seconds
