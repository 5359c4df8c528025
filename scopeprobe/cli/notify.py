"""
A notification of new findings, by Apprise (the extra `notify`).

Best effort: whatever becomes of it, the run and its exit code stay as they are. The URL holds a
secret, so it is told by reference only, and is never shown.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias

import msgspec

from scopeprobe.cli.streams import inert
from scopeprobe.errors import InputError
from scopeprobe.inputs.secrets import RawSecret, UnusableSecret, look_up, reference
from scopeprobe.model.finding import Finding
from scopeprobe.model.secret import Secret
from scopeprobe.reports.findings import ERROR, headline, sentence, worst_first
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.texts import counted
from scopeprobe.store import StoredRuns

MOST_TOLD = 10
"""Findings in one message."""
A_DAY = 86_400
PATIENCE = 30.0
"""Seconds that a run waits for its notification."""
Identity: TypeAlias = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Notifier:
    """Where new findings are told, and which ones are known there."""

    name: str
    """The reference to its URL, as it was given."""
    url: Secret = field(repr=False)
    known: Collection[Identity] = ()
    """Findings of the last run, and of all of a day before this one."""

    def news(self, summary: Summary) -> list[Finding]:
        """
        The findings that fail this run and that nobody was told of.

        One that an earlier day found is none: a night between that proved nothing hid it.
        """
        today = summary.started[:10]
        return [
            one
            for severity, one in worst_first(summary)
            if severity == ERROR and identity(one) not in self.known and one.since in {"", today}
        ]

    def send(self, summary: Summary, found: Collection[Finding]) -> bool:
        """Tell of these findings in one message; False where it may not have arrived."""
        title = f"scopeprobe: {counted(len(found), 'new finding')}"
        lines = [sentence(one) for one in [*found][:MOST_TOLD]]
        if len(found) > MOST_TOLD:
            lines.append(f"… and {len(found) - MOST_TOLD} more in findings.csv")
        body = "\n".join([*lines, "", f"All of the run: {headline(summary)}."])
        arrived: list[bool] = []
        sender = Thread(
            target=lambda: arrived.append(self._sent(title, _calling_nobody(body))), daemon=True
        )
        sender.start()
        sender.join(PATIENCE)
        return arrived == [True]

    def _sent(self, title: str, body: str) -> bool:
        from apprise import NotifyFormat  # noqa: PLC0415  # an extra

        with suppress(Exception):
            service = _service(self.url)
            return bool(service.notify(title=title, body=body, body_format=NotifyFormat.TEXT))
        return False


def notifier(text: str, out: Path, environment: Mapping[str, str] = os.environ) -> Notifier:
    """
    Read `--notify REF`, before anything is asked.

    Raises InputError where it is no reference, or where Apprise does not know what it leads to.
    """
    if find_spec("apprise") is None:
        raise InputError(["--notify: apprise is not installed: pip install 'scopeprobe[notify]'"])
    try:
        source = reference(text)
    except ValueError as error:
        raise InputError([f"--notify: {error}"]) from None
    found = look_up(source, environment=environment)
    url = found.text() if isinstance(found, RawSecret) else found
    if isinstance(url, UnusableSecret):
        raise InputError([f"--notify {text}: {url.why}"])
    if not _service(url):
        raise InputError([f"--notify {text}: holds no URL that Apprise knows"])
    return Notifier(text, url, _known(out))


def _service(url: Secret) -> Any:  # noqa: ANN401 - of an extra
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415

    service = Apprise(asset=AppriseAsset(app_id="scopeprobe", app_desc="scopeprobe", app_url=""))
    service.add(url.reveal().strip())
    return service


def _known(out: Path) -> frozenset[Identity]:
    """Findings of the last run, and of all of the last day: of this one too, if it is resumed."""
    with StoredRuns.read_if_any(out) as stored:
        finished = [] if stored is None else [run for run in stored.runs() if run.summary]
    recent = [run for run in finished[1:] if run.started > time.time() - A_DAY]
    known: set[Identity] = set()
    for run in (*finished[:1], *recent):
        with suppress(msgspec.MsgspecError):
            known |= {identity(one) for one in Summary.from_json(run.summary or b"").findings}
    return frozenset(known)


def identity(one: Finding) -> Identity:
    return one.kind, one.server, one.client, one.audience, one.scope


def _calling_nobody(text: str) -> str:
    """Text of which no service makes a mention of everybody, or a link: it may be a server's."""
    return inert(text).replace("@", "\N{FULLWIDTH COMMERCIAL AT}").replace("<", "\u2039")
