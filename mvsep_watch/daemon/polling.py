"""Separations that are with the server: asked for until they end, cancelled when nobody needs them any more.

Nothing is called failed or lost before the history was asked for another row with the tag. The surprise: `failed` is
believed when it is said twice in a row, and `not_found` only after repeats over minutes, since a mirror can lag behind
the one that made the separation.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

from mvsep_watch import retry
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.expecting import Expecting
from mvsep_watch.daemon.news import News
from mvsep_watch.daemon.sightings import Sightings, with_tag
from mvsep_watch.model import MVSEP_REALM, HoldKind, JobState, Remote, RemoteLink, SeparationState
from mvsep_watch.options import predict_stems
from mvsep_watch.steps.asking import CancelRemote, HistoryRead, Poll, PollLink
from mvsep_watch.steps.base import Pool
from mvsep_watch.steps.receiving import labels_of
from mvsep_watch.store import SeparationRow

KEPT_BY_SERVER_S = 72 * 3600.0
"""How long the service keeps results. Source: recorded `time_left` values, 2024."""
NOT_FOUND_TIMES = 4
NOT_FOUND_OVER_S = 180.0
"""`not_found` is believed after so many answers over so long."""

LISTED_FOR_S = 300.0
"""How long a list of results is downloaded from without asking again. A link that has died meanwhile asks again."""


@dataclass(slots=True, kw_only=True)
class Ending:
    """A separation that is about to be called failed or lost, until the history has been asked for another row.

    Args:
        is_unasked: The server itself has not said that it ended; only the time is up.
    """

    state: SeparationState
    reason: str
    since_s: float
    is_unasked: bool = False


class Polling:
    """The desk that follows separations with the server."""

    def __init__(self, context: Context, sightings: Sightings, news: News) -> None:
        self._context = context
        self._sightings = sightings
        self._news = news
        self._expecting = Expecting(context)
        self._endings: dict[int, Ending] = {}
        self._not_found: dict[int, tuple[int, float]] = {}
        self._gone_hashes: dict[int, set[str]] = {}
        self._listed: dict[int, tuple[float, Remote]] = {}

    @property
    def ending(self) -> tuple[int, ...]:
        """The separations that wait for the history before they are called ended."""
        return tuple(self._endings)

    def next_due_s(self) -> float:
        """Give seconds until the next separation is to be asked for; infinite where none is."""
        now = self._context.clock.now()
        due = self._context.store.separations.next_due(after=now)
        return float("inf") if due is None else due - now

    def work(self) -> None:
        """Ask for what is due, the longest due first, as far as there are hands: nothing lies in a queue."""
        if self._context.account is None or self._context.stopping:
            return
        now = self._context.clock.now()
        for row in self._context.store.separations.in_state(SeparationState.SUBMITTED, due=now):
            if row.id in self._endings or row.hash is None:
                continue
            if not self._context.hands.free(Pool.ASKING):
                break
            with self._context.surviving(then=functools.partial(self.met_bug, row), separation=row.id):
                self._ask(row, row.hash)

    def _ask(self, row: SeparationRow, hash_: str) -> None:
        """Ask what is to be asked about one separation."""
        if elsewhere := self._context.elsewhere(row):
            self._hold_elsewhere(row, elsewhere)
        elif row.is_being_linked:  # what a person cancels is cancelled once it can be
            self._context.hands.give(PollLink(separation_id=row.id, hash=hash_, base_url=self.host_of(row)))
        elif row.cancel_wanted and self._is_shared(row):
            self.end(row, SeparationState.CANCELLED, "cancelled by a person; what the service has serves another")
        elif row.cancel_wanted:
            self._context.hands.give(CancelRemote(separation_id=row.id, hash=hash_, base_url=self.host_of(row)))
        elif not self._is_early(row):
            self._context.hands.give(Poll(separation_id=row.id, hash=hash_, base_url=self.host_of(row)))

    def met_bug(self, row: SeparationRow, error: Exception) -> None:
        """Hold the jobs of a separation that ran into a bug, and ask for it much later."""
        not_before = self._context.clock.now() + retry.LONGEST_DELAY_S
        self._context.store.separations.set(row.id, not_before=not_before)
        self._hold(row, error)

    def _hold(self, row: SeparationRow, error: Exception) -> None:
        """Hold jobs that wait for an answer; the separation is asked for on, and an answer lets them go on."""
        for job in self._context.store.jobs.of_separation(row.id):
            if job.state == JobState.SUBMITTED:
                self._context.hold_for(error, job)

    def _is_shared(self, row: SeparationRow) -> bool:
        """Say whether the service has one separation for this one and another that is still needed."""
        store = self._context.store
        others = [other for other in store.separations.of_hash(row.hash or "") if other.id != row.id]
        return any(other.account == row.account and store.jobs.of_separation(other.id) for other in others)

    def _is_early(self, row: SeparationRow) -> bool:
        """Put off the first poll of what cannot be done yet, as long as its like took; say whether it was."""
        delay_s = 0.0 if row.polls else self._expecting.first_delay_s(row)
        if delay_s:
            self._context.store.separations.set(row.id, polls=1, not_before=self._context.clock.now() + delay_s)
        return bool(delay_s)

    def host_of(self, row: SeparationRow) -> str:
        """Give the host to ask about a separation: the recorded one, or in a sandbox the configured one."""
        return row.host if row.realm == MVSEP_REALM else self._context.host

    def _hold_elsewhere(self, row: SeparationRow, reason: str) -> None:
        store, now = self._context.store, self._context.clock.now()
        if self._is_out_of_time(row):
            self.end(row, SeparationState.LOST, f"{reason}, and 72 hours have passed")
            return
        with store.transaction():
            store.separations.set(row.id, not_before=now + retry.PROBE_S)
            self._context.hold_elsewhere(row, reason, resume=JobState.SUBMITTED)

    def polled(self, step: Poll, answer: tuple[Remote, float] | None, error: Exception | None) -> None:
        """Take what the server says of a separation."""
        row = self._context.store.separations.get(step.separation_id)
        if row.state != SeparationState.SUBMITTED or row.hash != step.hash:
            return
        if answer is None:
            self._poll_failed(row, error)
            return
        remote, begun_s = answer
        self._context.store.separations.was_asked(row.id)
        self._sightings.polled(row, remote, begun_s)
        if remote.status != "not_found":
            self._not_found.pop(row.id, None)
        if remote.is_done and not self._may_grow(row, remote):
            self._done(row, remote)
        elif _is_said_again(row, remote, "failed"):
            self._about_to_end(row, SeparationState.FAILED, remote.message or "the service says failed")
        elif remote.status == "not_found":
            self._was_not_found(row, remote)
        else:
            self._goes_on(row, remote)

    def link_polled(self, step: PollLink, link: RemoteLink | None, error: Exception | None) -> None:
        """Take what the service says of a link: once it has fetched it, the separation has a hash of its own."""
        row = self._context.store.separations.get(step.separation_id)
        if row.state != SeparationState.SUBMITTED or row.hash != step.hash:
            return
        if link is None:
            self._poll_failed(row, error)
            return
        self._context.store.separations.was_asked(row.id)
        remote = Remote(
            hash=step.hash,
            status=link.status,
            message=link.message,
            queue_count=link.queue_count,
            current_order=link.current_order,
        )
        if remote.status != "not_found":
            self._not_found.pop(row.id, None)
        if link.hash:
            self._context.log.info("link_fetched", separation=row.id, link_hash=row.link_hash, hash=link.hash)
            self._context.store.separations.set(row.id, hash=link.hash, polls=0, failures=0, not_before=0.0)
        elif _is_said_again(row, remote, "failed"):
            self._about_to_end(row, SeparationState.FAILED, remote.message or "the service could not fetch the link")
        elif remote.status == "not_found":
            self._was_not_found(row, remote)
        else:
            self._goes_on(row, remote)

    def _poll_failed(self, row: SeparationRow, error: Exception | None) -> None:
        if error is None:
            return
        self._news.service_trouble(error)
        if self._is_out_of_time(row):
            reason = f"it could not be asked for in 72 hours: {error}"
            self._about_to_end(row, SeparationState.LOST, reason, is_unasked=True)
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
        if isinstance(consequence, retry.Hold | retry.GiveUp):
            self._hold(row, error)
        else:
            self._resume_held(row)

    def _is_out_of_time(self, row: SeparationRow) -> bool:
        """Say whether the server keeps a separation's results no longer."""
        return self._context.age_s(row.submitted_at or row.intended_at) > KEPT_BY_SERVER_S

    def _goes_on(self, row: SeparationRow, remote: Remote) -> None:
        polls = row.polls
        if remote.status in {"done", "failed"} and not _is_said_again(row, remote, remote.status):
            polls = (
                0  # its files are listed in a moment, and not after as long as the wait has grown to; or it is no end
            )
        delay_s = self._expecting.delay_s(row, remote, polls=polls)
        self._context.store.separations.set(
            row.id,
            polls=polls + 1,
            failures=0,
            not_before=self._context.clock.now() + delay_s,
            server_says=_said(remote),
            algorithm=remote.algorithm or row.algorithm,
        )
        self._resume_held(row)

    def _resume_held(self, row: SeparationRow) -> None:
        """Let jobs go on that were held because the separation was out of reach, or could not be asked for."""
        store = self._context.store
        for job in store.jobs.of_separation(row.id):
            waited_for_this = job.hold == HoldKind.TROUBLE and job.resume == JobState.SUBMITTED
            if job.hold == HoldKind.ELSEWHERE or waited_for_this:
                store.jobs.move(job, JobState.SUBMITTED, now=self._context.clock.now())

    def _done(self, row: SeparationRow, remote: Remote) -> None:
        store, now = self._context.store, self._context.clock.now()
        with store.transaction():
            store.separations.move(
                row, SeparationState.DONE, now=now, server_says=_said(remote), algorithm=remote.algorithm
            )
            for job in store.jobs.of_separation(row.id):
                store.jobs.move(job, JobState.SEPARATED, now=now)
        self._keep_list(row, remote)
        self._context.log.debug("separation_done", separation=row.id, hash=row.hash)
        self._expecting.ended(row)
        self._finished(row)

    def _may_grow(self, row: SeparationRow, remote: Remote) -> bool:
        """Say whether more may be listed yet: results, or what they are called; until as many are listed again."""
        settings, listed = row.work.settings, len(labels_of(remote))
        algorithm = (self._context.catalogue or {}).get(settings.sep_type)
        promised = len(predict_stems(algorithm, dict(settings.options))) if algorithm else 0
        is_short = listed < promised or any(not file.is_labelled for file in remote.files)
        return is_short and listed != row.server_words.get("listed")

    def _keep_list(self, row: SeparationRow, remote: Remote) -> None:
        """Keep the list of results for whoever fetches them now; older lists go."""
        now_s = self._context.clock.monotonic()
        young = {row_id: kept for row_id, kept in self._listed.items() if now_s - kept[0] <= LISTED_FOR_S}
        self._listed = {**young, row.id: (now_s, remote)}

    def listed(self, row: SeparationRow) -> Remote | None:
        """Give the results that the service listed for a separation just now, or None where it is to be asked."""
        listed_s, remote = self._listed.get(row.id, (float("-inf"), None))
        return remote if self._context.clock.monotonic() - listed_s <= LISTED_FOR_S else None

    def _was_not_found(self, row: SeparationRow, remote: Remote) -> None:
        now_s = self._context.clock.monotonic()
        times, since_s = self._not_found.get(row.id, (0, now_s))
        self._not_found[row.id] = (times + 1, since_s)
        if times + 1 >= NOT_FOUND_TIMES and now_s - since_s >= NOT_FOUND_OVER_S:
            self._about_to_end(row, SeparationState.LOST, f"the service knows it no longer: {remote.message}")
        else:
            self._goes_on(row, remote)

    def _about_to_end(
        self, row: SeparationRow, state: SeparationState, reason: str, *, is_unasked: bool = False
    ) -> None:
        """Ask the history for another row with the tag before anything is called ended."""
        since_s = self._context.clock.monotonic()
        self._endings[row.id] = Ending(state=state, reason=reason, since_s=since_s, is_unasked=is_unasked)
        self._gone_hashes.setdefault(row.id, set()).add(row.hash or "")
        self._news.about_to_end()

    def end(self, row: SeparationRow, state: SeparationState, reason: str) -> None:
        """Record that a separation ended without results."""
        self._context.log.warning("separation_ended", separation=row.id, state=str(state), reason=reason)
        with self._context.store.transaction():
            self._context.store.separations.move(row, state, now=self._context.clock.now(), reason=reason)
            self._finished(row)

    def _finished(self, row: SeparationRow) -> None:
        self._sightings.forget(row.id)
        self._expecting.forget(row.id)
        self._not_found.pop(row.id, None)
        self._news.separation_ended(self._context.store.separations.get(row.id))

    def cancelled(self, step: CancelRemote, error: Exception | None) -> None:
        """Take the server's word on a cancellation; if it refuses, the separation goes on and its result is kept."""
        store = self._context.store
        row = store.separations.get(step.separation_id)
        if row.state != SeparationState.SUBMITTED:
            return
        if error is None:
            self.end(row, SeparationState.CANCELLED, "cancelled by a person")
        elif isinstance(self._context.consequence(error, failures=row.failures), retry.GiveUp):
            self._context.log.info("cancel_refused", separation=row.id, reason=str(error))
            store.separations.set(row.id, cancel_wanted=0)
        else:
            self._poll_failed(row, error)

    def judge_endings(self, read: HistoryRead) -> None:
        """Take up another row with the tag, or call the separation ended."""
        for row_id, ending in list(self._endings.items()):
            if read.begun_s < ending.since_s:
                continue
            del self._endings[row_id]
            row = self._context.store.separations.get(row_id)
            others = [
                found for found in with_tag(read.rows, row.tag) if found.hash not in self._gone_hashes.get(row_id, ())
            ]
            if others:
                self._context.log.warning("another_row_found", separation=row_id, hash=others[-1].hash)
                self._context.store.separations.set(
                    row_id, hash=others[-1].hash, not_before=0.0, polls=0, server_says=""
                )
            elif ending.is_unasked and _is_kept(row, read):
                not_before = self._context.clock.now() + retry.LONGEST_DELAY_S
                self._context.store.separations.set(row_id, not_before=not_before)
            else:
                self.end(row, ending.state, ending.reason)


def _is_kept(row: SeparationRow, read: HistoryRead) -> bool:
    """Say whether the history says that the server still has a separation: then our own clock is wrong."""
    return any(found.hash == row.hash and found.exists and (found.hours_left or 0) > 0 for found in read.rows)


def _is_said_again(row: SeparationRow, remote: Remote, status: str) -> bool:
    """Say whether the server gives a status, and gave it the last time."""
    return remote.status == status == row.server_words.get("status")


def _said(remote: Remote) -> str:
    """Keep what the server said, for `status`."""
    words = {
        "status": remote.status,
        "message": remote.message,
        "queue_count": remote.queue_count,
        "current_order": remote.current_order,
        "finished_chunks": remote.finished_chunks,
        "all_chunks": remote.all_chunks,
        "listed": len(labels_of(remote)) or None,
    }
    return json.dumps({key: value for key, value in words.items() if value not in (None, "")})
