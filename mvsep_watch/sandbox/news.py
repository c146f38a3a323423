"""The sandbox's news: a few entries in the recorded shape, in English and Russian.

Plain data; it says what the sandbox is, and claims nothing about the real service.
"""

from __future__ import annotations

from typing import Any

WRITTEN_AT = "2026-01-13 05:00:00"
ENTRIES: tuple[tuple[int, str, str, str], ...] = (
    (3, "en", "Models", "<ol>\r\n<li>Every model of the catalogue can be asked for.</li>\r\n</ol>"),
    (3, "ru", "Модели", "<ol>\r\n<li>Доступна каждая модель каталога.</li>\r\n</ol>"),
    (2, "en", "Credits", "<p>The credits are play money. A failed separation costs nothing.</p>"),
    (2, "ru", "Кредиты", "<p>Кредиты ненастоящие. Неудачное разделение бесплатно.</p>"),
    (1, "en", "A local MVSEP", "<p>This sandbox is on your machine only and keeps nothing.</p>"),
    (1, "ru", "Локальный MVSEP", "<p>Эта песочница только на вашем компьютере и ничего не хранит.</p>"),
)


def news(lang: str) -> list[dict[str, Any]]:
    """Give the entries of a language, newest first."""
    return [
        {
            "id": id_,
            "title": title,
            "lang": language,
            "text": text,
            "status": 1,
            "created_at": WRITTEN_AT,
            "updated_at": WRITTEN_AT,
        }
        for id_, language, title, text in ENTRIES
        if language == lang
    ]
