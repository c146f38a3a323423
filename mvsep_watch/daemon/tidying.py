"""Stagings that nobody needs any longer: looked for at start, where live jobs have theirs and where a rebuild saw some.

What a state staged while it had another id is its own all the same. It goes to whoever fetches the same separation;
what nobody took in as long as the service keeps results is removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from mvsep_watch.daemon.context import Context
from mvsep_watch.files import spool
from mvsep_watch.files.staging import Owner
from mvsep_watch.naming import display, escape_path, unescape_path
from mvsep_watch.steps.publish import Tidied, Tidy
from mvsep_watch.store import Store

_PLACES = "staged_in"


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

    def begin(self) -> None:
        """Have it done, once."""
        store, state = self._context.store, self._context.config.state
        places = _places(store)
        owner = Owner(
            state_id=store.memory.state_id,
            live_job_ids=frozenset(store.jobs.live_ids()),
            former=frozenset(store.memory.inherited_ids),
            live_hashes=frozenset(store.jobs.hashes_of_live()),
        )
        parents = {*store.jobs.parents_of_live(), *places, spool.place_of(state)}
        self._context.hands.give(Tidy(owner=owner, parents=tuple(parents), revisited=frozenset(places)))

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
