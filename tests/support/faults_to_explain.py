"""The fault matrix: healthy clients of the lab's servers, and what may be wrong with each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from settings import server_with

from scopeprobe.audits.explain import Explain
from scopeprobe.lab.fleet import ClientTable, ServerTable, build_server
from scopeprobe.lab.profiles import overlay
from scopeprobe.lab.scopes import Denial, decide
from scopeprobe.lab.server import AuthorizationServer
from scopeprobe.model.client import AuthMethod, Client, ClientName, Target
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.rate import Rate
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId

ID, SECRET = "billing", "an-ordinary-secret-of-32-letters"
PROFILES = (
    "strict", "strict-401", "strict-needs-scope", "keycloak", "hydra", "spring", "duende",
    "doorkeeper", "forgerock", "django-oauth-toolkit", "authlib", "auth0", "okta-custom",
    "zitadel", "authentik", "pingfederate", "oidc-provider", "entra", "genesys", "wso2",
)  # fmt: skip
SAYING_401 = tuple(
    f"{profile}__{words}"
    for profile in (
        "strict", "hydra", "spring", "doorkeeper", "forgerock", "django-oauth-toolkit",
        "oidc-provider", "pingfederate",
    )
    for words in ("alike", "either")
)  # fmt: skip
"""
Servers that answer a bad scope and a missing one with 401: `alike` as the profile answers a wrong
secret, `either` in words that are about either.
"""
EITHER = {
    "status": 401, "error": "invalid_client", "description": "invalid client or missing scope",
}  # fmt: skip
API = "https://api.example"
ORDINARY = ("orders.read", "orders.write", "users.read")
BASIC, POST = AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST
LOCK = {
    "failures": 4,
    "refusal": {"status": 401, "error": "invalid_client", "description": "The client is locked."},
}
"""Who spends a fourth failed authentication is told of it."""
FAST = (Rate(1000, 1),)


@dataclass
class Patient:
    """A client with its server, while it is made ill."""

    profile: str
    granted: tuple[str, ...]
    wanted: tuple[str, ...]
    known: tuple[str, ...] = ()
    """Scopes that exist although the client has not got them."""
    candidates: tuple[str, ...] = ()
    client_id: str = ID
    secret: str = SECRET
    method: AuthMethod = BASIC
    audience: str = ""
    other_audience: str = ""
    encoding: BasicEncoding = BasicEncoding.RFC6749
    registered: dict[str, Any] = field(default_factory=dict)
    """What the server knows of the client otherwise than it is."""
    override: dict[str, Any] = field(default_factory=dict)
    manner: dict[str, Any] = field(default_factory=dict)
    """What this server does otherwise than its profile, whatever is wrong."""
    path: str = "token"
    endpoint: str = ""
    has_issuer: bool = True
    shift: float = 0.0

    @property
    def healthy(self) -> AuthorizationServer:
        return self.server("healthy")

    def server(self, name: str) -> AuthorizationServer:
        table = {"client_id": ID, "client_secret": SECRET, "granted": self.granted}
        if self.profile == "auth0":
            table["targets"] = {API: self.granted}
        client = ClientTable(**(table | self.registered))
        known = ServerTable(
            self.profile, scopes=self.known, targets=(API,), clients=(client,),
            override=overlay(overlay({"lock": LOCK}, self.manner), self.override),
        )  # fmt: skip
        return build_server(name, known, place=name)

    def order(self, name: str, base: str) -> Explain:
        issuer = f"{base}/{name}"
        server = server_with(
            "corp", self.endpoint or f"{issuer}/{self.path}", rates=FAST, client_rates=FAST,
            issuer=issuer if self.has_issuer else "", retries=1, basic_encoding=self.encoding,
            timeout=60.0,
        )  # fmt: skip
        candidates = tuple(map(Scope, self.candidates or self.wanted))
        targets = [Target(candidates, audience=self.audience)]
        if self.other_audience:
            targets.append(Target(candidates, audience=self.other_audience))
        client = Client(
            ClientName("patient"), ClientId(self.client_id), server, Secret(self.secret),
            self.method, tuple(targets),
        )  # fmt: skip
        return Explain(client, tuple(map(Scope, self.wanted)), now=self._now)

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.shift)


def healthy(name: str) -> Patient:
    """A client that gets its token, as this server wants to be asked."""
    profile, _, words = name.partition("__")
    scopes = (f"{API}/.default",) if profile == "entra" else ORDINARY
    patient = Patient(profile, granted=scopes, wanted=scopes[:2], known=("admin.all",))
    if profile == "auth0":
        patient.audience = API
    basic_only = BasicEncoding.RAW
    if patient.healthy.profile.credentials.basic_encoding == "raw":
        patient.encoding = basic_only
    if "client_secret_basic" not in patient.healthy.profile.credentials.methods:
        patient.method = POST
    if words:
        patient.manner = _saying_401(patient, words)
    return patient


def _saying_401(patient: Patient, words: str) -> dict[str, Any]:
    credentials = patient.healthy.profile.credentials
    refusal = EITHER
    if words == "alike":
        refusal = {"headers": {}} | msgspec.to_builtins(credentials.wrong_secret) | {"status": 401}
    scope = dict.fromkeys(("unknown", "ungranted", "absent"), refusal)
    return {
        "scope": scope | {"patterns": []},
        "credentials": dict.fromkeys(("wrong_secret", "unknown_client"), refusal),
    }


class CannotOccur(Exception):
    """This fault is none on this server."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    name: str
    expected: str
    """The cause code that must be named."""
    inflict: Callable[[Patient], None]
    front: str = ""
    """What stands in front of the server: the name of a reply in FRONTS."""
    also: tuple[str, ...] = ()
    """Other codes that are as true of it."""
    beside: tuple[str, ...] = ()
    """What is wrong as well, and is not to be found out."""


