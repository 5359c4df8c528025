"""Write diagnoses down without anybody's names, ids and hosts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

import msgspec

from scopeprobe.diagnosis.anonymize import Anonymizer
from scopeprobe.diagnosis.bundle import (
    Bundle,
    BundledClient,
    BundledDiagnosis,
    BundledKnown,
    BundledServer,
    BundledTarget,
    Diagnosed,
    client_of,
    server_of,
)
from scopeprobe.diagnosis.case import Case, Known
from scopeprobe.model.client import Client, Target
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.scope_names import CANARY_PREFIX, Scope, is_canary
from scopeprobe.model.secret import revealed
from scopeprobe.model.server import Server
from scopeprobe.oauth.masking import Mask
from scopeprobe.oauth.trace import challenges


def bundle_text(diagnosed: Iterable[Diagnosed], program: str) -> str:
    """
    Write diagnoses down as JSON, with names, ids and hosts replaced; nothing secret is in it.

    :param program: the version of the program.
    """
    diagnosed = list(diagnosed)
    servers = [case.client.server for case, _ in diagnosed]
    names = Anonymizer(lambda host: any(server.region_of(f"//{host}") for server in servers))
    for one in diagnosed:
        _anonymous(*one, names)  # learns all names: some stand in front of where they are known by
    bundle = Bundle(1, program, tuple(_anonymous(*one, names) for one in diagnosed))
    return msgspec.json.format(msgspec.json.encode(bundle), indent=1).decode() + "\n"


def _anonymous(case: Case, log: Sequence[Experiment], names: Anonymizer) -> BundledDiagnosis:
    _hide(case, log, names)
    client = _bundled_client(case.client, names)
    server = _bundled_server(case.client.server, names)
    plain = BundledDiagnosis(
        client=client,
        server=server,
        target=_bundled_target(case.target),
        wanted=case.wanted,
        endpoints=case.endpoints,
        methods=case.methods,
        unconfirmed=case.unconfirmed,
        known=_bundled_known(case.known),
        most_requests=case.most_requests,
        most_failures=case.most_failures,
        log=tuple(log),
    )
    mine = client_of(client, server_of(server)).canary
    return _Replacement(names, Mask.of(case.client), {case.client.canary: mine}).of(plain)


def _hide(case: Case, log: Sequence[Experiment], names: Anonymizer) -> None:
    """Tell the anonymizer of everything that has somebody's name."""
    client, server = case.client, case.client.server
    names.hide("client", client.name)
    names.hide("client-id", client.client_id.strip())
    urls = [server.endpoints.token, server.endpoints.issuer, server.endpoints.mtls_token]
    urls += [endpoint.url for endpoint in case.endpoints]
    urls += [e.question.change.endpoint for e in log]
    for url in filter(None, urls):
        names.hide_url(url)
    if "://" not in server.name:
        names.hide("server", server.name)
    for person in (client.owner, client.authorised_by, client.subject, server.connection.contact):
        names.hide("person", person)
    for told in case.known.told_to_others:
        names.hide("client", told.client)
    for target in client.targets:
        _hide_target(target, names)
    for experiment in log:
        for _, parameters in challenges(experiment.trace.header("WWW-Authenticate")):
            for name, value in parameters:
                if name.casefold() == "realm" and "://" not in value:
                    names.hide("realm", value)


def _hide_target(target: Target, names: Anonymizer) -> None:
    for label in filter(None, (target.audience, target.resource)):
        if "://" in label:
            names.hide_url(label)
        else:
            names.hide("audience", label)
    for _, value in target.token_params:
        names.hide("value", revealed(value))


