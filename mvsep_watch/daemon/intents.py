"""Intents: committed before anything is sent, handed out, and let go by the last word before the last chunk.

`release` asks the planner once more, in the transaction that commits `released`. An intent that never left can be taken
back as if it had never been.
"""

from __future__ import annotations

from mvsep_watch.daemon.budget import Budget
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.ground import Ground
from mvsep_watch.daemon.news import News
from mvsep_watch.daemon.polling import KEPT_BY_SERVER_S
from mvsep_watch.daemon.recognising import being_linked, might_be
from mvsep_watch.daemon.roots import note_of
from mvsep_watch.model import Account, Created, HoldKind, InputKind, JobState, SeparationState, Work, tag_in_hash
from mvsep_watch.naming import escape_path, upload_name
from mvsep_watch.planner import Ask, Start, Wait, required_prompt
from mvsep_watch.planner.reconcile import LAGS_WAITED
from mvsep_watch.steps.base import Denied, Granted, Pool
from mvsep_watch.steps.submit import Submit
from mvsep_watch.store import JobRow, SeparationRow, SourceRow

LOOK_FRESH_S = 60.0
"""How old a look at the history may be when an intent is committed."""
LISTED_WITHIN_S = 30.0
"""How long the history may take to list what was made although its request was refused: as long as the pause then."""


