"""Separations, the paid units, and the ledger of what they reserve and cost.

Unique by (realm, input key, settings, attempt). The step that lets the last chunk go, `release`, is a compare-and-swap
on the state and the send number: a hand that is not current gets no. Every change of state writes a transition, every
change of money a ledger entry, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mvsep_watch.model import SeparationState, Work
from mvsep_watch.store.connection import Db
from mvsep_watch.store.rows import SeparationRow, read
from mvsep_watch.store.transitions import record


class Separations:
    """The tables of separations and credits."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def get(self, separation_id: int) -> SeparationRow:
        """Give a separation by its id."""
        row = self.find(separation_id)
        if row is None:
            raise LookupError(f"no separation {separation_id}")
        return row

    def find(self, separation_id: int) -> SeparationRow | None:
        """Give a separation by its id, or None where its intent was given up."""
        row = self._db.one("SELECT * FROM separations WHERE id = ?", (separation_id,))
        return read(SeparationRow, row) if row else None

    def of_work(self, work: Work) -> list[SeparationRow]:
        """Give every attempt of a work, the first attempt first."""
        return self.of_settings(realm=work.realm, input_key=work.input_key, settings=work.settings.canonical())

    def of_settings(self, *, realm: str, input_key: str, settings: str) -> list[SeparationRow]:
        """Give every attempt of a work by its settings' canonical text, the first attempt first."""
        return self._rows("realm = ? AND input_key = ? AND settings = ? ORDER BY attempt", (realm, input_key, settings))

    def intend(
        self,
        work: Work,
        *,
        attempt: int,
        upload_name: str,
        host: str,
        account: str,
        watermark: int,
        size_bytes: int,
        duration_s: float | None,
        price: int,
        day: str,
        now: float,
        began_for: int | None = None,
    ) -> int:
        """Commit the intent: settings, tag, upload name, price, and the reservation of credits and slot.

        It is `began_for` a job: whose money it is, however many jobs come to share it.
        """
        with self._db.transaction():
            separation_id = self._insert(
                work,
                attempt=attempt,
                state=SeparationState.INTENDED,
                upload_name=upload_name,
                host=host,
                account=account,
                size_bytes=size_bytes,
                duration_s=duration_s,
                price=price,
                day=day,
                now=now,
                watermark=watermark,
                began_for=began_for,
            )
            self._enter(separation_id, "reserved", price, realm=work.realm, day=day, now=now)
        return separation_id

    def adopt(
        self,
        work: Work,
        *,
        attempt: int,
        hash_: str,
        host: str,
        account: str,
        watermark: int,
        size_bytes: int,
        duration_s: float | None,
        day: str,
        now: float,
        began_for: int | None = None,
        reason: str = "found in the history by its tag",
    ) -> int:
        """Take over a separation that the history knows and this state does not."""
        with self._db.transaction():
            return self._insert(
                work,
                attempt=attempt,
                state=SeparationState.SUBMITTED,
                upload_name="",
                host=host,
                account=account,
                watermark=watermark,
                size_bytes=size_bytes,
                duration_s=duration_s,
                price=0,
                day=day,
                now=now,
                hash=hash_,
                submitted_at=now,
                began_for=began_for,
                reason=reason,
            )

    def _insert(
        self,
        work: Work,
        *,
        attempt: int,
        state: SeparationState,
        price: int,
        day: str,
        now: float,
        **columns: Any,
    ) -> int:
        separation_id = self._db.insert(
            "separations",
            {
                "realm": work.realm,
                "input_key": work.input_key,
                "settings": work.settings.canonical(),
                "attempt": attempt,
                "tag": work.tag(attempt),
                "state": state,
                "credits_estimated": price,
                "reserved_day": day,
                "intended_at": now,
                **columns,
            },
        )
        record(
            self._db, subject="separation", subject_id=separation_id, before=None, after=state,
            reason=columns.get("reason", ""), now=now,
        )  # fmt: skip
        return separation_id

    def begin_send(self, separation_id: int) -> int:
        """Give a new send number; hands with an older one are told no at `release`."""
        self._db.run("UPDATE separations SET send = send + 1 WHERE id = ?", (separation_id,))
        return int(self._db.value("SELECT send FROM separations WHERE id = ?", (separation_id,)))

    def release(self, row: SeparationRow, *, send: int, price: int, day: str, now: float) -> bool:
        """Commit `released` if the separation is still intended and the send number current; say whether it was."""
        with self._db.transaction():
            changed = self._db.run(
                "UPDATE separations SET state = 'released', releases = releases + 1, released_at = ?,"
                " credits_estimated = ?, reserved_day = ?, reason = ''"
                " WHERE id = ? AND state = 'intended' AND send = ?",
                (now, price, day, row.id, send),
            ).rowcount
            if not changed:
                return False
            if (price, day) != (row.credits_estimated, row.reserved_day):
                self._enter(row.id, "moved", -row.credits_estimated, realm=row.realm, day=row.reserved_day, now=now)
                self._enter(row.id, "moved", price, realm=row.realm, day=day, now=now)
            self._record(row, SeparationState.RELEASED, "", now)
        return True

    def move(self, row: SeparationRow, state: SeparationState, *, now: float, reason: str = "", **columns: Any) -> None:
        """Change a separation's state, with what belongs to it."""
        ended = {} if state.is_unfinished else {"ended_at": now}
        self._db.update(
            "separations",
            row.id,
            {"failures": 0, "not_before": 0.0, "reason": reason, **ended, **columns, "state": state},
        )
        self._record(row, state, reason, now)

    def set(self, separation_id: int, **columns: Any) -> None:
        """Change columns that are neither state nor money."""
        self._db.update("separations", separation_id, columns)

    def was_asked(self, separation_id: int) -> None:
        """Count one more answer about it."""
        self._db.run("UPDATE separations SET asked = asked + 1 WHERE id = ?", (separation_id,))

    def remove_intent(self, row: SeparationRow, *, reason: str, now: float) -> None:
        """Give up an intent that never left: its jobs are free, its reservation is gone, the attempt is unspent."""
        with self._db.transaction():
            self._db.run("UPDATE jobs SET separation_id = NULL WHERE separation_id = ?", (row.id,))
            self._enter(row.id, "released", -row.credits_estimated, realm=row.realm, day=row.reserved_day, now=now)
            self._record(row, SeparationState.CANCELLED, reason, now)
            self._db.run("DELETE FROM separations WHERE id = ?", (row.id,))

    def settle(self, row: SeparationRow, charged: int, *, now: float) -> None:
        """Write what was really charged; the ledger moves from the estimate to it, and what waited for that is due."""
        with self._db.transaction():
            known = row.credits_estimated if row.credits_charged is None else row.credits_charged
            if charged != known:
                entry = "charged" if charged > known else "given_back"
                self._enter(row.id, entry, charged - known, realm=row.realm, day=row.reserved_day, now=now)
            self._db.update("separations", row.id, {"credits_charged": charged, "not_before": 0.0})

    def unsettle(self, row: SeparationRow, *, now: float) -> None:
        """Reserve again what counted as never made, and was: what it costs is still to be seen."""
        if row.credits_charged is None:
            return
        with self._db.transaction():
            again = row.credits_estimated - row.credits_charged
            self._enter(row.id, "reserved", again, realm=row.realm, day=row.reserved_day, now=now)
            self._db.update("separations", row.id, {"credits_charged": None, "balance_read": 0})

    def of_hash(self, hash_: str) -> list[SeparationRow]:
        """Give every separation that a hash of the service stands for: of two links to one file it may be one."""
        return self._rows("hash = ? ORDER BY id", (hash_,))

    def of_tag(self, tag: str) -> list[SeparationRow]:
        """Give every separation whose upload bears a tag: one for each realm that it was ever sent to."""
        return self._rows("tag = ? ORDER BY id", (tag,))

    def note(self, row: SeparationRow, reason: str, *, now: float) -> None:
        """Write down what became known of it, beside its transitions; its state stays."""
        self._record(row, row.state, reason, now)

    def unfinished(self) -> list[SeparationRow]:
        """Give every separation that is not ended, the oldest first."""
        return self._rows("state IN ('intended', 'released', 'submitted') ORDER BY id")

    def in_state(self, state: SeparationState, *, due: float | None = None) -> list[SeparationRow]:
        """Give the unfinished separations in one state, those due only if an instant is given."""
        if due is None:
            return self._rows("state = ? AND state IN ('intended', 'released', 'submitted') ORDER BY id", (state,))
        return self._rows(
            "state = ? AND state IN ('intended', 'released', 'submitted') AND not_before <= ? ORDER BY not_before, id",
            (state, due),
        )

    def next_due(self, *, after: float) -> float | None:
        """Give the first instant after another at which one that is with the server is to be asked for."""
        found: float | None = self._db.value(
            "SELECT min(not_before) FROM separations WHERE state = 'submitted'"
            " AND state IN ('intended', 'released', 'submitted') AND not_before > ?",
            (after,),
        )
        return found

    def slots_taken(self, *, account: tuple[str, str] | None = None, besides: SeparationRow | None = None) -> int:
        """Count what may be unfinished on the server, the intended and the unknown included.

        Args:
            account: Realm and account that it is to be the account's; None counts all.
            besides: An intent that asks for itself: neither it nor a younger intent counts, or two that came to be
                intents again would wait for each other.
        """
        own = -1 if besides is None else besides.id
        return int(
            self._db.value(
                "SELECT count(*) FROM separations WHERE state IN ('intended', 'released', 'submitted') AND keeps_slot"
                " AND (? IS NULL OR realm = ? AND account = ?)"
                " AND (? < 0 OR id <> ? AND NOT (state = 'intended' AND id > ?))",
                (*_named(account), own, own, own),
            )
        )

    def are_known(self, hashes: Sequence[str]) -> bool:
        """Say whether each of these hashes, long or of a link, is one of a separation here."""
        marks = ",".join("?" * len(hashes))
        found = self._db.all(f"SELECT hash, link_hash FROM separations WHERE hash IN ({marks})", hashes)  # noqa: S608
        return set(hashes) <= {hash_ for row in found for hash_ in row}

    def failures_on(self, work: Work) -> int:
        """Count how often the service failed on a work's input, with any settings; 0 once it has done it."""
        where = "FROM separations WHERE realm = ? AND input_key = ? AND hash IS NOT NULL"
        return int(
            self._db.value(
                f"SELECT count(*) {where} AND state = 'failed' AND NOT EXISTS (SELECT 1 {where} AND state = 'done')",
                (work.realm, work.input_key, work.realm, work.input_key),
            )
        )

    def is_untagged_released(self, *, account: tuple[str, str], besides: SeparationRow | None = None) -> bool:
        """Say whether it is not known yet what became of a link, a text or a pair of an account."""
        own = -1 if besides is None else besides.id
        return bool(
            self._db.value(
                "SELECT 1 FROM separations WHERE state = 'released' AND state IN ('intended', 'released', 'submitted')"
                " AND realm = ? AND account = ? AND id <> ? AND input_key NOT LIKE 'sha256:%' LIMIT 1",
                (*account, own),
            )
        )

    def unsettled(self, *, ended_after: float) -> list[SeparationRow]:
        """Give separations that ended lately and whose charge the history has not shown yet."""
        return self._rows(
            "credits_charged IS NULL AND hash IS NOT NULL AND ended_at > ? ORDER BY ended_at DESC LIMIT 50",
            (ended_after,),
        )

    def unsettled_links(self, *, ended_after: float) -> list[SeparationRow]:
        """Give links that ended before the service had fetched them and are not settled, the oldest first."""
        return self._rows(
            "credits_charged IS NULL AND hash IS NOT NULL AND hash = link_hash AND ended_at > ? ORDER BY id",
            (ended_after,),
        )

    def is_untagged_under_way(self, *, account: tuple[str, str]) -> bool:
        """Say whether a row of the history may be a link, a text or a pair of which the hash is not known yet."""
        return bool(
            self._db.value(
                "SELECT 1 FROM separations WHERE state IN ('intended', 'released', 'submitted') AND state <> 'intended'"
                " AND (hash IS NULL OR hash = link_hash) AND input_key NOT LIKE 'sha256:%'"
                " AND realm = ? AND account = ? LIMIT 1",
                account,
            )
        )

    def to_delete(self, now: float) -> list[SeparationRow]:
        """Give the separations that may be due to be deleted with the service."""
        return self._rows("delete_pending AND not_before <= ? ORDER BY not_before LIMIT 20", (now,))

    def balance_was_read(self, *, begun_at: float) -> None:
        """Stop counting reservations of separations that ended before an account read began."""
        self._db.run(
            "UPDATE separations SET balance_read = 1 WHERE balance_read = 0 AND credits_estimated > 0 AND ended_at < ?",
            (begun_at,),
        )

    def reserved_against_balance(self, *, account: tuple[str, str] | None = None) -> int:
        """Sum what is reserved, or charged, and not yet part of a balance that was read; of one account, or of all."""
        return int(
            self._db.value(
                "SELECT coalesce(sum(coalesce(credits_charged, credits_estimated)), 0) FROM separations"
                " WHERE balance_read = 0 AND credits_estimated > 0 AND (? IS NULL OR realm = ? AND account = ?)",
                _named(account),
            )
        )

    def spent(self, realm: str, first_day: str, last_day: str) -> int:
        """Sum a realm's ledger over days, both included: what is charged, and what is reserved until it is known."""
        return int(
            self._db.value(
                "SELECT coalesce(sum(credits), 0) FROM ledger WHERE realm = ? AND day BETWEEN ? AND ?",
                (realm, first_day, last_day),
            )
        )

    def sent_on(self, realm: str, day: str) -> int:
        """Count a realm's separations that were reserved on a day: what `per_day_jobs` counts."""
        return int(
            self._db.value(
                "SELECT count(*) FROM separations WHERE reserved_day = ? AND realm = ?"
                " AND (hash IS NOT NULL OR state IN ('intended', 'released'))",
                (day, realm),
            )
        )

    def _enter(self, separation_id: int, entry: str, credits_: int, *, realm: str, day: str, now: float) -> None:
        if credits_:
            self._db.insert(
                "ledger",
                {
                    "at": now,
                    "realm": realm,
                    "day": day,
                    "separation_id": separation_id,
                    "entry": entry,
                    "credits": credits_,
                },
            )

    def _record(self, row: SeparationRow, state: SeparationState, reason: str, now: float) -> None:
        record(self._db, subject="separation", subject_id=row.id, before=row.state, after=state, reason=reason, now=now)

    def _rows(self, where: str, params: Sequence[Any] = ()) -> list[SeparationRow]:
        return [read(SeparationRow, row) for row in self._db.all(f"SELECT * FROM separations WHERE {where}", params)]  # noqa: S608


def _named(account: tuple[str, str] | None) -> tuple[str | None, str | None, str | None]:
    realm, identity = account or (None, None)
    return (realm, realm, identity)
