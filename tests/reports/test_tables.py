"""What commands print for people in 80 columns, and for machines as JSON: all of it."""

import json
from dataclasses import replace
from datetime import date

import pytest
from outcomes import DENIED, GRANTED, LATE, REJECTED, UNENFORCED, permissions
from printed import printed
from settings import server_with

from scopeprobe.model.cell import Reason
from scopeprobe.model.client import AuthMethod, GrantType, SigningKey
from scopeprobe.model.finding import FindingKind
from scopeprobe.model.provider import Pack
from scopeprobe.model.rate import Rate
from scopeprobe.model.run import Run
from scopeprobe.oauth.metadata import Metadata, MetadataProblem
from scopeprobe.policy import Baseline, Waiver
from scopeprobe.policy.changes import differences
from scopeprobe.policy.history import history
from scopeprobe.reports.baseline import baseline_json, baseline_table
from scopeprobe.reports.differences import differences_json, differences_text
from scopeprobe.reports.history import history_json, history_table
from scopeprobe.reports.inventory import inventory_json, inventory_table
from scopeprobe.reports.metadata import MOST_SCOPES, Described, metadata_json, metadata_table
from scopeprobe.reports.plan import (
    Cost,
    FleetPlan,
    ServerPlan,
    duration,
    plan_json,
    plan_line,
    plan_table,
)
from scopeprobe.reports.providers import providers_json, providers_table
from scopeprobe.reports.runs import runs_json, runs_table
from scopeprobe.reports.summary import ServerSummary
from scopeprobe.reports.terminal import MOST_REMARKS, advertised_remarks, remarks
from scopeprobe.reports.texts import MOST_LISTED, listed

TODAY = date(2026, 11, 26)
NOON = 1795694400.0  # of 2026-11-26
DAY = 86400.0


# -- baseline show


def baseline():
    maps = (
        permissions("a", GRANTED, DENIED, GRANTED, UNENFORCED),
        permissions("b", DENIED, audience="x"),
        permissions("c", REJECTED),
    )
    waivers = (
        Waiver("ada", "moves in spring", date(2026, 11, 25), "a*"),
        Waiver("zoe", "for ever", TODAY, "b", scope="s0", kind=FindingKind.EXCESS),
    )
    return replace(Baseline().renewed(maps), waivers=waivers)


ACCEPTED = [
    "client  audience         granted  denied  unenforced",
    "a                              2       1           1",
    "b       x                              1",
    "c       unauthenticated",
]


def test_people_see_how_much_is_accepted_and_what_is_waived():
    assert printed(baseline_table(replace(baseline(), waivers=()), TODAY)) == ACCEPTED
    assert printed(baseline_table(baseline(), TODAY)) == [
        *ACCEPTED,
        "",
        "waivers",
        " client  scope  owner  until                 reason",
        " a*      *      ada    2026-11-25 (expired)  moves in spring",
        " b       s0     zoe    2026-11-26            for ever",
    ]


def test_machines_read_every_accepted_cell_and_waiver():
    told = json.loads(baseline_json(baseline()))
    accepted = told.pop("accepted")
    assert accepted[0] == {"client": "a", "audience": "", "scope": "s0", "verdict": "granted"}
    assert accepted[-1] == {"client": "b", "audience": "x", "scope": "s0", "verdict": "denied"}
    assert len(accepted) == 5
    waiver = {"reason": "moves in spring", "expires": "2026-11-25", "audience": "", "kind": None}
    assert told.pop("waivers")[0] == waiver | {"owner": "ada", "client": "a*", "scope": "*"}
    assert told == {"version": 1, "unauthenticated": ["c"]}


# -- diff


def test_people_see_a_line_for_each_difference():
    found = differences(
        [permissions("a", GRANTED, DENIED, LATE), permissions("c", GRANTED)],
        [permissions("a", DENIED, GRANTED, GRANTED, DENIED), permissions("d", GRANTED)],
    )
    assert differences_text(found).splitlines() == [
        "gained: a s1: denied -> granted",
        "lost: a s0: granted -> denied",
        "changed: a s2: unknown -> granted",
        "changed: a s3: absent -> denied",
        "new client: d",
        "gone client: c",
    ]
    same = [permissions("a", GRANTED)]
    assert differences_text(differences(same, same)) == "no differences\n"


