"""Docs, help and messages use the usual word: readers are in a hurry, and English is a second language for many."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "docs").rglob("*.rst"),
        *(ROOT / "examples").glob("*.md"),
    ]
)
SOURCES = sorted([*(ROOT / "pytest_azcred").rglob("*.py"), *(ROOT / "emulators").rglob("*.py")])

# The rare word, and the usual one.
WORDS = {
    "amiss": "wrong",
    "as ever": "as usual, still",
    "befall": "happen to, apply to",
    "befallen": "happened to",
    "befalls": "happens to, applies to",
    "befell": "happened to",
    "forthwith": "at once",
    "genuine": "real, valid",
    "henceforth": "from now on",
    "hitherto": "until now",
    "in its stead": "instead",
    "in their stead": "instead",
    "lest": "so that ... not",
    "nought": "nothing",
    "of one's own": "your own",
    "spoilt": "corrupted",
    "stand below": "are listed below",
    "stands below": "is below",
    "swallowed the error": "hidden the error",
    "thence": "from there",
    "thereof": "of it",
    "whence": "from where",
    "whoever": "the user who, everyone who",
    "whosoever": "everyone who",
}
_WORDS = re.compile(rf"\b({'|'.join(WORDS)})\b", re.IGNORECASE)
_CODE = re.compile(r"^```.*?^```$|`[^`]*`", re.MULTILINE | re.DOTALL)


def texts(source: str) -> Iterator[str]:
    """Yield what a module says: its docstrings, messages and help; each without what is filled in."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def rare_words(text: str) -> list[str]:
    """Return the rare words in a text, each with the usual one."""
    return [f"{word}: write {WORDS[word.lower()]}" for word in _WORDS.findall(" ".join(text.split()))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages(page: Path) -> None:
    """What a page says, code left aside."""
    assert rare_words(_CODE.sub("", page.read_text(encoding="utf-8"))) == []


def test_docstrings_help_and_messages() -> None:
    """What the code says."""
    found = {
        source.relative_to(ROOT).as_posix(): words
        for source in SOURCES
        if (words := [word for text in texts(source.read_text(encoding="utf-8")) for word in rare_words(text)])
    }
    assert found == {}


@pytest.mark.parametrize("text", ["Faults befall the next requests.", "the genuine answer,\nspoilt", "Whoever asks"])
def test_a_rare_word_is_found(text: str) -> None:
    """Also across lines, and in capitals."""
    assert rare_words(text)
