"""Requests: how commands ask the owner of the state to change jobs. They append; nobody else writes jobs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mvsep_watch.store.connection import Db

EXPLAIN = "explain"
"""The one command that changes nothing: it asks whoever has the state why a file waits to be taken."""

ANSWERED_KEPT = 1000
"""How many answers are kept: many more than commands that wait for one, and a few hundred kilobytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a command asks for: `command` with `arguments`, a JSON object."""

    id: int
    command: str
    arguments: dict[str, Any]


class Requests:
    """The table of requests."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def append(self, command: str, arguments: dict[str, Any], *, now: float) -> int:
        """Ask; give the request's id."""
        return self._db.insert("requests", {"at": now, "command": command, "arguments": json.dumps(arguments)})

    def open(self) -> list[Request]:
        """Give the requests that nobody has answered, the oldest first."""
        rows = self._db.all("SELECT id, command, arguments FROM requests WHERE applied_at IS NULL ORDER BY id")
        return [Request(id=row[0], command=row[1], arguments=json.loads(row[2])) for row in rows]

    def answer(self, request_id: int, answer: dict[str, Any], *, now: float) -> None:
        """Mark a request as applied, with its answer, and forget old ones; in one transaction with what it changed."""
        self._db.update("requests", request_id, {"applied_at": now, "answer": json.dumps(answer)})
        self._db.run("DELETE FROM requests WHERE id <= ? AND applied_at IS NOT NULL", (request_id - ANSWERED_KEPT,))

    def withdraw(self, request_id: int) -> bool:
        """Take a request back that nobody has applied; say whether that was still possible."""
        return bool(self._db.run("DELETE FROM requests WHERE id = ? AND applied_at IS NULL", (request_id,)).rowcount)

    def forget(self, request_id: int) -> None:
        """Leave nothing of a request that changed nothing."""
        self._db.run("DELETE FROM requests WHERE id = ?", (request_id,))

    def answered(self, request_id: int) -> dict[str, Any] | None:
        """Give a request's answer, or None while there is none."""
        text = self._db.value("SELECT answer FROM requests WHERE id = ?", (request_id,))
        return json.loads(text) if text else None
