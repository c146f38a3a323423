"""The quality checker's entries: submitted, measured, ranked, removed.

Keeps them in memory and decides by an injected clock when one is shown as measured. The states' numbers are nobody's
knowledge: 0 waits and 1 is over here.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mvsep_watch.sandbox.measuring import Measured
from mvsep_watch.sandbox.refusals import NO_ENTRY, Envelope, RefusalError

MEASURE_S = 10.0
"""How long an entry waits at speed 1."""
DATASETS = ("Synth", "Multisong", "Piano", "Lead/back vocals", "Guitar")
LAST_DATASET = 12
WAITING, OVER = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One submission, measured already; what was found is shown once its time has come."""

    id: int
    dataset_type: int
    algo_name: str
    main_text: str
    is_ensemble: bool
    password: str = field(repr=False)
    made_at: float
    measured: Measured


class Board:
    """All entries.

    Args:
        now: Seconds since the epoch.
        speed: Waiting times are divided by it.
    """

    def __init__(self, now: Callable[[], float], *, speed: float) -> None:
        self._now = now
        self._wait_s = MEASURE_S / speed
        self._entries: list[Entry] = []
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, form: Mapping[str, str], *, dataset_type: int, is_ensemble: bool, measured: Measured) -> Entry:
        """Take a submission."""
        with self._lock:
            entry = Entry(
                id=next(self._ids),
                dataset_type=dataset_type,
                algo_name=form["algo_name"],
                main_text=form.get("main_text", ""),
                is_ensemble=is_ensemble,
                password=form.get("password", ""),
                made_at=self._now(),
                measured=measured,
            )
            self._entries.append(entry)
            return entry

    def newest(self) -> list[Entry]:
        """Give all entries, newest first."""
        return list(reversed(self._entries))

    def find(self, id_: str) -> Entry:
        """Find an entry.

        Raises:
            RefusalError: There is none.
        """
        entry = next((each for each in self._entries if str(each.id) == id_), None)
        if entry is None:
            raise RefusalError(NO_ENTRY, envelope=Envelope.DATA)
        return entry

    def remove(self, id_: str, password: str) -> None:
        """Remove an entry.

        Raises:
            RefusalError: There is none, or it has another password, or none at all.
        """
        with self._lock:
            entry = self.find(id_)
            if not password or entry.password != password:
                raise RefusalError("Wrong password", envelope=Envelope.DATA)
            self._entries.remove(entry)

    def sortables(self, dataset_type: int) -> list[str]:
        """Say by what a dataset's entries can be ranked."""
        return sorted({f"sdr_{stem}" for entry in self._measured(dataset_type) for stem in entry.measured.sdr})

    def ranked(self, dataset_type: int, *, sort: str, name_part: str) -> list[Entry]:
        """Give a dataset's measured entries, best first; what has no such measure comes last."""
        entries = [each for each in self._measured(dataset_type) if name_part.lower() in each.algo_name.lower()]
        worst = float("-inf")
        return sorted(entries, key=lambda each: each.measured.sdr.get(sort.removeprefix("sdr_"), worst), reverse=True)

    def row(self, entry: Entry) -> dict[str, Any]:
        """Give an entry as the service writes it."""
        is_over = self._is_over(entry)
        found = entry.measured if is_over else Measured(message="")
        known = entry.dataset_type < len(DATASETS)
        return {
            "id": entry.id,
            "dataset_type": entry.dataset_type,
            "dataset_name": DATASETS[entry.dataset_type] if known else f"Dataset {entry.dataset_type}",
            "date": _stamp(entry.made_at),
            "algo_name": entry.algo_name,
            "main_text": entry.main_text,
            "proc": OVER if is_over else WAITING,
            "proc_remote_date": _stamp(entry.made_at + self._wait_s) if is_over else "",
            "msg": found.message,
            "metrics": "\n".join(found.lines),
            **{f"sdr_{stem}": value for stem, value in found.sdr.items()},
            "is_ensemble": int(entry.is_ensemble),
        }

    def _measured(self, dataset_type: int) -> list[Entry]:
        return [each for each in self._entries if each.dataset_type == dataset_type and self._is_over(each)]

    def _is_over(self, entry: Entry) -> bool:
        return self._now() - entry.made_at >= self._wait_s


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
