"""What was explained, on standard output: for people, for programs, for a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from scopeprobe.audits.explain import Explanations
from scopeprobe.cli.output import print_table
from scopeprobe.cli.streams import print_data
from scopeprobe.model.experiment import Experiment
from scopeprobe.reports.explanations import (
    Explained,
    explained_for_people,
    explained_json,
    explained_markdown,
    explanations_for_people,
    explanations_json,
    explanations_markdown,
    one_of_each_group,
)


class Printed(StrEnum):
    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


def print_explanations(
    found: Explanations, printed: Printed, *, verbose: bool, is_several: bool
) -> None:
    """Print one explanation as it is, or several behind a line for each cause."""
    explained, others = found.explained, found.not_explained
    told = one_of_each_group(explained) if is_several and not verbose else explained
    shown = {one.name: _shown(one, is_all=verbose) for one in told}
    if len(explained) != 1 or others or is_several:
        match printed:
            case Printed.JSON:
                print_data(explanations_json(explained, others))
            case Printed.MARKDOWN:
                print_data(explanations_markdown(explained, others, shown))
            case Printed.TABLE:
                print_table(explanations_for_people(explained, others, shown))
        return
    (one,) = explained
    match printed:
        case Printed.JSON:
            print_data(explained_json(one))
        case Printed.MARKDOWN:
            print_data(explained_markdown(one, shown[one.name]))
        case Printed.TABLE:
            print_table(explained_for_people(one, shown[one.name]))


def _shown(one: Explained, *, is_all: bool) -> Sequence[Experiment]:
    experiments = one.explanation.experiments
    return experiments if is_all else experiments[:1]
