"""`retry`, `approve`, `cancel`, `redo`, `forget`: what a person decides about jobs.

Each finds the jobs that are meant, shows what would be paid and asks, hands in one request, and tells the answer. What
comes of it is the daemon's business: without one it happens when the next runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click
from rich.text import Text

from mvsep_watch.cli import asking, rendering
from mvsep_watch.cli.context import Command, Exit, Options, command, load_config
from mvsep_watch.cli.describing import Describer
from mvsep_watch.cli.paying import Approval, Redo, Redoing, approval_of, total
from mvsep_watch.cli.prompting import agree
from mvsep_watch.cli.rendering import count, credit, joined
from mvsep_watch.cli.selecting import NOTHING_YET, START, Selection, is_running, no_match, opened, select
from mvsep_watch.cli.suggesting import WHICH
from mvsep_watch.daemon.holds import APPROVABLE, PRICED, REDOABLE, RETRIABLE, WITHOUT_RESULTS
from mvsep_watch.errors import UsageError
from mvsep_watch.model import Config, HoldKind, JobState
from mvsep_watch.store import JobRow
from mvsep_watch.store.views import Views

Function = Callable[..., int | None]
PREVIEWED = 30
"""Jobs shown one by one before a person is asked; the sum is over all."""

SENT = (JobState.PUBLISHED, JobState.FAILED, JobState.CANCELLED)

APPLIES: dict[str, Callable[[JobRow], bool]] = {
    "retry": lambda job: job.hold in RETRIABLE or job.state == JobState.FAILED,
    "approve": lambda job: job.hold in (*APPROVABLE, HoldKind.SHORT),
    "cancel": lambda job: job.state.is_live,
    "redo": lambda job: job.hold in WITHOUT_RESULTS or job.state in SENT,
    "forget": lambda _: True,
}
"""Which of the jobs that a path or a glob finds are meant; a job named by its id always is."""
ALL: dict[str, Callable[[JobRow], bool]] = {
    **APPLIES,
    "approve": lambda job: job.hold in PRICED,
    "redo": lambda job: job.hold in REDOABLE,
    "forget": lambda job: job.state in (JobState.HELD, JobState.FAILED),
}
"""Which jobs `--all` means: never more is paid for than what waits to be, and nothing that may be paid for."""


def acting(name: str, short_help: str) -> Callable[[Function], Command]:
    """Make a command that takes jobs by ids, paths, globs, or `--all`."""

    def make(function: Function) -> Command:
        taken = click.option("--all", "every", is_flag=True, help="All jobs that wait for this command.")(function)
        taken = click.argument("which", nargs=-1, metavar="[ID|PATH|GLOB]...", type=WHICH)(taken)
        return command(name, short_help=short_help)(click.pass_obj(taken))

    return make


def yes_option(function: Function) -> Function:
    """Let a command be told beforehand that the price is agreed to."""
    return click.option("-y", "--yes", is_flag=True, help="Agree to the price without being asked.")(function)


@acting("retry", "Try again what needs no payment.")
@click.option("--hash", "hash_", metavar="HASH", help="Take this separation of the history for the held job.")
def retry(options: Options, *, which: Sequence[str], every: bool, hash_: str | None) -> int:
    """Try again what needs no payment: held and failed jobs whose trouble is mended, or a wait that you end.

    Published outputs that are gone, all or some of them, are fetched again, while the service has them.

    A link or a text is sent without a mark of ours. Where its answer was lost, `show` lists what the history may know
    it as; --hash says which it is, and its results are fetched without paying again.
    """
    config = load_config(options, needs_token=False)
    selection = _meant("retry", which, config, every=every)
    if hash_ is None:
        return _act(options, config, "retry", selection)
    if len(selection.jobs) != 1:
        raise UsageError(
            f"one hash is one job's, and {count(len(selection.jobs), 'job')} are meant", hint="name the job by its id"
        )
    return _act(options, config, "retry", selection, items=[{"id": selection.jobs[0].id, "hash": hash_}])


@acting("cancel", "End jobs that are not finished.")
def cancel(options: Options, *, which: Sequence[str], every: bool) -> int:
    """End jobs that are not finished.

    A separation is cancelled with the service only when no other job needs it. The service gives credits back only
    before it has begun; if it refuses, the result is kept and `retry` publishes it.
    """
    config = load_config(options, needs_token=False)
    return _act(options, config, "cancel", _meant("cancel", which, config, every=every))


@acting("forget", "Ignore files from now on.")
def forget(options: Options, *, which: Sequence[str], every: bool) -> int:
    """Ignore files from now on, under any name, and end what is still to be done for them.

    The files themselves, and what is published, stay where they are. `retry` on one of its jobs takes a file back.
    """
    config = load_config(options, needs_token=False)
    selection = _meant("forget", which, config, every=every)
    return _act(options, config, "forget", selection, sources=selection.sources)


@acting("approve", "Let held jobs go on that wait for their price.")
@yes_option
def approve(options: Options, *, which: Sequence[str], every: bool, yes: bool) -> int:
    """Let held jobs go on that wait for their price; shows what they would cost, and asks.

    So do those that are held with their batch. One approval frees every job of the same work. Named by its id or path,
    a job goes on that is held because its results are shorter than their source: they are taken as they are.
    """
    config = load_config(options, needs_token=False)
    selection = _meant("approve", which, config, every=every)
    approvals = _approvals(selection, config)
    payable = [each for each in approvals if each.view.job.hold in APPROVABLE]
    if payable:
        question = f"Approve {count(len(payable), 'job')} for {credit(total(payable))}?"
        _confirm([each.in_words() for each in payable], question, yes=yes)
    return _act(options, config, "approve", selection, items=[each.item() for each in approvals])


def _approvals(selection: Selection, config: Config) -> list[Approval]:
    with opened(config) as views:
        return [approval_of(views, view) for view in views.views(selection.jobs)] if views else []


@acting("redo", "Separate again, and pay again.")
@click.option(
    "--replace", is_flag=True, help="Put the new outputs in the place of the old ones, if those are unchanged."
)
@yes_option
def redo(options: Options, *, which: Sequence[str], every: bool, replace: bool, yes: bool) -> int:
    """Separate again, and pay again: with what the rule says now, beside the old outputs.

    Shows the model, the options and the price, and asks.
    """
    config = load_config(options, needs_token=False)
    selection = _meant("redo", which, config, every=every)
    redos = _redos(selection, config)
    payable = [each for each in redos if APPLIES["redo"](each.view.job) and each.settings]
    if payable:
        question = f"Separate {count(len(payable), 'job')} again for at most {credit(total(payable))}?"
        _confirm([each.in_words() for each in payable], question, yes=yes)
    items = [each.item(replace=replace) for each in redos]
    return _act(options, config, "redo", selection, items=items)


def _redos(selection: Selection, config: Config) -> list[Redo]:
    with opened(config) as views:
        if views is None:
            return []
        account = Describer(views, config, running=False, now=time.time()).account
        redoing = Redoing(views, config, account)
        return [redoing.of(view) for view in views.views(selection.jobs)]


def _meant(name: str, which: Sequence[str], config: Config, *, every: bool) -> Selection:
    """Find the jobs that a command's words mean.

    Raises:
        UsageError: The words mean nothing, or there are none.
    """
    if bool(which) == every:
        raise UsageError(
            f"`{name}` needs to know which jobs: ids, paths or globs, or --all", hint=f"`mvsep-watch {name} --help`"
        )
    with opened(config) as views:
        if views is None:
            raise no_match(which) if which else UsageError(NOTHING_YET, hint=START)
        if every:
            return _every(name, views)
        selection = select(views, which, config=config)
    applicable = [job for job in selection.found if APPLIES[name](job)]
    selection.found = applicable or selection.found
    return selection


def _every(name: str, views: Views) -> Selection:
    jobs = views.live() + views.unanswered(views.in_state(JobState.FAILED))
    return Selection(named=[job for job in jobs if ALL[name](job)])


def _confirm(lines: Sequence[str], question: str, *, yes: bool) -> None:
    """Show what would be paid, and go on only with a yes.

    Raises:
        UsageError: Nobody is there to be asked.
        Abort: Somebody said no.
    """
    shown = rendering.console(stderr=True)
    for line in lines[:PREVIEWED]:
        shown.print(line)
    if len(lines) > PREVIEWED:
        shown.print(f"… and {len(lines) - PREVIEWED} more")
    agree(question, yes=yes)


def _act(
    options: Options,
    config: Config,
    name: str,
    selection: Selection,
    *,
    items: Sequence[dict[str, Any]] | None = None,
    sources: Iterable[int] = (),
) -> int:
    """Hand the request in, and tell the answer."""
    jobs = items if items is not None else [{"id": job.id} for job in selection.jobs]
    arguments = {"jobs": list(jobs), "sources": list(sources)}
    if not arguments["jobs"] and not arguments["sources"]:
        answer: asking.Answer = {"done": [], "refused": [], "made": [], "sources": []}
    else:
        answer = asking.ask(config, name, arguments)
    if options.json:
        rendering.print_json(answer)
    else:
        _tell(name, answer, goes_on="" if is_running(config) else _goes_on(config))
    return Exit.UNFINISHED if answer["refused"] else Exit.OK


DONE = {
    "retry": "retried",
    "approve": "approved",
    "cancel": "cancelled",
    "redo": "to be done again",
    "forget": "forgotten",
}


def _goes_on(config: Config) -> str:
    """Say what is to be done where no daemon is at work."""
    if not config.folders:
        return "the same `separate` goes on with it"
    return f"no daemon is running; it goes on when one does: {START}"


def _tell(name: str, answer: asking.Answer, *, goes_on: str) -> None:
    """Say how many were done, and which were not and why; `goes_on` is what is to be done next, if anything."""
    console = rendering.console()
    done = answer["done"]
    if answer["sources"]:
        jobs = f" (job {_ids(done)})" if done else ""
        console.print(f"{DONE[name]}: {count(len(answer['sources']), 'file')}{jobs}")
    elif done:
        made = f", by job {joined(map(str, answer['made']))}" if answer["made"] else ""
        console.print(f"{DONE[name]}: {count(len(done), 'job')} ({_ids(done)}){made}")
    for refused in answer["refused"]:
        console.print(Text.assemble(("refused", "red"), f": job {refused['id']}: {refused['reason']}"))
    if not done and not answer["refused"] and not answer["sources"]:
        console.print(f"nothing waits for `{name}`")
    if done and goes_on and name != "forget":
        console.print(goes_on)


def _ids(ids: Sequence[int]) -> str:
    shown = ", ".join(map(str, ids[:10]))
    return f"{shown}, …" if len(ids) > 10 else shown
