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
    data_message           all               -                           a refusal in data.message, not in errors[]
    error_list             all               -                           a refusal in errors[], not in data.message
    token_status           all               HTTP status (400)           the status for a token that is not known
    plain_slashes          all               -                           slashes come as they are, without a backslash
    bare_waiting           get               -                           `waiting` without a message
    empty_done             get               polls (none: every one)     so many polls of a job are done without files
    hostile_names          get               list of names               `download` is hostile; the list goes round
    other_host             get               host (127.0.0.2)            the files are on another host
    subfolder              get               number (55)                 the files are in a sub-folder
    extra_keys             get, user         -                           peaks and copy_metadata, as the newest have
    no_bytes               get               -                           files[] without bytes, as the older have
    remote_not_found       get_remote        -                           a link that is being fetched is not known
    slow_remote            get_remote        seconds (30)                a link takes at least so long to be fetched
    null_token             login             -                           the token is null
    history_lag            history           seconds (60)                younger jobs are not listed
    history_finished_only  history           -                           unfinished jobs are not listed
    algorithms_2024        algorithms        -                           the keys of 2024 only
    model_gone             algorithms        sep_type (40)               the model is neither listed nor accepted
    model_renamed          algorithms        sep_type (40)               the model has another name
    cut_download           download          share (0.5)                 the connection breaks after this share
    short_download         download          share (0.5)                 a complete answer with this share of the file
    slow_download          download          bytes a second (65536)      a slow one
    split_from             -                 seconds (0)                 audio of this length is shared by machines
    retention              -                 seconds (60)                how long results are kept
    clock                  -                 seconds                     the clock is moved, at once and for good