def test_a_cell_that_is_gone_is_told_with_its_audience():
    more = [permissions("a", GRANTED, DENIED, audience="x")]
    fewer = [permissions("a", GRANTED, audience="x")]
    assert differences_text(differences(more, fewer)) == "changed: a x s1: denied -> absent\n"
    told = json.loads(differences_json(differences(more, fewer)))
    cell = {"client": "a", "audience": "x", "scope": "s1", "before": "denied", "after": None}
    assert told == {
        "version": 1, "gained": [], "lost": [], "changed": [cell], "new_clients": [],
        "gone_clients": [],
    }  # fmt: skip


def test_a_long_difference_is_wrapped_with_its_rest_indented():
    old, new = (permissions("a", one, audience="x" * 60) for one in (GRANTED, DENIED))
    assert differences_text(differences([old], [new])).splitlines() == [
        f"lost: a {'x' * 60} s0: granted",
        "  -> denied",
    ]


# -- history and runs


RUNS = [
    Run("r0", NOON, NOON + 60, "", "each", 2, 8, complete=True),
    Run("r1", NOON + DAY, None, "", "each", 2, 8),
    Run("r2", NOON + 2 * DAY, NOON + 2 * DAY + 60, "", "adaptive", 3, 9),
]


def past(client, *nights, audience=""):
    maps = [permissions(client, *outcomes, audience=audience) for outcomes in nights]
    return history(zip(RUNS, maps, strict=False))


def test_people_see_the_intervals_of_a_cell_the_newest_first():
    cells = past("a", [GRANTED, LATE], [DENIED], [LATE], audience="x")
    assert printed(history_table(cells)) == [
        "scope  verdict  since       until       nights  not confirmed",
        "x s0   denied   2026-11-27  2026-11-27       1              1",
        "       granted  2026-11-26  2026-11-26       1",
        "x s1   unknown  2026-11-26  2026-11-26       0              1",
    ]
    assert printed(history_table([*cells[1:], *past("b", [GRANTED], [GRANTED])])) == [
        "client  scope  verdict  since       until       nights  not confirmed",
        "a       x s1   unknown  2026-11-26  2026-11-26       0              1",
        "b       s0     granted  2026-11-26  2026-11-27       2",
    ]


def test_machines_read_the_intervals_of_a_cell_the_oldest_first():
    told = json.loads(history_json("a", past("a", [GRANTED], [DENIED], [LATE], audience="x")))
    (cell,) = told.pop("cells")
    assert told == {"version": 1, "client": "a"}
    first, last = cell.pop("intervals")
    assert cell == {"client": "a", "audience": "x", "scope": "s0", "flapping": False}
    assert first["verdict"] == "granted"
    assert last == {
        "verdict": "denied", "first_run": "r1", "first": "2026-11-27T12:00:00Z", "last_run": "r1",
        "last": "2026-11-27T12:00:00Z", "nights": 1, "not_proved": 1,
    }  # fmt: skip


def test_people_see_which_runs_are_stored_and_their_state():
    assert printed(runs_table(RUNS)) == [
        " run  started               state       clients  cells",
        " r0   2026-11-26T12:00:00Z  complete          2      8",
        " r1   2026-11-27T12:00:00Z  unfinished        2      8",
        " r2   2026-11-28T12:00:00Z  incomplete        3      9",
    ]


def test_machines_read_which_runs_are_stored():
    told = json.loads(runs_json(RUNS[:2]))
    started = {"strategy": "each", "clients": 2, "cells": 8}
    assert told == {
        "version": 1,
        "runs": [
            {
                "run": "r0",
                "started": "2026-11-26T12:00:00Z",
                "finished": "2026-11-26T12:01:00Z",
                "complete": True,
                **started,
            },
            {
                "run": "r1",
                "started": "2026-11-27T12:00:00Z",
                "finished": None,
                "complete": False,
                **started,
            },
        ],
    }


# -- validate


CORP = server_with(
    issuer="https://login.example", rates=(Rate(5, 1.0), Rate(100, 3600.0)), retries=2, timeout=9.0
)
WEST = server_with(
    "west", token_endpoint="", issuer="https://west.example", region="eu", provider="genesys"
)


