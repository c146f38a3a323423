"""How a command has something changed: it appends a request and waits for the answer of whoever owns the state.

A running daemon applies requests within two seconds. Without one the command takes the lock and applies its own; if
somebody takes the lock in between, it waits for that one after all. Nobody else writes jobs.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from mvsep_watch.cli.selecting import is_running
from mvsep_watch.errors import AlreadyRunningError, MvsepWatchError, StateError
from mvsep_watch.files.lock import StateLock, holder_of
from mvsep_watch.model import Config
from mvsep_watch.naming import OutputPlace, display
from mvsep_watch.store import EXPLAIN, Requests, open_requester

Answer = dict[str, Any]
"""`done`, `refused`, `made`, `sources`, as `daemon.requesting` gives it."""

ANSWERED_WITHIN_S = 10.0
EXPLAINED_WITHIN_S = 3.0
"""Who only looks is not kept waiting; a turn is made at least every second."""
ASK_AGAIN_S = 0.1


def ask(config: Config, command: str, arguments: dict[str, Any]) -> Answer:
    """Have a request applied, and give its answer.

    Raises:
        StateError: The state cannot be changed, or a daemon that has it does not answer; then nothing was changed.
    """
    if not is_running(config):
        try:
            return _apply(config, command, arguments)
        except AlreadyRunningError:
            pass
    return _wait_for(config, command, arguments, within_s=ANSWERED_WITHIN_S)


def explained(config: Config, path: str) -> Answer | None:
    """Ask a running daemon why a path (escaped) waits to be taken; None where it does not, or nobody answers."""
    with suppress(MvsepWatchError):
        waits: Answer | None = _wait_for(config, EXPLAIN, {"path": path}, within_s=EXPLAINED_WITHIN_S).get("waits")
        return waits
    return None


def _apply(config: Config, command: str, arguments: dict[str, Any]) -> Answer:
    """Be the owner for a moment."""
    from mvsep_watch.daemon.context import is_strange  # noqa: PLC0415 - beside a daemon nothing of it is needed
    from mvsep_watch.daemon.eyes import OpenEyes  # noqa: PLC0415
    from mvsep_watch.daemon.oneoffs import with_one_offs  # noqa: PLC0415
    from mvsep_watch.daemon.requesting import apply_open  # noqa: PLC0415
    from mvsep_watch.store import Store  # noqa: PLC0415

    with StateLock(config.state):
        store = Store(config.state)

        def doubt(place: OutputPlace) -> bool:
            if is_strange(store, place, OpenEyes()):
                raise StateError(
                    f"{display(place.base)} holds outputs that this state does not know; nothing was changed",
                    hint="move them away, or use the state that made them",
                )
            return False

        try:
            with store.transaction():
                number = store.requests.append(command, arguments, now=time.time())
                known = with_one_offs(config, store)
                applied = apply_open(store, config=known, now=time.time(), doubt=doubt)
        finally:
            store.close()
    return next(answer for request, answer in applied if request.id == number)


def _wait_for(config: Config, command: str, arguments: dict[str, Any], *, within_s: float) -> Answer:
    """Ask the owner, and take the request back if there is no answer."""
    db = open_requester(config.state)
    try:
        requests = Requests(db)
        number = requests.append(command, arguments, now=time.time())
        deadline_s = time.monotonic() + within_s
        while (answer := requests.answered(number)) is None and time.monotonic() < deadline_s:
            time.sleep(ASK_AGAIN_S)
        if answer is None and not requests.withdraw(number):
            answer = requests.answered(number)
        if command == EXPLAIN:
            requests.forget(number)
    finally:
        db.close()
    if answer is None:
        raise StateError(
            f"{holder_of(config.state) or 'the daemon'} has the state and did not answer; nothing was changed",
            hint="look at its log; when it has ended, the command applies the change itself",
        )
    return answer