Decides only which fault strikes; what it does stands where it strikes. `when` is `before` (nothing was done: the
default) or `after` (it was done, but the answer is lost) and counts for the faults of any endpoint. Of the requests
that it could strike, a fault spares the first `skip` and strikes the next, and each `every`-th from there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
ENDPOINTS = frozenset(
    {
        "create",
        "get",
        "get_remote",
        "cancel",
        "delete",
        "algorithms",
        "news",
        "queue",
        "queue_summary",
        "demo",
        "login",
        "register",
        "user",
        "history",
        "enable_premium",
        "disable_premium",
        "enable_long_filenames",
        "disable_long_filenames",
        "quality_queue",
        "quality_entry",
        "quality_leaderboard",
        "quality_add",
        "quality_delete",
        "download",
        "*",
    }
)
KEYS = ("kind", "on", "when", "times", "value", "every", "skip")


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
    ERROR_LIST = "error_list"
    TOKEN_STATUS = "token_status"  # noqa: S105 - the name of a fault
    PLAIN_SLASHES = "plain_slashes"
    BARE_WAITING = "bare_waiting"
    EMPTY_DONE = "empty_done"
    HOSTILE_NAMES = "hostile_names"
    OTHER_HOST = "other_host"
    SUBFOLDER = "subfolder"
    EXTRA_KEYS = "extra_keys"
    NO_BYTES = "no_bytes"
    REMOTE_NOT_FOUND = "remote_not_found"
    SLOW_REMOTE = "slow_remote"
    NULL_TOKEN = "null_token"  # noqa: S105 - the name of a fault
    HISTORY_LAG = "history_lag"
    HISTORY_FINISHED_ONLY = "history_finished_only"
    ALGORITHMS_2024 = "algorithms_2024"
    MODEL_GONE = "model_gone"
    MODEL_RENAMED = "model_renamed"
    CUT_DOWNLOAD = "cut_download"
    SHORT_DOWNLOAD = "short_download"
    SLOW_DOWNLOAD = "slow_download"
    SPLIT_FROM = "split_from"
    RETENTION = "retention"
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
    FaultKind.TOKEN_STATUS: 400,
    FaultKind.HOSTILE_NAMES: HOSTILE_NAMES,
    FaultKind.OTHER_HOST: "127.0.0.2",
    FaultKind.SUBFOLDER: 55,
    FaultKind.SLOW_REMOTE: 30.0,
    FaultKind.MODEL_GONE: 40,
    FaultKind.MODEL_RENAMED: 40,
    FaultKind.HISTORY_LAG: 60.0,
    FaultKind.CUT_DOWNLOAD: 0.5,
    FaultKind.SHORT_DOWNLOAD: 0.5,
    FaultKind.SLOW_DOWNLOAD: 65536,
    FaultKind.SPLIT_FROM: 0.0,
    FaultKind.RETENTION: 60.0,
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
        every: One in so many requests is struck.
        skip: How many requests are spared at first.
    """

    kind: FaultKind
    on: str = "create"
    when: str = "before"
    times: int | None = None
    value: Any = None
    every: int = 1
    skip: int = 0

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Fault:
        """Read a fault from JSON.

        Raises:
            UsageError: A word in it is not known.
        """
        if set(raw) - set(KEYS) or raw.get("kind") not in list(FaultKind):
            raise UsageError(
                f"not a fault: {raw}", hint=f"kind is one of {', '.join(FaultKind)}; keys {', '.join(KEYS[1:])}"
            )
        fault = cls(**{**raw, "kind": FaultKind(raw["kind"])})
        fault._check()
        if fault.value is None:
            fault.value = DEFAULT_VALUES.get(fault.kind)
        return fault

    def _check(self) -> None:
        if self.on not in ENDPOINTS or self.when not in {"before", "after"}:
            raise UsageError(
                f"not a fault: {self.listed()}", hint=f"on is one of {', '.join(sorted(ENDPOINTS))}; when before, after"
            )
        if not all(map(_is_count, (self.every, self.skip + 1, 1 if self.times is None else self.times))):
            raise UsageError(f"not a fault: {self.listed()}", hint="times and every are at least 1, skip at least 0")

    def listed(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {key: getattr(self, key) for key in KEYS}


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
        self._faults: list[_Armed] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault | Mapping[str, Any]) -> None:
        """Put a fault in force, after those that are there.

        Raises:
            UsageError: It is not one.
        """
        parsed = Fault.parse(fault.listed() if isinstance(fault, Fault) else fault)
        if parsed.kind is FaultKind.CLOCK:
            self._move_clock(float(parsed.value))
            return
        with self._lock:
            self._faults.append(_Armed(parsed, parsed.skip, parsed.times))

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Give what is in force, as JSON."""
        with self._lock:
            return [{**armed.fault.listed(), "skip": armed.spared, "times": armed.left} for armed in self._faults]

    def take(self, kind: FaultKind) -> Fault | None:
        """Let a fault of this kind strike, if one is in force; it counts as one request."""
        return self._struck(lambda fault: fault.kind is kind)

    def take_on(self, endpoint: str, when: str) -> Fault | None:
        """Let a fault strike that any endpoint can have, if one is in force here and now."""
        return self._struck(
            lambda fault: fault.kind in OF_ANY_ENDPOINT and fault.on in {endpoint, "*"} and fault.when == when
        )

    def value(self, kind: FaultKind, default: Any = None) -> Any:
        """Give the value of a fault that is a state of affairs and not an event: looking at it does not use it up."""
        with self._lock:
            return next(
                (armed.fault.value for armed in self._faults if armed.fault.kind is kind and not armed.spared), default
            )

    def _struck(self, is_meant: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for armed in [each for each in self._faults if is_meant(each.fault)]:
                if armed.strikes():
                    if armed.left == 0:
                        self._faults.remove(armed)
                    return armed.fault
        return None


@dataclass(slots=True, eq=False)
class _Armed:
    """A fault in force: how many requests it still spares, and how many strikes are left."""

    fault: Fault
    spared: int
    left: int | None

    def strikes(self) -> bool:
        """Count a request, and say whether it is struck."""
        if self.spared:
            self.spared -= 1
            return False
        self.spared = self.fault.every - 1
        if self.left is not None:
            self.left -= 1
        return True


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 1
