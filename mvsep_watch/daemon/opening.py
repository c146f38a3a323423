"""Opens the state for its owner: a damaged one is put aside, and one in its place is rebuilt."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from mvsep_watch.daemon.rebuilding import ASIDE, BY_DAMAGE, UNDER_WAY, Rebuilding, begin
from mvsep_watch.daemon.rebuilt import Report
from mvsep_watch.log import get_logger
from mvsep_watch.model import Config
from mvsep_watch.naming import display
from mvsep_watch.store import Store, damage


def open_state(config: Config, *, now: float) -> Store:
    """Open the state for its owner; a damaged one is put aside and rebuilt first.

    Args:
        config: Says where it is.
        now: Seconds since 1970.

    Raises:
        StateError: It must not be used, or cannot be moved aside.
        OutputRootError: It is to be rebuilt, and a claim cannot be written.
    """
    store, report = open_for_rebuild(config, now=now, begun_by=BY_DAMAGE)
    if store.memory.meta(UNDER_WAY) != BY_DAMAGE:
        return store
    with _closing_on_error(store):
        Rebuilding(store, config, report, now=now).perform(None)
    log = get_logger()
    for path, reason in [*report.missing, *report.damaged]:
        log.warning("not_restored", path=display(path), reason=reason)
    log.warning("state_rebuilt", jobs=report.jobs, separations=report.separations, salvaged=report.salvaged)
    return store


def open_for_rebuild(config: Config, *, now: float, begun_by: str) -> tuple[Store, Report]:
    """Open the state for its owner, a damaged one put aside; the report has what could still be read of that one."""
    report = Report()
    if reason := damage.found_in(config.state):
        put_aside(config.state, now=now, reason=reason, begun_by=begun_by)
    store = Store(config.state)
    with _closing_on_error(store):
        if aside := store.memory.meta(ASIDE):
            report.aside = Path(aside)
            report.salvaged = damage.salvage(report.aside, store.db)
    return store, report


@contextlib.contextmanager
def _closing_on_error(store: Store) -> Iterator[None]:
    try:
        yield
    except BaseException:
        store.close()
        raise


def put_aside(state: Path, *, now: float, reason: str, begun_by: str = BY_DAMAGE) -> Path:
    """Move a damaged state file out of the way, and leave one in its place that is to be rebuilt."""
    aside = damage.put_aside(state, now=now)
    store = Store(state)
    try:
        with store.transaction():
            store.memory.set_meta(ASIDE, str(aside))
            begin(store, now=now, begun_by=begun_by)
    finally:
        store.close()
    get_logger().error(
        "state_damaged",
        reason=reason,
        moved_to=display(aside),
        hint="the state is rebuilt from the outputs and the account's history; what it lost waits for `approve`",
    )
    return aside
