"""What products export of their applications, as their documentation shows it."""

OKTA_APPS = [
    {
        "label": "Billing (EU)", "status": "ACTIVE", "name": "oidc_client",
        "credentials": {"oauthClient": {
            "client_id": "0oa1", "token_endpoint_auth_method": "client_secret_post",
            "client_secret": "never-to-be-copied",
        }},
        "settings": {"oauthClient": {"grant_types": ["client_credentials"]}},
        "_links": {"users": {"href": "https://corp.okta.com/api/v1/apps/0oa1/users"}},
    },
    {
        "label": "Signer", "status": "ACTIVE",
        "credentials": {"oauthClient": {
            "client_id": "0oa2", "token_endpoint_auth_method": "private_key_jwt",
        }},
        "settings": {"oauthClient": {"grant_types": ["client_credentials"]}},
    },
    {
        "label": "Old", "status": "INACTIVE",
        "credentials": {"oauthClient": {
            "client_id": "0oa3", "token_endpoint_auth_method": "client_secret_basic",
        }},
        "settings": {"oauthClient": {"grant_types": ["client_credentials"]}},
    },
    {
        "label": "Web", "status": "ACTIVE",
        "credentials": {"oauthClient": {
            "client_id": "0oa4", "token_endpoint_auth_method": "client_secret_basic",
        }},
        "settings": {"oauthClient": {"grant_types": ["authorization_code"]}},
    },
    {"label": "SAML", "status": "ACTIVE", "credentials": {}},
]  # fmt: skip
OKTA_CLIENTS = [
    {
        "client_id": "0oa9", "client_name": "Service", "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_basic",
    },
    {
        "client_id": "0oa8", "client_name": "Phone", "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "none",
    },
]  # fmt: skip
ENTRA = {
    "value": [
        {
            "displayName": "Payroll", "appId": "11111111-0000-4000-8000-000000000001",
            "publisherDomain": "corp.onmicrosoft.com",
            "passwordCredentials": [
                {"endDateTime": "2026-01-31T00:00:00Z"}, {"endDateTime": "2027-01-31T00:00:00Z"},
            ],
            "keyCredentials": [],
        },
        {
            "displayName": "Payroll", "appId": "11111111-0000-4000-8000-000000000002",
            "publisherDomain": "corp.onmicrosoft.com", "passwordCredentials": [],
            "keyCredentials": [{"endDateTime": "2027-06-30T12:00:00Z"}],
        },
        {"displayName": "Nobody", "appId": "3", "passwordCredentials": [], "keyCredentials": []},
    ]
}  # fmt: skip
KEYCLOAK = {
    "realm": "main",
    "clients": [
        {
            "clientId": "reports", "enabled": True, "publicClient": False,
            "serviceAccountsEnabled": True, "clientAuthenticatorType": "client-secret",
            "secret": "never-to-be-copied", "defaultClientScopes": ["profile"],
            "optionalClientScopes": ["reports.read"],
        },
        {
            "clientId": "poster", "serviceAccountsEnabled": True, "secret": "**********",
            "attributes": {
                "client.secret.authentication.allowed.method": "client_secret_post",
                "client.secret.expiration.time": "1924992000",
            },
        },
        {"clientId": "account", "publicClient": True},
        {"clientId": "off", "enabled": False, "serviceAccountsEnabled": True},
        {"clientId": "api", "bearerOnly": True},
    ],
}  # fmt: skip


GENESYS = {
    "entities": [
        {
            "id": "5c1f0f6e-0000-4000-8000-00000000a001", "name": "Wallboard (EU)",
            "authorizedGrantType": "CLIENT-CREDENTIALS", "state": "active",
            "dateToDelete": "2030-12-20T00:00:00.000Z", "secret": "never-to-be-copied",
            "roleDivisions": [{"roleId": "1", "divisionId": "*"}], "scope": [],
        },
        {
            "id": "5c1f0f6e-0000-4000-8000-00000000a002", "name": "Queues",
            "authorizedGrantType": "CLIENT-CREDENTIALS",
        },
        {"id": "3", "name": "Agents", "authorizedGrantType": "CODE", "state": "active"},
        {
            "id": "4", "name": "Old", "authorizedGrantType": "CLIENT-CREDENTIALS",
            "state": "inactive", "dateToDelete": "2026-12-20T00:00:00.000Z",
        },
        {
            "id": "5", "name": "Off", "authorizedGrantType": "client-credentials",
            "state": "disabled",
        },
    ],
    "pageSize": 5, "pageNumber": 1, "total": 7, "pageCount": 2,
}  # fmt: skip
