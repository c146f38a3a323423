"""Durations, sizes and rates as people write them. Pure: text in, seconds, bytes, or bytes a second out.

A bare number is a duration in seconds; a size always says its unit, since "100" could mean bytes or megabytes.
"""

from __future__ import annotations

import re

DURATION_PATTERN = r"^\d+(\.\d+)?(s|m|h|d)$"
SIZE_PATTERN = r"^\d+(\.\d+)? ?([kKMGT]i?)?B$"
RATE_PATTERN = r"^\d+(\.\d+)? ?([kKMGT]i?)?B/s$"
DURATION_WORDS = "a duration such as 90, 0.5s, 10m, 72h or 1d"
SIZE_WORDS = "a size such as 500MB or 2GiB"
RATE_WORDS = "a rate such as 2MB/s or 500KiB/s, at least 1kB/s"

LONGEST_S = 10 * 365 * 86400.0
"""Ten years: longer is a slip of the pen, and the timers of the standard library end somewhere above it."""
LARGEST_BYTES = 2**63 - 1
SLOWEST_BYTES_PER_S = 1000
"""Below it a large file takes months, and servers hang up."""

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def duration_s(value: object) -> float:
    """Read a duration: a number of seconds, or text with the unit s, m, h or d.

    Raises:
        ValueError: It is neither, or longer than ten years.
    """
    seconds = _seconds(value)
    if not 0 <= seconds <= LONGEST_S:
        raise ValueError("from 0 to ten years")
    return seconds


def size_bytes(value: object) -> int:
    """Read a size: text with the unit B, kB, MB, GB, TB, KiB, MiB, GiB or TiB.

    Raises:
        ValueError: It is no such text.
    """
    if not isinstance(value, str) or not re.fullmatch(SIZE_PATTERN, value, re.ASCII):
        raise ValueError(SIZE_WORDS)
    number, unit = _split(value.removesuffix("B"))
    size = float(number) * _BYTES[unit.strip().lower()]
    if size > LARGEST_BYTES:
        raise ValueError(SIZE_WORDS)
    return int(size)


def rate_bytes_per_s(value: object) -> int:
    """Read a rate: a size, and "/s".

    Raises:
        ValueError: It is no such text, or less than 1kB/s.
    """
    try:
        rate = size_bytes(value.removesuffix("/s")) if isinstance(value, str) and value.endswith("/s") else 0
    except ValueError:
        rate = 0
    if rate < SLOWEST_BYTES_PER_S:
        raise ValueError(RATE_WORDS)
    return rate


def duration_text(seconds: float) -> str:
    """Write a duration as it is read: in minutes where they come out even, else in seconds."""
    is_even = seconds > _SECONDS["m"] and seconds % _SECONDS["m"] == 0
    return f"{seconds / _SECONDS['m']:g}m" if is_even else f"{seconds:g}s"


def size_text(size: int) -> str:
    """Write a size as it is read, in the largest decimal unit in which it comes out even."""
    unit = next(unit for unit in ("TB", "GB", "MB", "kB", "B") if size % _BYTES[unit[:-1].lower()] == 0)
    return f"{size // _BYTES[unit[:-1].lower()]}{unit}"


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str) or not re.fullmatch(DURATION_PATTERN, value, re.ASCII):
        raise ValueError(DURATION_WORDS)
    number, unit = _split(value)
    return float(number) * _SECONDS[unit]


def _split(value: str) -> tuple[str, str]:
    number = value.rstrip("bBsmhdkKMGTi ")
    return number, value[len(number) :]
