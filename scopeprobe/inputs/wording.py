"""What pydantic finds wrong, in the user's words. A value is never among them."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.schema import NESTED

WORDS = {
    "bool_type": "must be true or false",
    "dict_type": "must be a table of names and values",
    "enum": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "int_type": "must be a whole number",
    "invalid_key": "must have text for a key",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "model_type": "must be a table",
    "string_type": "must be text: put it in quotes",
    "tuple_type": "must be a list",
    "value_error": "{error}",
}


def complain_about(
    error: ValidationError, model: type[BaseModel], place: Place, problems: Problems
) -> None:
    for detail in error.errors(include_url=False, include_input=False):
        steps = [step for step in detail["loc"] if step != "[key]"]
        problems.add(place.at(*steps), _in_words(detail, model))


def _in_words(detail: ErrorDetails, model: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        *way, key = map(str, detail["loc"])
        table = next((NESTED[step] for step in reversed(way) if step in NESTED), model)
        return unknown_key(key, table.model_fields)
    # Not pydantic's own message where ours is missing: some of them quote the value.
    return WORDS.get(detail["type"], "is not valid").format(**detail.get("ctx", {}))


def unknown_key(key: str, known: Collection[str]) -> str:
    """Say that a key is unknown, and which one was probably meant."""
    near = (
        get_close_matches(key, known, n=1, cutoff=0.7)
        or [name for name in known if name.endswith(f"_{key}")]
        or [name for name in known if f"_{key}_" in f"_{name}_"]
    )
    return f"unknown key; did you mean `{near[0]}`?" if len(near) == 1 else "unknown key"
