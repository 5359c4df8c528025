"""
What token endpoints answer: `data/answers/` has a file a vendor.

`any.toml` has what any server may say.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec

from scopeprobe.model.answer import Answer
from scopeprobe.model.scope_names import Scope

FOLDER = Path(__file__).parents[1] / "data" / "answers"


class VendorAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One answer, and the request as far as it matters."""

    name: str
    source: Literal["V", "D", "R", "M", "?"]
    """Source code, documentation, a report, memory; `?` was not looked up."""
    played: dict[str, tuple[str, ...]] = {}
    """Profiles of the lab that answer so, and the occasions on which they do."""
    asked: tuple[Scope, ...] = (Scope("read"), Scope("write"))
    status: int
    headers: dict[str, str] = {}
    body: dict[str, Any] | None = None
    """A JSON object; without one, the body is `text`."""
    text: str = ""
    read_as: Answer

    def sent(self) -> bytes:
        return self.text.encode() if self.body is None else msgspec.json.encode(self.body)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    answers: tuple[VendorAnswer, ...]


ANSWERS = {
    f"{path.stem}-{answer.name}": answer
    for path in sorted(FOLDER.glob("*.toml"))
    for answer in msgspec.toml.decode(path.read_bytes(), type=_File).answers
}
"""By vendor and name."""
