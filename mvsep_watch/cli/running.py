"""`run` and `once`: the daemon in the foreground, for months or until there is nothing more to do.

They open the engine, choose where its log goes, and put what came of it into words and an exit code. What is done is
the daemon's business. The surprise: `once` logs only bugs, since what it shows and its summary tell the rest; where
somebody asks for JSON or everything, or it runs under systemd, the log tells it.
"""

from __future__ import annotations

import signal

import click

from mvsep_watch import log
from mvsep_watch.cli import outcome, rendering
from mvsep_watch.cli.context import Exit, Options, command, load_config
from mvsep_watch.cli.progress import Progress
from mvsep_watch.cli.views import view_on
from mvsep_watch.daemon.engine import Engine
from mvsep_watch.daemon.patience import read_patiently, wait_for_space
from mvsep_watch.daemon.run import Process, begin_anew, opened
from mvsep_watch.model import Config
from mvsep_watch.store import StateFullError

FULL_AGAIN_S = 10.0
"""How soon a state that found no room is opened again, where its disk seems to have some."""
FRESH = "Begin anew on outputs that another state made; new files then wait for one `approve`."
BEGINS_ANEW = (
    "beginning anew: the output folders are taken over from the state that made them, nothing in them is changed, and "
    "every file that this state does not know waits for one `approve`, so that nothing is paid twice unasked"
)


@command("run", short_help="Watch the folders until told to stop.")
@click.option("--fresh", is_flag=True, help=FRESH)
@click.pass_obj
def run(options: Options, *, fresh: bool) -> int:
    """Watch the folders until told to stop.

    Takes a changed configuration as it runs; SIGHUP has it read at once. Logs to stderr. The first SIGTERM or Ctrl-C
    stops within seconds with everything written down, the second at once. Without space for the state file it waits for
    some.
    """
    configure_log(options)
    config = read_patiently(lambda: load_config(options, is_patient=True))
    _say_what_fresh_means(options, fresh=fresh)
    told = wait_for_space(config)
    if told is None:
        told = _run(config, fresh=fresh)
    if told is None:
        begin_anew()
    log.get_logger().info("told_to_stop", signal=signal.Signals(told).name)
    return Exit.INTERRUPTED if told == signal.SIGINT else Exit.OK


def _run(config: Config, *, fresh: bool) -> int | None:
    """Run until told to stop, and give the signal's number; None where only a process that begins anew can go on."""
    try:
        with opened(config, fresh=fresh) as engine:
            return Process(engine).run()
    except StateFullError as error:
        log.get_logger().error("state_full", reason=error.message, hint=error.hint)
        return wait_for_space(config, at_least_s=FULL_AGAIN_S)


@command("once", short_help="Do everything there is to do, then exit.")
@click.option("--fresh", is_flag=True, help=FRESH)
@click.pass_obj
def once(options: Options, *, fresh: bool) -> int:
    """Do everything there is to do, then exit.

    Waits for the results of what it sends. A terminal shows how far it is, and a pipe gets a line for each job that is
    published; with --debug or --json, and under systemd, it logs instead.

    Exits with 0 when everything is published, with 3 when some jobs failed, are held or wait, with 4 when a person must
    act first.
    """
    config = load_config(options)
    is_logged = options.debug or options.json or log.is_journal()
    progress = None if is_logged else Progress(view_on(rendering.console(stderr=True), steps=False))
    configure_log(options, level="error" if progress else "info")
    _say_what_fresh_means(options, fresh=fresh)
    with opened(config, fresh=fresh) as engine:
        began = engine.context.clock.now()
        told = work(engine, progress)
        came_of_it = outcome.found(engine, since=began, interrupted=told is not None)
    if options.json:
        rendering.print_json(outcome.as_json(came_of_it))
    else:
        outcome.show(came_of_it, rendering.console())
    return came_of_it.exit_code


def work(engine: Engine, progress: Progress | None) -> int | None:
    """Work until nothing more comes of it by itself; give the number of the signal that ended it earlier, or None.

    Args:
        engine: Open, on this thread.
        progress: Shows what is under way; None where the log tells it.
    """
    if progress is None:
        return Process(engine).once(progress=_look_away)
    with progress:
        return Process(engine).once(progress=progress)


def _say_what_fresh_means(options: Options, *, fresh: bool) -> None:
    if fresh and not options.json:
        click.echo(BEGINS_ANEW, err=True)


def _look_away(_: Engine) -> None:
    """Show nothing."""


def configure_log(options: Options, *, level: str = "info") -> None:
    """Send the log to stderr, as the reader wants it."""
    log.configure(level="debug" if options.debug else level, json=options.json, journal=log.is_journal())
