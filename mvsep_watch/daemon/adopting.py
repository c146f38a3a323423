"""Takes over what the history lists under a work's tags and the state does not know: nothing is paid for again."""

from __future__ import annotations

from collections.abc import Sequence

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.fitting import Planned
from mvsep_watch.daemon.intents import Intents
from mvsep_watch.model import HistoryRow, day_in_hash, tag_in_hash
from mvsep_watch.model.work import MAX_ATTEMPTS_LOOKED_FOR
from mvsep_watch.store import SeparationRow


class Adopting:
    """Looks every work up in the history that was read."""

    def __init__(self, context: Context, intents: Intents) -> None:
        self._context = context
        self._intents = intents

    def adopt(self, planned: Planned, known: Sequence[SeparationRow]) -> bool:
        """Take over what the history lists under this work's tags and nobody here knows of; nothing is paid again.

        Every attempt of it: which of them has results is not known before each was asked for.
        """
        work, by_number = planned.work, {row.attempt: row for row in known}
        last = max([MAX_ATTEMPTS_LOOKED_FOR, *(number + 1 for number in by_number)])
        numbers = {work.tag(number): number for number in range(planned.job.attempt_wanted or 1, last + 1)}
        listed = self._context.store.memory.history_with_tags(work.realm, self._context.identity, tuple(numbers))
        oldest = {numbers[tag_in_hash(row.hash) or ""]: row for row in listed}
        taken = [self._take_over(planned, number, row, by_number.get(number)) for number, row in oldest.items()]
        return any(taken)

    def _take_over(self, planned: Planned, number: int, listed: HistoryRow, known: SeparationRow | None) -> bool:
        """Take over one row, unless this attempt's hash is known or is still to be learned."""
        if known is None:
            separation_id = self._adopt_row(planned, number, listed)
        elif known.hash is None and not known.state.is_unfinished:
            separation_id = known.id
            self._intents.was_made(known, listed.hash)
        else:
            return False
        self._context.log.info("separation_adopted", job=planned.job.id, separation=separation_id, hash=listed.hash)
        return True

    def _adopt_row(self, planned: Planned, number: int, row: HistoryRow) -> int:
        context = self._context
        return context.store.separations.adopt(
            planned.work,
            attempt=number,
            hash_=row.hash,
            host=context.host,
            account=context.identity,
            watermark=row.id - 1,
            size_bytes=planned.source.size_bytes,
            duration_s=planned.source.duration_s,
            day=day_in_hash(row.hash) or context.today(),
            now=context.clock.now(),
            began_for=planned.job.id,
        )