def _bundled_client(client: Client, names: Anonymizer) -> BundledClient:
    return BundledClient(
        name=names.word(client.name),
        client_id=_alike(client.client_id, names.word(client.client_id)),
        secret=_alike(client.secret.reveal(), "secret") if client.secret else "",
        auth_method=client.auth_method,
        names_method=client.names_method,
        grant_type=client.grant_type,
        subject=names.word(client.subject),
        assertion_audience=names(client.assertion_audience),
        binds_tokens=client.binds_tokens,
        targets=tuple(map(_bundled_target, client.targets)),
    )


def _bundled_target(target: Target) -> BundledTarget:
    parameters = ((name, revealed(value)) for name, value in target.token_params)
    expect = replace(target.expect, place="")
    return BundledTarget(
        target.candidates, target.audience, target.resource, tuple(parameters), expect
    )


def _alike(text: str, stand_in: str) -> str:
    """The stand-in, with white space and signs where the text has some."""
    core = text.strip()
    start, end = text[: text.find(core)] and " ", text[text.find(core) + len(core) :] and " "
    signs = "" if core.replace("_", "").replace("-", "").replace(".", "").isalnum() else "+"
    return f"{start}{stand_in.strip()}{signs}{end}"


def _bundled_server(server: Server, names: Anonymizer) -> BundledServer:
    return BundledServer(
        name=names.word(server.name),
        token_endpoint=names(server.address),
        issuer=names(server.endpoints.issuer),
        provider=server.provider,
        region=server.region,
        regions=server.regions,
        basic_encoding=server.traits.basic_encoding,
        sends_scope=server.traits.send_scope,
        scopes_supported=server.scopes_supported,
    )


def _bundled_known(known: Known) -> BundledKnown:
    flags = {f.name: getattr(known.behavior, f.name) for f in fields(known.behavior)}
    return BundledKnown(
        behavior={name: True for name, value in flags.items() if value is True},
        verdicts={str(scope): verdict for scope, verdict in known.verdicts.items()},
        told_to_others=known.told_to_others,
        last_worked=known.last_worked,
        failures_spent=known.failures_spent,
        candidates=known.candidates,
    )


class _Replacement:
    """Replaces in the texts of a diagnosis, and leaves alone what is a word of the program."""

    _KEPT = frozenset(
        (
            *("type", "about", "auth_method", "basic_encoding", "reason", "methods"),
            *("unconfirmed", "last_worked", "behavior", "verdicts", "client", "server"),
        )
    )

    def __init__(self, names: Anonymizer, mask: Mask, canaries: dict[Scope, Scope]) -> None:
        self._names = names
        self._mask = mask
        self._canaries = canaries

    def of(self, diagnosis: BundledDiagnosis) -> BundledDiagnosis:
        data: dict[str, Any] = msgspec.to_builtins(diagnosis)
        known = data["known"]
        for told in known["told_to_others"]:
            told["client"] = self._names.word(told["client"])
        known["verdicts"] = {self._text(s): verdict for s, verdict in known["verdicts"].items()}
        data["client"]["targets"] = self._in(data["client"]["targets"])
        data["server"]["scopes_supported"] = self._in(data["server"]["scopes_supported"])
        return msgspec.convert(self._in(data), BundledDiagnosis)

    def _in(self, data: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
        match data:
            case str():
                return self._text(data)
            case list() | tuple():
                return [self._in(one) for one in data]
            case dict():
                return {key: self._member(key, value) for key, value in data.items()}
            case _:
                return data

    def _member(self, key: str, value: Any) -> Any:  # noqa: ANN401 - as of `_in`
        if key in self._KEPT:
            return value
        if key == "limits":
            return [[self._text(scope), "limit"] for scope, _ in value]
        if key == "curl":
            return self._text(self._names.command(value))
        return self._in(value)

    def _text(self, text: str) -> str:
        if is_canary(Scope(text)) and text not in self._canaries:
            self._canaries[Scope(text)] = Scope(f"{CANARY_PREFIX}{len(self._canaries):012d}")
        for canary, stand_in in self._canaries.items():
            text = text.replace(canary, stand_in)
        return self._names(self._mask(text))
