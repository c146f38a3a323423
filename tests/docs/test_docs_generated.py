"""What the pages and the package take from the code is current."""

from __future__ import annotations

from tests.docs.generate import REPO, current


def test_what_is_generated_is_current():
    """Else: `python -m tests.docs.generate` writes it anew."""
    old = [str(path.relative_to(REPO)) for path, text in current().items() if path.read_text(encoding="utf-8") != text]

    assert old == []
