"""`report.html`: one page that holds everything, with or without script, style and network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup

from scopeprobe.model.cell import PermissionMap
from scopeprobe.policy.history import Past
from scopeprobe.reports.page.data import page_data
from scopeprobe.reports.page.matrix import LEGEND, Matrix
from scopeprobe.reports.page.overview import Change, Overview, changes_of
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.texts import visible

if TYPE_CHECKING:
    from jinja2 import Template

MOST_CELLS = 200_000
"""Of a page that is written without being asked for: more of them take a browser its time."""
PAGE_BEGINS = "<!doctype html>\n<!-- scopeprobe report -->\n"
"""The first lines of a page, by which it is known as one of ours."""


def report_page(
    maps: Iterable[PermissionMap], summary: Summary, past: Past | None = None
) -> Iterator[str]:
    """
    Render a run as one HTML page, piece by piece.

    `maps` are gone through twice, and none is held longer than it takes to write it down. All that
    matters stands in the page itself; the script on top of it draws the cells as a grid.
    """
    template = _template()
    matrix = Matrix(summary)
    changes: list[Change] = []
    for permissions in maps:
        matrix.add(permissions)
        changes += changes_of(permissions, past)
    yield PAGE_BEGINS
    yield from template.generate(
        page=Overview(summary, changes, past),
        matrix=matrix,
        legend=LEGEND,
        data=page_data(maps, summary, past),
        style=_file("page.css"),
        early=_file("early.js"),
        script=_file("page.js"),
        policy=_content_security_policy(),
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - it takes long

    environment = Environment(
        loader=PackageLoader("scopeprobe.reports.page", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: value if isinstance(value, Markup | int) else visible(str(value)),
    )
    return environment.get_template("page.html.jinja")


@cache
def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _content_security_policy() -> str:
    """Nothing but the style and the scripts of this page: no request, no form, no other address."""

    def hashed(*names: str) -> str:
        digests = (sha256(_file(name).encode()).digest() for name in names)
        return " ".join(f"'sha256-{b64encode(digest).decode()}'" for digest in digests)

    return (
        f"default-src 'none'; script-src {hashed('early.js', 'page.js')};"
        f" style-src {hashed('page.css')}; base-uri 'none'; form-action 'none'"
    )