@pytest.fixture
def clients(make_client):
    one = replace(make_client("a", "b", name="one"), server=CORP, tags=("prod",))
    two = replace(
        make_client("a", name="two", client_id="id-2", audience="x"),
        server=WEST,
        auth_method=AuthMethod.CLIENT_SECRET_JWT,
    )
    six = replace(
        make_client(name="six"),
        server=CORP,
        grant_type=GrantType.JWT_BEARER,
        auth_method=AuthMethod.PRIVATE_KEY_JWT,
        signing_key=SigningKey(None, "ES256"),
        binds_tokens=True,
    )
    return [two, one, six]


def test_people_see_how_each_client_would_be_asked(clients):
    assert printed(inventory_table(clients)) == [
        "servers",
        " name  token endpoint               rate        per client",
        " corp  https://login.example/token  5/s, 100/h  2/s",
        " west  https://west.example         5/s         2/s",
        "",
        "clients",
        " name  server  client_id   method                     candidates",
        " two   west    id-2        client_secret_jwt (HS256)           1",
        " one   corp    billing-id  client_secret_basic                 2",
        " six   corp    billing-id  jwt-bearer (ES256)                  0",
    ]


def test_machines_read_how_each_client_would_be_asked(clients):
    told = json.loads(inventory_json(clients))
    assert told["version"] == 1
    corp, west = told["servers"]
    assert corp == {
        "name": "corp", "issuer": "https://login.example",
        "token_endpoint": "https://login.example/token", "provider": "", "region": "",
        "verify": "token", "rate": ["5/s", "100/h"], "client_rate": ["2/s"],
        "rate_group": "https://login.example:443", "in_flight": 4, "timeout": 9.0, "retries": 2,
        "max_auth_failures": 3,
    }  # fmt: skip
    assert (west["token_endpoint"], west["provider"], west["region"]) == ("", "genesys", "eu")
    two, one, six = told["clients"]
    assert one == {
        "name": "one", "server": "corp", "client_id": "billing-id",
        "token_endpoint_auth_method": "client_secret_basic",
        "token_endpoint_auth_signing_alg": None, "grant_type": "client_credentials",
        "dpop_bound_access_tokens": False, "tags": ["prod"],
        "targets": [{"audience": "", "candidates": ["a", "b"]}],
    }  # fmt: skip
    assert two["token_endpoint_auth_signing_alg"] == "HS256"
    assert two["targets"] == [{"audience": "x", "candidates": ["a"]}]
    assert six["token_endpoint_auth_signing_alg"] == "ES256"
    assert six["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert six["dpop_bound_access_tokens"]


# -- plan


EACH = Cost(1200, 2500, 10, 0.5, "rate 5/s")
ADAPTIVE = Cost(1, 2, 0, 119, "--max-requests")
PLAN = FleetPlan(
    (
        ServerPlan("corp", 1, 1200, {"each": EACH, "adaptive": ADAPTIVE}),
        ServerPlan("west", 2, 1, {"each": ADAPTIVE}),
    ),
    {"each": Cost(1201, 2502, 10, 2880, "quota"), "adaptive": Cost(1, 2, 3, 120, "rate")},
)


def test_people_see_what_each_strategy_would_take():
    assert printed(plan_table(PLAN)) == [
        "corp: 1 client, 1,200 candidates",
        "west: 2 clients, 1 candidate",
        "",
        "server  strategy  requests  at most  tokens      time  limited by",
        "corp    each         1,200    2,500      10   < 1 min  rate 5/s",
        "corp    adaptive         1        2       0   119 min  --max-requests",
        "west    each             1        2       0   119 min  --max-requests",
        "in all  each         1,201    2,502      10  2.0 days  quota",
        "in all  adaptive         1        2       3     2.0 h  rate",
    ]
    assert printed(plan_table(FleetPlan(PLAN.servers[:1], {"each": EACH}))) == [
        "corp: 1 client, 1,200 candidates",
        "",
        "server  strategy  requests  at most  tokens     time  limited by",
        "corp    each         1,200    2,500      10  < 1 min  rate 5/s",
        "corp    adaptive         1        2       0  119 min  --max-requests",
    ]
    assert plan_line("each", EACH) == (
        "each: about 1,200 requests, 2,500 at most, < 1 min (rate 5/s)"
    )
    assert plan_line("adaptive", ADAPTIVE).startswith("adaptive: about 1 request, 2 at most,")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "< 1 min"),
        (0.99, "< 1 min"),
        (1, "1 min"),
        (119, "119 min"),
        (120, "2.0 h"),
        (2879, "48.0 h"),
        (2880, "2.0 days"),
    ],
)
def test_times_are_given_in_the_unit_that_fits(minutes, words):
    assert duration(minutes) == words


