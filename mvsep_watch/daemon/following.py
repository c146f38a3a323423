"""Separations that are with the server, or may be: polls, looks at the history, and what they mean.

One look at the history serves everybody: what may start, what is unknown, what was just submitted (is it listed, and
how late?), what has ended (what was charged?), and what is about to be called failed or lost (is there another row?).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mvsep_watch import retry
from mvsep_watch.daemon.context import Context
from mvsep_watch.model import Created, HistoryRow, HoldKind, JobState, Remote, SeparationState, tag_in_hash
from mvsep_watch.planner import Absent, Doubtful, LookAgain, Promptness, Search, best_row, verdict
from mvsep_watch.planner.polling import poll_delay_s
from mvsep_watch.steps.asking import CancelOther, CancelRemote, Compare, HistoryRead, Poll, ReadHistory
from mvsep_watch.store import SeparationRow

KEPT_BY_SERVER_S = 72 * 3600.0
"""How long the service keeps results. Source: recorded `time_left` values, 2024."""
NOT_FOUND_TIMES = 4
NOT_FOUND_OVER_S = 180.0
"""`not_found` is believed after so many answers over so long: a mirror can lag behind."""
LOOK_FAILED_AGAIN_S = 5.0
SETTLE_FOR_S = 3600.0
"""How long after its end a separation's charge is looked for; then the estimate stands."""
UNKNOWN_LOOK_LONGEST_S = 60.0


@dataclass(slots=True, kw_only=True)
class Ending:
    """A separation that is about to be called failed or lost, until the history has been asked for another row."""

    state: SeparationState
    reason: str
    since_s: float


@dataclass(slots=True, kw_only=True)
class Sighting:
    """A hash that we look for in the history.

    Args:
        learned_s: When we learned it.
        listed_s: When the history answered with it.
        tells_lag: False where the hash was learned by an earlier process: how late it is listed cannot be told, but
            that it is listed while unfinished still says something about older unknowns.
    """

    learned_s: float
    looks: int = 0
    listed_s: float | None = None
    tells_lag: bool = True


