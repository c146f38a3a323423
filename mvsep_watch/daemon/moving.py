"""How far uploads are, and how fast bytes go, written down while they do: for whoever looks from outside.

Only the hands know it, and a look at the state file shall tell it as well. The surprise: nothing is ever crossed out.
What was written down is believed for a few seconds only, so that a daemon in which nothing moves writes nothing.
"""

from __future__ import annotations

import contextlib

from mvsep_watch.daemon import told
from mvsep_watch.daemon.context import Context
from mvsep_watch.mvsep import Client
from mvsep_watch.steps.fetch import Fetch
from mvsep_watch.steps.submit import Submit
from mvsep_watch.store import StateFullError

EVERY_S = 5.0
"""Each time costs a small commit; the bytes themselves cost more."""


class Moving:
    """The desk that writes it down."""

    def __init__(self, context: Context, client: Client) -> None:
        self._context = context
        self._client = client
        self._looked_s = float("-inf")
        self._sent: dict[int, int] = {}
        self._fetching: frozenset[int] = frozenset()
        self._down_bytes = self._began_bytes = 0

    def work(self) -> None:
        """Write it down every few seconds, if anything moves; a command that works by itself shows it anyway."""
        now_s = self._context.clock.monotonic()
        since_s = now_s - self._looked_s
        if self._context.only or since_s < EVERY_S:
            return
        steps = self._context.hands.in_flight()
        sent = {step.separation_id: step.meter.sent_bytes for step in steps if isinstance(step, Submit)}
        fetching = frozenset(step.job_id for step in steps if isinstance(step, Fetch))
        uploads = {key: (size, (size - self._sent.get(key, size)) / since_s) for key, size in sent.items() if size}
        down_bytes = self._client.download_rate.moved_bytes
        down_per_s = (down_bytes - self._down_bytes) / since_s
        if fetching != self._fetching:
            self._fetching, self._began_bytes, down_per_s = fetching, self._down_bytes, 0.0
        self._looked_s, self._sent, self._down_bytes = now_s, sent, down_bytes
        if uploads or fetching:
            fetched = (down_bytes - self._began_bytes, down_per_s)
            moves = told.Moves(uploads=uploads, fetching=fetching, fetched=fetched)
            with contextlib.suppress(StateFullError):  # it is only shown
                told.tell_moves(self._context.store.memory, moves, now=self._context.clock.now())
