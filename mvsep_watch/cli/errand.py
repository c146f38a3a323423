"""One call of `separate`: asked for, waited for, agreed to where it is dear, and told.

The same outcome comes from a daemon that was watched and from an engine of this process's own: both are read from the
state file at the end.
"""

from __future__ import annotations

import os
import sys
import time

import click
from rich.console import Console
from rich.text import Text

from mvsep_watch.cli import asking, outcome, rendering
from mvsep_watch.cli.context import Options, find_config, load_config
from mvsep_watch.cli.describing import Describer, in_words, sep_type_of
from mvsep_watch.cli.following import Standing, Watch, follow, standing
from mvsep_watch.cli.outcome import Item, Outcome
from mvsep_watch.cli.paying import approval_of
from mvsep_watch.cli.progress import View
from mvsep_watch.cli.rendering import count, credit
from mvsep_watch.cli.running import configure_log
from mvsep_watch.cli.selecting import is_running, opened
from mvsep_watch.cli.views import LineView, view_on
from mvsep_watch.daemon import run as daemon
from mvsep_watch.daemon.holds import PRICED
from mvsep_watch.daemon.oneoffs import OneOff
from mvsep_watch.errors import AlreadyRunningError
from mvsep_watch.model import Catalogue, Config, JobState
from mvsep_watch.naming import display, escape_path
from mvsep_watch.options import describe
from mvsep_watch.store.views import JobView

GOES_ON = "the same command goes on with it"
READING = "reading the file"
DAEMON_GOES_ON = "the daemon goes on with it; the same command shows how far it is"


