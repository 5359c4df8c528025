"""
Genesys Cloud by the vendor's own SDK: its classes make the answers, and say what our data says.

The SDK is a test dependency for this alone: 14 MB to fetch, 170 MB on the disk, 2 s to import.
"""

import json
import os
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from answers import FOLDER
from harness import Entry, Reply, raw_server, rows, scopeprobe, write_inputs

from scopeprobe.providers import shipped_packs

with (
    TemporaryDirectory() as home,
    patch.dict(os.environ, HOME=home),
    warnings.catch_warnings(),
):
    settings = Path(home, ".genesyscloudpython", "config")
    settings.parent.mkdir()
    settings.write_text("[general]\nlive_reload_config = false")  # or it watches all of our home
    warnings.simplefilter("ignore")  # some of its patterns are no raw strings
    import PureCloudPlatformClientV2 as sdk  # noqa: N813 - too long a name

DATA = json.loads((FOLDER / "genesys.json").read_text(encoding="utf-8"))
PACK = next(pack for pack in shipped_packs() if pack.name == "genesys")
REGION = "mypurecloud.ie"


def made(kind, **members):
    """A model of the SDK; a member that it does not have is an error."""
    model = kind()
    for name, value in members.items():
        assert name in model.swagger_types, (kind, name)
        setattr(model, name, value)
    return model


def sent(model):
    """The JSON of a model as the SDK writes it, by a client that has read no settings."""
    client = object.__new__(sdk.ApiClient)
    return json.dumps(client.sanitize_for_serialization(model)).encode()


# -- what the SDK says of Genesys Cloud


def test_our_data_tells_the_members_of_its_models():
    told = {}
    for name in DATA["models"]:
        model = getattr(sdk, name)()
        told[name] = {model.attribute_map[key]: kind for key, kind in model.swagger_types.items()}
    assert told == DATA["models"]


class Asking:
    """In the place of the SDK's client: takes down what a method would ask for."""

    url = kind = ""

    def select_header_accept(self, accepts):
        return accepts[0]

    select_header_content_type = select_header_accept

    def call_api(self, path, method, path_params, query, _headers, *, response_type, **_rest):
        for name, value in path_params.items():
            path = path.replace(f"{{{name}}}", value)
        self.url = f"{path}?{urlencode(query)}" if query else path
        self.kind = response_type
        assert method == "GET"


def asks(api, method, *arguments, **parameters):
    asking = Asking()
    getattr(api(asking), method)(*arguments, **parameters)
    return asking.url, asking.kind


SUBJECT = asks(sdk.AuthorizationApi, "get_authorization_subjects_me", include_full_roles="true")
ROLE = asks(sdk.AuthorizationApi, "get_authorization_role", "{id}", user_count="false")
TOKEN = asks(sdk.TokensApi, "get_tokens_me", preserve_idle_ttl="true")
CLIENTS = asks(sdk.OAuthApi, "get_oauth_clients")


def test_the_pack_asks_what_the_sdk_would():
    rights = PACK.traits.rights
    urls = (rights.url, rights.roles.url, rights.bearer_url)
    host = "https://api.{region}"
    assert urls == tuple(f"{host}{url}" for url, _ in (SUBJECT, ROLE, TOKEN))
    endpoints = {url.partition("?")[0]: kind for url, kind in (SUBJECT, ROLE, TOKEN, CLIENTS)}
    assert endpoints == DATA["endpoints"]


def test_the_pack_has_the_regions_of_the_sdk():
    hosts = {region.value for region in sdk.PureCloudRegionHosts}
    assert hosts == {f"https://api.{region}" for region in PACK.regions}


# -- answers that its classes make


def division(name):
    return made(sdk.AuthzDivision, id="*" if name == "*" else f"id-of-{name}", name=name)


def grant(place, *policies, role="r1"):
    held = made(sdk.AuthzGrantRole, id=role, policies=list(policies) or None)
    return made(sdk.AuthzGrant, subject_id="bot", division=division(place), role=held)


def policy(entity, *actions, condition=None):
    names = {"domain": "routing", "entity_name": entity, "actions": list(actions)}
    return made(sdk.AuthzGrantPolicy, condition=condition, **names)


