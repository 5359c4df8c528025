"""The page of outputs names every code that files may hold where no answer came."""

from pathlib import Path

import scopeprobe
from scopeprobe.model.fault import FaultCode

PAGE = Path(scopeprobe.__file__).parent / "docs" / "outputs.md"


def test_every_code_of_a_fault_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    assert [code for code in FaultCode if f"`{code}`" not in text] == []
