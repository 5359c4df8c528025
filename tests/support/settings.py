"""Servers from single settings, each of which finds its part by itself."""

from dataclasses import fields, replace

from scopeprobe.model.server import Server

PARTS = ("endpoints", "connection", "limits", "traits")


def server_with(name="corp", token_endpoint="https://login.example/token", **settings):
    """Make a server of which only what matters is said; endpoints have their names of RFC 8414."""
    return changed(Server(name), token_endpoint=token_endpoint, **settings)


def changed(server, **settings):
    """The same server with other settings."""
    settings = {key.removesuffix("_endpoint"): value for key, value in settings.items()}
    for part in PARTS:
        whole = getattr(server, part)
        said = {
            field.name: settings.pop(field.name)
            for field in fields(whole)
            if field.name in settings
        }
        server = replace(server, **{part: replace(whole, **said)})
    return replace(server, **settings)
