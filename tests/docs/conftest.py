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

    text: str

    def blocks(self, language):
        """Give the fenced blocks of a language, in order."""
        return [content for kind, content in _BLOCK.findall(self.text) if kind == language]

    def section(self, title):
        """Give what stands under a heading of the second level."""
        return self.text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


@pytest.fixture(scope="session")
def repo():
    return REPO


@pytest.fixture(scope="session")
def readme():
    return Document((REPO / "README.md").read_text(encoding="utf-8"))
