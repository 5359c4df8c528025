"""What is asked of a token endpoint: one token request as a value."""

from __future__ import annotations

import msgspec

from scopeprobe.model.client import AuthMethod
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.scope_names import Scope


class RequestChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a request has otherwise than its client is configured: flags, never a secret."""

    auth_method: AuthMethod | None = None
    basic_encoding: BasicEncoding | None = None
    trimmed: bool = False
    """The white space at the ends of `client_id` and secret is left out."""
    endpoint: str = ""
    """Where it is sent instead of the configured token endpoint."""
    proof: bool = False
    """With a DPoP proof (RFC 9449), although the client is not configured to send one."""
    clock_shift: float = 0.0
    """Seconds that are added to our clock when assertions and proofs are written."""
    assertion_audience: str = ""
    content_type: str = ""
    """What the body says it is instead of a form; `application/json` is written as such."""
    scope_separator: str = ""
    """What stands between two scopes in the form, instead of the `+` that is a space there."""
    dropped: tuple[str, ...] = ()
    """Names of parameters that are left out."""
    added: tuple[tuple[str, str], ...] = ()
    """Parameters that the configuration does not have, or has otherwise."""


AS_CONFIGURED = RequestChange()


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
    """One token request as a value: equal questions are one fact."""

    scopes: tuple[Scope, ...] | None
    """In candidate order, never a set. None: no `scope` parameter at all."""
    again: int = 0
    """The n-th asking on purpose: controls count up from 1, those of a resume down from -1."""
    change: RequestChange = AS_CONFIGURED

    @property
    def asked(self) -> tuple[Scope, ...]:
        """The scopes that are asked for; none where there is no parameter."""
        return self.scopes or ()

    @property
    def size(self) -> int:
        """The length of the `scope` parameter in bytes, before it is encoded for the form."""
        return len(" ".join(self.asked).encode())


WITHOUT_SCOPE = Question(scopes=None)
