"""The page of causes has a section for each of them, in their order, and none for another."""

import re
from pathlib import Path

import pytest

import scopeprobe
from scopeprobe.diagnosis import codes
from scopeprobe.diagnosis.causes import cause_texts

PAGE = (Path(scopeprobe.__file__).parent / "docs" / "causes.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
PARTS = ("What it looks like.", "Told from its neighbours.", "What to do.")


def test_every_cause_has_its_section_in_the_order_of_mending():
    assert tuple(SECTIONS) == codes()


@pytest.mark.parametrize("code", codes())
def test_a_section_has_its_three_parts_and_names_no_cause_that_is_not(code):
    paragraphs = SECTIONS[code].strip().split("\n\n")
    assert tuple(re.match(r"\*\*(.*?)\*\* \S", part)[1] for part in paragraphs) == PARTS
    named = re.findall(r"`([a-z]+(?:_[a-z]+)+)`", SECTIONS[code])
    assert set(named) <= set(codes()) | OTHER_WORDS


@pytest.mark.parametrize("code", codes())
def test_what_to_do_speaks_of_the_settings_that_the_explanation_speaks_of(code):
    """A key of a clients file that the next step tells to set stands in the section, too."""
    told = " ".join(
        filter(None, (cause_texts()[code].step, getattr(cause_texts()[code], "mended_step", "")))
    )
    keys = set(re.findall(r"Set `([a-z_]+)", told))
    assert keys <= set(re.findall(r"`([a-z_]+)`", SECTIONS[code]))


OTHER_WORDS = {
    "invalid_client", "invalid_request", "invalid_scope", "invalid_target", "invalid_dpop_proof",
    "use_dpop_nonce", "unauthorized_client", "unsupported_grant_type", "access_denied",
    "not_explained", "ca_file", "client_id", "token_endpoint", "token_endpoint_auth_method",
    "secret_expires", "private_key_jwt", "client_secret_jwt", "dpop_bound_access_tokens",
    "assertion_audience", "basic_encoding",
}  # fmt: skip
"""Error codes of servers, keys of clients files, methods."""
