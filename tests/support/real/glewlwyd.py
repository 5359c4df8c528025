"""Sets up the Glewlwyd that the tests audit: its files, and its clients by the vendor's own API."""

import gzip
import json
import sqlite3
from http.client import HTTPConnection
from pathlib import Path

from installing import found_in

SCOPE = {"password_required": False, "scheme": {}}
PLUGIN = {
    "module": "oauth2-glewlwyd",
    "name": "glwd",
    "display_name": "OAuth 2",
    "enabled": True,
    "parameters": {
        "jwt-type": "sha",
        "jwt-key-size": "256",
        "key": "the key of its JWTs, of a test",
        "cert": "",
        "access-token-duration": 3600,
        "refresh-token-duration": 3600,
        "code-duration": 600,
        "refresh-token-rolling": False,
        "allow-non-tls": True,
        "auth-type-code-enabled": False,
        "auth-type-code-revoke-replayed": False,
        "auth-type-implicit-enabled": False,
        "auth-type-password-enabled": False,
        "auth-type-client-enabled": True,
        "auth-type-refresh-enabled": False,
        "scope": [],
        "additional-parameters": [],
        "pkce-allowed": False,
        "introspection-revocation-allowed": False,
    },
}


def write_files(root: Path, folder: Path, port: int) -> Path:
    """Write configuration and database; return the path of the first."""
    modules = found_in(root, "usr/lib/glewlwyd")
    no_modules = folder / "no-modules"
    no_modules.mkdir()
    database = folder / "glewlwyd.sqlite3"
    schema = found_in(root, "usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz")
    with sqlite3.connect(database) as connection:
        connection.executescript(gzip.decompress(schema.read_bytes()).decode())
    settings = {
        "port": port,
        "bind_address": "127.0.0.1",
        "external_url": f"http://127.0.0.1:{port}",
        "api_prefix": "api",
        "log_mode": "console",
        "log_level": "ERROR",
        "cookie_domain": "127.0.0.1",
        "cookie_secure": 0,
        "session_key": "session",
        "session_expiration": 3600,
        "admin_scope": "g_admin",
        "profile_scope": "g_profile",
        "user_module_path": str(modules / "user"),
        "user_middleware_module_path": str(no_modules),
        "client_module_path": str(modules / "client"),
        "user_auth_scheme_module_path": str(modules / "scheme"),
        "plugin_module_path": str(modules / "plugin"),
        "hash_algorithm": "SHA256",
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    lines.append(f'database = {{ type = "sqlite3"; path = "{database}"; }};')
    (folder / "glewlwyd.conf").write_text("\n".join(lines) + "\n")
    return folder / "glewlwyd.conf"


def register(port: int, fleet: dict[str, list]) -> None:
    """Enter plugin, scopes and clients as the administrator that the database comes with."""
    connection = HTTPConnection("127.0.0.1", port)
    cookie = ""

    def post(path: str, told: dict[str, object]) -> str:
        headers = {"Content-Type": "application/json", "Cookie": cookie}
        connection.request("POST", path, json.dumps(told), headers)
        answer = connection.getresponse()
        words = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {words}")
        return answer.headers.get("Set-Cookie", "").partition(";")[0]

    cookie = post("/api/auth/", {"username": "admin", "password": "password"})
    for scope in fleet["scopes"]:
        post("/api/scope/", SCOPE | {"name": scope, "display_name": scope})
    post("/api/mod/plugin/", PLUGIN)
    for client in fleet["clients"]:
        post(
            "/api/client/",
            {
                "client_id": client["client_id"],
                "client_secret": client["client_secret"],
                "name": client["client_id"],
                "confidential": True,
                "enabled": True,
                "scope": client["scope"].split(),
                "authorization_type": client["grant_types"],
                "redirect_uri": [],
            },
        )
    connection.close()
