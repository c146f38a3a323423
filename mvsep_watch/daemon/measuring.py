"""The desk of numbers: gathers them from the store's counts and from what the desks know, for Prometheus.

How many there are depends on the configuration alone: states, gates, outcomes, watched folders; never on files or jobs.
Gathering costs a few indexed questions, and happens only as often as somebody may look. The surprise: what only ever
grows is counted from the start of this process, as Prometheus expects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvsep_watch import __version__
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.scans import Scans
from mvsep_watch.daemon.service import Service
from mvsep_watch.daemon.sight import Sight
from mvsep_watch.model import GateName, JobState, Metrics, SeparationState
from mvsep_watch.mvsep import Client
from mvsep_watch.naming import display
from mvsep_watch.pricing import month_of
from mvsep_watch.retry import PROBE_S, words
from mvsep_watch.steps.telling import WriteNumbers
from mvsep_watch.telling.exposition import Family, by, single, text

if TYPE_CHECKING:
    from mvsep_watch.telling.serving import Serving

GATHERED_EVERY_S = 15.0
WRITTEN_EVERY_S = 60.0
REACHED = (JobState.PUBLISHED, JobState.FAILED, JobState.HELD)
UNFINISHED = (SeparationState.INTENDED, SeparationState.RELEASED, SeparationState.SUBMITTED)
NEVER = float("-inf")


class Measuring:
    """The desk of numbers; it is silent without the section `metrics`."""

    def __init__(self, context: Context, *, client: Client, scans: Scans, service: Service, sight: Sight) -> None:
        self._context = context
        self._client = client
        self._scans = scans
        self._service = service
        self._sight = sight
        self._serves = False
        self._metrics: Metrics | None = None
        self._serving: Serving | None = None
        self._served_due_s = NEVER
        self._gathered_s = NEVER
        self._written_s = NEVER
        self._reached: Counter[JobState] = Counter()
        self._counted = context.store.transitions.newest
        self._troubles: dict[str, str] = {}
        self.text = ""

    def begin(self) -> None:
        """Serve the numbers from now on, where that is configured: somebody will be there to be asked."""
        self._serves = True

    def work(self) -> None:
        """Gather, write and serve what is due."""
        if self._context.only or self._context.stopping:
            return
        metrics, now_s = self._context.config.metrics, self._context.clock.monotonic()
        if metrics != self._metrics:
            self._change(metrics)
        if metrics is None:
            return
        every_s = WRITTEN_EVERY_S if self._serving is None else GATHERED_EVERY_S
        if now_s - self._gathered_s >= every_s:
            self._gathered_s, self.text = now_s, text(self._families())
        if metrics.file and now_s - self._written_s >= WRITTEN_EVERY_S:
            self._written_s = now_s
            if not self._context.hands.give(WriteNumbers(path=metrics.file, text=self.text)):
                self._tell("file", f"{display(metrics.file)} is still being written", "look at the disk that it is on")
        self._serve(metrics, now_s)

    def _change(self, metrics: Metrics | None) -> None:
        """Take another section; what listens where it should goes on."""
        if metrics is None or self._metrics is None or metrics.listen != self._metrics.listen:
            self._close()
        self._metrics = metrics
        self._served_due_s = self._written_s = self._gathered_s = NEVER

    def end(self) -> None:
        """Say the last numbers, and that nobody gathers any more."""
        self._close()
        metrics, self._metrics = self._metrics, None
        if metrics and metrics.file:
            self.text = text(self._families(is_running=False))
            self._context.hands.give(WriteNumbers(path=metrics.file, text=self.text, is_last=True))

    def _serve(self, metrics: Metrics, now_s: float) -> None:
        """Listen, if that is wanted; where it cannot be, it is tried again."""
        if metrics.listen is None or not self._serves or self._serving or now_s < self._served_due_s:
            return
        from mvsep_watch.telling.serving import Serving  # noqa: PLC0415 - a web server, where one is wanted

        try:
            self._serving = Serving(metrics.listen, lambda: self.text)
        except OSError as error:
            self._served_due_s = now_s + PROBE_S
            host, port = metrics.listen
            self._tell("listen", f"{host}:{port} cannot be listened at: {error.strerror}", "change metrics.listen")
        else:
            self._troubles.pop("listen", None)
            self._context.log.info("metrics_served", port=self._serving.port)

    def _close(self) -> None:
        if self._serving:
            self._serving.close()
        self._serving = None

    def written(self, error: Exception | None) -> None:
        """Take what came of the file."""
        if error is None:
            self._troubles.pop("file", None)
        else:
            self._tell("file", *words(error))

    def _tell(self, key: str, reason: str, hint: str) -> None:
        """Say a trouble with one of the two ways once."""
        if reason != self._troubles.get(key):
            self._troubles[key] = reason
            self._context.log.error("metrics_not_told", reason=reason, hint=hint)

    # The numbers

    def _families(self, *, is_running: bool = True) -> Iterator[Family]:
        now = self._context.clock.now()
        yield by("version", "build_info", "gauge", "Always 1; the version is the label.", {__version__: 1})
        yield single("running", "gauge", "1 while the daemon runs, 0 once it has ended.", int(is_running))
        yield single("gathered_timestamp_seconds", "gauge", "When these numbers were gathered.", now)
        yield from self._of_jobs()
        yield from self._of_money()
        yield from self._of_the_service(now)
        yield from self._of_folders(now)

    def _of_jobs(self) -> Iterator[Family]:
        store = self._context.store
        newest = store.transitions.newest
        self._reached.update(store.transitions.counts(after=self._counted))
        self._counted = newest
        jobs = {str(state): number for state, number in store.jobs.counts().items()}
        closed = {gate.name for gate in self._context.gates()}
        unfinished = Counter(str(row.state) for row in store.separations.unfinished())
        reached = {str(state): self._reached[state] for state in REACHED}
        yield by("state", "jobs", "gauge", "Jobs by state.", jobs)
        yield by("state", "jobs_reached_total", "counter", "How often a job came to a state.", reached)
        yield by(
            "state", "separations", "gauge", "Separations that are not ended, by state.",
            {str(state): unfinished[state] for state in UNFINISHED},
        )  # fmt: skip
        yield by(
            "gate", "gate_closed", "gauge", "1 while a gate is closed; paused is one of them.",
            {str(name): int(name in closed) for name in GateName},
        )  # fmt: skip

    def _of_money(self) -> Iterator[Family]:
        context, separations = self._context, self._context.store.separations
        account, today = context.account, context.today()
        mine = (context.realm, context.identity) if account else None
        spent = {
            "day": separations.spent(context.realm, today, today),
            "month": separations.spent(context.realm, *month_of(today)),
        }
        reserved = separations.reserved_against_balance(account=mine)
        left = account.credits if account else None
        yield single("balance_credits", "gauge", "Credits on the account when it was read last.", left)
        yield single("reserved_credits", "gauge", "Credits reserved, or charged since then.", reserved)
        yield by("period", "spent_credits", "gauge", "Credits spent this day and this month, so far.", spent)

    def _of_the_service(self, now: float) -> Iterator[Family]:
        client = self._client
        answered_s = self._service.answered_s
        yield by("outcome", "requests_total", "counter", "Requests to the service.", dict(client.tally.counts))
        yield single("uploaded_bytes_total", "counter", "Bytes sent.", client.upload_rate.moved_bytes)
        yield single("downloaded_bytes_total", "counter", "Bytes fetched.", client.download_rate.moved_bytes)
        yield single(
            "account_read_timestamp_seconds", "gauge", "When the account was read last.",
            None if answered_s is None else self._instant(answered_s, now),
        )  # fmt: skip

    def _of_folders(self, now: float) -> Iterator[Family]:
        names = [folder.name for folder in self._context.config.folders]
        looked_s, troubled, healths = self._scans.looked_s, self._scans.troubled_folders, self._sight.healths
        scanned = {name: None if looked_s.get(name) is None else self._instant(looked_s[name], now) for name in names}
        watches = {name: healths[name].watches for name in names if name in healths}
        overflows = {name: healths[name].overflows for name in names if name in healths}
        yield by(
            "folder", "folder_scanned_timestamp_seconds", "gauge", "When a folder was last looked through as a whole.",
            _shown(scanned),
        )  # fmt: skip
        yield by(
            "folder", "folder_visible", "gauge", "0 while a folder, or a part of it, cannot be seen.",
            _shown({name: int(name not in troubled) for name in names}),
        )  # fmt: skip
        yield by("folder", "folder_watches", "gauge", "Directories that are heard.", _shown(watches))
        yield by("folder", "folder_overflows_total", "counter", "How often events were dropped.", _shown(overflows))

    def _instant(self, monotonic_s: float, now: float) -> float:
        return now - (self._context.clock.monotonic() - monotonic_s)


def _shown(values: dict[str, int] | dict[str, float | None]) -> dict[str, float | None]:
    return {display(name): value for name, value in values.items()}
