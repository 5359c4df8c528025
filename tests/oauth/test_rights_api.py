"""Rights that a provider's own API tells: by the vendor's models, with what limits them."""

import json
import re
from datetime import date
from string import Formatter
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from answers import FOLDER
from reading import response_of
from samples_to_run import SAMPLES

from scopeprobe.lab import Client as LabClient
from scopeprobe.lab.genesys import tell_clients, tell_role, tell_subject, tell_token
from scopeprobe.lab.tokens import Grant
from scopeprobe.model.answer import Answer, Issued
from scopeprobe.model.client import Registration
from scopeprobe.model.provider import RightsApi
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.masking import Mask
from scopeprobe.oauth.rights_api import (
    MOST_RIGHTS,
    Rights,
    read_bearer,
    read_registration,
    read_rights,
)
from scopeprobe.providers import read_packs, shipped_packs

VENDOR = json.loads((FOLDER / "genesys.json").read_text(encoding="utf-8"))
"""What Genesys Cloud's own SDK says that its answers hold."""
MODELS = VENDOR["models"]
API = next(pack for pack in shipped_packs() if pack.name == "genesys").traits.rights
assert API is not None


def type_at(url, path):
    """The vendor's type of what a way leads to; a way that it does not have is a KeyError."""
    found = VENDOR["endpoints"][urlsplit(url).path]
    for step in path.split("."):
        name = step.removesuffix("[]")
        found = MODELS[found][name]
        if step != name:
            found = re.fullmatch(r"list\[(.+)\]", found)[1]
    return found


def test_the_pack_reads_members_that_genesys_has():
    grant = type_at(API.url, API.each)
    named = {field: MODELS[grant][field] for _, field, _, _ in Formatter().parse(API.name)}
    assert named == {"domain": "str", "entityName": "str", "actions": "list[str]"}
    limits = {path: type_at(API.url, path) for path in API.limits}
    assert list(limits.values()) == ["AuthzDivision", "str"]
    assert {"id", "name"} <= MODELS["AuthzDivision"].keys()
    of_client = (API.bearer, API.state, API.ends)
    assert [type_at(API.bearer_url, path) for path in of_client] == ["str", "str", "datetime"]


def test_the_pack_reads_roles_with_members_that_genesys_has():
    held, grant = type_at(API.roles.url, API.roles.each), type_at(API.url, API.each)
    kinds = {
        name: (MODELS[grant][name], MODELS[held][here]) for name, here in API.roles.members.items()
    }
    assert kinds.pop("condition") == ("str", "DomainResourceConditionNode")
    assert kinds == {name: (kind, kind) for name, (kind, _) in kinds.items()}
    assert kinds.keys() | {"condition"} == MODELS[grant].keys()


def test_the_samples_pack_is_that_of_genesys_on_another_host():
    packs = read_packs([SAMPLES / "forum" / "packs"])
    rights = next(pack for pack in packs if pack.name == "genesys-lab").traits.rights
    assert (rights.each, rights.name, rights.limits) == (API.each, API.name, API.limits)
    assert [rights.bearer, rights.state, rights.ends] == [API.bearer, API.state, API.ends]
    assert (rights.roles.each, rights.roles.members) == (API.roles.each, API.roles.members)
    moved, known = (
        [urlsplit(url).path for url in (api.url, api.bearer_url, api.roles.url)]
        for api in (rights, API)
    )
    assert moved == [f"/login{path}" for path in known]


def test_the_pack_sends_parameters_that_genesys_has():
    for url in (API.url, API.bearer_url, API.roles.url):
        parts = urlsplit(url)
        (sent,) = parse_qs(parts.query)
        assert sent in VENDOR["parameters"][parts.path]


def strangers(value, kind):
    """The members of the lab's answers that the vendor's models lack."""
    if (many := re.fullmatch(r"list\[(.+)\]", kind)) and isinstance(value, list):
        return [name for one in value for name in strangers(one, many[1])]
    if kind not in MODELS:
        return []
    below = [f"{kind}.{name}" for name in value if name not in MODELS[kind]]
    known = [(one, MODELS[kind][name]) for name, one in value.items() if name in MODELS[kind]]
    return below + [name for one, of in known for name in strangers(one, of)]


def test_the_lab_tells_members_that_genesys_has():
    client = LabClient("bot", "bot-s3cret", ["routing:queue:view", "analytics:*:*"])
    client.date_to_delete = "2026-12-20T00:00:00.000Z"
    grant = Grant(client, (), (), "", "https://login.example")
    assert strangers(tell_subject(grant), "AuthzSubject") == []
    assert strangers(tell_subject(grant, "apart"), "AuthzSubject") == []
    assert strangers(tell_role(client), "DomainOrganizationRole") == []
    assert strangers(tell_token(grant), "TokenInfo") == []
    assert strangers(tell_clients([client]), "OAuthClientEntityListing") == []
    assert read(tell_subject(grant)).names == ("analytics:*:*", "routing:queue:view")
    assert read_bearer(API, response_of(200, tell_token(grant))) == "bot"


# -- the client's own end


@pytest.mark.parametrize(
    ("state", "ends", "expected"),
    [
        pytest.param("active", None, None, id="active"),
        pytest.param(None, None, None, id="silent"),
        pytest.param("Active", "never", None, id="in-no-words"),
        pytest.param(["inactive"], 7, None, id="of-other-types"),
        pytest.param("inactive", None, Registration("inactive"), id="inactive"),
        pytest.param("\x1bdis\nabled", None, Registration("dis abled"), id="control-characters"),
        pytest.param(
            "active", "2026-12-20T23:30:00.000Z", Registration("", date(2026, 12, 20)), id="ends"
        ),
        pytest.param(
            "inactive",
            "2026-12-20T23:30:00-02:00",
            Registration("inactive", date(2026, 12, 21)),
            id="both",
        ),
        pytest.param("", "9999-12-31T23:59:59-23:00", None, id="beyond-all-years"),
    ],
)
def test_what_is_told_of_the_end_of_a_client(state, ends, expected):
    told = {"OAuthClient": {"id": "bot", "state": state, "dateToDelete": ends}}
    assert read_registration(API, response_of(200, told), Mask(())) == expected


