"""Rights that a provider's own API tells: by the vendor's models, with what limits them."""

import json
import re
from string import Formatter
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from answers import FOLDER
from reading import response_of
from samples_to_run import SAMPLES

from scopeprobe.lab import Client as LabClient
from scopeprobe.lab.genesys import tell_role, tell_subject, tell_token
from scopeprobe.lab.tokens import Grant
from scopeprobe.model.answer import Answer, Issued
from scopeprobe.model.provider import RightsApi
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.masking import Mask
from scopeprobe.oauth.rights_api import Rights, read_bearer, read_rights
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
    assert type_at(API.bearer_url, API.bearer) == "str"


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
    assert rights.bearer == API.bearer
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
    grant = Grant(client, (), (), "", "https://login.example")
    assert strangers(tell_subject(grant), "AuthzSubject") == []
    assert strangers(tell_subject(grant, "apart"), "AuthzSubject") == []
    assert strangers(tell_role(client), "DomainOrganizationRole") == []
    assert strangers(tell_token(grant), "TokenInfo") == []
    assert read(tell_subject(grant)).names == ("analytics:*:*", "routing:queue:view")
    assert read_bearer(API, response_of(200, tell_token(grant))) == "bot"


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


def test_answers_without_limits_are_read_from_older_journals():
    issued = Issued(rights=(VIEW,), limits=((VIEW, "Home"),))
    stored = msgspec.json.encode(issued)
    assert msgspec.json.decode(stored, type=Answer) == issued
    older = msgspec.json.decode(b'{"type":"issued","rights":["a:b:c"]}', type=Answer)
    assert older == Issued(rights=(Scope("a:b:c"),))
