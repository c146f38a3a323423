"""Stagings that nobody needs any longer: looked for at start, where live jobs have theirs and where a rebuild saw some.

What a state staged while it had another id is its own all the same. It goes to whoever fetches the same separation;
what nobody took in as long as the service keeps results is removed. The output roots are looked through once a week: a
backup that was restored knows nothing of what lies there. What another state has left is told, and never touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from mvsep_watch.daemon.context import Context
from mvsep_watch.files import spool
from mvsep_watch.files.staging import Owner
from mvsep_watch.naming import display, escape_path, unescape_path
from mvsep_watch.steps.tidying import Sweep, Tidied, Tidy
from mvsep_watch.store import Store

_PLACES = "staged_in"
FIRST_SWEEP_S = 3600.0
"""Not at once: whoever starts has other things to read."""
SWEPT_EVERY_S = 7 * 86400.0
TOLD = 10
"""How many strangers' stagings the log names."""


def look_there_too(store: Store, places: Iterable[Path]) -> None:
    """Remember folders in which something is staged: no job of this state may lead there."""
    _remember(store, {*_places(store), *places})


def _remember(store: Store, places: Iterable[Path]) -> None:
    store.memory.set_meta(_PLACES, json.dumps(sorted(map(escape_path, places))))


def _places(store: Store) -> set[Path]:
    return {Path(unescape_path(text)) for text in json.loads(store.memory.meta(_PLACES) or "[]")}


class Tidying:
    """The desk that has stagings removed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._swept_due_s = context.clock.monotonic() + FIRST_SWEEP_S
        self._found_in: tuple[Path, ...] = ()

    def begin(self) -> None:
        """Have it done, once."""
        store, state = self._context.store, self._context.config.state
        places = _places(store)
        parents = {*store.jobs.parents_of_live(), *places, spool.place_of(state)}
        self._context.hands.give(Tidy(owner=self._owner(), parents=tuple(parents), revisited=frozenset(places)))

    def _owner(self) -> Owner:
        store = self._context.store
        return Owner(
            state_id=store.memory.state_id,
            live_job_ids=frozenset(store.jobs.live_ids()),
            newest_job_id=store.jobs.newest_id,
            former=frozenset(store.memory.inherited_ids),
            live_hashes=frozenset(store.jobs.hashes_of_live()),
        )

    def work(self) -> None:
        """Have the output roots looked through that are there, now and then, and tidied where anything was found."""
        now_s = self._context.clock.monotonic()
        if self._context.only or self._context.stopping:
            return
        if self._found_in:
            self._context.hands.give(Tidy(owner=self._owner(), parents=self._found_in))
            self._found_in = ()
        if now_s < self._swept_due_s:
            return
        closed = {gate.scope for gate in self._context.gates()}
        roots = sorted({folder.output for folder in self._context.config.folders} & self._context.roots_seen)
        there = tuple(root for root in roots if escape_path(root) not in closed)
        self._swept_due_s = now_s + (SWEPT_EVERY_S if there else FIRST_SWEEP_S)
        if there:
            self._context.hands.give(Sweep(there))

    def swept(self, _: Sweep, found: Mapping[Path, str] | None, error: Exception | None) -> None:
        """Have what is ours tidied, and tell of what is not."""
        log, memory = self._context.log, self._context.store.memory
        if found is None:
            log.warning("not_tidied", reason=str(error))
            return
        mine = {memory.state_id, *memory.inherited_ids}
        self._found_in = tuple(sorted({path.parent for path, state_id in found.items() if state_id in mine}))
        if strangers := sorted(path for path, state_id in found.items() if state_id not in mine):
            log.warning(
                "stagings_of_others", count=len(strangers), paths=[display(path) for path in strangers[:TOLD]],
                hint="another state has left them; remove them if no other mvsep-watch puts its outputs there",
            )  # fmt: skip

    def done(self, _: Tidy, tidied: Tidied | None, error: Exception | None) -> None:
        """Take what came of it; where something is left, or could not be looked at, it is looked at again."""
        log = self._context.log
        if tidied is None:
            log.warning("not_tidied", reason=str(error))
            return
        for place, reason in tidied.troubles:
            log.warning("not_tidied", path=display(place), reason=reason)
        if tidied.removed:
            log.info("tidied", paths=[display(path) for path in tidied.removed])
        if tidied.over:
            store = self._context.store
            _remember(store, _places(store) - set(tidied.over))
