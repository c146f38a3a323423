"""Makes plain text of the service's HTML: descriptions and news. Pure; tags that it does not know only vanish."""

from __future__ import annotations

import re
import textwrap
from html.parser import HTMLParser

PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"})
LINES = frozenset({"br", "div", "tr", "li", "dt", "dd"})
UNSEEN = frozenset({"script", "style", "head", "template"})
BULLET = "- "


def plain(html: str) -> str:
    """Give the text of some HTML: a line each for its lines, an empty one between paragraphs, links in parentheses."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "\n".join(_line(line) for line in "".join(reader.parts).split("\n")).strip()


def wrapped(text: str, columns: int | None, *, under: int = 0) -> str:
    """Break the lines of a plain text at a width, if there is one; what belongs to a bullet stays indented.

    Args:
        text: One or more lines.
        columns: The width; None leaves the lines whole.
        under: How far the rest of a broken line is indented, where it is no bullet's.
    """
    if columns is None:
        return text
    return "\n".join(
        textwrap.fill(
            line,
            width=columns,
            subsequent_indent=" " * len(BULLET) if line.startswith(BULLET) else " " * under,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    )


def _line(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())


class _Reader(HTMLParser):
    """Collects texts; breaks and bullets wait for the text that they stand before."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._breaks = 0
        self._bullet = ""
        self._unseen = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line or a paragraph, or remember where a link leads."""
        if tag in UNSEEN:
            self._unseen += 1
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.parts)))
        elif tag == "br":
            self._breaks = min(2, self._breaks + 1)
        else:
            self._break(tag)
        if tag == "li":
            self._bullet = BULLET

    def handle_endtag(self, tag: str) -> None:
        """End a line or a paragraph, or say where a link leads."""
        if tag in UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())
        else:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        """Take a text; its own line breaks mean nothing."""
        if self._unseen or not (data.strip() or (self.parts and not self._breaks)):
            return
        self.parts.append("\n" * self._breaks + self._bullet + re.sub(r"\s+", " ", data))
        self._breaks, self._bullet = 0, ""

    def _break(self, tag: str) -> None:
        self._breaks = max(self._breaks, 2 if tag in PARAGRAPHS else 1 if tag in LINES else 0)

    def _end_link(self, address: str, began: int) -> None:
        shown = "".join(self.parts[began:]).strip().removeprefix(BULLET)
        if address.startswith(("http://", "https://")) and address != shown:
            self.handle_data(f" ({address})")
