"""What `approve` and `redo` would pay, shown before a person says yes: each work once, with its attempt.

A new attempt sends what the rule means now. An unchanged rule means the settings that were recorded; a changed one what
it was last planned as, else what the packaged catalogue makes of it. The price is never guessed low: it is the highest
of what the last attempt was estimated and charged, and what the packaged catalogue says. The daemon asks again if the
service then wants more.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from mvsep_watch.cli.describing import in_words
from mvsep_watch.cli.rendering import credit, path
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.model import Account, Config, HoldKind, Rule, Settings
from mvsep_watch.naming import display
from mvsep_watch.planner import asked_of, settings_of
from mvsep_watch.pricing import price
from mvsep_watch.steps.packaged import packaged_catalogue
from mvsep_watch.store import JobRow, SeparationRow
from mvsep_watch.store.views import JobView, Views


class Payable(Protocol):
    """Something that would be paid."""

    @property
    def work(self) -> Hashable:
        """What is paid once, however many jobs share it."""
        ...

    @property
    def price(self) -> int | None:
        """Credits at most; None where nobody knows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An approval of one held job, for its price."""

    view: JobView
    attempt: int

    @property
    def price(self) -> int | None:
        """Credits; None where nobody knows."""
        return self.view.job.price

    @property
    def work(self) -> Hashable:
        """What is paid once, however many jobs share it."""
        job = self.view.job
        return (job.realm, job.input_key, job.settings or job.asked, self.attempt)

    def item(self) -> dict[str, Any]:
        """Give it as the request has it."""
        return {"id": self.view.job.id, "attempt": self.attempt, "price": self.price}

    def in_words(self) -> str:
        """Say what is agreed to."""
        job = self.view.job
        why = f"; {display(job.reason)}" if job.hold == HoldKind.SENT_BEFORE else ""
        return f"job {job.id}: {path(self.view.source)}: {credit(self.price)}{why}"


def approval_of(views: Views, view: JobView) -> Approval:
    """Name the attempt that an approval of a job is for."""
    rows = _attempts(views, view.job, view.job.settings or "")
    return Approval(view=view, attempt=max([view.job.attempt_wanted or 1, *(row.attempt + 1 for row in rows)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Redo:
    """A new attempt for one job.

    Args:
        settings: The canonical JSON of what is sent; empty where nobody knows it, and the request is refused.
        asked: What the rule asks for now, in its canonical text.
        price: Credits at most; None where nobody knows.
        note: What a person should know before saying yes; empty where there is nothing.
    """

    view: JobView
    settings: str
    asked: str
    attempt: int
    price: int | None
    note: str

    @property
    def work(self) -> Hashable:
        """What is paid once, however many jobs share it."""
        return (self.view.job.realm, self.view.job.input_key, self.settings, self.attempt)

    def item(self, *, replace: bool) -> dict[str, Any]:
        """Give it as the request has it."""
        return {
            "id": self.view.job.id,
            "attempt": self.attempt,
            "price": self.price,
            "settings": self.settings,
            "asked": self.asked,
            "replace": replace,
        }

    def in_words(self) -> str:
        """Say what is agreed to: the model's number, every option, the format and the price."""
        note = f" ({self.note})" if self.note else ""
        sent = in_words(self.settings)
        return (
            f"job {self.view.job.id}: {path(self.view.source)}, attempt {self.attempt}, {sent}: "
            f"{credit(self.price)}{note}"
        )


class Redoing:
    """Works out what `redo` means for jobs."""

    def __init__(self, views: Views, config: Config, account: Account | None) -> None:
        self._views = views
        self._config = config
        self._account = account

    def of(self, view: JobView) -> Redo:
        """Say what a new attempt for a job would be."""
        job = view.job
        rule = self._config.rule(job.folder, job.rule)
        asked = asked_of(rule) if rule else job.asked
        settings = job.settings or "" if rule is None or asked == job.asked else self._meaning(rule, asked, job.realm)
        rows = _attempts(self._views, job, settings)
        return Redo(
            view=view,
            settings=settings,
            asked=asked,
            attempt=max((row.attempt for row in rows), default=0) + 1,
            price=self._price(job, settings, rows),
            note=_note(job, rule_changed=asked != job.asked),
        )

    def _meaning(self, rule: Rule, asked: str, realm: str) -> str:
        known = self._views.meaning_of(asked, realm=realm)
        return known or _settings(rule)

    def _price(self, job: JobRow, settings: str, rows: list[SeparationRow]) -> int | None:
        duration_s = self._views.sources.get(job.source_id).duration_s
        known = [self._by_catalogue(settings, duration_s) if settings else None]
        if rows:
            known += [rows[-1].credits_estimated, rows[-1].credits_charged]
        return max((credits_ for credits_ in known if credits_ is not None), default=None)

    def _by_catalogue(self, settings: str, duration_s: float | None) -> int | None:
        meant = Settings.from_canonical(settings)
        return price(
            duration_s=duration_s,
            algorithm=packaged_catalogue().get(meant.sep_type),
            options=dict(meant.options),
            premium=self._account is None or self._account.has_premium,
        )


def total(payable: Iterable[Payable]) -> int | None:
    """Sum what is paid, each work once; None where one price is not known."""
    prices = {each.work: each.price for each in payable}.values()
    return None if None in prices else sum(each for each in prices if each is not None)


def _attempts(views: Views, job: JobRow, settings: str) -> list[SeparationRow]:
    return views.separations.of_settings(realm=job.realm, input_key=job.input_key, settings=settings)


def _settings(rule: Rule) -> str:
    """Read a rule by the packaged catalogue; empty where that does not know it."""
    try:
        return settings_of(rule, packaged_catalogue()).canonical()
    except MvsepWatchError:
        return ""


def _note(job: JobRow, *, rule_changed: bool) -> str:
    notes = []
    if rule_changed:
        notes.append("its rule has changed since")
    if job.hold == HoldKind.UNKNOWN:
        notes.append("the service may have made, and charged, its last attempt")
    return "; ".join(notes)
