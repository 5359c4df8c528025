"""Which of the asked scopes a refusal names as refused (docs/design.md, rule 13)."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator

from scopeprobe.model.scope_names import SCOPE_TOKEN, Scope
from scopeprobe.oauth.error_texts import pattern_of, speaks_of

_LONGEST_SENTENCE = 20_000
"""Characters. Of a longer one, no name is believed: what it says of them may stand at its end."""
_LONGEST_SEARCHED = 2000
"""Characters of one text that are searched for names."""
_ENDS_OF_SENTENCES = re.compile(r"(?<=[.!?])\s+")
_LABELLED = re.compile(r"\b(\w{1,40}=)\[[^\[\]]{0,2000}\]")
"""A list with a label, as in `{valid=[a], invalid=[b]}` (Google): a sentence of its own."""
_CLAUSES = re.compile(r";\s+")
_LABEL = re.compile(r"\W{0,3}(?:scopes?[=:]|\w+=(?=\[))", re.IGNORECASE)
_SEPARATORS = re.compile(r"[,;|]")
_ITEMS = re.compile(r"[,;|=]")
_PUNCTUATION = "'`.,:;!?()[]{}<>"
_PLAIN = re.compile(rf"[^=|{re.escape(_PUNCTUATION)}]+")
"""A word without any of these signs: most words of a sentence."""
_MOST_PUNCTUATION = 4
"""Characters of it on either side."""
_MOST_PARTS = 5000
_QUOTES = frozenset("'`\"")
_BRACKETS = frozenset({"Ps", "Pe", "Pi", "Pf"})
"""Categories of Unicode, quotation marks of all languages included."""
_PARTS_OF_WORDS = frozenset("LMNC")
"""Categories of Unicode whose characters belong to the word beside them: it is another name."""


def culprits_in(texts: Iterable[str], asked: Collection[Scope]) -> frozenset[Scope]:
    """
    The asked scopes that a server's texts refuse by name.

    A name is believed only beside words of refusal, and never in a sentence that also tells what
    is allowed: which of its names it allows, punctuation does not say.
    """
    readable = map(html.unescape, texts)
    naming = [text for text in readable if any(name in text for name in asked)]
    named = (repeated(clause, asked) for text in naming for clause in _refusing(text, asked))
    return frozenset().union(*named)


def _refusing(text: str, asked: Collection[Scope]) -> Iterator[str]:
    """The clauses of a text that refuse, as far as they are searched for names."""
    for start, sentence in _sentences(text):
        if start >= _LONGEST_SEARCHED:
            return
        if len(sentence) > _LONGEST_SENTENCE or _allows(sentence, asked):
            continue
        for clause in _CLAUSES.split(_up_to(sentence, _LONGEST_SEARCHED - start)):
            if speaks_of("refusal", _without_names(clause, asked)):
                yield clause


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Where each sentence starts, and the sentence."""
    if "=[" in text:
        for labelled in _LABELLED.finditer(text[:_LONGEST_SEARCHED]):
            yield labelled.start(), labelled[0]
        text = _LABELLED.sub(r"\1", text)
    start = 0
    for end in _ENDS_OF_SENTENCES.finditer(text):
        yield start, text[start : end.start()]
        start = end.end()
    yield start, text[start:]


def _allows(sentence: str, asked: Collection[Scope]) -> bool:
    """Whether a sentence tells what is allowed; names that are plain words count as words."""
    compound = [name for name in asked if not name.isalpha()]
    rest = pattern_of("refusal").sub(" ", _without_names(sentence, compound))
    return speaks_of("allowance", rest)


def _without_names(text: str, names: Collection[Scope]) -> str:
    """The text without names; what labels them stays."""
    known = frozenset(names)

    def left(word: re.Match[str]) -> str:
        written = word[0]
        if known.isdisjoint(_readings(written)):
            return written
        items = _ITEMS.split(written)
        return " ".join(item for item in items if known.isdisjoint(_bare(item)))

    return SCOPE_TOKEN.sub(left, text)


def _up_to(text: str, length: int) -> str:
    """As much as is searched, up to a whole word: half a scope may be the name of another."""
    return text if len(text) <= length else text[:length].rpartition(" ")[0]


def repeated(text: str, asked: Collection[Scope]) -> frozenset[Scope]:
    """
    The asked scopes that a text repeats as whole tokens (RFC 6749 section 3.3).

    Whatever stands around them as punctuation is no part of them. A name that runs into an
    ellipsis is only taken where it cannot be the beginning of another one that was asked for; a
    name that is a word of any sentence, such as `client`, only in quotes or brackets.
    """
    names = frozenset(name for name in asked if name in text)
    found: set[Scope] = set()
    for word in SCOPE_TOKEN.finditer(text) if names else ():
        meant = names.intersection(_readings(word[0]))
        if not meant:
            continue
        start, end = word.span()
        before, after = text[max(start - 1, 0) : start], text[end : end + 1]
        if _is_of_a_word(before) or _is_of_a_word(after):
            continue
        is_cut = word[0].endswith("...") or after == "…"
        is_marked = any(map(_is_a_mark, (before, word[0][0], word[0][-1], after)))
        for name in meant:
            is_doubtful = is_cut and _begins_another(name, asked)
            if not is_doubtful and (is_marked or not _is_a_common_word(name)):
                found.add(name)
    return frozenset(found)


def _is_of_a_word(sign: str) -> bool:
    """A letter or an invisible sign, which no `scope-token` may hold."""
    is_visible_end = not sign or sign.isspace()
    return not is_visible_end and unicodedata.category(sign)[0] in _PARTS_OF_WORDS


def _is_a_mark(sign: str) -> bool:
    return sign in _QUOTES or (bool(sign) and unicodedata.category(sign) in _BRACKETS)


def _is_a_common_word(name: Scope) -> bool:
    topics = ("common_words", "refusal", "allowance")
    return name.isalpha() and any(speaks_of(topic, name) for topic in topics)


def _begins_another(name: Scope, names: Collection[Scope]) -> bool:
    return any(other != name and other.startswith(name) for other in names)


def _readings(word: str) -> Iterable[str]:
    """All readings of a word: as it is, without punctuation, and as a list of items."""
    return (word,) if _PLAIN.fullmatch(word) else _readings_of_signs(word)


def _readings_of_signs(word: str) -> Iterator[str]:
    yield from _bare(word)
    if labelled := _LABEL.match(word):
        word = word[labelled.end() :]
        yield from _bare(word)
    if _SEPARATORS.search(word):
        for part in _SEPARATORS.split(word)[:_MOST_PARTS]:
            yield from _bare(part)


def _bare(word: str) -> Iterator[str]:
    leading = len(word) - len(word.lstrip(_PUNCTUATION))
    trailing = len(word) - len(word.rstrip(_PUNCTUATION))
    for start in range(min(leading, _MOST_PUNCTUATION) + 1):
        for end in range(min(trailing, _MOST_PUNCTUATION) + 1):
            yield word[start : len(word) - end]
