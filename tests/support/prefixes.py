"""A server that grants whatever begins as a granted scope does."""

from scopeprobe.lab import AuthorizationServer, Client, read_profile


def hydra(**clients):
    return AuthorizationServer(
        "corp",
        read_profile("hydra", {"scope": {"grants": "wildcard"}}),
        [Client(name, f"{name}-s3cret", granted) for name, granted in clients.items()],
        scopes=["users.read"],
    )
