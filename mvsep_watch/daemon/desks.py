"""The desks of the daemon, who takes which step's outcome, and who hears which news."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from mvsep_watch.daemon.annotating import Annotating
from mvsep_watch.daemon.budget import Budget
from mvsep_watch.daemon.candidates import Candidates
from mvsep_watch.daemon.commands import Commands
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.counting import Counting
from mvsep_watch.daemon.deleting import Deleting
from mvsep_watch.daemon.disposing import Disposing
from mvsep_watch.daemon.fetches import Fetches
from mvsep_watch.daemon.finishing import Finishing
from mvsep_watch.daemon.ground import Ground
from mvsep_watch.daemon.history import History
from mvsep_watch.daemon.hours import Hours
from mvsep_watch.daemon.identifying import Identifying
from mvsep_watch.daemon.intake import Intake
from mvsep_watch.daemon.intents import Intents
from mvsep_watch.daemon.looking import Looking
from mvsep_watch.daemon.measuring import Measuring
from mvsep_watch.daemon.moving import Moving
from mvsep_watch.daemon.outputs import Outputs
from mvsep_watch.daemon.pinging import Pinging
from mvsep_watch.daemon.polling import Polling
from mvsep_watch.daemon.queueing import Queueing
from mvsep_watch.daemon.reloading import Reloading
from mvsep_watch.daemon.roots import Roots
from mvsep_watch.daemon.scans import Scans
from mvsep_watch.daemon.sending import Sending
from mvsep_watch.daemon.service import Service
from mvsep_watch.daemon.sight import Sight
from mvsep_watch.daemon.sightings import Sightings
from mvsep_watch.daemon.spooling import Spooling
from mvsep_watch.daemon.starting import Starting
from mvsep_watch.daemon.telling import Telling
from mvsep_watch.daemon.tidying import Tidying
from mvsep_watch.daemon.unknowns import Unknowns
from mvsep_watch.model import Created
from mvsep_watch.mvsep import Client
from mvsep_watch.steps import annotate, asking, fetch, looking, publish, reading, scanning, submit
from mvsep_watch.steps.base import Step
from mvsep_watch.steps.configuring import ReadConfiguration
from mvsep_watch.steps.standing import AwayError
from mvsep_watch.steps.telling import SendPing, Tell, WriteNumbers
from mvsep_watch.steps.tidying import Sweep, Tidy
from mvsep_watch.store import SeparationRow

Taker = Callable[[Any, Any, Exception | None], None]
"""(step, result, error) → dealt with."""


class Desk(Protocol):
    """Deals with one part of the way."""

    def work(self) -> None:
        """Hand out what is due."""
        ...


class Desks:
    """All desks; it is their `News` as well."""

    def __init__(self, context: Context, client: Client) -> None:
        self._context = context
        budget = Budget(context)
        self.hours = Hours(context)
        self.reloading = Reloading(context)
        self.ground = Ground(context)
        self.looking = Looking(context)
        counting = Counting(context)
        self.scans = Scans(context, self.ground, counting)
        self.candidates = Candidates(context, counting)
        self.identifying = Identifying(
            context,
            self.candidates,
            queueing=Queueing(context, self.ground),
            ground=self.ground,
            looking=self.looking,
            counting=counting,
        )
        self.intake = Intake(
            context,
            candidates=self.candidates,
            identifying=self.identifying,
            looking=self.looking,
            scans=self.scans,
            counting=counting,
        )
        self.commands = Commands(context, self.candidates, self.looking)
        self.disposing = Disposing(context, self.ground, self)
        self.sight = Sight(context, scans=self.scans, candidates=self.candidates, disposing=self.disposing)
        roots = Roots(context)
        self.service = Service(context, self)
        self.outputs = Outputs(context, roots, self.looking, self)
        self.intents = Intents(context, budget, self.ground, self)
        self.starting = Starting(context, budget, self.intents, self.ground, is_counting=counting.has)
        self.sending = Sending(context, self)
        self.sightings = Sightings(context, self)
        self.polling = Polling(context, self.sightings, self)
        self.unknowns = Unknowns(context, self.polling, self)
        self.history = History(
            context,
            sightings=self.sightings,
            unknowns=self.unknowns,
            polling=self.polling,
            intents=self.intents,
            news=self,
        )
        fetches = Fetches(context, self.polling)
        self.spooling = Spooling(context, fetches)
        self.finishing = Finishing(context, fetches, self.spooling, roots, looking=self.looking, news=self)
        self.deleting = Deleting(context, self.polling)
        self.annotating = Annotating(context, self.scans, self.ground)
        self.moving = Moving(context, client)
        self.telling = Telling(context, self.scans, self.identifying)
        self.tidying = Tidying(context)
        self.pinging = Pinging(context, scans=self.scans, service=self.service, sight=self.sight)
        self.measuring = Measuring(context, client=client, scans=self.scans, service=self.service, sight=self.sight)
        self._takers = self._make_takers()

    def in_turn(self) -> tuple[Desk, ...]:
        """Give the desks that hand out steps, in the order in which they do."""
        return (
            self.reloading,
            self.sight,
            self.scans,
            self.intake,
            self.identifying,
            self.looking,
            self.service,
            self.outputs,
            self.finishing,
            self.spooling,
            self.disposing,
            self.starting,
            self.polling,
            self.history,
            self.deleting,
            self.annotating,
            self.moving,
            self.tidying,
            *self.telling_others(),
        )

    def telling_others(self) -> tuple[Desk, ...]:
        """Give the desks that tell others how it is, which work even where nothing else may be begun."""
        return (self.telling, self.pinging, self.measuring)

    def take(self, step: Step, result: Any, error: Exception | None) -> None:
        """Take an outcome to the desk that handed the step out."""
        take: Taker = self._takers.get(type(step), self._log_outcome)
        take(step, result, error)

    def _make_takers(self) -> dict[type, Taker]:
        """Say who takes which step's outcome."""
        takers: dict[type, Taker] = {
            reading.LookAt: self.intake.looked,
            reading.Identify: self.identifying.identified,
            scanning.Scan: self.scans.ended,
            looking.LookThere: self.looking.looked,
            ReadConfiguration: self.reloading.read,
            submit.Submit: lambda step, sent, error: self.sending.sent(step, sent or submit.Sent.lost(error)),
            asking.Poll: self.polling.polled,
            asking.PollLink: self.polling.link_polled,
            asking.ReadHistory: lambda _, read, error: self.history.read(read, error),
            asking.Compare: self.unknowns.compared,
            asking.DeleteRemote: lambda step, _, error: self.deleting.deleted(step, error),
            asking.CancelRemote: lambda step, _, error: self.polling.cancelled(step, error),
            asking.ReadAccount: lambda _, result, error: self.service.account_read(result, error),
            asking.ReadCatalogue: lambda _, known, error: self.service.catalogue_read(known, error),
            fetch.Fetch: self.finishing.fetched,
            fetch.Spool: self.finishing.spooled,
            fetch.LookAtSpool: lambda _, found, error: self.spooling.looked(found, error),
            fetch.Unspool: lambda step, _, error: self.spooling.let_gone(step, error),
            publish.Publish: self.finishing.published,
            publish.Dispose: lambda step, _, error: self.disposing.disposed(step, error),
            publish.Recover: self.disposing.recovered,
            publish.ClearCopies: lambda _, over, __: self.disposing.cleared(over),
            Tidy: self.tidying.done,
            Sweep: self.tidying.swept,
            publish.CheckRoot: self.outputs.checked,
            annotate.Annotate: self.annotating.noted,
            annotate.LookForSources: lambda _, gone, __: self.annotating.looked(gone),
            Tell: lambda step, _, error: self.telling.told(step, error),
            WriteNumbers: lambda _, __, error: self.measuring.written(error),
            SendPing: lambda step, _, error: self.pinging.sent(step, error),
        }
        return takers

    def _log_outcome(self, step: Step, _: Any, error: Exception | None) -> None:
        if error is not None:
            self._context.log.warning("step_failed", step=str(step.key), reason=str(error))

    # News

    def submitted(self, row: SeparationRow, created: Created) -> None:
        self.sending.submitted(row, created)

    def queue_is_empty(self) -> None:
        self.unknowns.give_slots_back()

    def about_to_end(self) -> None:
        self.history.look_soon()

    def outcome_unknown(self, row: SeparationRow) -> None:
        self.unknowns.begin(row)
        self.history.look_soon()

    def hash_learned(self, row: SeparationRow) -> None:
        self.service.separation_taken()
        self.unknowns.answered(row)
        self.sightings.begin(row)
        self.history.look_soon()

    def unknown_held(self) -> None:
        self.service.unknown_held()

    def listed_unfinished(self, row: SeparationRow) -> None:
        self.unknowns.younger_was_listed(row)

    def separation_ended(self, row: SeparationRow) -> None:
        self.finishing.separation_ended(row)
        self.service.separation_ended()
        self.history.settle_soon()

    def source_changed(self, path: str) -> None:
        store, config = self._context.store, self._context.config
        store.sources.forget_bytes(path)
        watched = [folder.name for folder in config.folders if Path(path).is_relative_to(folder.path)][:1]
        source = store.sources.at(path)
        jobs = store.jobs.of_source(source.id) if source else []
        one_offs = {job.folder for job in jobs if job.state.is_live and job.folder in config.one_offs}
        for name in (*watched, *one_offs):
            self.candidates.look_again(path, name)

    def folder_away(self, error: AwayError) -> None:
        for folder in self._context.config.folders:
            if folder.path == error.folder:
                self.ground.failed(folder, error.trouble)

    def slots_refused(self, reason: str) -> None:
        self.intents.look_first()
        self.service.slots_refused(reason)

    def gate_met(self) -> None:
        self.service.gate_met()

    def intent_fell_through(self, row: SeparationRow, reason: str) -> None:
        self.intents.give_up(row, reason)

    def work_refused(self) -> None:
        self.service.doubt_catalogue()

    def service_trouble(self, error: Exception) -> None:
        self.service.trouble(error)

    def history_read(self, begun_s: float) -> None:
        self.intents.history_was_read(begun_s)
        self.service.has("history")

    def history_unreadable(self, error: Exception) -> None:
        self.service.lacks("history", error)