def _refusal_or_drop(patient: Patient, scope: str) -> str:
    server = patient.healthy
    rules = server.profile.scope
    decided = decide(rules, (scope,), granted=patient.granted, known=server.scopes)
    if isinstance(decided, Denial):
        return "refused"
    is_shown = rules.listed in {"issued", "nonempty"} or server.profile.token.format == "jwt"
    if scope in decided or not is_shown:
        raise CannotOccur
    return "dropped"


def refused_scope(patient: Patient) -> None:
    if patient.profile == "entra":
        raise CannotOccur
    _refusal_or_drop(patient, "admin.all")
    patient.wanted = (patient.wanted[0], "admin.all")


def unknown_scope(patient: Patient) -> None:
    scope = f"{API}/nothing" if patient.profile == "entra" else "nothing.here"
    _refusal_or_drop(patient, scope)
    patient.wanted = (scope,) if patient.profile == "entra" else (*patient.wanted, scope)


def misspelt_scope(patient: Patient) -> None:
    if patient.profile == "entra":
        raise CannotOccur
    _refusal_or_drop(patient, "Orders.Write")
    patient.wanted = ("orders.read", "Orders.Write")
    patient.candidates = ORDINARY


def unknown_client(patient: Patient) -> None:
    patient.client_id = "nobody"


def wrong_secret(patient: Patient) -> None:
    patient.secret = "of-yesterday"


def padded_secret(patient: Patient) -> None:
    patient.secret = f"{SECRET}\n"


def padded_id(patient: Patient) -> None:
    patient.client_id = f" {ID}"


def wrong_method(patient: Patient) -> None:
    methods = patient.healthy.profile.credentials.methods
    if not {"client_secret_basic", "client_secret_post"} <= {*methods}:
        raise CannotOccur
    patient.method = POST if patient.method is BASIC else BASIC
    right = BASIC if patient.method is POST else POST
    patient.registered["method"] = right.value
    patient.override["credentials"] = {"registered_method": "enforced"}


