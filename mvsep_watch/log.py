"""The log: one event name in the past tense, then keys, one line each, to stderr.

Everything goes through one pipe, the libraries' own loggers too (from WARNING up: httpx writes whole URLs at INFO). The
pipe does two things that nobody else may forget: what was given to `hide` is taken out of every value, traceback and
foreign message, and control characters are escaped, so that a newline in a file's name never makes a second line.

    person      2026-07-01 22:14:03 info     job_published job=12 stems=4        (in a terminal with colours)
    journal     <6>job_published job=12 stems=4            the journal has its own clock
    JSON        {"event": "job_published", "level": "info", "job": 12, ...}

Only a bug writes more than one line: its traceback. The surprise: a hidden text of up to seven characters is taken out
as a whole word only, or a token called "a" would leave no line readable.
"""

from __future__ import annotations

import contextlib
import json as jsonlib
import logging
import os
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

import structlog

REDACTED = "[hidden]"
SHORT_SECRET = 7
"""Up to this many characters, a secret may be part of an innocent word."""
QUIET_LIBRARIES = ("apscheduler", "httpcore", "httpx", "watchdog")
TOLD_OTHERWISE = "Inotify queue overflowed"
"""What watchdog says of lost events, three times each; `events_lost` tells of them, with what to do."""
COLOURS = {"debug": "2", "warning": "33", "error": "31", "critical": "31;1"}
"""Of levels, as a terminal is told them; what is usual has none."""
EVENT_COLOUR = "1"
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""The levels of syslog, as the journal reads them from `<N>`."""

_UNDECODABLE = re.compile("[\ud800-\udfff]")
_LOCAL = structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False)
_UTC = structlog.processors.TimeStamper(fmt="iso", utc=True)

_Event = MutableMapping[str, Any]


class _Secrets:
    """What must never be written, in every spelling that it is met in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spellings: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        as_json = jsonlib.dumps(secret)[1:-1]
        with self._lock:
            self._spellings |= {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1], as_json}
            longest_first = sorted(self._spellings, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_secret_pattern, longest_first)))

    def take_out(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(REDACTED, text)


def _secret_pattern(spelling: str) -> str:
    escaped = re.escape(spelling)
    return rf"(?<!\w){escaped}(?!\w)" if len(spelling) <= SHORT_SECRET else escaped


_secrets = _Secrets()


def hide(secret: str) -> None:
    """Take a secret out of everything that is logged from now on; thread-safe."""
    if secret.strip():
        _secrets.add(secret)


def redact(text: str) -> str:
    """Take the hidden secrets out of a text that goes somewhere else than to the log."""
    return _secrets.take_out(text)


def is_journal(environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether stderr goes to systemd's journal. Source: systemd.exec(5), `$JOURNAL_STREAM`."""
    try:
        stat = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{stat.st_dev}:{stat.st_ino}"


def priority(level: str) -> str:
    """Give what begins a line of the journal that has a level."""
    return f"<{PRIORITIES[level]}>"


def configure(*, level: str = "info", json: bool = False, journal: bool = False, stream: TextIO | None = None) -> None:
    """Set up the log of this process; may be called again.

    Args:
        level: `debug`, `info`, `warning` or `error`; libraries never say less than warnings.
        json: One JSON object a line.
        journal: For systemd's journal: no times, a priority before each line.
        stream: Where lines go; stderr by default.
    """
    stream = stream or sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            *([] if journal else [_UTC if json else _LOCAL]),
            structlog.processors.format_exc_info,
            _plain_event,
            _Lines(json=json, journal=journal, coloured=_is_coloured(stream)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_Factory(stream),
        cache_logger_on_first_use=False,
    )
    _route_libraries()


def _is_coloured(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether a stream is a terminal that shows colours. Source: no-color.org, 2026."""
    try:
        is_terminal = stream.isatty()
    except ValueError:  # it is closed
        return False
    return is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def get_logger() -> Any:
    """Give a logger; it follows `configure`, whenever that is called."""
    return structlog.get_logger()


class _Factory:
    """Gives every logger the one writer of a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._writer = _Writer(stream)

    def __call__(self, *_args: object) -> _Writer:
        return self._writer


class _Writer:
    """Writes whole lines, one thread at a time. A log that cannot be written stops nobody's work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def msg(self, line: str) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = msg


def _route_libraries() -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Router)]:
        root.removeHandler(handler)
    root.addHandler(_Router(logging.WARNING))
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Router(logging.Handler):
    """Sends the records of libraries down our pipe."""

    def emit(self, record: logging.LogRecord) -> None:
        if _message(record).startswith(TOLD_OTHERWISE):
            return
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        get_logger().log(
            level, "library_said", logger=record.name, message=_message(record), exc_info=record.exc_info or False
        )


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # a library whose format does not fit its arguments
        return str(record.msg)


def _plain_event(_logger: object, _method: str, event: _Event) -> _Event:
    return {key: _plain(value) for key, value in event.items()}


def _plain(value: Any) -> Any:
    """Give a value that holds nothing but texts without secrets, numbers, and lists and mappings of them."""
    match value:
        case StrEnum() | str():
            return _text(value)
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {_text(key): _plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in value]
        case _:
            return _text(value)


def _text(value: object) -> str:
    return _UNDECODABLE.sub(lambda found: _escape(found[0]), redact(str(value)))


class _Lines:
    """The last step: an event becomes a line."""

    def __init__(self, *, json: bool, journal: bool, coloured: bool) -> None:
        self._json = json
        self._journal = journal
        self._coloured = coloured

    def __call__(self, _logger: object, _method: str, event: _Event) -> str:
        begins = priority(event["level"]) if self._journal else ""
        if self._json:
            return begins + jsonlib.dumps(event)
        if self._journal:
            del event["level"]
        return "\n".join(begins + line for line in _lines(event, coloured=self._coloured))


def _lines(event: _Event, *, coloured: bool) -> list[str]:
    exception = event.pop("exception", "")
    level = event.pop("level", "")
    said, name = level and f"{level:<8}", _one_line(event.pop("event"))
    if coloured:
        said, name = _colour(said, COLOURS.get(level, "")), _colour(name, EVENT_COLOUR)
    head = [event.pop("timestamp", ""), said, name]
    pairs = [f"{key}={_quoted(value)}" for key, value in event.items()]
    return [" ".join(part for part in [*head, *pairs] if part), *map(_one_line, exception.splitlines())]


def _colour(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def _quoted(value: Any) -> str:
    if not isinstance(value, str):
        return _one_line(jsonlib.dumps(value, ensure_ascii=False))
    text = _one_line(value)
    return text if re.fullmatch(r'[^\s="]+', text) else '"' + text.replace('"', '\\"') + '"'


def _one_line(text: str) -> str:
    """Escape what would break or reorder a line: controls, invisible marks."""
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    r"""Write a character as `\n` or `\u202e`; an undecodable byte as `\xNN`."""
    return f"\\x{ord(char) - 0xDC00:02x}" if "\udc80" <= char <= "\udcff" else ascii(char)[1:-1]