class Errand:
    """One call.

    Args:
        options: Of the command line.
        config: The configuration, or what holds without one.
        one_off: What is wanted.
        models: What models are called.
        yes: Agree to any price.
    """

    def __init__(self, options: Options, config: Config, one_off: OneOff, models: Catalogue, *, yes: bool) -> None:
        self._options = options
        self._config = config
        self._one_off = one_off
        self._models = models
        self._yes = yes
        self._began_at = time.time()
        self._is_interrupted = False
        self._agreed: set[int | None] = set()

    def run(self) -> int:
        """Ask, wait, say what came of it, and give the exit code."""
        answer = asking.ask(self._config, "separate", self._one_off.as_json())
        for refused in answer["refused"]:
            return self._tell(self._nothing_but(self._no_job("refused", refused["reason"], refused["hint"])))
        self._wait()
        while not self._is_interrupted and (view := self._standing().view) and self._agrees(view):
            self._wait()
        return self._tell(self._outcome(self._standing()))

    def _wait(self) -> None:
        """Wait until nothing more comes of it, watching the daemon or, where there is none, being it."""
        while not (self._follow() if is_running(self._config) else self._work()):
            pass

    def _follow(self) -> bool:
        try:
            return follow(self._config, self._one_off, self._view())
        except KeyboardInterrupt:
            self._is_interrupted = True
            click.echo(DAEMON_GOES_ON, err=True)
            return True

    def _work(self) -> bool:
        """Do it here; False where somebody else took the state first."""
        config = self._config if find_config(self._options) is None else load_config(self._options)
        configure_log(self._options, level="error")
        try:
            with (
                daemon.opened(config, only=self._one_off.name) as engine,
                Watch(config, self._one_off, self._view()) as progress,
            ):
                self._is_interrupted = daemon.Process(engine).once(progress=progress) is not None
        except AlreadyRunningError:
            return False
        return True

    def _view(self) -> View:
        console = rendering.console(stderr=True)
        return LineView(console) if self._options.debug else view_on(console, idle=READING)

    def _standing(self) -> Standing:
        with opened(self._config) as views:
            assert views is not None, "it was written down there"
            running = is_running(self._config)
            return standing(views, self._config, self._one_off, running=running, now=time.time())

    # Its price

    def _agrees(self, view: JobView) -> bool:
        """Ask about a price that it waits for, and hand a yes in; say whether it goes on."""
        job = view.job
        if job.hold not in PRICED or job.price in self._agreed or not self._says_yes(view):
            return False
        self._agreed.add(job.price)
        with opened(self._config) as views:
            assert views is not None, "it was there just now"
            item = approval_of(views, view).item()
        return not asking.ask(self._config, "approve", {"jobs": [item]})["refused"]

    def _says_yes(self, view: JobView) -> bool:
        job, model = view.job, self._models.get(sep_type_of(view) or -1)
        named = [describe(model)] if model else []
        sent = ", ".join([*named, *([in_words(job.settings)] if job.settings else [])])
        name = display(view.source.name)
        rendering.console(stderr=True).print(f"{name}: {sent}: {credit(job.price)}; {job.reason}")
        if self._yes:
            return True
        if self._options.json or not sys.stdin.isatty():
            return False
        return click.confirm(f"Separate it for {credit(job.price)}?", err=True)

    # What came of it

    def _outcome(self, found: Standing) -> Outcome:
        view = found.view
        if view is None:
            return self._nothing_but(self._no_job("refused" if found.row.is_refused else "not taken", *found.why))
        item = self._item(found, view)
        is_done = view.job.state in (JobState.PUBLISHED, JobState.FAILED) and not _gone(view)
        return Outcome(
            finished=(item,) if is_done else (),
            left=() if is_done else (item,),
            refused=(),
            gates=found.gates,
            spent=self._spent(view),
            balance=self._balance(),
            interrupted=self._is_interrupted and not is_done,
        )

    def _nothing_but(self, refused: Item) -> Outcome:
        return Outcome(
            finished=(), left=(), refused=(refused,), gates=(), spent=0, balance=None, interrupted=self._is_interrupted
        )

    def _no_job(self, state: str, reason: str, hint: str) -> Item:
        source = self._one_off.source
        name = display(source.name)
        return Item(job=None, name=name, source=escape_path(source), state=state, reason=reason, hint=hint)

    def _item(self, found: Standing, view: JobView) -> Item:
        job, (reason, hint) = view.job, found.why
        if gone := _gone(view):
            reason = f"not all its outputs are in {display(job.place.folder)} any more: {', '.join(gone)}"
            hint = f"`retry {job.id}` fetches them again while the service has them; then {GOES_ON}"
        elif job.hold in PRICED:
            hint = f"`approve {job.id}` or --yes agrees to the price; then {GOES_ON}"
        elif job.state == JobState.CANCELLED:
            hint = f"`retry {job.id}` queues it again; then {GOES_ON}"
        elif job.state.is_live and job.state != JobState.HELD and not is_running(self._config):
            hint = GOES_ON
        return Item(
            job=job.id,
            name=display(view.source.name),
            source=escape_path(view.source),
            state=str(job.state),
            reason=reason,
            hint=hint,
            final=escape_path(job.place.folder),
        )

    def _spent(self, view: JobView) -> int:
        row = view.separation
        if row is None or (row.released_at or 0.0) < self._began_at:
            return 0
        return row.credits_estimated if row.credits_charged is None else row.credits_charged

    def _balance(self) -> int | None:
        with opened(self._config) as views:
            assert views is not None, "it was there just now"
            describer = Describer(views, self._config, running=False, now=time.time())
            account = describer.account
            if account is None or account.credits is None:
                return None
            return account.credits - describer.situation.reserved

    def _tell(self, came_of_it: Outcome) -> int:
        if self._options.json:
            rendering.print_json(outcome.as_json(came_of_it))
        elif any(item.state == JobState.PUBLISHED for item in came_of_it.finished):
            self._show_outputs(came_of_it, rendering.console())
        else:
            outcome.show(came_of_it, rendering.console())
        return came_of_it.exit_code

    def _show_outputs(self, came_of_it: Outcome, console: Console) -> None:
        view = self._standing().view
        assert view is not None, "it is published"
        job = view.job
        is_old = (job.finished_at or 0.0) < self._began_at
        when = f"done before, on {rendering.local_time(job.finished_at)}" if is_old else "published"
        console.print(Text.assemble((when, "green"), f": {_stems(view)} in {rendering.path(job.place.folder)}"))
        for output in view.outputs:
            console.print(f"  {display(job.place.file(output.name).name)}  {rendering.size(output.size_bytes)}")
        left = "" if came_of_it.balance is None else f", {came_of_it.balance} left"
        console.print("nothing was paid" if is_old else f"{credit(came_of_it.spent)} spent{left}")


def _stems(view: JobView) -> str:
    return count(len(view.outputs), "stem")


def _gone(view: JobView) -> list[str]:
    """Name the published outputs that are not there any more."""
    if view.job.state != JobState.PUBLISHED:
        return []
    paths = [view.job.place.file(output.name) for output in view.outputs]
    return [display(path.name) for path in paths if not os.path.lexists(path)]
