"""How the sandbox can be told to misbehave: a table of faults, each for the next N requests or until cleared.

    kind                   on                value                       what happens
    drop                   any endpoint      -                           the connection breaks without an answer
    status                 any endpoint      HTTP status (503)           an HTML error page
    html                   any endpoint      -                           200 with an HTML page
    rate_limit             any endpoint      seconds (none: no header)   429, with Retry-After where there is a value
    slow_answer            any endpoint      seconds (1)                 the answer comes late
    drop_upload            create            bytes (65536)               the connection breaks in the middle of the body
    refuse                 create            text                        400 with this text
    fail_job               create            the reason                  the job is accepted and fails
    string_success         create            -                           success is the string "true"
    data_message           create            -                           a refusal in data.message, not in errors[]
    empty_done             get               -                           done, with no files yet
    hostile_names          get               list of names               `download` is hostile; the list goes round
    history_lag            history           seconds (60)                younger jobs are not listed
    history_finished_only  history           -                           unfinished jobs are not listed
    cut_download           download          share (0.5)                 the connection breaks after this share
    short_download         download          share (0.5)                 a complete answer with this share of the file
    slow_download          download          bytes a second (65536)      a slow one
    clock                  -                 seconds                     the clock is moved, at once and for good

Decides only which fault strikes; what it does stands where it strikes. `when` is `before` (nothing was done: the
default) or `after` (it was done, but the answer is lost) and counts for the faults of any endpoint.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from mvsep_watch.errors import UsageError

HOSTILE_NAMES = (
    "../../../../etc/passwd",
    "/etc/cron.d/evil.wav",
    "..\\..\\windows\\evil.wav",
    "a\u0000b.wav",
    "con.wav",
    "\u202evaw.exe",
    "x" * 300 + ".wav",
    "",
    "new\nline.wav",
    "-rf.wav",
)
ENDPOINTS = frozenset({"create", "get", "cancel", "delete", "user", "history", "algorithms", "queue", "download", "*"})


class FaultKind(StrEnum):
    """What can go wrong."""

    DROP = "drop"
    STATUS = "status"
    HTML = "html"
    RATE_LIMIT = "rate_limit"
    SLOW_ANSWER = "slow_answer"
    DROP_UPLOAD = "drop_upload"
    REFUSE = "refuse"
    FAIL_JOB = "fail_job"
    STRING_SUCCESS = "string_success"
    DATA_MESSAGE = "data_message"
    EMPTY_DONE = "empty_done"
    HOSTILE_NAMES = "hostile_names"
    HISTORY_LAG = "history_lag"
    HISTORY_FINISHED_ONLY = "history_finished_only"
    CUT_DOWNLOAD = "cut_download"
    SHORT_DOWNLOAD = "short_download"
    SLOW_DOWNLOAD = "slow_download"
    CLOCK = "clock"


OF_ANY_ENDPOINT = frozenset(
    {FaultKind.DROP, FaultKind.STATUS, FaultKind.HTML, FaultKind.RATE_LIMIT, FaultKind.SLOW_ANSWER}
)
DEFAULT_VALUES: Mapping[FaultKind, Any] = {
    FaultKind.STATUS: 503,
    FaultKind.SLOW_ANSWER: 1.0,
    FaultKind.DROP_UPLOAD: 65536,
    FaultKind.REFUSE: "Invalid parameter",
    FaultKind.FAIL_JOB: "Job failed",
    FaultKind.HOSTILE_NAMES: HOSTILE_NAMES,
    FaultKind.HISTORY_LAG: 60.0,
    FaultKind.CUT_DOWNLOAD: 0.5,
    FaultKind.SHORT_DOWNLOAD: 0.5,
    FaultKind.SLOW_DOWNLOAD: 65536,
    FaultKind.CLOCK: 0.0,
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One row of the table.

    Args:
        on: The endpoint, for a fault that any endpoint can have; `*` is every one.
        when: `before` or `after` the endpoint has done its work.
        times: How many requests it still strikes; None until cleared.
        value: See the table; None takes the kind's default.
    """

    kind: FaultKind
    on: str = "create"
    when: str = "before"
    times: int | None = None
    value: Any = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Fault:
        """Read a fault from JSON.

        Raises:
            UsageError: A word in it is not known.
        """
        unknown = sorted(set(raw) - {"kind", "on", "when", "times", "value"})
        if unknown or raw.get("kind") not in list(FaultKind):
            raise UsageError(f"not a fault: {raw}", hint=f"kind is one of {', '.join(FaultKind)}; keys on, when, times")
        fault = cls(**{**raw, "kind": FaultKind(raw["kind"])})
        if fault.on not in ENDPOINTS or fault.when not in {"before", "after"}:
            raise UsageError(
                f"not a fault: {raw}", hint=f"on is one of {', '.join(sorted(ENDPOINTS))}; when before, after"
            )
        if fault.value is None:
            fault.value = DEFAULT_VALUES.get(fault.kind)
        return fault


class Faults:
    """The faults that are in force. Safe to use from several threads.

    Args:
        faults: To begin with, as values or as JSON.
        move_clock: Called with seconds for a fault of the kind `clock`, which is over at once.
    """

    def __init__(
        self,
        faults: tuple[Fault | Mapping[str, Any], ...] = (),
        *,
        move_clock: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._lock = threading.Lock()
        self._move_clock = move_clock
        self._faults: list[Fault] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault | Mapping[str, Any]) -> None:
        """Put a fault in force, after those that are there.

        Raises:
            UsageError: It is not one.
        """
        parsed = Fault.parse(asdict(fault) if isinstance(fault, Fault) else fault)
        if parsed.kind is FaultKind.CLOCK:
            self._move_clock(float(parsed.value))
            return
        with self._lock:
            self._faults.append(parsed)

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Give what is in force, as JSON."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def take(self, kind: FaultKind) -> Fault | None:
        """Let a fault of this kind strike, if one is in force; it counts as one request."""
        with self._lock:
            return self._struck(next((fault for fault in self._faults if fault.kind is kind), None))

    def take_on(self, endpoint: str, when: str) -> Fault | None:
        """Let a fault strike that any endpoint can have, if one is in force here and now."""
        with self._lock:
            return self._struck(
                next(
                    (
                        fault
                        for fault in self._faults
                        if fault.kind in OF_ANY_ENDPOINT and fault.on in {endpoint, "*"} and fault.when == when
                    ),
                    None,
                )
            )

    def _struck(self, fault: Fault | None) -> Fault | None:
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
        return fault
