"""What all desks of the daemon share: the configuration, the store, the hands, the clock, and what is known just now.

Everything durable is in the store; what stands here is known only to this process and is found out again by the next.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import structlog

from mvsep_watch import retry
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.hands import Hands
from mvsep_watch.errors import MvsepWatchError, RequestRefusedError, StateError
from mvsep_watch.files.claim import Claim
from mvsep_watch.model import (
    MVSEP_REALM,
    Account,
    Catalogue,
    Config,
    Gate,
    GateName,
    HoldKind,
    JobState,
    Rule,
    Settings,
    Work,
    kind_of,
    realm_of,
)
from mvsep_watch.naming import OutputPlace, display
from mvsep_watch.options import resolve_model
from mvsep_watch.planner import Offer, misfit, settings_of
from mvsep_watch.store import JobRow, SeparationRow, Store


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> float:
        """Give seconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Give seconds that only ever grow."""
        ...


class RealClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Give seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Give seconds that only ever grow."""
        return time.monotonic()


@dataclass(slots=True, kw_only=True)
class Context:
    """Shared by the desks; only the owner's thread touches it.

    Args:
        account: What the service said last, or None before the first answer.
        account_begun_at: When that question was begun, seconds since 1970.
        catalogue: The models, or None before the first answer.
        known_models: The models as they were listed once; what is gone is called by it.
        caches: The folder of caches, or None for none.
        roots_seen: Output roots that were looked at: whose outputs they hold is known, or a gate is closed.
        strangers: Places with outputs that the state does not know, that it would give away.
        only: The one-offs that alone are served, by name; empty serves everything.
        stopping: True once told to stop: nothing new is begun.
    """

    config: Config
    store: Store
    hands: Hands
    clock: Clock
    log: structlog.stdlib.BoundLogger
    account: Account | None = None
    account_begun_at: float = 0.0
    catalogue: Catalogue | None = None
    known_models: Catalogue = field(default_factory=dict)
    caches: Path | None = None
    stopping: bool = False
    roots_seen: set[Path] = field(default_factory=set)
    strangers: set[OutputPlace] = field(default_factory=set)
    only: set[str] = field(default_factory=set)
    _numbers: dict[str, int] = field(default_factory=dict)
    _rng: random.Random = field(default_factory=random.Random)
    _began: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Remember how the clocks stood when the process began."""
        self._began = (self.clock.now(), self.clock.monotonic())

    @property
    def realm(self) -> str:
        """Whose memory and money the configured service is."""
        return realm_of(self.config.service.base_url)

    @property
    def host(self) -> str:
        """The configured base URL: what is recorded as a separation's host."""
        return self.config.service.base_url

    @property
    def identity(self) -> str:
        """Whose account it is; empty before it was read."""
        return self.account.identity if self.account else ""

    def settings_of(self, rule: Rule) -> Settings:
        """Give what a rule means by the catalogue in force.

        A model's name keeps the number that it first stood for, whatever the service calls the model since.

        Raises:
            RequestRefusedError: The catalogue has no such model, option or value.
        """
        numbered = replace(rule, sep_type=self._number(rule.sep_type))
        return settings_of(numbered, self.catalogue or {}, known=self.known_models)

    def keep_names(self) -> None:
        """Remember which models the rules' names stand for, before the service may call them something else."""
        for rule in (rule for folder in self.config.folders for rule in folder.rules):
            with contextlib.suppress(RequestRefusedError):
                self._number(rule.sep_type)

    def _number(self, sep_type: int | str) -> int:
        if isinstance(sep_type, int):
            return sep_type
        if sep_type not in self._numbers:
            found = resolve_model(sep_type, self.catalogue or {}, known=self.known_models)
            self._numbers[sep_type] = found.sep_type
        return self._numbers[sep_type]

    def misfit(self, work: Work) -> MvsepWatchError | None:
        """Say why a work cannot be sent as the service is just now, or None where it can."""
        has_premium = self.account is not None and self.account.has_premium
        offer = Offer(catalogue=self.catalogue or {}, known=self.known_models, has_premium=has_premium)
        return misfit(work.settings, kind_of(work.input_key), offer)

    def age_s(self, instant: float) -> float:
        """Say how long ago an instant was, in seconds; a clock that was set forward makes nothing older.

        What the wall clock ran ahead of the monotonic one since the process began is not believed. A machine that
        slept looks the same; then things only seem younger than they are.
        """
        began_at, began_s = self._began
        now, lived_s = self.clock.now(), self.clock.monotonic() - began_s
        jumped_s = max(0.0, now - began_at - lived_s)
        return now - instant - jumped_s

    def elsewhere(self, row: SeparationRow) -> str:
        """Say why a separation is out of reach as things are configured; empty where it is not."""
        if row.realm != self.realm:
            return f"it is with {row.realm}, and the configuration names {self.realm}"
        if row.account != self.identity:
            return f"it belongs to the account {row.account}, and the token is of {self.identity}"
        if row.realm == MVSEP_REALM and row.host != self.host:
            return f"it is on {row.host}, and the configuration names {self.host}"
        return ""

    def hold_elsewhere(self, row: SeparationRow, reason: str, *, resume: JobState) -> None:
        """Hold the jobs of a separation that is out of reach as things are configured."""
        for job in self.store.jobs.of_separation(row.id):
            if job.state != JobState.HELD:
                hint = "configure that account and host again; it goes on by itself then"
                now = self.clock.now()
                self.store.jobs.hold(job, HoldKind.ELSEWHERE, now=now, reason=reason, hint=hint, resume=resume)
                self.warn(job, "job_held", reason=reason, hint=hint)

    def knows_root(self, root: Path) -> bool:
        """Say whether an output root was looked at; one that is not configured any more is not."""
        if root in self.roots_seen:
            return True
        return not self.config.is_output(root) and root not in self.store.jobs.roots_of_one_offs()

    def serves(self, folder: str) -> bool:
        """Say whether anything may be begun for the jobs of a folder, or of a one-off: it is meant, and not paused."""
        is_paused = any(gate.name == GateName.PAUSED and gate.scope == folder for gate in self.store.memory.closed)
        return not is_paused and (not self.only or folder in self.only)

    def today(self) -> str:
        """Give the local date that money is counted on."""
        return self.date(self.clock.now())

    def date(self, instant: float | None) -> str:
        """Give the local date of an instant, for people; a dash where there is none."""
        return "-" if instant is None else dt.datetime.fromtimestamp(instant).astimezone().date().isoformat()

    def iso(self, instant: float | None) -> str:
        """Give an instant as ISO 8601 in UTC; empty where there is none."""
        return "" if instant is None else dt.datetime.fromtimestamp(instant, dt.UTC).isoformat(timespec="seconds")

    def claim(self) -> Claim:
        """Give this state's claim on an output root."""
        memory = self.store.memory
        return Claim(
            state_id=memory.state_id,
            generation=memory.generation,
            realm=self.realm,
            host=self.host,
            account=self.identity,
        )

    def consequence(self, error: Exception, *, failures: int) -> retry.Consequence:
        """Decide what follows from an error, and log a bug with its traceback."""
        consequence = retry.after(error, failures=failures, spread=self._rng.random())
        if not hasattr(error, "hint"):
            self.log.error("bug_met", error=repr(error), exc_info=error)
        return consequence

    @contextlib.contextmanager
    def guarding(self, job: JobRow) -> Iterator[None]:
        """Hold a job that runs into a bug, with a traceback in the log; the loop lives on.

        No transaction around it: what is handed out inside must have been committed before.
        """
        with self.surviving(then=lambda error: self.hold_for(error, job), job=job.id):
            yield

    def hold_for(self, error: Exception, job: JobRow) -> None:
        """Hold a job for what it ran into; a bug says so."""
        reason, hint = retry.words(error)
        self.store.jobs.hold(job, HoldKind.TROUBLE, now=self.clock.now(), reason=reason, hint=hint)
        self.warn(job, "job_held", reason=reason, hint=hint)

    def warn(self, job: JobRow, event: str, **about: object) -> None:
        """Log trouble with a job, whose file is named: nobody knows jobs by their numbers."""
        path = display(self.store.sources.get(job.source_id).path)
        self.log.warning(event, job=job.id, path=path, rule=job.rule, **about)

    @contextlib.contextmanager
    def surviving(self, *, then: Callable[[Exception], None] | None = None, **about: object) -> Iterator[None]:
        """Log a bug with its traceback and go on; only trouble with the state file itself ends the loop.

        Args:
            then: What is to be done about it.
            about: What the log says it was about.
        """
        try:
            yield
        except StateError:
            raise
        except Exception as error:
            self.log.exception("bug_met", **about, error=repr(error))
            if then is not None:
                then(error)

    def close_gate(self, name: GateName, reason: str, hint: str = "", *, scope: str = "") -> None:
        """Close a gate; news is logged once."""
        gate = Gate(name=name, reason=reason, hint=hint, since=self.clock.now(), scope=scope)
        if self.store.memory.close_gate(gate):
            self.log.warning("gate_closed", gate=str(name), reason=reason, hint=hint)

    def open_gate(self, name: GateName, *, scope: str = "") -> None:
        """Open a gate, if it is closed; what it held is considered again at once."""
        if self.store.memory.open_gate(name, scope):
            self.store.jobs.wake()
            self.log.info("gate_opened", gate=str(name))

    def gates(self) -> tuple[Gate, ...]:
        """Give the closed gates, that of stopping among them."""
        if not self.stopping:
            return self.store.memory.closed
        gate = Gate(name=GateName.STOPPING, reason="the daemon is stopping", since=self.clock.now())
        return (gate, *self.store.memory.closed)

    def doubts(self, place: OutputPlace, *, eyes: Eyes) -> bool:
        """Say whether outputs that the state does not know are in a place that it would give a job.

        What lies where only a one-off's outputs go says nothing about the state.
        """
        is_ours = self.is_output_place(place.base)
        if not is_ours or self.store.memory.meta("is_fresh") == "1" or not is_strange(self.store, place, eyes):
            return False
        eyes.doubted.append(place)
        return True

    def tell(self, eyes: Eyes) -> None:
        """Tell the log, and the gates, what work that has come to its end has to tell."""
        for event, facts in eyes.told:
            self.log.info(event, **facts)
        for place in eyes.doubted:
            self.strangers.add(place)
            self.close_gate(
                GateName.STATE,
                f"{display(place.base)} holds outputs that this state does not know",
                "`mvsep-watch rebuild` makes them known; or move them away; `run --fresh` begins anew beside them",
            )

    def is_output_place(self, path: Path) -> bool:
        """Say whether a path is in an output root of the configuration."""
        return any(path.is_relative_to(folder.output) for folder in self.config.folders)

    def jobs(self, ids: Iterable[int]) -> list[JobRow]:
        """Give jobs by their ids, without those that are not there."""
        found = (self.store.jobs.get(job_id) for job_id in ids)
        return [job for job in found if job is not None]


def is_strange(store: Store, place: OutputPlace, eyes: Eyes) -> bool:
    """Say whether a place has a sidecar of a job that this state does not know, under its own or a former id."""
    found = eyes.said_at(place)
    if found.said is None:
        return found.is_damaged
    if found.said.state_id == store.memory.state_id and store.jobs.get(found.said.job_id) is not None:
        return False
    return not store.jobs.is_published_at(place.base, found.said.hash)
