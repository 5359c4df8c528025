"""Introspection (RFC 7662) and revocation (RFC 7009)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from scopeprobe.lab.answers import Answer, Refusal, refuse
from scopeprobe.lab.clients import Client
from scopeprobe.lab.requests import FORM, Credentials, Message, read_credentials, read_form
from scopeprobe.lab.schema import Profile
from scopeprobe.lab.token_store import TokenStore
from scopeprobe.lab.tokens import Grant

INACTIVE = Answer(200, {"active": False})

NO_TOKEN = Refusal(
    status=400, error="invalid_request", description="The parameter token is missing."
)


def introspect(
    message: Message,
    profile: Profile,
    token_store: TokenStore,
    *,
    clients: Mapping[str, Client],
    others: Mapping[str, str],
) -> Answer:
    """Tell a registered client or a resource server what a token stands for."""
    rules = profile.introspection
    form = read_posted(message)
    if not is_trusted(message, form, profile, clients=clients, others=others):
        return refuse(rules.unauthenticated, {}, authorization=message.authorization)
    if "token" not in form:
        return refuse(NO_TOKEN, {}, authorization=message.authorization)
    token_store.counts["introspected"] += 1
    grant = token_store.find(form["token"])
    match rules.answer:
        case Refusal() as refusal:
            return refuse(refusal, {}, authorization=message.authorization)
        case "full" if grant:
            scope = {"scope": " ".join(grant.scopes)} if grant.scopes else {}
            return Answer(200, tell(grant, token_store) | scope)
        case "without_scope" if grant:
            return Answer(200, tell(grant, token_store))
        case _:
            return INACTIVE


def revoke(
    message: Message, profile: Profile, token_store: TokenStore, *, clients: Mapping[str, Client]
) -> Answer:
    """Revoke a token; the answer is 200 for an unknown one, too (RFC 7009 section 2.2)."""
    form = read_posted(message)
    if not is_trusted(message, form, profile, clients=clients, others={}):
        unauthenticated = profile.introspection.unauthenticated
        return refuse(unauthenticated, {}, authorization=message.authorization)
    if "token" not in form:
        return refuse(NO_TOKEN, {}, authorization=message.authorization)
    token_store.revoke(form["token"])
    return Answer(200, text="")


def tell(grant: Grant, token_store: TokenStore) -> dict[str, object]:
    """The members of RFC 7662 section 2.2, but for the scope."""
    members: dict[str, object] = {
        "active": True,
        "client_id": grant.client.client_id,
        "token_type": "DPoP" if grant.jkt else "Bearer",
        "iss": grant.issuer,
        "sub": grant.client.client_id,
        "iat": grant.issued,
        "exp": grant.issued + token_store.lifetime,
    }
    return members | ({"aud": grant.target} if grant.target else {})


def tokeninfo(message: Message, dead_token: Refusal, token_store: TokenStore) -> Answer:
    """Tell anybody what a token is for: the members of Google's `Tokeninfo` that it always has."""
    token_store.counts["introspected"] += 1
    grant = token_store.find(read_posted(message).get("access_token", ""))
    if grant is None:
        return refuse(dead_token, {}, authorization=None)
    members = {
        "issued_to": grant.client.client_id,
        "audience": grant.client.client_id,
        "scope": " ".join(grant.scopes),
        "expires_in": token_store.remaining(grant),
        "access_type": "online",
    }
    return Answer(200, members)


def read_posted(message: Message) -> dict[str, str]:
    return (read_form(message.body) if message.content_type == FORM else None) or {}


def is_trusted(
    message: Message,
    form: Mapping[str, str],
    profile: Profile,
    *,
    clients: Mapping[str, Client],
    others: Mapping[str, str],
) -> bool:
    """Whether the caller authenticates with a secret, or is a public client that says its name."""
    credentials = read_credentials(message.authorization, form, profile.credentials)
    if not isinstance(credentials, Credentials):
        return False
    if (known := others.get(credentials.client_id)) is not None:
        return hmac.compare_digest(known.encode(), (credentials.secret or "").encode())
    client = clients.get(credentials.client_id)
    return client is not None and client.accepts(credentials.secret)