def test_machines_read_what_each_strategy_would_take():
    told = json.loads(plan_json(PLAN))
    assert told["version"] == 1
    corp, west = told["servers"]
    costs = corp.pop("strategies")
    assert corp == {"name": "corp", "clients": 1, "candidates": 1200}
    assert costs["each"] == {
        "requests_expected": 1200, "requests_at_most": 2500, "tokens_at_most": 10, "minutes": 0.5,
        "binds": "rate 5/s",
    }  # fmt: skip
    assert [*costs] == ["each", "adaptive"]
    assert [*west["strategies"]] == ["each"]
    assert told["total"]["strategies"]["each"]["requests_at_most"] == 2502


def test_a_recheck_of_nothing_costs_what_the_adaptive_strategy_does():
    assert PLAN.cost_of("recheck") is PLAN.cost_of("adaptive") is PLAN.total["adaptive"]
    assert PLAN.cost_of("each") is PLAN.total["each"]


# -- providers


PACKS = [
    Pack(
        "corp", "Corp", "its tokens", limits="10 a second", regions=("eu", "us"),
        rates=(Rate(10, 1.0),), client_rates=(Rate(1, 60.0),),
    ),
    Pack("west", "West", "its rights API"),
]  # fmt: skip


def test_people_see_the_packs_and_their_regions():
    head = "provider  the map is read from  limits"
    assert printed(providers_table(PACKS)) == [
        head,
        "corp      its tokens            10 a second",
        "west      its rights API",
        "",
        "regions of corp: eu, us",
    ]
    assert printed(providers_table(PACKS[1:])) == [head, "west      its rights API"]


def test_machines_read_all_of_a_pack():
    told = json.loads(providers_json(PACKS))
    assert told["version"] == 1
    corp, west = told["providers"]
    assert (corp["name"], corp["map_from"], corp["verify"]) == ("corp", "its tokens", "token")
    assert (corp["rates"], corp["client_rates"]) == (["10/s"], ["1/min"])
    assert (west["rates"], west["regions"]) == ([], [])
    assert "traits" not in corp


# -- discover


FOUND = Metadata(
    "https://login.example",
    scopes_supported=("a", "b"),
    grant_types_supported=("client_credentials",),
    dpop_signing_alg_values_supported=("ES256",),
    token_endpoint_auth_signing_alg_values_supported=("RS256",),
    tls_client_certificate_bound_access_tokens=True,
)
ELSEWHERE = MetadataProblem(Reason.REDIRECTED, "is elsewhere")
AWAY = MetadataProblem(Reason.UNREACHABLE, "cannot be reached")
PLACE = "/.well-known/oauth-authorization-server"
DESCRIBED = [
    Described(
        CORP, f"https://login.example{PLACE}", FOUND, None, (("revocation_endpoint", ELSEWHERE),)
    ),
    Described(WEST, f"https://west.example{PLACE}", None, AWAY),
]


def test_people_see_what_metadata_says_and_what_of_it_is_not_used():
    assert printed(metadata_table(DESCRIBED)) == [
        "corp",
        "issuer          https://login.example",
        f"metadata        https://login.example{PLACE}",
        "token endpoint  https://login.example/token",
        "auth methods    client_secret_basic",
        "grant types     client_credentials",
        "DPoP            ES256",
        "scopes          a b",
        "not used        revocation_endpoint: is elsewhere",
        "",
        "west",
        "issuer    https://west.example",
        f"metadata  https://west.example{PLACE}",
        "not read  unreachable: cannot be reached",
        "",
    ]


def test_people_see_the_other_endpoints_of_a_server():
    server = server_with(
        introspection_endpoint="https://i", revocation_endpoint="https://r", mtls_token="https://m"
    )
    assert printed(metadata_table([Described(server, "", None, None)])) == [
        "corp",
        "token endpoint  https://login.example/token",
        "introspection   https://i",
        "revocation      https://r",
        "mutual TLS      https://m",
        "",
    ]


