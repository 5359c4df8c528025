"""The token endpoint: the checks in the order of the profile, and then a token."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from scopeprobe.lab.answers import Answer, Refusal, complete, fill, issue, refuse
from scopeprobe.lab.clients import Authenticator, Client
from scopeprobe.lab.limits import Quota, Throttle
from scopeprobe.lab.proofs import DpopVerifier, thumbprint
from scopeprobe.lab.requests import Message, TokenRequest
from scopeprobe.lab.schema import Check, Profile
from scopeprobe.lab.scopes import Denial, decide, list_scopes
from scopeprobe.lab.token_store import TokenStore
from scopeprobe.lab.tokens import Grant, TokenIssuer


@dataclass(frozen=True, slots=True)
class Case:
    """One request while it is checked."""

    request: TokenRequest
    issuer: str
    quota: Quota | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request is refused, and fields for the refusal's templates."""

    refusal: Refusal
    fields: Mapping[str, object] = field(default_factory=dict)


class TokenEndpoint:
    """Answers token requests as the profile says."""

    def __init__(
        self,
        *,
        name: str,
        profile: Profile,
        clients: Mapping[str, Client],
        scopes: Collection[str],
        targets: Collection[str],
        token_store: TokenStore,
        authenticator: Authenticator,
    ) -> None:
        self._name = name
        self._profile = profile
        self._clients = clients
        self._scopes = scopes
        self._targets = targets
        self._token_store = token_store
        self._authenticator = authenticator
        self._token_issuer = TokenIssuer(profile.token)
        self._throttle = Throttle(profile.throttle) if profile.throttle else None
        self._dpop = DpopVerifier(profile.dpop) if profile.dpop else None
        checks: dict[Check, Callable[[Case], Fault | None]] = {
            "throttle": self._check_quota,
            "credentials": self._check_credentials,
            "grant": self._check_grant,
            "dpop": self._check_proof,
            "target": self._check_target,
            "scope": self._check_scopes,
        }
        self._checks = [checks[name] for name in profile.order]

    def renew_nonce(self) -> None:
        if self._dpop:
            self._dpop.renew()

    def answer(
        self, request: TokenRequest | Refusal, message: Message, *, issuer: str, arrived: float
    ) -> Answer:
        """Answer a request, or give the refusal that it met when it was read."""
        if isinstance(request, Refusal):
            known = {"server": self._name, "issuer": issuer}
            return refuse(request, known, authorization=message.authorization)
        quota = self._throttle.admit(request.client_id, arrived) if self._throttle else None
        case = Case(request, issuer, quota)
        for check in self._checks:
            if (fault := check(case)) is not None:
                fields = self._describe(case) | dict(fault.fields)
                answer = refuse(fault.refusal, fields, authorization=message.authorization)
                break
        else:
            answer = self._issue(case)
        return self._with_headers(answer, case)

    def _check_quota(self, case: Case) -> Fault | None:
        if self._throttle is None or case.quota is None or not case.quota.exceeded:
            return None
        return Fault(self._throttle.rule.refusal)

    def _check_credentials(self, case: Case) -> Fault | None:
        refusal = self._authenticator.find_fault(case.request.credentials, issuer=case.issuer)
        return None if refusal is None else Fault(refusal)

    def _check_grant(self, case: Case) -> Fault | None:
        grant_type = case.request.grant_type
        if grant_type not in self._profile.grants:
            return Fault(self._profile.unsupported_grant_type)
        if grant_type not in self._client_of(case).grant_types:
            return Fault(self._profile.grant_not_allowed)
        return None

    def _check_proof(self, case: Case) -> Fault | None:
        if self._dpop is None:
            return None
        wanted = (
            self._dpop.rules.wanted == "always" or self._client_of(case).dpop_bound_access_tokens
        )
        if case.request.proof is None and not wanted:
            return None
        refusal = self._dpop.find_fault(
            case.request.proof, method="POST", url=f"{case.issuer}/token"
        )
        return None if refusal is None else Fault(refusal)

    def _check_target(self, case: Case) -> Fault | None:
        rules, target = self._profile.target, case.request.target
        if rules is None:
            return None
        if target is None:
            return Fault(rules.missing) if isinstance(rules.missing, Refusal) else None
        if target not in self._targets:
            return Fault(rules.unknown)
        allowed = self._client_of(case).targets
        return Fault(rules.ungranted) if allowed is not None and target not in allowed else None

    def _check_scopes(self, case: Case) -> Fault | None:
        denial = self._decide(case)
        if not isinstance(denial, Denial):
            return None
        return Fault(
            denial.refusal,
            {
                "culprit": denial.culprits[0] if denial.culprits else "",
                "culprits": " ".join(denial.culprits),
                "culprit_list": ", ".join(denial.culprits),
            },
        )

    def _decide(self, case: Case) -> tuple[str, ...] | Denial:
        granted = self._client_of(case).granted_for(case.request.target)
        return decide(self._profile.scope, case.request.scopes, granted=granted, known=self._scopes)

    def _issue(self, case: Case) -> Answer:
        """Issue the token of a case in which no check found a fault."""
        issued = self._decide(case)
        if isinstance(issued, Denial):
            raise TypeError("the order of checks has no scope in it")
        asked, proof = case.request.scopes, case.request.proof
        grant = Grant(
            self._client_of(case),
            issued,
            asked,
            case.request.target,
            case.issuer,
            thumbprint(proof) if proof and self._dpop else "",
        )
        token, grant = self._token_for(grant)
        members = self._profile.token.members
        return issue(
            token,
            token_type="DPoP" if grant.jkt else "Bearer",
            expires_in=self._token_store.remaining(grant),
            listed=list_scopes(self._profile.scope, issued, asked),
            members=fill(members, complete(grant.fields())) if members else {},
        )

    def _token_for(self, grant: Grant) -> tuple[str, Grant]:
        """A fresh token, or the one that was issued before, where tokens are shared."""
        shared = self._profile.token.shared
        if shared and (live := self._token_store.reuse(grant)):
            return live
        token = self._token_issuer.make_token(grant)
        self._token_store.add(token, grant)
        if shared:
            self._token_store.share(token, grant)
        return token, grant

    def _client_of(self, case: Case) -> Client:
        return self._clients.get(case.request.client_id) or Client(case.request.client_id)

    def _describe(self, case: Case) -> dict[str, object]:
        """What the templates of any refusal may name."""
        request, client = case.request, self._client_of(case)
        return {
            "server": self._name,
            "issuer": case.issuer,
            "origin": "/".join(case.issuer.split("/")[:3]),
            "client_id": request.client_id,
            "asked": " ".join(request.scopes or ()),
            "target": request.target or "",
            "method": request.credentials.method,
            "registered_method": client.method or "client_secret_basic",
            "grant_type": request.grant_type,
            "grant_types": ", ".join(client.grant_types),
            "nonce": self._dpop.nonce if self._dpop else "",
        } | self._tell_quota(case)

    def _tell_quota(self, case: Case) -> dict[str, object]:
        if case.quota is None or self._throttle is None:
            return {}
        return {
            "limit": self._throttle.rule.requests,
            "remaining": case.quota.remaining,
            "seconds": case.quota.seconds,
        }

    def _with_headers(self, answer: Answer, case: Case) -> Answer:
        """Add the headers of every answer: the profile's, the quota, a nonce for DPoP."""
        templates = self._profile.headers | (self._throttle.rule.headers if self._throttle else {})
        if self._dpop and self._dpop.rules.nonce and case.request.proof:
            templates |= {"DPoP-Nonce": "{nonce}"}
        if not templates:
            return answer
        added = fill(templates, complete(self._describe(case)))
        return replace(answer, headers=added | dict(answer.headers))