def test_nothing_is_told_of_the_end_of_a_client_where_a_pack_names_no_way_there():
    told = {"OAuthClient": {"state": "inactive", "dateToDelete": "2026-12-20T00:00:00Z"}}
    api = RightsApi(API.each, API.name)
    assert read_registration(api, response_of(200, told), Mask(())) is None
    assert read_registration(API, response_of(403, told), Mask(())) is None


# -- what is believed


def policies(*actions, entity="queue"):
    return {"domain": "routing", "entityName": entity, "actions": list(actions)}


def rights_of(*policies, mask=None, candidates=()):
    subject = {"grants": [{"division": None, "role": {"id": "3", "policies": list(policies)}}]}
    found = read_rights(API, response_of(200, subject), mask or Mask(()), candidates)
    return found and found.names


def test_rights_that_hold_something_secret_are_dropped_unless_they_are_asked_about():
    mask = Mask(["s3cret"])
    held = policies("view", "s3cret")
    view, hidden = Scope("routing:queue:view"), Scope("routing:queue:s3cret")
    assert rights_of(held, mask=mask) == (view,)
    assert rights_of(held, mask=mask, candidates={hidden}) == (hidden, view)


def test_a_star_that_holds_something_secret_makes_all_rights_unusable():
    assert rights_of(policies("*", entity="s3cret"), mask=Mask(["s3cret"])) is None


@pytest.mark.parametrize("actions", [["view", ""], [], ["view", 7], ["view", None]])
def test_a_right_without_a_part_of_its_name_makes_all_rights_unusable(actions):
    assert rights_of(policies("edit"), policies(*actions)) is None


def test_as_many_rights_are_believed_as_are_kept_and_of_more_none():
    many = [f"a{number}" for number in range(MOST_RIGHTS)]
    assert len(rights_of(policies(*many))) == MOST_RIGHTS
    assert rights_of(policies(*many, "b")) is None
    assert rights_of(policies(*many), policies("b")) is None


# -- limits

EVERYWHERE = {"id": "*", "name": "*"}
HOME = {"id": "1", "name": "Home", "homeDivision": True}
SALES = {"id": "2", "name": "Sales"}
VIEW = Scope("routing:queue:view")
EDIT = Scope("routing:queue:edit")


def granted(division, *actions, condition=None, entity="queue"):
    policy = {"actions": list(actions), "domain": "routing", "entityName": entity}
    policy |= {"condition": condition}
    return {"subjectId": "bot", "division": division, "role": {"id": "3", "policies": [policy]}}


def read(subject, api=API):
    rights = read_rights(api, response_of(200, subject), Mask(()), ())
    assert rights is not None
    return rights


@pytest.mark.parametrize(
    ("grants", "limited_to"),
    [
        pytest.param([granted(EVERYWHERE, "view")], "", id="everywhere"),
        pytest.param([granted(None, "view")], "", id="no-division"),
        pytest.param([granted(HOME, "view")], "Home", id="a-division"),
        pytest.param([granted({"id": "4"}, "view")], "4", id="a-division-without-a-name"),
        pytest.param([granted({"name": "\x1b"}, "view")], "division", id="a-division-in-no-words"),
        pytest.param(
            [granted(SALES, "view"), granted(HOME, "view", "edit")], "Home; Sales", id="divisions"
        ),
        pytest.param([granted(HOME, "view"), granted(HOME, "view")], "Home", id="twice"),
        pytest.param(
            [granted(EVERYWHERE, "view", condition="{...}")], "condition", id="a-condition"
        ),
        pytest.param([granted(HOME, "view", condition="{...}")], "Home, condition", id="both"),
        pytest.param(
            [granted(HOME, "view"), granted(EVERYWHERE, "view")], "", id="unlimited-as-well"
        ),
        pytest.param(
            [granted(HOME, "view"), granted(SALES, "*")], "Home; Sales", id="by-a-star-as-well"
        ),
        pytest.param(
            [granted(HOME, "view"), granted(EVERYWHERE, "*", entity="*")], "", id="unlimited-star"
        ),
    ],
)
def test_a_right_within_limits_says_so(grants, limited_to):
    rights = read({"id": "bot", "grants": grants})
    issued = Issued(rights=rights.names, limits=rights.limits)
    assert (issued.allows(VIEW), issued.limited_to(VIEW)) == (True, limited_to)


def test_a_right_that_is_not_held_is_limited_to_nothing():
    rights = read({"grants": [granted(HOME, "view")]})
    issued = Issued(rights=rights.names, limits=rights.limits)
    assert (issued.allows(EDIT), issued.limited_to(EDIT)) == (False, "")


def test_without_ways_to_limits_none_are_read():
    api = RightsApi(API.each, API.name)
    assert read({"grants": [granted(HOME, "view")]}, api) == Rights((VIEW,), ())


def test_answers_without_limits_and_ends_are_read_from_older_journals():
    ends = Registration("inactive", date(2026, 12, 20))
    issued = Issued(rights=(VIEW,), limits=((VIEW, "Home"),), registration=ends)
    stored = msgspec.json.encode(issued)
    assert msgspec.json.decode(stored, type=Answer) == issued
    older = msgspec.json.decode(b'{"type":"issued","rights":["a:b:c"]}', type=Answer)
    assert older == Issued(rights=(Scope("a:b:c"),))