@pytest.mark.parametrize(
    ("scopes", "words"),
    [
        (None, "not said"),
        (0, "none"),
        (MOST_SCOPES, f"s{MOST_SCOPES - 1}"),
        (MOST_SCOPES + 1, f"s{MOST_SCOPES - 1} and 1 more"),
        (MOST_SCOPES + 2, f"s{MOST_SCOPES - 1} and 2 more"),
    ],
)
def test_people_see_the_first_scopes_of_a_long_list(scopes, words):
    names = None if scopes is None else tuple(f"s{n}" for n in range(scopes))
    found = replace(FOUND, scopes_supported=names)
    text = " ".join(" ".join(printed(metadata_table([Described(CORP, "", found, None)]))).split())
    assert text.endswith(words)
    (told,) = json.loads(metadata_json([Described(CORP, "", found, None)]))["servers"]
    assert told["scopes_supported"] == (None if names is None else list(names))


def test_machines_read_all_of_the_metadata():
    told = json.loads(metadata_json(DESCRIBED))
    assert told["version"] == 1
    corp, west = told["servers"]
    assert corp == {
        "name": "corp", "issuer": "https://login.example",
        "metadata_url": f"https://login.example{PLACE}", "read": True, "reason": None,
        "detail": None, "token_endpoint": "https://login.example/token",
        "introspection_endpoint": None, "revocation_endpoint": None, "mtls_token_endpoint": None,
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "grant_types_supported": ["client_credentials"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "tls_client_certificate_bound_access_tokens": True, "scopes_supported": ["a", "b"],
        "refused": [
            {"member": "revocation_endpoint", "reason": "redirected", "detail": "is elsewhere"}
        ],
    }  # fmt: skip
    nothing = dict.fromkeys(corp)
    assert west == nothing | {
        "name": "west", "issuer": "https://west.example",
        "metadata_url": f"https://west.example{PLACE}", "read": False, "reason": "unreachable",
        "detail": "cannot be reached", "refused": [],
    }  # fmt: skip


def test_metadata_that_was_not_looked_for_is_not_read():
    (told,) = json.loads(metadata_json([Described(CORP, "", None, None)]))["servers"]
    assert (told["read"], told["metadata_url"], told["reason"]) == (False, None, None)
    refused = Described(CORP, "", FOUND, ELSEWHERE)
    (told,) = json.loads(metadata_json([refused]))["servers"]
    assert (told["read"], told["scopes_supported"]) == (False, None)


# -- remarks beneath the summary


def test_a_good_client_that_gets_401_for_scopes_is_remarked_with_the_first_three():
    maps = [
        permissions("a", DENIED, DENIED, DENIED, DENIED, DENIED, http_status=401),
        permissions("b", DENIED, GRANTED, http_status=401),
        permissions("c", DENIED, http_status=400),
        permissions("d", GRANTED, http_status=401),
    ]
    words = "its credentials are good; 401 is for"
    assert remarks(maps) == [f"a: {words} s0, s1, s2 and 2 more", f"b: {words} s0"]
    assert remarks([permissions("a", DENIED, DENIED, DENIED, http_status=401)]) == [
        f"a: {words} s0, s1, s2"
    ]


def test_many_remarks_are_cut_and_counted():
    def of(many):
        return remarks(permissions(f"c{n:02}", DENIED, http_status=401) for n in range(many))

    assert len(of(MOST_REMARKS)) == MOST_REMARKS
    assert of(MOST_REMARKS + 1) == [*of(MOST_REMARKS), "… and 1 client more"]


def test_what_a_server_advertises_and_does_not_do_is_remarked():
    servers = [
        ServerSummary("corp", "", 0, 0, 0.0, ("a", "b", "c", "d"), ("e",)),
        ServerSummary("west", "", 0, 0, 0.0, (), ()),
        ServerSummary("east", "", 0, 0, 0.0),
    ]
    assert advertised_remarks(servers) == [
        "corp: advertised, and refused to all: a, b, c and 1 more",
        "corp: granted, and not advertised: e",
    ]
    many = [ServerSummary(f"s{n}", "", 0, 0, 0.0, ("a",), ()) for n in range(MOST_REMARKS + 2)]
    assert advertised_remarks(many)[MOST_REMARKS:] == ["… and 2 more in summary.json"]
    assert len(advertised_remarks(many[:MOST_REMARKS])) == MOST_REMARKS


def test_a_long_list_shows_its_first_names_once_each():
    names = [f"c{n}" for n in range(MOST_LISTED)]
    assert listed([*names, *names]) == ", ".join(names)
    assert listed([*names, "x"]) == ", ".join(names) + " and 1 more"
    assert listed([*names, "x", "y"]).endswith("c9 and 2 more")
