"""What the emulator remembers: one account, its separations, its credits, and what every client did to it.

No HTTP here. A separation waits, is worked on and is done by the clock alone; nobody has to ask for it.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.real.emulator.catalogue import BY_ID, Model

KEPT_S = 72 * 3600
FIRST_ID = 1_074_358
SPLIT_FROM_S = 15 * 60
"""Longer audio is split over several machines."""


@dataclass(kw_only=True)
class Quirks:
    """What the emulator does to a client; times in seconds.

    Args:
        rate_limit: Requests a minute, announced and enforced.
        refuses: Ordinals of requests, from 1, that get a 429 with `Retry-After: 1`.
        history_lag_s: How late the history lists a new separation.
        chunks_downloads: Downloads come without a length, and cannot be resumed.
        upload_pause_s, download_pause_s: A pause before every 64 KiB.
        answer_pause_s: Between making a separation and answering.
        lose_answers: Ordinals of creates, from 1, whose separation is made and whose answer is lost.
    """

    premium: bool = True
    credits: int = 10_000
    waiting_s: float = 0.2
    processing_s: float = 0.3
    rate_limit: int = 120
    refuses: frozenset[int] = frozenset()
    history_lag_s: float = 0.0
    chunks_downloads: bool = False
    upload_pause_s: float = 0.0
    download_pause_s: float = 0.0
    answer_pause_s: float = 0.0
    lose_answers: frozenset[int] = frozenset()


@dataclass(kw_only=True)
class Separation:
    """A separation on the server."""

    id: int
    hash: str
    sha256: str
    settings: str
    model: Model
    output_format: int
    name: str
    size: int
    seconds: float
    price: int
    at: float
    started_s: float
    waits_s: float
    works_s: float
    is_gone: bool = False
    times_done: int = 0

    @property
    def status(self) -> str:
        age = time.monotonic() - self.started_s
        if self.is_gone or age > KEPT_S:
            return "not_found"
        if age < self.waits_s:
            return "waiting"
        if age >= self.waits_s + self.works_s:
            return "done"
        if self.seconds < SPLIT_FROM_S:
            return "processing"
        return "distributing" if age < self.waits_s + self.works_s / 2 else "merging"

    @property
    def is_unfinished(self) -> bool:
        return self.status not in {"done", "not_found"}


@dataclass
class Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    """The service says no."""

    status: int
    text: str


@dataclass
class Account:
    """The one account, and the books about it."""

    token: str
    quirks: Quirks
    separations: list[Separation] = field(default_factory=list)
    creates: Counter[tuple[str, str]] = field(default_factory=Counter)
    most_unfinished: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def balance(self) -> int:
        return self.quirks.credits - sum(item.price for item in self.separations if not item.is_gone)

    @property
    def has_premium(self) -> bool:
        return self.quirks.premium and self.balance > 0

    def unfinished(self) -> list[Separation]:
        return [item for item in self.separations if item.is_unfinished]

    def find(self, hash_: str) -> Separation | None:
        return next((item for item in self.separations if item.hash == hash_), None)

    def create(self, fields: dict[str, str], *, name: str, sha256: str, size: int, seconds: float) -> Separation:
        """Make a separation, or refuse it as the service would."""
        with self.lock:
            model = self._model(fields)
            if len(self.unfinished()) >= (10 if self.has_premium else 1):
                raise Refused(400, "You already have unprocessed file in queue. Please wait before adding new file!")
            options = {key: value for key, value in fields.items() if key.startswith("add_opt") and value}
            price = max(1, int(seconds * model.multiplier(options) / 60)) if self.has_premium else 0
            if price > self.balance:
                raise Refused(400, "Insufficient credits")
            settings = {key: fields.get(key) for key in ("sep_type", "output_format", "is_demo")}
            made = Separation(
                id=FIRST_ID + len(self.separations),
                hash=_hash(name, len(self.separations)),
                sha256=sha256,
                settings=json.dumps({**settings, **options}, sort_keys=True),
                model=model,
                output_format=int(fields.get("output_format") or 0),
                name=name,
                size=size,
                seconds=seconds,
                price=price,
                at=time.time(),
                started_s=time.monotonic(),
                waits_s=self.quirks.waiting_s,
                works_s=self.quirks.processing_s,
            )
            self.separations.append(made)
            self.creates[made.sha256, made.settings] += 1
            self.most_unfinished = max(self.most_unfinished, len(self.unfinished()))
            return made

    def _model(self, fields: dict[str, str]) -> Model:
        model = BY_ID.get(fields.get("sep_type", ""))
        if model is None:
            raise Refused(400, "Seperation type is not set")
        needs_premium = model.orientation == 2 or fields.get("output_format") in {"4", "5"}
        if needs_premium and not self.has_premium:
            raise Refused(400, "Seperation type is unavailable until you purchase premium membership")
        return model

    def history(self) -> list[Separation]:
        """Give what the history lists now, newest first."""
        listed_until = time.monotonic() - self.quirks.history_lag_s
        return [item for item in reversed(self.separations) if item.started_s <= listed_until]

    def cancel(self, hash_: str) -> bool:
        with self.lock:
            found = self.find(hash_)
            if found is None or found.status != "waiting":
                return False
            found.is_gone = True
            return True


def _hash(name: str, ordinal: int) -> str:
    """Make a hash as the site does: the time, ten digits, the slug of the upload's name."""
    stem, _, extension = name.rpartition(".")
    plain = unicodedata.normalize("NFKD", stem or extension).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    digits = hashlib.sha256(f"{name}{ordinal}".encode()).hexdigest()[:10]
    return f"{datetime.now(UTC):%Y%m%d%H%M%S}-{digits}-{slug}.{extension.lower()}"
