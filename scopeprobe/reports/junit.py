"""JUnit XML, as Jenkins, GitLab and GitHub's actions read it: a suite a client, a case a scope."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree as ET

from scopeprobe.model.cell import Cell, PermissionMap
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.reports.summary import Summary

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 section 2.2 does not allow."""
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def report_junit(maps: Iterable[PermissionMap], summary: Summary) -> Iterator[str]:
    """
    Findings that fail the run are failures, clients that fail to authenticate one error each.

    A server all of whose clients fail has a suite of its own. What is not proved was skipped, and
    says why.
    """
    total = Counter[str]()
    for suite in _suites(maps, summary):
        total.update({name: int(suite.get(name, "")) for name in ("tests", *_COUNTED)})
    root = ET.Element("testsuites", name="scopeprobe")
    for name, count in total.items():
        root.set(name, str(count))
    yield ET.tostring(root, "unicode").replace(" />", ">\n")
    for suite in _suites(maps, summary):
        ET.indent(suite, level=1)
        yield f"  {ET.tostring(suite, 'unicode')}\n"
    yield "</testsuites>\n"


def _suites(maps: Iterable[PermissionMap], summary: Summary) -> Iterator[ET.Element]:
    by_subject: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in summary.findings:
        by_subject[finding.subject].append(finding)
    for permissions in maps:
        yield _suite(permissions.client, permissions.cells, by_subject.pop(permissions.client, []))
    for name, rest in sorted(by_subject.items()):  # servers; and waivers name clients by globs
        yield _suite(name, (), rest)


def _suite(client: str, cells: Iterable[Cell], findings: Sequence[Finding]) -> ET.Element:
    suite = ET.Element("testsuite", name=_xml(client))
    of_cell: defaultdict[tuple[str, str], list[Finding]] = defaultdict(list)
    for one in findings:
        of_cell[one.audience, one.scope].append(one)
    for cell in cells:
        case = _case(suite, client, cell.audience, cell.scope)
        found = of_cell.pop((cell.audience, cell.scope), [])
        _set_outcome(case, cell, found)
    for (audience, scope), rest in of_cell.items():
        for one in rest:
            case = _case(suite, client, audience, f"{one.kind}: {scope}" if scope else one.kind)
            _add_outcome(case, one)
    _set_counts(suite, suite.iter("testcase"))
    return suite


def _set_outcome(case: ET.Element, cell: Cell, found: Sequence[Finding]) -> None:
    """Give the case its one outcome: a failure before an error, an error before skipped."""
    if found:
        _add_outcome(case, min(found, key=_is_error))
    elif not cell.is_proved:
        ET.SubElement(case, "skipped", message=f"{cell.verdict}: {cell.reason}")


def _add_outcome(case: ET.Element, one: Finding) -> None:
    outcome = "error" if _is_error(one) else "failure"
    ET.SubElement(case, outcome, type=one.kind, message=_xml(one.detail))


def _is_error(one: Finding) -> bool:
    return one.kind is FindingKind.UNAUTHENTICATED


def _case(suite: ET.Element, client: str, audience: str, name: str) -> ET.Element:
    where = " ".join(filter(None, (client, audience)))
    return ET.SubElement(suite, "testcase", classname=_xml(where), name=_xml(name))


def _set_counts(element: ET.Element, cases: Iterable[ET.Element]) -> None:
    cases = list(cases)
    element.set("tests", str(len(cases)))
    for name, outcome in _COUNTED.items():
        element.set(name, str(sum(case.find(outcome) is not None for case in cases)))


def _xml(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
