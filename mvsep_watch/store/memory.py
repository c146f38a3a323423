"""What is remembered beside jobs and separations: this state's identity, gates, accounts, and the service's history.

Of the history the rows with a tag of ours are kept: they are what recognises paid work when everything else about it
was forgotten. The others are kept for as long as the service keeps results: one of them may be what became of a link.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from mvsep_watch.model import Account, Gate, GateName, HistoryRow, tag_in_hash
from mvsep_watch.planner import SlotsSeen
from mvsep_watch.store.connection import Db
from mvsep_watch.store.rows import read

_UNTAGGED_KEPT_S = 4 * 86400.0
"""Longer than the 72 hours after which a row without results explains nothing any more."""
IDS_KEPT = 50
"""How many ids are remembered; a state gets another one with every rebuild."""
_FORMER, _TAKEN_OVER = "former_ids", "taken_over_ids"
_KEPT_HOURS = 72
"""How long the service keeps results, where a row does not say how many hours are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """How promptly an account's history on one host has been seen to list unfinished work.

    Args:
        seen: How often a separation of ours was listed while a later `get` still said unfinished.
        was_late: Whether one was ever not listed at the first look.
    """

    seen: int = 0
    was_late: bool = False
    longest_lag_s: float = 0.0


class Memory:
    """The tables meta, gates, accounts, history and sightings."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self._closed = {(gate.name, gate.scope): gate for gate in self._read_gates()}

    def meta(self, key: str) -> str | None:
        """Give a value of the state's own."""
        value: str | None = self._db.value("SELECT value FROM meta WHERE key = ?", (key,))
        return value

    def set_meta(self, key: str, value: str) -> None:
        """Write a value of the state's own."""
        self._db.run(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
        )

    @property
    def state_id(self) -> str:
        """What tells this state from all others."""
        return self.meta("state_id") or ""

    @property
    def former_ids(self) -> tuple[str, ...]:
        """The ids that this state had before."""
        return self._ids(_FORMER)

    @property
    def inherited_ids(self) -> tuple[str, ...]:
        """The ids that this state had before, and those of the states whose outputs it has taken over."""
        return (*self._ids(_TAKEN_OVER), *self.former_ids)

    def take_id(self, state_id: str, *, taking_over: Iterable[str] = ()) -> None:
        """Take another id, and remember the one before; those of others are taken over with their outputs."""
        self._add_ids(_TAKEN_OVER, taking_over)
        self._add_ids(_FORMER, [self.state_id])
        self.set_meta("state_id", state_id)

    def _ids(self, key: str) -> tuple[str, ...]:
        return tuple(json.loads(self.meta(key) or "[]"))

    def _add_ids(self, key: str, ids: Iterable[str]) -> None:
        known = dict.fromkeys([*self._ids(key), *ids])
        self.set_meta(key, json.dumps(list(known)[-IDS_KEPT:]))

    @property
    def generation(self) -> int:
        """How many releases this state has committed."""
        return int(self.meta("generation") or 0)

    def next_generation(self) -> int:
        """Count one more release."""
        generation = self.generation + 1
        self.set_meta("generation", str(generation))
        return generation

    @property
    def closed(self) -> tuple[Gate, ...]:
        """The closed gates, the oldest first."""
        return tuple(self._closed.values())

    def close_gate(self, gate: Gate) -> bool:
        """Close a gate, or renew its reason; say whether it was open."""
        key = (gate.name, gate.scope)
        before = self._closed.get(key)
        if before is not None and (before.reason, before.hint) == (gate.reason, gate.hint):
            return False
        self._db.run(
            "INSERT INTO gates VALUES (?, ?, ?, ?, ?) ON CONFLICT (name, scope) DO UPDATE SET reason = excluded.reason,"
            " hint = excluded.hint",
            (gate.name, gate.scope, gate.reason, gate.hint, gate.since),
        )
        self._closed[key] = gate if before is None else replace(gate, since=before.since)
        return before is None

    def open_gate(self, name: GateName, scope: str = "") -> bool:
        """Open a gate; say whether it was closed."""
        if self._closed.pop((name, scope), None) is None:
            return False
        self._db.run("DELETE FROM gates WHERE name = ? AND scope = ?", (name, scope))
        return True

    def _read_gates(self) -> list[Gate]:
        return [read(Gate, row) for row in self._db.all("SELECT * FROM gates ORDER BY since, name")]

    def account_read(self, realm: str, account: Account, *, now: float) -> None:
        """Remember what the service said of an account."""
        self._db.run(
            "INSERT INTO accounts (realm, account, credits, premium_enabled, read_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (realm, account) DO UPDATE SET credits = excluded.credits,"
            " premium_enabled = excluded.premium_enabled, read_at = excluded.read_at",
            (realm, account.identity, account.credits, int(account.premium_enabled), now),
        )

    def slots_seen(self, realm: str, account: str) -> SlotsSeen | None:
        """Give what the service was seen to take of an account at once; None while it takes all that is allowed."""
        text = self.meta(_slots_key(realm, account))
        return SlotsSeen(**json.loads(text)) if text else None

    def set_slots_seen(self, realm: str, account: str, seen: SlotsSeen | None) -> None:
        """Remember what the service takes of an account at once."""
        self.set_meta(_slots_key(realm, account), json.dumps(asdict(seen)) if seen else "")

    def last_account(self, realm: str) -> str:
        """Give the account of a realm that was read last; empty where none ever was."""
        found = self._db.value("SELECT account FROM accounts WHERE realm = ? ORDER BY read_at DESC LIMIT 1", (realm,))
        return found or ""

    def history_known_id(self, realm: str, account: str) -> int:
        """Give the newest history id up to which the account's history has been read, 0 before the first time."""
        value = self._db.value(
            "SELECT history_known_id FROM accounts WHERE realm = ? AND account = ?", (realm, account)
        )
        return int(value or 0)

    def history_read(self, realm: str, account: str, rows: Sequence[HistoryRow], *, now: float) -> list[HistoryRow]:
        """Remember the rows of a complete look that carry a tag, for a while the others, and how far it went.

        Returns:
            Those with a tag that were not remembered before.
        """
        found = []
        for row in rows:
            tag = tag_in_hash(row.hash) or ""
            if tag and not self._is_remembered(realm, account, row):
                found.append(row)
            if tag or row.hours_left is None or row.hours_left > 0:
                self._db.run(
                    "INSERT INTO history (realm, account, history_id, tag, hash, credits, hours_left, seen_at,"
                    " sep_type, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                    " credits = excluded.credits, hours_left = excluded.hours_left, seen_at = excluded.seen_at",
                    (realm, account, row.id, tag, row.hash, row.credits, row.hours_left, now, row.sep_type,
                     row.created_at),
                )  # fmt: skip
        self._db.run("DELETE FROM history WHERE tag = '' AND seen_at < ?", (now - _UNTAGGED_KEPT_S,))
        if rows:
            newest = max(row.id for row in rows)
            self._db.run(
                "UPDATE accounts SET history_known_id = ? WHERE realm = ? AND account = ? AND history_known_id <> ?",
                (newest, realm, account, newest),
            )
        return found

    def _is_remembered(self, realm: str, account: str, row: HistoryRow) -> bool:
        return bool(
            self._db.one(
                "SELECT 1 FROM history WHERE realm = ? AND account = ? AND history_id = ?", (realm, account, row.id)
            )
        )

    def history_with_tags(self, realm: str, account: str, tags: Sequence[str]) -> list[HistoryRow]:
        """Give the remembered rows that carry one of the tags, the newest first."""
        marks = ",".join("?" * len(tags))
        rows = self._db.all(
            f"SELECT * FROM history WHERE tag IN ({marks}) AND +realm = ? AND +account = ?"  # noqa: S608 - only marks
            " ORDER BY history_id DESC",
            (*tags, realm, account),
        )
        return [_history_row(row) for row in rows]

    def history_tagged(self, realm: str, account: str) -> tuple[int, int]:
        """Count the remembered rows with a tag of ours, and those of them that are of no separation that is known."""
        row = self._db.one(
            "SELECT count(*), coalesce(sum(hash NOT IN (SELECT hash FROM separations WHERE hash IS NOT NULL)), 0)"
            " FROM history WHERE tag <> '' AND realm = ? AND account = ?",
            (realm, account),
        )
        assert row is not None
        return int(row[0]), int(row[1])

    def history_unexplained(
        self, realm: str, account: str, *, sep_type: int, after: int = 0, kept_at: float | None = None
    ) -> list[HistoryRow]:
        """Give the remembered rows that might be a separation without a tag, the newest first.

        They are of its model or of one that they do not name, and of no separation that is known.

        Args:
            realm: Whose history it is.
            account: Whose history it is.
            sep_type: The model's number.
            after: The id that they are younger than.
            kept_at: The instant at which the service still has their results; None leaves that open.
        """
        rows = self._db.all(
            "SELECT * FROM history WHERE tag = '' AND realm = ? AND account = ? AND history_id > ?"
            " AND (sep_type = ? OR sep_type IS NULL)"
            " AND (? IS NULL OR seen_at + (coalesce(hours_left, ?) + 1) * 3600 > ?)"
            " AND hash NOT IN (SELECT hash FROM separations WHERE hash IS NOT NULL) ORDER BY history_id DESC",
            (realm, account, after, sep_type, kept_at, _KEPT_HOURS, kept_at),
        )
        return [_history_row(row) for row in rows]

    def sightings(self, realm: str, account: str, host: str) -> Sightings:
        """Say how promptly the account's history has been seen to list unfinished work."""
        row = self._db.one(
            "SELECT seen, was_late, longest_lag_s FROM sightings WHERE realm = ? AND account = ? AND host = ?",
            (realm, account, host),
        )
        return read(Sightings, row) if row else Sightings()

    def sighted(self, realm: str, account: str, host: str, *, seen: bool, late: bool, lag_s: float) -> None:
        """Count a look for a hash that we know: was it listed while unfinished, at once, and after how long?"""
        self._db.run(
            "INSERT INTO sightings VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (realm, account, host) DO UPDATE SET"
            " seen = seen + excluded.seen, was_late = max(was_late, excluded.was_late),"
            " longest_lag_s = max(longest_lag_s, excluded.longest_lag_s)",
            (realm, account, host, int(seen), int(late), lag_s),
        )


def _slots_key(realm: str, account: str) -> str:
    return f"slots {realm} {account}"


def _history_row(row: sqlite3.Row) -> HistoryRow:
    return HistoryRow(
        id=row["history_id"],
        hash=row["hash"],
        credits=row["credits"],
        hours_left=row["hours_left"],
        sep_type=row["sep_type"],
        created_at=row["created_at"],
    )
