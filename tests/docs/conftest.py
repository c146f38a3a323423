"""The documents, and their blocks of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Document:
    """A page in Markdown."""

    path: Path
    text: str

    def blocks(self, language):
        """Give the fenced blocks of a language, in order."""
        return [content for kind, content in _BLOCK.findall(self.text) if kind == language]

    def section(self, title):
        """Give what stands under a heading of the second level."""
        return self.text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]

    @property
    def prose(self):
        """The page without its blocks of code."""
        return _BLOCK.sub("", self.text)

    def anchors(self):
        """Give the names of its headings, as links within a page have them."""
        titles = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.fixture(scope="session")
def repo():
    return REPO


@pytest.fixture(scope="session")
def manual():
    """Every page of it, by the name of its file; README.md is the first."""
    paths = [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]
    return {path.name: Document(path, path.read_text(encoding="utf-8")) for path in paths}


@pytest.fixture(scope="session")
def readme(manual):
    return manual["README.md"]
