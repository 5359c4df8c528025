"""How the lab reads a token request: RFC 6749, method by method."""

from __future__ import annotations

import base64

import aiohttp
import pytest
from lab_endpoints import ENCODED, GRANT, POSTED, at, make_server

NOT_BASIC = {"Authorization": ENCODED["Authorization"].replace("Basic", "Bearer")}
NOT_BASE64 = {"Authorization": "Basic !"}
NO_COLON = {"Authorization": f"Basic {base64.b64encode(b'shop').decode()}"}


@pytest.mark.parametrize(
    ("form", "headers", "expected"),
    [
        pytest.param(POSTED, {}, (200, None), id="client_secret_post"),
        pytest.param(GRANT, ENCODED, (200, None), id="client_secret_basic"),
        pytest.param(
            GRANT | {"client_id": "shop"}, ENCODED, (200, None), id="the same client_id twice"
        ),
        pytest.param(GRANT | {"client_id": "public"}, {}, (200, None), id="none"),
        pytest.param(GRANT | {"scope": ""}, ENCODED, (200, None), id="an empty scope is no scope"),
        pytest.param(
            GRANT | {"client_id": "shop"}, {}, (401, "invalid_client"), id="a forgotten secret"
        ),
        pytest.param(GRANT, {}, (401, "invalid_client"), id="no client"),
        pytest.param(POSTED, ENCODED, (400, "invalid_request"), id="two methods"),
        pytest.param(
            GRANT | {"client_id": "other"}, ENCODED, (400, "invalid_request"), id="two clients"
        ),
        pytest.param(GRANT, NOT_BASIC, (400, "invalid_request"), id="not Basic"),
        pytest.param(GRANT, NOT_BASE64, (400, "invalid_request"), id="not base64"),
        pytest.param(GRANT, NO_COLON, (400, "invalid_request"), id="no secret in Basic"),
        pytest.param(
            GRANT | {"client_id": "public", "client_secret": ""},
            {},
            (200, None),
            id="an empty secret is no secret",
        ),
        pytest.param({}, ENCODED, (400, "invalid_request"), id="no grant_type"),
        pytest.param(
            {"grant_type": "password"}, ENCODED, (400, "unsupported_grant_type"), id="another grant"
        ),
        pytest.param(
            POSTED | {"client_id": "pages"}, {}, (400, "unauthorized_client"), id="not this client"
        ),
        pytest.param(
            [*POSTED.items(), ("scope", "a"), ("scope", "b")],
            {},
            (400, "invalid_request"),
            id="a repeated parameter",
        ),
    ],
)
async def test_a_token_request_is_read_as_rfc_6749_says(form, headers, expected):
    async with at(make_server("strict")) as endpoint:
        status, _, body = await endpoint.post(aiohttp.FormData(form), headers=headers)
    assert (status, body.get("error")) == expected
