"""What servers are told on three nights: on the last, one grant is new and one is gone."""

from fleet import (
    ASSERTIONS,
    AUTHLIB_ASSERTIONS,
    CERTIFICATES,
    NIGHTS,
    PROOFS,
    RESOURCES,
    Fleet,
)


def _three(fleet: Fleet, last: Fleet) -> tuple[Fleet, Fleet, Fleet]:
    return fleet, fleet, last


SCOPES_CHANGE = _three(NIGHTS, NIGHTS.with_scopes(*NIGHTS.scopes[1:], NIGHTS.unknown[0]))
"""For servers whose scopes are everybody's."""

GRANTS_CHANGE = _three(
    NIGHTS,
    NIGHTS.with_grants(
        {"all": NIGHTS.scopes[1:], "some": (*NIGHTS.client("some").scopes, "users:view")}
    ),
)

BILLING = {"https://billing.example.com/": ["invoices.read", "orders.read"]}
RESOURCES_CHANGE = _three(
    RESOURCES,
    RESOURCES.with_resources(
        {name: {**RESOURCES.client(name).resources, **BILLING} for name in ("all", "some")}
    ),
)

READ, WRITE, REPORTS = "orders.read", "orders.write", "reports.read"
ASSERTIONS_CHANGE = _three(
    ASSERTIONS, ASSERTIONS.with_grants({"by-rs256": (READ,), "by-ps256": (REPORTS, WRITE)})
)
AUTHLIB_ASSERTIONS_CHANGE = _three(
    AUTHLIB_ASSERTIONS,
    AUTHLIB_ASSERTIONS.with_grants({"by-rs256": (READ,), "by-key-without-grants": (WRITE,)}),
)
PROOFS_CHANGE = _three(
    PROOFS, PROOFS.with_grants({"bound-by-basic": (READ, REPORTS), "bound-by-post": (READ,)})
)

_CERTIFIED = CERTIFICATES.only(lambda client: client.has_certificate)
CERTIFICATES_CHANGE = _three(
    _CERTIFIED, _CERTIFIED.with_grants({"by-name": (READ,), "by-subject": (REPORTS, WRITE)})
)