def unsupported_method(patient: Patient) -> None:
    patient.method = POST
    patient.override["credentials"] = {"methods": ["client_secret_basic"]}


def wrong_encoding(patient: Patient) -> None:
    if patient.method is not BASIC:
        raise CannotOccur
    secret = "100%25+of/it"
    patient.secret = patient.registered["client_secret"] = secret
    is_raw = patient.encoding is BasicEncoding.RAW
    patient.encoding = BasicEncoding.RFC6749 if is_raw else BasicEncoding.RAW


def wrong_path(patient: Patient) -> None:
    patient.path = "tokens"


def wrong_path_and_no_metadata(patient: Patient) -> None:
    patient.path, patient.has_issuer = "tokens", False


def grant_not_allowed(patient: Patient) -> None:
    patient.registered["grant_types"] = ("authorization_code",)


def _wants(patient: Patient, parameter: str, description: str) -> None:
    refusal = {"status": 400, "error": "invalid_target", "description": description}
    if patient.healthy.profile.target is not None and patient.profile != "auth0":
        raise CannotOccur
    patient.override["target"] = {
        "parameter": parameter, "missing": refusal, "unknown": refusal, "ungranted": refusal,
    }  # fmt: skip


def no_audience(patient: Patient) -> None:
    patient.audience, patient.other_audience = "", API
    if patient.profile != "auth0":
        _wants(patient, "audience", "No audience parameter was provided.")


def no_resource(patient: Patient) -> None:
    _wants(patient, "resource", "resource indicator is missing, or unknown")
    patient.audience = ""


def no_proof(patient: Patient) -> None:
    patient.override["dpop"] = {
        "wanted": "always",
        "missing": {"status": 400, "error": "invalid_dpop_proof", "description": "No DPoP proof."},
        "invalid": {"status": 400, "error": "invalid_dpop_proof", "description": "Bad DPoP proof."},
    }


def throttle(patient: Patient) -> None:
    refusal = patient.healthy.profile.throttle
    known = {"status": 429, "headers": {"Retry-After": "1"}}
    if refusal is not None and refusal.refusal.status != 429:
        known = {
            "status": 400, "error": "invalid_request",
            "description": "rate limit exceeded; try again in {seconds} seconds",
        }  # fmt: skip
    patient.override["throttle"] = {
        "requests": 1, "seconds": 1.0, "per": "server", "refusal": known, "headers": {},
    }  # fmt: skip
    if patient.profile != "entra":
        refused_scope(patient)


def nothing(patient: Patient) -> None:
    """Whatever is wrong stands in front of the server."""
    patient.has_issuer = False


def rewritten_body(patient: Patient) -> None:
    if patient.healthy.profile.body.json == "accepted":
        raise CannotOccur
    patient.has_issuer = False


def closed_port(patient: Patient) -> None:
    patient.endpoint, patient.has_issuer = "http://127.0.0.1:9/token", False


def _told(patient: Patient, status: int, description: str) -> None:
    refusal = {"status": status, "error": "invalid_client", "description": description}
    patient.override["credentials"] = {"wrong_secret": refusal}
    patient.secret = "of-yesterday"


def expired_secret(patient: Patient) -> None:
    words = {
        "entra": "AADSTS7000222: The provided client secret keys for app '{client_id}' are expired."
    }
    _told(patient, 401, words.get(patient.profile, "The client secret has expired."))


def disabled_client(patient: Patient) -> None:
    words = {
        "wso2": "Application is disabled and access is restricted.",
        "zitadel": "Errors.User.NotActive",
        "entra": "AADSTS7000112: Application '{client_id}' is disabled.",
    }
    _told(patient, 401, words.get(patient.profile, "The client is disabled."))


def locked_client(patient: Patient) -> None:
    _told(patient, 401, "The client is locked: too many failed authentications.")


