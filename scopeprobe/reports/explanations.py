"""What `explain` found out about several targets: grouped by cause, then one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from scopeprobe.diagnosis import Case, Explanation
from scopeprobe.diagnosis.comparison import Compared
from scopeprobe.model.answer import Issued, Unauthenticated
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.scope_names import Scope
from scopeprobe.reports.explanation import (
    VERSION,
    explanation_for_people,
    explanation_markdown,
    explanation_members,
    inert,
)
from scopeprobe.reports.texts import counted, json_text, listed

_WITHHELD = {"scope_refused", "scope_unknown"}


@dataclass(frozen=True, slots=True)
class Explained:
    """One target of a client, and what was found out about it."""

    case: Case
    explanation: Explanation
    ever_granted: frozenset[tuple[str, Scope]] | None = None
    """By audience and scope, in the runs of the folder; None where none asked for the client."""
    like: str = ""
    """A client that works, which it was compared with; empty where it was with none."""
    compared: tuple[Compared, ...] = ()
    """What the two do otherwise, and what of it decides."""

    @property
    def name(self) -> str:
        return _named(self.explanation.client, self.case.target.label)


@dataclass(frozen=True, slots=True)
class NotExplained:
    """One target of a client about which nothing was asked."""

    client: str
    audience: str
    because: str

    @property
    def told(self) -> str:
        """Whose it is and why, as one line."""
        return f"{_named(self.client, self.audience)}: {self.because}"


def _named(client: str, audience: str) -> str:
    return f"{client} ({audience})" if audience else client


@dataclass(frozen=True, slots=True)
class _CauseGroup:
    """Targets with the same surest cause; of causes in scopes, with the same scopes."""

    cause: str
    """Its code; the outcome where no cause was found."""
    scopes: tuple[Scope, ...]
    since: str
    """What earlier runs say of these scopes, in words."""
    members: tuple[Explained, ...]

    @property
    def title(self) -> str:
        if not self.scopes:
            return self.cause.replace("_", " ")
        named = ", ".join(f"`{scope}`" for scope in self.scopes)
        return f"{named} {self.since}" if self.since else f"{self.cause.replace('_', ' ')}: {named}"

    @property
    def clients(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.name for one in self.members))

    @property
    def line(self) -> str:
        """Such as "7 clients: secret expired (a, b, ...)"."""
        return f"{counted(len(self.clients), 'client')}: {self.title} ({listed(self.clients)})"


def _groups(explained: Iterable[Explained]) -> list[_CauseGroup]:
    """The largest group first; those that work last."""
    by_cause: dict[tuple[str, tuple[Scope, ...], str], list[Explained]] = {}
    for one in explained:
        by_cause.setdefault(_cause_of(one), []).append(one)
    groups = [_CauseGroup(*key, tuple(members)) for key, members in by_cause.items()]
    return sorted(groups, key=lambda g: (g.cause == "working", -len(g.members), g.cause, g.scopes))


def _cause_of(one: Explained) -> tuple[str, tuple[Scope, ...], str]:
    explanation = one.explanation
    if explanation.outcome != "explained":
        return explanation.outcome, (), ""
    code = max(explanation.causes, key=lambda cause: cause.confidence).code
    if not code.startswith("scope_"):
        return code, (), ""
    scopes = tuple(dict.fromkeys(s for sets in explanation.refusing_sets for s in sets))
    return code, scopes, _since(one, scopes) if code in _WITHHELD else ""


def _since(one: Explained, scopes: tuple[Scope, ...]) -> str:
    if one.ever_granted is None:
        return ""
    were_granted = {(one.case.target.label, scope) in one.ever_granted for scope in scopes}
    if were_granted == {True}:
        return "was granted before"
    return "was never granted" if were_granted == {False} else ""


def answering_401_to_scopes(explained: Iterable[Explained]) -> tuple[str, ...]:
    """Servers that answer a scope as a wrong secret: clients with good credentials were told so."""
    return tuple(dict.fromkeys(one.case.client.server.name for one in explained if _is_told(one)))


def _is_told(one: Explained) -> bool:
    others = (told.answer for told in one.case.known.told_to_others if told.is_authenticated)
    log = one.explanation.experiments
    good = {e.question.change for e in log if isinstance(e.answer, Issued)}
    own = (e.answer for e in log if e.question.scopes and e.question.change in good)
    return any(isinstance(answer, Unauthenticated) for answer in (*others, *own))


def _remarks(explained: Iterable[Explained]) -> list[str]:
    return [f"{server}: answers 401 to scopes" for server in answering_401_to_scopes(explained)]


def one_of_each_group(explained: Iterable[Explained]) -> tuple[Explained, ...]:
    """The first target of each group, where they are many."""
    return tuple(group.members[0] for group in _groups(explained))


def members(one: Explained) -> dict[str, object]:
    """The members of one explanation, with what it was compared with."""
    if not one.like:
        return explanation_members(one.explanation)
    compared = [
        {
            "what": difference.what,
            "mine": difference.mine,
            "its": difference.its,
            "decides": difference.is_decisive,
            "found": difference.found,
        }
        for difference in one.compared
    ]
    like = {"client": one.like, "differences": compared}
    return {**explanation_members(one.explanation), "like": like}


def explained_json(one: Explained) -> str:
    """The document of docs/design.md, "Shapes of the JSON"."""
    return json_text({"version": VERSION, **members(one)})


def explained_for_people(one: Explained, shown: Sequence[Experiment]) -> RenderableType:
    """Whom it was compared with, and then what was found out."""
    return Group(*_comparison(one), explanation_for_people(one.explanation, shown))


def _comparison(one: Explained) -> Iterator[RenderableType]:
    if not one.like:
        return
    if not one.compared:
        yield Text(f"{one.explanation.client} is configured like {one.like}, which works.\n")
        return
    yield Text(f"{one.explanation.client} beside {one.like}, which works:", style="bold")
    for difference in one.compared:
        style = "bold red" if difference.is_decisive else "default"
        yield Text.assemble("- ", (difference.what, style), f": {_line(difference)}")
    yield Text()


def _line(difference: Compared) -> str:
    return f"{difference.mine} instead of {difference.its}; {difference.found}"


def explained_markdown(one: Explained, shown: Sequence[Experiment]) -> str:
    """The same as Markdown."""
    lines = [f"* **{d.what}**: {inert(_line(d))}" for d in one.compared]
    if one.like:
        lines = [f"{one.explanation.client} beside {one.like}, which works:\n", *lines]
    text = explanation_markdown(one.explanation, shown)
    return text + "\n" + "\n".join(lines) + "\n" if lines else text


def explanations_json(
    explained: Sequence[Explained], not_explained: Sequence[NotExplained] = ()
) -> str:
    """The document of docs/design.md, "Shapes of the JSON", about several targets."""
    groups = [
        {"cause": group.cause, "scopes": group.scopes, "clients": group.clients}
        for group in _groups(explained)
    ]
    explanations = [{"audience": one.case.target.label, **members(one)} for one in explained]
    not_asked = [
        {"client": one.client, "audience": one.audience, "because": one.because}
        for one in not_explained
    ]
    document = {
        "version": VERSION,
        "groups": groups,
        "answer_401_to_scopes": answering_401_to_scopes(explained),
        "explanations": explanations,
        "not_asked": not_asked,
    }
    return json_text(document)


def _not_asked(not_explained: Iterable[NotExplained]) -> Iterator[str]:
    """A line a reason."""
    by_reason: dict[str, list[str]] = {}
    for one in not_explained:
        by_reason.setdefault(one.because, []).append(_named(one.client, one.audience))
    for reason, names in by_reason.items():
        yield f"not asked: {listed(names)}: {reason}"


def explanations_for_people(
    explained: Sequence[Explained],
    not_explained: Sequence[NotExplained],
    shown: Mapping[str, Sequence[Experiment]],
) -> RenderableType:
    """A line a group, then each target of which experiments are shown."""
    parts: list[RenderableType] = [
        Text(group.line, style="bold", overflow="fold") for group in _groups(explained)
    ]
    parts += [Text(line) for line in (*_remarks(explained), *_not_asked(not_explained))]
    for one in (one for one in explained if one.name in shown):
        parts.append(Text())
        parts += _heading(one)
        parts.append(explained_for_people(one, shown[one.name]))
    return Group(*parts)


def _heading(one: Explained) -> Iterator[RenderableType]:
    if one.case.target.label:
        yield Text(f"For {one.case.target.label}:")


def explanations_markdown(
    explained: Sequence[Explained],
    not_explained: Sequence[NotExplained],
    shown: Mapping[str, Sequence[Experiment]],
) -> str:
    """The same as Markdown."""
    lines = [f"* {group.line}" for group in _groups(explained)]
    lines += [f"* {line}" for line in (*_remarks(explained), *_not_asked(not_explained))]
    texts = [
        (f"For `{one.case.target.label}`:\n\n" if one.case.target.label else "")
        + explained_markdown(one, shown[one.name])
        for one in explained
        if one.name in shown
    ]
    return "\n".join(lines) + "\n\n" + "\n".join(texts)