class Following:
    """The desk that follows separations."""

    def __init__(
        self,
        context: Context,
        *,
        submitted: Callable[[SeparationRow, Created], None],
        ended: Callable[[SeparationRow], None],
        start_wants_look: Callable[[], bool],
        history_was_read: Callable[[float], None],
        service_trouble: Callable[[Exception], None],
    ) -> None:
        self._context = context
        self._submitted = submitted
        self._ended = ended
        self._start_wants_look = start_wants_look
        self._history_was_read = history_was_read
        self._service_trouble = service_trouble
        self._searches: dict[int, Search] = {}
        self._sightings: dict[int, Sighting] = {}
        self._endings: dict[int, Ending] = {}
        self._not_found: dict[int, tuple[int, float]] = {}
        self._gone_hashes: dict[int, set[str]] = {}
        self._next_look_s = float("-inf")
        self._look_failures = 0
        self._settle_at_s = float("-inf")

    def resume(self) -> None:
        """At start: every release without an answer is an unknown whose connection died with its process."""
        separations = self._context.store.separations
        for row in separations.in_state(SeparationState.RELEASED):
            self.became_unknown(row)
        if self._searches:
            now_s = self._context.clock.monotonic()
            for row in separations.in_state(SeparationState.SUBMITTED):
                self._sightings[row.id] = Sighting(learned_s=now_s, tells_lag=False)

    def became_unknown(self, row: SeparationRow) -> None:
        """Begin the search: the connection is known to be closed now."""
        self._searches[row.id] = Search(since_s=self._context.clock.monotonic())
        self._next_look_s = float("-inf")

    def learned_hash(self, row: SeparationRow) -> None:
        """Look for a hash that we learn in the history at once."""
        self._searches.pop(row.id, None)
        self._sightings[row.id] = Sighting(learned_s=self._context.clock.monotonic())
        self._next_look_s = float("-inf")

    @property
    def is_searching(self) -> bool:
        """True while the window of an unknown is still running: something may come of it by itself."""
        return bool(self._searches or self._endings)

    @property
    def wants_look(self) -> bool:
        """True while the history is to be asked at once: something has just ended, and its charge is not known."""
        return self._settle_at_s == float("-inf") and bool(self._unsettled())

    def work(self) -> None:
        """Hand out the questions that are due."""
        if self._context.account is None or self._context.stopping:
            return
        self._poll()
        self._look()

    def _poll(self) -> None:
        now = self._context.clock.now()
        for row in self._context.store.separations.in_state(SeparationState.SUBMITTED, due=now):
            if row.id in self._endings or row.hash is None:
                continue
            if elsewhere := self._elsewhere(row):
                self._hold_elsewhere(row, elsewhere)
            elif row.cancel_wanted:
                self._context.hands.give(CancelRemote(separation_id=row.id, hash=row.hash, base_url=self.host_of(row)))
            else:
                self._context.hands.give(Poll(separation_id=row.id, hash=row.hash, base_url=self.host_of(row)))

    def host_of(self, row: SeparationRow) -> str:
        """Give the host to ask about a separation: the recorded one, or in a sandbox the configured one."""
        return row.host if row.realm == "mvsep" else self._context.host

    def _elsewhere(self, row: SeparationRow) -> str:
        context = self._context
        if row.realm != context.realm:
            return f"it is with {row.realm}, and the configuration names {context.realm}"
        if row.account != context.identity:
            return f"it belongs to the account {row.account}, and the token is of {context.identity}"
        if row.realm == "mvsep" and row.host != context.host:
            return f"it is on {row.host}, and the configuration names {context.host}"
        return ""

    def _hold_elsewhere(self, row: SeparationRow, reason: str) -> None:
        store, now = self._context.store, self._context.clock.now()
        if self._is_out_of_time(row):
            self._end(row, SeparationState.LOST, f"{reason}, and 72 hours have passed")
            return
        with store.transaction():
            store.separations.set(row.id, not_before=now + retry.PROBE_S)
            for job in store.jobs.of_separation(row.id):
                if job.state != JobState.HELD:
                    store.jobs.hold(
                        job, HoldKind.ELSEWHERE, now=now, reason=reason, resume=JobState.SUBMITTED,
                        hint="configure that account and host again; it goes on by itself then",
                    )  # fmt: skip

    def polled(self, step: Poll, answer: tuple[Remote, float] | None, error: Exception | None) -> None:
        """Take what the server says of a separation."""
        row = self._context.store.separations.get(step.separation_id)
        if row.state != SeparationState.SUBMITTED or row.hash != step.hash:
            return
        if answer is None:
            self._poll_failed(row, error)
            return
        remote, begun_s = answer
        self._count_sighting(row, remote, begun_s)
        if remote.status != "not_found":
            self._not_found.pop(row.id, None)
        if remote.is_done:
            self._done(row, remote)
        elif remote.status == "failed":
            self._about_to_end(row, SeparationState.FAILED, remote.message or "the service says failed")
        elif remote.status == "not_found":
            self._was_not_found(row, remote)
        else:
            self._goes_on(row, remote)

    def _poll_failed(self, row: SeparationRow, error: Exception | None) -> None:
        if error is None:
            return
        self._service_trouble(error)
        if self._is_out_of_time(row):
            self._about_to_end(row, SeparationState.LOST, f"it could not be asked for in 72 hours: {error}")
            return
        consequence = self._context.consequence(error, failures=row.failures)
        delay_s = getattr(consequence, "delay_s", retry.LONGEST_DELAY_S)
        reason, _ = retry.words(error)
        self._context.store.separations.set(
            row.id,
            failures=row.failures + 1,
            not_before=self._context.clock.now() + delay_s,
            server_says=json.dumps({"status": "", "message": reason}),
        )
        self._resume_held(row)

    def _is_out_of_time(self, row: SeparationRow) -> bool:
        """Say whether the server keeps a separation's results no longer."""
        return self._context.clock.now() - (row.submitted_at or row.intended_at) > KEPT_BY_SERVER_S

    def _goes_on(self, row: SeparationRow, remote: Remote) -> None:
        poll = self._context.config.service.poll
        delay_s = poll_delay_s(row.polls, least_s=poll.min_s, most_s=poll.max_s)
        self._context.store.separations.set(
            row.id,
            polls=row.polls + 1,
            failures=0,
            not_before=self._context.clock.now() + delay_s,
            server_says=_said(remote),
            algorithm=remote.algorithm or row.algorithm,
        )
        self._resume_held(row)

    def _resume_held(self, row: SeparationRow) -> None:
        """Let jobs go on that were held because the separation was out of reach."""
        store = self._context.store
        for job in store.jobs.of_separation(row.id):
            if job.state == JobState.HELD and job.hold == HoldKind.ELSEWHERE:
                store.jobs.move(job, JobState.SUBMITTED, now=self._context.clock.now())

    def _done(self, row: SeparationRow, remote: Remote) -> None:
        store, now = self._context.store, self._context.clock.now()
        with store.transaction():
            store.separations.move(
                row, SeparationState.DONE, now=now, server_says=_said(remote), algorithm=remote.algorithm
            )
            for job in store.jobs.of_separation(row.id):
                store.jobs.move(job, JobState.SEPARATED, now=now)
        self._context.log.info("separation_done", separation=row.id, hash=row.hash)
        self._finished(row)

    def _was_not_found(self, row: SeparationRow, remote: Remote) -> None:
        now_s = self._context.clock.monotonic()
        times, since_s = self._not_found.get(row.id, (0, now_s))
        self._not_found[row.id] = (times + 1, since_s)
        if times + 1 >= NOT_FOUND_TIMES and now_s - since_s >= NOT_FOUND_OVER_S:
            self._about_to_end(row, SeparationState.LOST, f"the service knows it no longer: {remote.message}")
        else:
            self._goes_on(row, remote)

    def _about_to_end(self, row: SeparationRow, state: SeparationState, reason: str) -> None:
        """Ask the history for another row with the tag before anything is called ended."""
        self._endings[row.id] = Ending(state=state, reason=reason, since_s=self._context.clock.monotonic())
        self._gone_hashes.setdefault(row.id, set()).add(row.hash or "")
        self._next_look_s = float("-inf")

    def _finished(self, row: SeparationRow) -> None:
        self._sightings.pop(row.id, None)
        self._not_found.pop(row.id, None)
        self._settle_at_s = self._next_look_s = float("-inf")
        self._ended(self._context.store.separations.get(row.id))

    def cancelled(self, step: CancelRemote, error: Exception | None) -> None:
        """Take the server's word on a cancellation; if it refuses, the separation goes on and its result is kept."""
        store, now = self._context.store, self._context.clock.now()
        row = store.separations.get(step.separation_id)
        if row.state != SeparationState.SUBMITTED:
            return
        if error is None:
            store.separations.move(row, SeparationState.CANCELLED, now=now, reason="cancelled by a person")
            self._finished(row)
        elif isinstance(self._context.consequence(error, failures=row.failures), retry.GiveUp):
            self._context.log.info("cancel_refused", separation=row.id, reason=str(error))
            store.separations.set(row.id, cancel_wanted=0)
        else:
            self._poll_failed(row, error)

    # The history

    def _look(self) -> None:
        now_s = self._context.clock.monotonic()
        wanted = self._start_wants_look() or (self._needs_look(now_s) and now_s >= self._next_look_s)
        if not wanted or (self._look_failures and now_s < self._next_look_s):
            return
        known = self._context.store.memory.history_known_id(self._context.realm, self._context.identity)
        watermarks = [row.watermark for row in self._rows_looked_for()]
        self._context.hands.give(ReadHistory(down_to=min([known, *watermarks]), newest_known=known))

    def _needs_look(self, now_s: float) -> bool:
        if self._searches or self._endings:
            return True
        if any(sighting.listed_s is None for sighting in self._sightings.values()):
            return True
        return now_s >= self._settle_at_s and bool(self._unsettled())

    def _unsettled(self) -> list[SeparationRow]:
        return self._context.store.separations.unsettled(ended_after=self._context.clock.now() - SETTLE_FOR_S)

    def _rows_looked_for(self) -> list[SeparationRow]:
        separations = self._context.store.separations
        ids = {*self._searches, *self._sightings, *self._endings}
        return [separations.get(row_id) for row_id in ids] + self._unsettled()

    def history_read(self, read: HistoryRead | None, error: Exception | None) -> None:
        """Take a complete read of the history."""
        context, now_s = self._context, self._context.clock.monotonic()
        if read is None:
            self._look_failures += 1
            self._next_look_s = now_s + max(LOOK_FAILED_AGAIN_S, retry.backoff_s(self._look_failures))
            if error is not None:
                self._service_trouble(error)
                context.consequence(error, failures=self._look_failures)
            return
        self._look_failures = 0
        with context.store.transaction():
            context.store.memory.history_read(context.realm, context.identity, read.rows, now=context.clock.now())
            self._sight(read)
            self._judge_unknowns(read)
            self._judge_endings(read)
            self._settle(read)
        self._next_look_s = now_s + self._look_interval_s()
        self._history_was_read(read.begun_s)

    def _look_interval_s(self) -> float:
        """Look often within a window, and less and less often at what is held or not listed."""
        interval_s = self._context.config.service.reconcile.interval_s
        longest = max((sighting.looks for sighting in self._sightings.values()), default=0)
        held = max((search.reads for search in self._searches.values()), default=0)
        steps = max(longest, held - 8, 0)
        return min(interval_s * 1.5 ** min(steps, 20), max(UNKNOWN_LOOK_LONGEST_S, interval_s))

    def _sight(self, read: HistoryRead) -> None:
        """Note which of the hashes that we learned are listed, and ask at once whether they are still unfinished."""
        listed = {row.hash for row in read.rows}
        for row_id, sighting in self._sightings.items():
            row = self._context.store.separations.get(row_id)
            if read.begun_s < sighting.learned_s or sighting.listed_s is not None:
                continue
            sighting.looks += 1
            if row.hash in listed:
                sighting.listed_s = read.answered_s
                self._context.store.separations.set(row_id, not_before=0.0)

    def _count_sighting(self, row: SeparationRow, remote: Remote, begun_s: float) -> None:
        """Count a sighting if the server still says unfinished after the history has listed it."""
        sighting = self._sightings.get(row.id)
        if sighting is None or sighting.listed_s is None or begun_s < sighting.listed_s:
            return
        del self._sightings[row.id]
        late, counts = sighting.looks > 1, remote.is_unfinished
        if sighting.tells_lag:
            lag_s = sighting.listed_s - sighting.learned_s
            self._context.store.memory.sighted(row.realm, row.account, row.host, seen=counts, late=late, lag_s=lag_s)
        if counts:
            self._younger_was_listed(row)

    def _younger_was_listed(self, younger: SeparationRow) -> None:
        for row_id, search in self._searches.items():
            row = self._context.store.separations.get(row_id)
            is_same = (row.realm, row.account, row.host) == (younger.realm, younger.account, younger.host)
            if is_same and (younger.released_at or 0) > (row.released_at or 0):
                self._searches[row_id] = replace(search, younger_was_listed=True)

    def _judge_unknowns(self, read: HistoryRead) -> None:
        for row_id, search in list(self._searches.items()):
            row = self._context.store.separations.get(row_id)
            if row.state != SeparationState.RELEASED:
                del self._searches[row_id]
            elif found := _with_tag(read.rows, row.tag):
                self._found(row, found)
            elif read.begun_s >= search.since_s:
                seen = replace(search, reads=search.reads + 1, last_begun_s=read.begun_s)
                self._searches[row_id] = seen
                self._judge(row, seen)

    def _judge(self, row: SeparationRow, search: Search) -> None:
        sightings = self._context.store.memory.sightings(row.realm, row.account, row.host)
        promptness = Promptness(seen=sightings.seen, was_late=sightings.was_late, longest_lag_s=sightings.longest_lag_s)
        window_s = self._context.config.service.reconcile.window_s
        match verdict(search, promptness, window_s=window_s, releases=row.releases):
            case LookAgain():
                pass
            case Absent():
                self._absent(row)
            case Doubtful(reason=reason) if row.cancel_wanted:
                self._end(row, SeparationState.LOST, f"cancelled by a person, its outcome unknown: {reason}")
                return
            case Doubtful(reason=reason):
                self._hold_unknown(row, reason)
        if self._context.clock.now() - (row.released_at or 0.0) > KEPT_BY_SERVER_S:
            self._end(row, SeparationState.LOST, "its outcome was never known, and 72 hours have passed")

    def _found(self, row: SeparationRow, found: Sequence[HistoryRow]) -> None:
        """Adopt what the history lists; several rows are compared first."""
        if len(found) == 1:
            self._adopt(row, found[0])
        else:
            self._context.hands.give(Compare(separation_id=row.id, rows=tuple(found), base_url=self.host_of(row)))

    def _adopt(self, row: SeparationRow, found: HistoryRow) -> None:
        self._searches.pop(row.id, None)
        self._context.log.info("outcome_found", separation=row.id, hash=found.hash)
        self._submitted(row, Created(hash=found.hash))

    def compared(
        self, step: Compare, statuses: Sequence[tuple[HistoryRow, str]] | None, error: Exception | None
    ) -> None:
        """Adopt the best of several rows; of the rest, only what still waits and this state sent is cancelled."""
        row = self._context.store.separations.get(step.separation_id)
        if row.state != SeparationState.RELEASED:
            return
        if not statuses:
            if error is not None:
                self._service_trouble(error)
            return
        best = best_row(statuses)
        self._adopt(row, best)
        for other, status in statuses:
            if other.hash != best.hash:
                self._context.log.warning("second_row_found", separation=row.id, hash=other.hash, status=status)
                if status == "waiting" and row.releases > 1:
                    self._context.hands.give(CancelOther(hash=other.hash, base_url=step.base_url))

    def _absent(self, row: SeparationRow) -> None:
        """Certainly not made: back to `intended`, to be sent once more under the same tag."""
        del self._searches[row.id]
        store, now = self._context.store, self._context.clock.now()
        self._context.log.info("outcome_absent", separation=row.id)
        with store.transaction():
            if row.cancel_wanted:
                store.separations.settle(row, 0, now=now)
                self._end(row, SeparationState.CANCELLED, "cancelled by a person; it was never made")
                return
            store.separations.move(row, SeparationState.INTENDED, now=now, reason="certainly not made", keeps_slot=1)
            for job in store.jobs.of_separation(row.id):
                if job.hold == HoldKind.UNKNOWN:
                    store.jobs.move(job, JobState.QUEUED, now=now)

    def _hold_unknown(self, row: SeparationRow, reason: str) -> None:
        store, now = self._context.store, self._context.clock.now()
        hint = "it is looked for on, and goes on by itself when it is found; `redo` sends it again and may pay twice"
        for job in store.jobs.of_separation(row.id):
            if job.state == JobState.QUEUED:
                store.jobs.hold(
                    job, HoldKind.UNKNOWN, now=now, hint=hint, price=row.credits_estimated,
                    reason=f"it is not known whether the service has it: {reason}", resume=JobState.QUEUED,
                )  # fmt: skip
                self._context.log.warning("job_held", job=job.id, reason=reason, hint=hint)

    def give_slots_back(self) -> None:
        """The current queue was seen empty: held unknowns keep no slot any longer."""
        for row_id, search in self._searches.items():
            row = self._context.store.separations.get(row_id)
            is_held = any(job.hold == HoldKind.UNKNOWN for job in self._context.store.jobs.of_separation(row_id))
            if is_held and row.keeps_slot and search.reads:
                self._context.store.separations.set(row_id, keeps_slot=0)
                self._context.log.info("slot_returned", separation=row_id)

    def _judge_endings(self, read: HistoryRead) -> None:
        for row_id, ending in list(self._endings.items()):
            if read.begun_s < ending.since_s:
                continue
            del self._endings[row_id]
            row = self._context.store.separations.get(row_id)
            others = [
                found for found in _with_tag(read.rows, row.tag) if found.hash not in self._gone_hashes.get(row_id, ())
            ]
            if others:
                self._context.log.warning("another_row_found", separation=row_id, hash=others[-1].hash)
                self._context.store.separations.set(row_id, hash=others[-1].hash, not_before=0.0, polls=0)
            else:
                self._end(row, ending.state, ending.reason)

    def _end(self, row: SeparationRow, state: SeparationState, reason: str) -> None:
        self._searches.pop(row.id, None)
        self._context.log.warning("separation_ended", separation=row.id, state=str(state), reason=reason)
        self._context.store.separations.move(row, state, now=self._context.clock.now(), reason=reason)
        self._finished(row)

    def _settle(self, read: HistoryRead) -> None:
        """Record what the history says was charged for separations that have ended."""
        store, now = self._context.store, self._context.clock.now()
        charges = {row.hash: row.credits for row in read.rows if row.credits is not None}
        for row in self._unsettled():
            charged = charges.get(row.hash or "")
            if charged is not None:
                store.separations.settle(row, charged, now=now)
        self._settle_at_s = self._context.clock.monotonic() + retry.PROBE_S


def _with_tag(rows: Sequence[HistoryRow], tag: str) -> list[HistoryRow]:
    """Give the rows with a tag, the newest first."""
    return [row for row in rows if tag_in_hash(row.hash) == tag]


def _said(remote: Remote) -> str:
    """Keep what the server said, for `status`."""
    words = {
        "status": remote.status,
        "message": remote.message,
        "queue_count": remote.queue_count,
        "current_order": remote.current_order,
        "finished_chunks": remote.finished_chunks,
        "all_chunks": remote.all_chunks,
    }
    return json.dumps({key: value for key, value in words.items() if value not in (None, "")})
