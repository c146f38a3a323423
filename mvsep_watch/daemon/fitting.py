"""What the rules of queued jobs mean, and whether the service and the account offer that.

A job whose rule means nothing on offer is held; it is queued again once the catalogue, the rules or the plan say more.
"""

from __future__ import annotations

from dataclasses import dataclass

from mvsep_watch.daemon.context import Context
from mvsep_watch.errors import MvsepWatchError, RequestRefusedError
from mvsep_watch.model import HoldKind, JobState, Rule, Settings, Work, kind_of
from mvsep_watch.planner import asked_of
from mvsep_watch.store import JobRow, SourceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A queued job with what its rule means now."""

    job: JobRow
    source: SourceRow
    rule: Rule
    work: Work

    @property
    def is_taken_otherwise(self) -> bool:
        """True where the rule, of which no more was confirmed, takes another kind of input than the job has."""
        return self.job.attempt_wanted is None and self.rule.input != kind_of(self.job.input_key)


class Fitting:
    """Knows what rules mean now, and frees what fits again."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._judged_by: tuple[object, ...] = ()
        self._unfit: set[tuple[str, str, str]] = set()

    def plan(self, job: JobRow) -> Planned | MvsepWatchError:
        """Say what a queued job's rule means now, or why it means nothing."""
        store = self._context.store
        rule = self._context.config.rule(job.folder, job.rule)
        if rule is None:
            return MvsepWatchError(
                f"the configuration has no rule {job.rule} in a folder {job.folder} any more",
                hint="bring it back, or `cancel` the job",
            )
        pinned = self._pinned(job, rule)
        try:
            settings = Settings.from_canonical(pinned) if pinned else self._context.settings_of(rule)
        except MvsepWatchError as error:
            return error
        work = Work(realm=job.realm, input_key=job.input_key, settings=settings)
        return Planned(job=job, source=store.sources.get(job.source_id), rule=rule, work=work)

    def _pinned(self, job: JobRow, rule: Rule) -> str | None:
        """Give settings that are fixed: those a person confirmed, or those the same asking meant before."""
        if job.attempt_wanted is not None:
            return job.settings
        asked, jobs = asked_of(rule), self._context.store.jobs
        if asked != job.asked:
            jobs.set(job.id, asked=asked, settings=None)
        return jobs.settings_planned_before(realm=job.realm, input_key=job.input_key, asked=asked)

    def hold(self, job: JobRow, reason: str, hint: str) -> None:
        """Hold a job whose rule means nothing that the service offers: nothing is sent that would be refused."""
        now = self._context.clock.now()
        self._context.store.jobs.hold(job, HoldKind.MISFIT, now=now, reason=reason, hint=hint)
        self._context.warn(job, "job_held", reason=reason, hint=hint)

    @property
    def is_old(self) -> bool:
        """True once the catalogue, the rules or the account's plan have changed since what fits was found out."""
        return self._judged_by != self._grounds

    @property
    def _grounds(self) -> tuple[object, ...]:
        context, account = self._context, self._context.account
        return (context.catalogue, context.config, account is not None and account.has_premium)

    def free(self) -> None:
        """Find out anew what fits, and queue again what does."""
        context, self._judged_by = self._context, self._grounds
        self._tell_unfit()
        for job in context.store.jobs.held(HoldKind.MISFIT):
            with context.guarding(job):
                planned = self.plan(job)
                if isinstance(planned, Planned) and self._is_to_be_tried(planned):
                    context.store.jobs.move(job, JobState.QUEUED, now=context.clock.now(), reason="its rule fits again")

    def _tell_unfit(self) -> None:
        """Tell the log of rules that mean nothing on offer, each once: it may be long until a file is held for it."""
        before, self._unfit = self._unfit, set()
        for folder in self._context.config.folders:
            for rule in folder.rules:
                try:
                    self._context.settings_of(rule)
                except RequestRefusedError as error:
                    told = (folder.name, rule.name, error.message)
                    self._unfit.add(told)
                    if told not in before:
                        self._context.log.warning(
                            "rule_unfit", folder=folder.name, rule=rule.name, reason=error.message, hint=error.hint
                        )

    def _is_to_be_tried(self, planned: Planned) -> bool:
        return planned.is_taken_otherwise or self._context.misfit(planned.work) is None