def no_scope(patient: Patient) -> None:
    server = patient.healthy.profile
    if server.scope.present is not None:
        raise CannotOccur
    if not (hasattr(server.scope.absent, "status") or patient.manner):
        refusal = {"status": 400, "error": "invalid_scope", "description": ""}
        patient.override["scope"] = {"absent": refusal}
    patient.candidates, patient.wanted = patient.wanted, ()


def unwanted_parameter(patient: Patient) -> None:
    refusal = {
        "status": 400, "error": "invalid_request", "description": "scope parameter not supported",
    }  # fmt: skip
    patient.override["scope"] = {"present": refusal, "absent": "granted"}


def idle_scopes(patient: Patient) -> None:
    if patient.profile == "entra":
        raise CannotOccur
    patient.override["scope"] = {
        "unknown": "issue", "ungranted": "issue", "patterns": [], "listed": "asked",
    }  # fmt: skip
    patient.wanted = ("nothing.here",)


def _with_assertions(patient: Patient, **rules: Any) -> None:
    methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt"]
    usual = {"algorithms": ["HS256"], "audiences": ["token_endpoint"]}
    patient.override["credentials"] = {"methods": methods, "assertion": usual | rules}
    patient.method = AuthMethod.CLIENT_SECRET_JWT
    patient.registered["method"] = "client_secret_jwt"


def skewed_clock(patient: Patient) -> None:
    _with_assertions(patient)
    patient.shift = -900.0


def wrong_audience(patient: Patient) -> None:
    _with_assertions(patient, audiences=["issuer"])


FAULTS = (
    Fault("refused scope", "scope_refused", refused_scope),
    Fault("unknown scope", "scope_unknown", unknown_scope, also=("scope_refused",)),
    Fault("misspelt scope", "scope_misspelt", misspelt_scope),
    Fault("unknown client", "unknown_client", unknown_client),
    Fault("wrong secret", "secret_rejected", wrong_secret),
    Fault("padded secret", "white_space_in_credentials", padded_secret),
    Fault("padded id", "white_space_in_credentials", padded_id),
    Fault("wrong method", "wrong_auth_method", wrong_method),
    Fault("unsupported method", "wrong_auth_method", unsupported_method),
    Fault("wrong encoding", "basic_encoding", wrong_encoding),
    Fault("wrong path", "wrong_token_endpoint", wrong_path),
    Fault("wrong path, no issuer", "not_a_token_endpoint", wrong_path_and_no_metadata),
    Fault("grant not allowed", "grant_not_allowed", grant_not_allowed),
    Fault("no audience", "audience_required", no_audience),
    Fault("no resource", "resource_required", no_resource),
    Fault("no proof", "dpop_required", no_proof),
    Fault("throttle", "throttled", throttle, beside=("scope_refused",)),
    Fault("redirect", "redirected", nothing, front="redirect"),
    Fault("gateway page", "gateway_in_between", nothing, front="page"),
    Fault("breakdown", "server_error", nothing, front="breakdown"),
    Fault("body rewritten", "body_not_form", rewritten_body, front="rewriter"),
    Fault("closed port", "unreachable", closed_port),
    Fault("tls", "tls_failure", nothing, front="tls"),
    Fault("expired secret", "secret_expired", expired_secret),
    Fault("disabled client", "client_disabled", disabled_client),
    Fault("locked client", "client_locked", locked_client),
    Fault("no scope", "scope_required", no_scope),
    Fault("unwanted parameter", "scope_parameter_refused", unwanted_parameter),
    Fault("idle scopes", "scopes_do_not_apply", idle_scopes),
    Fault("skewed clock", "assertion_clock_skew", skewed_clock),
    Fault("wrong audience", "assertion_audience", wrong_audience),
)


def made_ill(profile: str, *faults: Fault) -> Patient:
    """A patient with these faults. Raises CannotOccur where one of them is none there."""
    patient = replace(healthy(profile))
    for fault in faults:
        fault.inflict(patient)
    return patient