def role(entity, *actions, condition=None):
    names = {"domain": "routing", "entity_name": entity, "action_set": list(actions)}
    held = made(sdk.DomainPermissionPolicy, resource_condition_node=condition, **names)
    return made(sdk.DomainOrganizationRole, id="r2", permission_policies=[held])


def token_info(**client):
    client = made(
        sdk.OrgOAuthClient, id="bot", authorized_grant_type="CLIENT-CREDENTIALS", **client
    )
    return made(sdk.TokenInfo, o_auth_client=client, authorized_scope=[])


def audited(folder, answers):
    """The rows of an audit of one client, whose API answers by path."""
    paths = {f"/{path}": sent(model) for path, model in answers.items()}

    def answer(asked):
        if asked.path == "/oauth/token":
            return Reply()
        body = paths.get(asked.path.partition("?")[0])
        return Reply(404) if body is None else Reply(body=body)

    with raw_server(answer) as server:
        text = f'provider = "genesys"\nregion = "{REGION}"\nrate = "500/s"\n'
        text += f'token_endpoint = "{server.url}/oauth/token"\n'
        text += f'rights_url = "{server.url}/api/v2/authorization/subjects/me"\n'
        wanted = [f"routing:{what}" for what in ("queue:view", "queue:edit", "skill:view", "a:b")]
        arguments, secrets = write_inputs(folder, {"corp": text}, [Entry("bot", "corp")], wanted)
        result = scopeprobe("audit", *arguments, "-o", folder / "out", env=secrets)
    assert result.returncode in (0, 1), result.stderr
    found = rows(folder / "out" / "permissions.csv")
    cells = {row["scope"]: (row["verdict"], row["limited_to"]) for row in found}
    return cells, result, server


ME = "api/v2/authorization/subjects/me"


@pytest.mark.parametrize("is_told_apart", [False, True])
def test_an_answer_of_its_classes_is_read(tmp_path, is_told_apart):
    condition = made(sdk.DomainResourceConditionNode, variable_name="queue", operator="EQ")
    if is_told_apart:
        skills = grant("Sales", role="r2")
    else:
        skills = grant("Sales", policy("skill", "view", condition="queue EQ 1"), role="r2")
    grants = [grant("*", policy("queue", "view")), grant("Home", policy("queue", "edit")), skills]
    answers = {
        ME: made(sdk.AuthzSubject, id="bot", name="bot", grants=grants, version=1),
        "api/v2/authorization/roles/r2": role("skill", "view", condition=condition),
        "api/v2/tokens/me": token_info(state="active"),
    }
    cells, _, server = audited(tmp_path, answers)
    assert cells == {
        "routing:queue:view": ("granted", ""),
        "routing:queue:edit": ("granted", "Home"),
        "routing:skill:view": ("granted", "Sales, condition"),
        "routing:a:b": ("denied", ""),
    }
    asked = [one.path.removeprefix("/") for one in server.asked[1:]]
    known = [TOKEN[0], SUBJECT[0], *([ROLE[0].replace("{id}", "r2")] if is_told_apart else [])]
    assert asked == [url.removeprefix("/") for url in known]


def test_a_client_that_its_classes_end_is_found(tmp_path):
    end = datetime.now(UTC) + timedelta(days=9)
    answers = {
        ME: made(sdk.AuthzSubject, id="bot", grants=[grant("*", policy("queue", "view"))]),
        "api/v2/tokens/me": token_info(state="inactive", date_to_delete=end),
    }
    _, result, _ = audited(tmp_path, answers)
    assert "its server says that it is inactive; its server deletes it on" in result.stderr
    assert f"{end.date()}, in 9 days" in result.stderr


def test_a_listing_of_its_classes_is_imported(tmp_path):
    kinds = {"bot": "CLIENT-CREDENTIALS", "app": "CODE"}
    clients = [
        made(sdk.OAuthClient, id=f"id-of-{name}", name=name, authorized_grant_type=kind)
        for name, kind in kinds.items()
    ]
    listing = made(sdk.OAuthClientEntityListing, entities=clients, total=2)
    (tmp_path / "clients.json").write_bytes(sent(listing))
    result = scopeprobe("import", "genesys", tmp_path / "clients.json", "--region", REGION)
    assert result.returncode == 0, result.stderr
    assert 'client_id = "id-of-bot"' in result.stdout
    assert "id-of-app" not in result.stdout
    assert "skipped: app: may not use client_credentials" in result.stderr
