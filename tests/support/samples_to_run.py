"""The samples, and what is true of their clients."""

from dataclasses import dataclass
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "samples"

UNKNOWN = ""
"""In place of granted scopes: nothing is known of the client."""


@dataclass(frozen=True)
class Sample:
    folder: str
    clients: tuple[str, ...]
    granted: dict[str, str | None]
    """By client (and audience), the scopes found granted; None: it could not authenticate."""
    scopes: str | None = None
    otherwise: str = "denied"
    exit_code: int = 0
    providers: str | None = None
    """A folder of provider packs."""
    options: tuple[str, ...] = ()
    """Of the audit alone."""

    def arguments(self) -> list[str]:
        words = [f"samples/{self.folder}/{name}" for name in self.clients]
        for option in ("scopes", "providers"):
            if name := getattr(self, option):
                words += [f"--{option}", f"samples/{self.folder}/{name}"]
        return words

    def verdict(self, label: str, scope: str) -> str:
        granted = self.granted[label]
        if granted is None:
            return "unauthenticated"
        if granted == UNKNOWN:
            return "unknown"
        return "granted" if scope in granted.split() else self.otherwise


AUDITED = [
    Sample(
        "small",
        ("clients.toml",),
        {
            "billing-nightly": "invoices.read invoices.write",
            "payroll-export": "invoices.read customers.read",
            "shop-checkout": None,
        },
        scopes="scopes.txt",
        exit_code=1,
    ),
    Sample(
        "cluster",
        ("clients.toml",),
        {"shop-eu": "orders.read", "shop-us": "orders.read orders.write"},
        options=("--cluster", "local:2"),
    ),
    *(
        Sample(
            "formats",
            (name,),
            {
                "order-desk": "orders:view orders:edit stock:view",
                "stock-taker": "stock:view stock:count",
            },
        )
        for name in ("clients.toml", "clients.yaml", "clients.json")
    ),
    Sample(
        "targets",
        ("clients.toml",),
        {
            "report-builder https://ledger.corp.example": "profile.read",
            "report-builder https://reports.corp.example": (
                "profile.read reports.read reports.export"
            ),
        },
    ),
    Sample(
        "secrets",
        ("clients.toml",),
        {
            "from-the-environment": "invoices.read",
            "from-a-file": "invoices.write",
            "from-a-command": "invoices.read invoices.write",
        },
    ),
    Sample(
        "expectations",
        ("clients.toml",),
        {
            "as-it-should-be": "invoices.read invoices.write invoices.delete",
            "has-too-much": "invoices.read invoices.write invoices.delete users.admin",
            "has-too-little": "invoices.read",
            "only-forbidden": "invoices.read invoices.delete users.admin",
        },
        exit_code=1,
    ),
    Sample("public-client", ("clients.toml",), {"kiosk": "catalogue.read orders.create"}),
    Sample(
        "limits",
        ("clients.toml",),
        {"rationed": "a.read b.read c.read d.read"},
        otherwise="unknown",
        exit_code=3,
    ),
    Sample(
        "several-files",
        ("endpoints.toml", "finance.yaml", "sales.toml"),
        {
            "billing-nightly": "invoices.read",
            "crm-sync": "customers.read",
            "acme-orders": "orders.read",
        },
    ),
    Sample("basic-encoding", ("clients.toml",), {"mainframe": "batch.run"}),
    Sample("absent-scope", ("clients.toml",), {"exporter": "export.run"}),
    Sample("parameters", ("clients.toml",), {"invoice-robot": "invoices.read"}),
    Sample(
        "packs",
        ("clients.toml",),
        {
            "warehouse": "stock.view stock.edit",
            "webshop": "orders.create stock.view prices.view",
        },
        providers="packs",
    ),
    Sample(
        "genesys",
        ("clients.toml",),
        {
            "wallboard": "analytics:conversationDetail:view routing:queue:view routing:queue:edit",
            "queue-admin": "directory:user:view routing:queue:view routing:queue:edit routing:*:*",
        },
        exit_code=1,
    ),
    Sample(
        "introspection",
        ("clients.toml",),
        {"archiver": "archive.read archive.write"},
        options=("--verify", "introspect"),
    ),
    Sample(
        "revocation",
        ("clients.toml",),
        {"billing-nightly": "invoices.read", "shop-export": "invoices.read"},
        options=("--revoke",),
    ),
    Sample(
        "entra",
        ("clients.toml",),
        {
            "mail-archive https://graph.microsoft.com": "Mail.Read User.Read.All",
            "mail-archive api://ledger": "Ledger.Post",
            "no-target": UNKNOWN,
        },
        exit_code=1,
    ),
]
READ_ONLY = [
    Sample("nightly", ("clients.toml",), {}),
    Sample("private-ca", ("clients.toml",), {}),
    Sample("import", ("clients.toml",), {}),
    Sample("metadata", ("clients.toml",), {}),
    Sample("private-key-jwt", ("clients.toml",), {}),
    Sample("workload-identity", ("clients.toml",), {}),
    Sample("mutual-tls", ("clients.toml",), {}),
    Sample("dpop", ("clients.toml",), {}),
    Sample("jwt-bearer", ("clients.toml",), {}),
    Sample("secrets", ("literal.toml",), {}),
    Sample("fleet", ("clients.toml",), {}, scopes="scopes.txt"),
    Sample("forum", ("clients.toml",), {}, providers="packs"),
]
