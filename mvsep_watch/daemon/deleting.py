"""Separations that the service is told to delete, for rules with `delete_remote`: once everything of them is here.

Everything: every job on the same work is published, by rules that all say so, one of them with every stem that there
is, and what it was charged is known, because the history says that no more afterwards. Nothing here is ever paid for,
and nothing waits for it.
"""

from __future__ import annotations

from mvsep_watch import retry
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.polling import KEPT_BY_SERVER_S, Polling
from mvsep_watch.model import JobState
from mvsep_watch.pricing import SETTLE_FOR_S
from mvsep_watch.steps.asking import DeleteRemote
from mvsep_watch.steps.fetch import is_every_stem
from mvsep_watch.store import JobRow, SeparationRow


class Deleting:
    """The desk that has results deleted with the service."""

    def __init__(self, context: Context, polling: Polling) -> None:
        self._context = context
        self._polling = polling

    @property
    def has_work(self) -> bool:
        """True while a separation can be deleted at once."""
        return any(self._is_ready(row) for row in self._due())

    def work(self) -> None:
        """Hand out what is due."""
        if self._context.account is None or self._context.stopping:
            return
        for row in self._due():
            if self._is_ready(row):
                self._context.hands.give(
                    DeleteRemote(separation_id=row.id, hash=row.hash or "", base_url=self._polling.host_of(row))
                )
            elif self._is_wanted(row) and not self._is_over(row):
                self._later(row, retry.PROBE_S)
            else:
                self._keep(row)

    def _keep(self, row: SeparationRow) -> None:
        """Leave a separation with the service for as long as that keeps it; a further publication asks again."""
        self._context.store.separations.set(row.id, delete_pending=0)
        if self._is_wanted(row):
            reason = "no job has published every stem of it, and a rule may want the others"
            self._context.log.info("separation_not_deleted", separation=row.id, hash=row.hash, reason=reason)

    def deleted(self, step: DeleteRemote, error: Exception | None) -> None:
        """Take what the service says to it; a refusal is final, since nothing depends on it."""
        row = self._context.store.separations.get(step.separation_id)
        consequence = self._context.consequence(error, failures=row.failures) if error else None
        if isinstance(consequence, retry.Again | retry.CloseGate):
            self._context.store.separations.set(row.id, failures=row.failures + 1)
            self._later(row, max(retry.PROBE_S, consequence.delay_s))
            return
        self._context.store.separations.set(row.id, delete_pending=0)
        if error is None:
            self._context.store.separations.set(row.id, deleted_at=self._context.clock.now())
            self._context.log.info("separation_deleted", separation=row.id, hash=row.hash)
        else:
            self._context.log.warning("separation_not_deleted", separation=row.id, hash=row.hash, reason=str(error))

    def _due(self) -> list[SeparationRow]:
        return self._context.store.separations.to_delete(self._context.clock.now())

    def _later(self, row: SeparationRow, delay_s: float) -> None:
        self._context.store.separations.set(row.id, not_before=self._context.clock.now() + delay_s)

    def _is_ready(self, row: SeparationRow) -> bool:
        return self._is_wanted(row) and self._is_over(row) and self._is_whole_here(row)

    def _is_over(self, row: SeparationRow) -> bool:
        """Say whether nobody waits for anything of it."""
        is_settled = row.credits_charged is not None or not row.credits_estimated or self._age_s(row) > SETTLE_FOR_S
        is_reachable = not self._context.elsewhere(row)
        return is_settled and is_reachable and not any(job.state.is_live for job in self._jobs(row))

    def _is_whole_here(self, row: SeparationRow) -> bool:
        """Say whether one job has published every stem that was paid for: whoever wants any of them finds it there."""
        listed = tuple(row.server_words.get("stems", ()))
        published = [job for job in self._jobs(row) if job.state == JobState.PUBLISHED]
        return any(is_every_stem(self._context.store.jobs.outputs(job.id), listed) for job in published)

    def _is_wanted(self, row: SeparationRow) -> bool:
        """Say whether every rule that published from it wants it deleted, and the service may still have it."""
        published = [job for job in self._jobs(row) if job.state == JobState.PUBLISHED]
        rules = [self._context.config.rule(job.folder, job.rule) for job in published]
        return self._age_s(row) < KEPT_BY_SERVER_S and all(rule is not None and rule.delete_remote for rule in rules)

    def _jobs(self, row: SeparationRow) -> list[JobRow]:
        """Give every job on the work, or with the same hash: one that has not joined yet may still need the results."""
        store, found = self._context.store, []
        for same in {each.id: each for each in (row, *store.separations.of_hash(row.hash or ""))}.values():
            jobs = store.jobs.on_input(same.input_key)
            found += [job for job in jobs if (job.realm, job.settings) == (same.realm, same.settings)]
        return found

    def _age_s(self, row: SeparationRow) -> float:
        return self._context.age_s(row.ended_at or row.intended_at)
