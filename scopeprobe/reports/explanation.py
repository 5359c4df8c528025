"""What `explain` found out, for people, for chat and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from scopeprobe.diagnosis import Cause, Explanation
from scopeprobe.diagnosis.describe import answered, asked
from scopeprobe.model.experiment import Experiment
from scopeprobe.oauth.trace import challenges
from scopeprobe.reports.texts import counted, json_text

VERSION = 1
_OUTCOMES = {
    "working": "works",
    "explained": "is explained",
    "not_explained": "is not explained",
}
_SURE = 0.8
_PLAIN_HEADERS = {"Content-Type", "Date", "Server"}
"""They say nothing in an authorization server's own answer, and who sent it in a gateway's page."""


def explanation_json(explanation: Explanation) -> str:
    """The document of docs/design.md, "Shapes of the JSON"."""
    return json_text({"version": VERSION, **explanation_members(explanation)})


def explanation_members(explanation: Explanation) -> dict[str, object]:
    """Its members, as they also stand in a document about several."""
    return {
        "client": explanation.client,
        "outcome": explanation.outcome,
        "causes": explanation.causes,
        "refusing_sets": explanation.refusing_sets,
        "requests": explanation.requests,
        "credential_failures": explanation.credential_failures,
        "refusals": explanation.refusals,
        "ruled_out": explanation.ruled_out,
        "not_tested": explanation.not_tested,
        "next_test": explanation.next_test,
        "experiments": [
            {
                "asked": asked(e.question.scopes, e.question.change),
                "answered": answered(e),
                "curl": e.trace.curl,
                "status": e.trace.status,
                "headers": dict(e.trace.headers),
                "body": e.trace.body,
            }
            for e in explanation.experiments
        ],
    }


def _summary(explanation: Explanation) -> str:
    return (
        f"{explanation.client} {_OUTCOMES[explanation.outcome]}: "
        f"{counted(explanation.requests, 'request')}, "
        f"{counted(explanation.credential_failures, 'failed authentication')}, "
        f"{counted(explanation.refusals, 'refusal')}"
    )


def _sets(explanation: Explanation) -> list[str]:
    return [" + ".join(scopes) for scopes in explanation.refusing_sets]


# -- for people


def explanation_for_people(explanation: Explanation, shown: Sequence[Experiment]) -> RenderableType:
    """The causes, the first to fix first, then the requests as they were sent."""
    parts: list[RenderableType] = [Text(_summary(explanation), style="bold")]
    for number, cause in enumerate(explanation.causes, start=1):
        parts += _cause(number, cause)
    if sets := _sets(explanation):
        parts.append(Text(f"\nRefused, and no smaller set of them is: {', '.join(sets)}"))
    parts += _theories(explanation)
    for number, experiment in enumerate(explanation.experiments, start=1):
        if experiment in shown:
            parts += _experiment(number, experiment)
    return Group(*parts)


def _cause(number: int, cause: Cause) -> Iterator[RenderableType]:
    style = "bold red" if cause.confidence >= _SURE else "bold yellow"
    yield Text.assemble(
        f"\n{number}. ", (cause.code, style), f"  {cause.confidence:.0%} sure", style="default"
    )
    yield Padding(Text(cause.next_step), (0, 0, 0, 3), expand=False)
    for line in cause.evidence:
        yield Padding(Text(f"- {line}", style="dim"), (0, 0, 0, 3), expand=False)


def _theories(explanation: Explanation) -> Iterator[RenderableType]:
    """What fell, and what is left, with what would tell."""
    if explanation.ruled_out:
        yield Text("\nRuled out", style="bold")
    for fallen in explanation.ruled_out:
        yield Padding(Text(fallen.says), (0, 0, 0, 3), expand=False)
        for line in fallen.evidence:
            yield Padding(Text(f"- {line}", style="dim"), (0, 0, 0, 3), expand=False)
    if explanation.not_tested:
        yield Text("\nNot tested", style="bold")
    for left in explanation.not_tested:
        yield Padding(Text(left.says), (0, 0, 0, 3), expand=False)
        yield Padding(Text(f"- {left.test}", style="dim"), (0, 0, 0, 3), expand=False)
    if explanation.next_test:
        yield Text(f"\nNext: {explanation.next_test}", style="bold")


def _experiment(number: int, experiment: Experiment) -> Iterator[RenderableType]:
    question = experiment.question
    yield Text(f"\nRequest {number}, {asked(question.scopes, question.change)}", style="bold")
    yield Text(experiment.trace.curl, no_wrap=True, overflow="ignore")
    yield Text(f"\u2192 {answered(experiment)}")
    for line in _response_lines(experiment):
        yield Text(f"  {line}", style="dim")


def _response_lines(experiment: Experiment) -> Iterator[str]:
    is_own = experiment.trace.body.lstrip()[:1] in {"", "{"}
    for name, value in experiment.trace.headers:
        if is_own and name in _PLAIN_HEADERS:
            continue
        yield f"{name}: {value}"
        if name in {"WWW-Authenticate", "Proxy-Authenticate"}:
            yield from _challenge_lines(value)
    yield from experiment.trace.body.splitlines()


def _challenge_lines(value: str) -> Iterator[str]:
    for scheme, parameters in challenges(value):
        told = ", ".join(f"{name} is \u201c{text}\u201d" for name, text in parameters)
        yield f"  asks for {scheme}{f': {told}' if told else ''}"


# -- for chat and tickets


def explanation_markdown(explanation: Explanation, shown: Iterable[Experiment]) -> str:
    """The same as Markdown."""
    return "\n".join(_markdown(explanation, list(shown))) + "\n"


def _markdown(explanation: Explanation, shown: Sequence[Experiment]) -> Iterator[str]:
    yield f"# {_summary(explanation)}"
    for number, cause in enumerate(explanation.causes, start=1):
        yield f"\n{number}. **{cause.code}** ({cause.confidence:.0%} sure): {cause.next_step}"
        yield from (f"   - {inert(line)}" for line in cause.evidence)
    if sets := _sets(explanation):
        yield f"\nRefused, and no smaller set of them is: {', '.join(f'`{s}`' for s in sets)}"
    yield from _theories_in_markdown(explanation)
    for number, experiment in enumerate(explanation.experiments, start=1):
        if experiment in shown:
            question = experiment.question
            yield f"\n## Request {number}, {asked(question.scopes, question.change)}"
            yield f"\n```sh\n{experiment.trace.curl}\n```"
            yield "\n```text"
            yield _fenced(answered(experiment))
            yield from map(_fenced, _response_lines(experiment))
            yield "```"


def _theories_in_markdown(explanation: Explanation) -> Iterator[str]:
    if explanation.ruled_out:
        yield "\n## Ruled out\n"
    for fallen in explanation.ruled_out:
        yield f"* {fallen.says}"
        yield from (f"  - {inert(line)}" for line in fallen.evidence)
    if explanation.not_tested:
        yield "\n## Not tested\n"
    for left in explanation.not_tested:
        yield f"* {left.says}\n  - {left.test}"
    if explanation.next_test:
        yield f"\n**Next:** {explanation.next_test}"


def inert(text: str) -> str:
    """Text of a server, escaped so that none of it is Markdown."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return text


def _fenced(text: str) -> str:
    """Text of a server that cannot end the code block around it."""
    return text.replace("```", "'''")
