"""How long to wait before a separation is asked for again."""

from __future__ import annotations

GROWTH = 1.3
"""Twelve polls reach a minute from 3 s; the first minute of a separation is asked for eight times."""


def poll_delay_s(polls: int, *, least_s: float, most_s: float) -> float:
    """Give seconds until the next poll: growing, from the least to the most."""
    return float(min(most_s, least_s * GROWTH ** min(polls, 60)))