class Intents:
    """The desk of what is about to be sent."""

    def __init__(self, context: Context, budget: Budget, ground: Ground, news: News) -> None:
        self._context = context
        self._budget = budget
        self._ground = ground
        self._news = news
        self._looked_s = float("-inf")
        self._looked_as = ""
        self.wants_look = False
        self.is_blocked = False
        """True where an intent waits for what is not its own matter alone: a gate, a slot."""

    def history_was_read(self, begun_s: float) -> None:
        """Take note of a complete look at the account's history."""
        self._looked_s, self._looked_as = begun_s, self._context.identity
        self.wants_look = False

    def look_first(self) -> None:
        """Have the history read at once: the service refused what it may already have."""
        self._looked_s = float("-inf")

    def has_looked(self, *, since_s: float = float("-inf")) -> bool:
        """Say whether this account's history was read lately; if not, have it read.

        Args:
            since_s: A look that was begun before does not count, and none is asked for before; monotonic.
        """
        now_s = self._context.clock.monotonic()
        is_fresh = now_s - self._looked_s <= LOOK_FRESH_S and self._looked_as == self._context.identity
        counts = self._looked_s >= since_s
        self.wants_look |= not is_fresh or (not counts and now_s >= since_s)
        return is_fresh and counts

    def work(self) -> None:
        """Hand intents out again that are due: after a restart, or after an attempt to send that came to nothing."""
        separations = self._context.store.separations
        self.is_blocked = self.wants_look = False
        for row in separations.in_state(SeparationState.INTENDED, due=self._context.clock.now()):
            if self._context.account is None or not self._context.hands.free(Pool.UPLOADS):
                return
            is_next = self.serves(row) and (row.kind.is_tagged or not self.is_sending_untagged())
            if is_next and not self._context.hands.is_busy_with(("submit", row.id)):
                self._take_up(row)

    def serves(self, row: SeparationRow) -> bool:
        """Say whether an intent may be sent: somebody whom it serves is served."""
        context = self._context
        return not context.only or any(context.serves(job.folder) for job in context.store.jobs.of_separation(row.id))

    def _take_up(self, row: SeparationRow) -> None:
        """Send an intent again if it may still start; a closed gate only makes it wait, and nothing is sent in vain."""
        if elsewhere := self._context.elsewhere(row):
            self._leave(row, elsewhere)
            return
        if row.releases and (not self.has_looked(since_s=self._listed_by_s(row)) or self._is_in_history(row)):
            return
        if row.is_doubted and not self._is_certain(row):
            return
        self._free(row)
        carrier = self._carrier(row)
        if row.cancel_wanted or carrier is None:
            self.give_up(row, "it was cancelled" if row.cancel_wanted else "no source holds these bytes any more")
            return
        if not self._context.knows_root(carrier[0].output_root):
            return
        match self._decide(row, carrier[0]):
            case Start(reserves=reserves):
                if self.has_looked() and not self._is_in_history(row):
                    self._context.hands.give(self._upload(row, carrier, is_free=not reserves))
            case Wait(is_shared=True):
                self.is_blocked = True
            case Wait(reason=reason) | Ask(reason=reason):
                self.give_up(row, reason)

    def _listed_by_s(self, row: SeparationRow) -> float:
        """Say from when on the history would list what was made although it was refused, monotonic."""
        context = self._context
        age_s = context.age_s(row.released_at or 0.0)
        lag_s = context.store.memory.sightings(row.realm, row.account, row.host).longest_lag_s
        listed_within_s = max(LISTED_WITHIN_S, LAGS_WAITED * lag_s)
        return float("-inf") if age_s < 0 else context.clock.monotonic() - age_s + listed_within_s

    def _leave(self, row: SeparationRow, elsewhere: str) -> None:
        """Take back what was intended for another account or host; what it may have there is held, for 72 hours."""
        is_late = self._context.age_s(row.released_at or 0.0) > KEPT_BY_SERVER_S
        if row.releases and row.is_doubted and is_late:  # nobody will ever know: that is lost, and not unpaid
            self._doubt(row, elsewhere)
        elif row.releases == 0 or is_late:
            self.give_up(row, elsewhere)
        else:
            self._context.hold_elsewhere(row, elsewhere, resume=JobState.QUEUED)

    def _free(self, row: SeparationRow) -> None:
        for job in self._context.store.jobs.of_separation(row.id):
            if job.hold == HoldKind.ELSEWHERE:
                self._context.store.jobs.move(job, JobState.QUEUED, now=self._context.clock.now())

    def _is_in_history(self, row: SeparationRow) -> bool:
        """Adopt an intent's own tag from the history: it was made after all.

        What carries no tag and may be one of the history's rows is unknown again.
        """
        store = self._context.store
        if row.releases and not row.kind.is_tagged and might_be(store, row):
            if not being_linked(store, realm=row.realm, account=row.account):  # its own hash will explain a row
                self._doubt(row, "it was refused, and the history lists what may be it")
            return True
        found = store.memory.history_with_tags(row.realm, row.account, (row.tag,))
        if found:
            self.was_made(row, found[0].hash)
        return bool(found)

    def _is_certain(self, row: SeparationRow) -> bool:
        """Say whether what was refused as one too many was not made: the refusal may have been about itself.

        The history says so where it is known to be prompt, else the account's own queue. Where neither can tell, it is
        unknown what became of it. What carries no tag waits until everything in the queue is explained.
        """
        context = self._context
        if not context.account_begun_at > (row.released_at or 0.0):
            return False
        queue = context.account.current_queue if context.account else ()
        if mine := [hash_ for hash_ in queue if tag_in_hash(hash_) == row.tag]:
            self.was_made(row, mine[0])
            return False
        if not row.kind.is_tagged and not context.store.separations.are_known(queue):
            return False
        sightings = context.store.memory.sightings(row.realm, row.account, row.host)
        is_empty = context.account is not None and context.account.queue_is_empty
        is_prompt = row.kind.is_tagged and bool(sightings.seen) and not sightings.was_late
        if is_prompt or is_empty or queue:
            context.store.separations.set(row.id, is_doubted=0)
            return True
        self._doubt(row, "it was refused as one too many, and neither history nor queue tell whether it is that one")
        return False

    def _doubt(self, row: SeparationRow, reason: str) -> None:
        """Take back that something was not made: it is looked for like any other unknown."""
        separations, now = self._context.store.separations, self._context.clock.now()
        separations.move(row, SeparationState.RELEASED, now=now, reason=reason, is_doubted=0)
        self._news.outcome_unknown(separations.get(row.id))

    def was_made(self, row: SeparationRow, hash_: str) -> None:
        """Take note that the history lists a separation that counted as not made, or as lost."""
        self._news.submitted(row, Created(hash=hash_))

    def _carrier(self, row: SeparationRow) -> tuple[JobRow, SourceRow] | None:
        """Give a job whose source still holds the bytes, if there is one; rather of a folder that is not paused."""
        store = self._context.store
        carriers = ((job, store.sources.get(job.source_id)) for job in store.jobs.of_separation(row.id))
        able = [(job, source) for job, source in carriers if source.bytes_key == job.bytes_key]
        return next((pair for pair in able if self._context.serves(pair[0].folder)), able[0] if able else None)

    def _decide(self, row: SeparationRow, carrier: JobRow) -> Start | Wait | Ask:
        return self._budget.decide(
            row.work,
            attempt=row.attempt,
            size_bytes=row.size_bytes,
            duration_s=row.duration_s,
            root=escape_path(carrier.output_root),
            folder=carrier.folder,
            reserved_by=row,
        )

    def intend(self, job: JobRow, source: SourceRow, work: Work, *, attempt: int, reserves: int) -> None:
        """Commit the intent of a new attempt, and hand the upload out."""
        context, store = self._context, self._context.store
        with store.transaction():
            separation_id = store.separations.intend(
                work,
                attempt=attempt,
                upload_name=upload_name(work.tag(attempt), source.path.name),
                host=context.host,
                account=context.identity,
                watermark=store.memory.history_known_id(work.realm, context.identity),
                size_bytes=source.size_bytes,
                duration_s=source.duration_s,
                price=reserves,
                day=context.today(),
                now=context.clock.now(),
                began_for=job.id,
            )
            store.jobs.set(job.id, separation_id=separation_id, reason="", hint="", not_before=0.0)
            step = self._upload(store.separations.get(separation_id), (job, source), is_free=not reserves)
        context.log.debug("separation_intended", job=job.id, separation=separation_id, credits=reserves)
        context.hands.give(step)

    def look_anew(self, source: SourceRow) -> None:
        """Have a source read again: what was identified is not what its rule takes."""
        self._news.source_changed(str(source.path))

    def give_up(self, row: SeparationRow, reason: str) -> None:
        """Take an intent back: its jobs are queued again, and its reservation and slot are free.

        One that was sent before and is certainly not made ends unpaid instead: that it was sent stays written down.
        """
        store, now = self._context.store, self._context.clock.now()
        if row.releases == 0:
            store.separations.remove_intent(row, reason=reason, now=now)
            return
        state = SeparationState.CANCELLED if row.cancel_wanted else SeparationState.FAILED
        with store.transaction():
            store.separations.settle(row, 0, now=now)
            store.separations.move(row, state, now=now, reason=f"{reason}; it was never made", credits_charged=0)
            self._news.separation_ended(store.separations.get(row.id))

    def _upload(self, row: SeparationRow, carrier: tuple[JobRow, SourceRow], *, is_free: bool) -> Submit:
        """Make the step that sends it, under a send number of its own."""
        context, store = self._context, self._context.store
        job, source = carrier
        rule = context.config.rule(job.folder, job.rule)
        return Submit(
            separation_id=row.id,
            send=store.separations.begin_send(row.id),
            path=str(source.path),
            input_key=row.input_key,
            xxh3=source.xxh3 if source.bytes_key == row.input_key else None,
            stat=source.stat,
            settings=row.work.settings,
            upload_name=row.upload_name,
            is_free=is_free,
            root=job.output_root,
            claim=context.claim(),
            note=note_of(context, job.output_root),
            access=context.config.access_at(job.output_root)[0],
            reference=rule.reference if rule else None,
            prompt=self._prompt(row),
            within=self._ground.within(source.path),
        )

    def _prompt(self, row: SeparationRow) -> str:
        """Name the field that a text fills; empty for what is no text."""
        if row.kind != InputKind.TEXT:
            return ""
        settings = row.work.settings
        return required_prompt((self._context.catalogue or {})[settings.sep_type], settings.options)

    def is_sending_untagged(self) -> bool:
        """Say whether something without a tag is on its way: it is to be answered before the next one goes."""
        return any(
            not row.kind.is_tagged and self._context.hands.is_busy_with(("submit", row.id))
            for row in self._context.store.separations.unfinished()
        )

    def release(self, separation_id: int, send: int, account: Account | None) -> Granted | Denied:
        """Give the last word on a separation: commit `released` if everything still says yes."""
        context, store = self._context, self._context.store
        if account is not None:
            context.account = account
        row = store.separations.find(separation_id)
        carrier = self._carrier(row) if row else None
        if row is None or carrier is None:
            return Denied("no job needs it any more")
        if row.cancel_wanted or context.elsewhere(row) or not context.knows_root(carrier[0].output_root):
            return Denied("it was cancelled, or its account, its host or its output folder has changed")
        with store.transaction():
            decision = self._decide(row, carrier[0])
            if not isinstance(decision, Start):
                return Denied(decision.reason)
            if not decision.reserves and account is None:
                return Denied("it would cost nothing now, and the account is asked about that first")
            released = store.separations.release(
                row, send=send, price=decision.reserves, day=context.today(), now=context.clock.now()
            )
            if not released:
                return Denied("another upload of this separation is current")
            return Granted(store.memory.next_generation())
