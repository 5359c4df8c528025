"""What a successful answer shows of the scopes that were asked for."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from scopeprobe.model.answer import Issued
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.scope_names import Scope


def visible(answer: Issued) -> tuple[Scope, ...] | None:
    """The scopes that the token is shown to carry; None where nothing shows any."""
    for shown in (answer.rights, answer.confirmed, answer.listed, answer.claimed):
        if shown is not None:
            return shown
    return None


def lists_scopes(log: Iterable[Experiment]) -> bool:
    """Some answer showed every scope that was asked for: an absent list then shows none."""
    for experiment in log:
        asked = experiment.question.scopes
        if asked and isinstance(experiment.answer, Issued):
            shown = visible(experiment.answer)
            if shown is not None and set(asked) <= set(shown):
                return True
    return False


def left_out(experiment: Experiment, log: Iterable[Experiment]) -> tuple[Scope, ...]:
    """Asked scopes that a token was issued without."""
    answer = experiment.answer
    asked = experiment.question.scopes or ()
    if not isinstance(answer, Issued):
        return ()
    shown = visible(answer)
    if shown is None:
        return asked if lists_scopes(log) else ()
    if answer.rights is not None:
        return tuple(s for s in asked if not any(fnmatchcase(s, right) for right in shown))
    return tuple(scope for scope in asked if scope not in shown)
