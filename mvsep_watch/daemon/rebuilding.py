"""Rebuilds a state from the sidecars under the output roots and from the account's history.

    begin      the `state` gate is closed, and it is written down that a rebuild is under way
    sidecars   each one's separation is done, its job published, its source's bytes known; a hundred a commit
    spool      what waits there to be published is paid for as well
    history    read to its end and remembered: what carries a tag of ours is taken over once its source is queued
    finish     a new id, a generation above every claim, and one `approve` for all that is new; the claims; the gate

Until the last of it is committed the gate stays closed. A rebuild that was killed is begun again, and changes nothing
that it had done. A state that is there is kept, and what it lacks is added. The surprise: damage that is found at a
start is mended in this way by itself. Nothing is spent by that: everything that the state does not know is asked about.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Sequence

from mvsep_watch import __version__
from mvsep_watch.daemon import oneoffs, recognising, tidying
from mvsep_watch.daemon.rebuilt import History, Report
from mvsep_watch.daemon.rereading import Rereading
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files import claim as claims
from mvsep_watch.files import spool
from mvsep_watch.files.claim import Claim
from mvsep_watch.model import Config, Gate, GateName, SeparationState, realm_of
from mvsep_watch.mvsep import Client
from mvsep_watch.steps.asking import ReadAccount, ReadHistory
from mvsep_watch.steps.base import Denied, Tools
from mvsep_watch.store import Store
from mvsep_watch.store.restoring import Published, Restored, Restoring

UNDER_WAY = "rebuild"
"""Names the note that a rebuild is under way: who began it."""
BY_A_PERSON, BY_DAMAGE = "person", "damage"
ASIDE = "damaged_file"


def is_under_way(store: Store) -> bool:
    """Say whether a rebuild was begun and has not been finished."""
    return bool(store.memory.meta(UNDER_WAY))


def give_up(store: Store) -> None:
    """Leave a rebuild that was begun unfinished for good: a person has the state begin anew."""
    store.memory.set_meta(UNDER_WAY, "")
    store.memory.set_meta(ASIDE, "")


def begin(store: Store, *, now: float, begun_by: str) -> None:
    """Close the `state` gate and write down that a rebuild is under way."""
    with store.transaction():
        store.memory.set_meta(UNDER_WAY, begun_by)
        gate = Gate(
            name=GateName.STATE,
            reason="the state is being rebuilt, and that was not finished",
            hint="`mvsep-watch rebuild` begins it again; nothing is spent until it has finished",
            since=now,
        )
        store.memory.close_gate(gate)


class Rebuilding:
    """One rebuild of an open state, under its lock.

    Args:
        store: The state: a new one, or one that is there and older than the outputs.
        config: Says where outputs and sources are.
        report: Is filled in.
        now: Seconds since 1970.
        verify: Whether outputs are read and hashed; their sizes are compared in any case.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        report: Report,
        *,
        now: float,
        verify: bool = False,
    ) -> None:
        self._store = store
        self._config = config
        self._now = now
        self._reading = Rereading(config, store.memory, report, verify=verify)
        self._restoring = Restoring(store.db)
        self._folders: set[str] = set()
        self._account = ""
        self.report = report

    @property
    def _realm(self) -> str:
        return realm_of(self._config.service.base_url)

    def perform(self, client: Client | None) -> Report:
        """Rebuild, with the history if there is a client to read it with.

        Raises:
            StateError: The state file cannot be written.
            OutputRootError: A claim cannot be written; the gate stays closed.
        """
        if not is_under_way(self._store):
            begin(self._store, now=self._now, begun_by=BY_A_PERSON)
        for root in sorted({folder.output for folder in self._config.folders}):
            for found in self._reading.below(root):
                self._restore(found)
        self._know_what_is_paid()
        if client is not None:
            self.report.history = self._read_history(client)
        self._finish()
        self.report.orphans = spool.orphans(
            spool.place_of(self._config.state),
            state_id=self._store.memory.state_id,
            is_known=lambda job_id: self._store.jobs.get(job_id) is not None,
        )
        return self.report

    def _restore(self, found: Sequence[Published]) -> None:
        with self._store.transaction():
            for each in found:
                restored: Restored = self._restoring.take(each, now=self._now)
                self.report.jobs += restored.job
                self.report.separations += restored.separation
                self._folders.add(each.said.folder)

    def _know_what_is_paid(self) -> None:
        """Know again what was paid for and waits in the spool: whoever asks for it next gets it from there."""
        with self._store.transaction():
            for found in self._reading.in_spool():
                self.report.separations += self._restoring.take_paid(found, now=self._now)

    # History

    def _read_history(self, client: Client) -> History:
        """Read the account's history to its end, and remember it; without it nothing is sent in any case."""
        tools = Tools(
            client=client,
            ask_release=lambda *_: Denied("the state is being rebuilt"),
            found=lambda *_: None,
            stopping=threading.Event(),
            now=lambda: self._now,
            monotonic=time.monotonic,
            version=__version__,
        )
        memory = self._store.memory
        try:
            account, _ = ReadAccount().perform(tools)
            read = ReadHistory(down_to=0, newest_known=0).perform(tools)
        except MvsepWatchError as error:
            return History(trouble=error.message)
        self._account = account.identity
        with self._store.transaction():
            memory.account_read(self._realm, account, now=self._now)
            memory.history_read(self._realm, account.identity, read.rows, now=self._now)
        tagged, unexplained = memory.history_tagged(self._realm, account.identity)
        return History(tagged=tagged, unexplained=unexplained)

    # The end

    def _finish(self) -> None:
        """Give the state a new id, have everything new asked about, take the roots over, and open the gate."""
        memory = self._store.memory
        seen = [claim.generation for claim in self._reading.claims.values() if claim is not None]
        with self._store.transaction():
            memory.take_id(
                secrets.token_hex(6),
                taking_over=[claim.state_id for claim in self._reading.claims.values() if claim is not None],
            )
            tidying.look_there_too(self._store, self._reading.staged)
            memory.set_meta("generation", str(max([*seen, memory.generation]) + 1))
            memory.set_meta("is_fresh", "0")
            memory.set_meta("ask_about_new", "1")
            recognising.begin_anew(self._store, now=self._now)
            self._take_intents_back()
            self._store.approvals.ask_again(now=self._now)
            for folder in self._config.folders:
                if folder.name in self._folders:
                    self._store.sources.scanned(folder.name, self._now)
        for root, there in self._reading.claims.items():
            access = self._config.access_at(root)[0]
            claims.write(root, self._claim(there), replace_damaged=True, access=access)
        self._go_on_with_one_offs()
        spool.take_over(spool.place_of(self._config.state), before=memory.former_ids, after=memory.state_id)
        with self._store.transaction():
            memory.set_meta(UNDER_WAY, "")
            memory.set_meta(ASIDE, "")
            memory.open_gate(GateName.STATE)
            self._store.jobs.wake()

    def _go_on_with_one_offs(self) -> None:
        """Renew the claims of this state where one-offs went; one that is away only refuses further ones.

        They may bear any id that it had: a rebuild may have been killed after it had given another.
        """
        known = oneoffs.with_one_offs(self._config, self._store).one_offs.values()
        for root in {folder.output for folder in known} - self._reading.claims.keys():
            with contextlib.suppress(MvsepWatchError):
                there = claims.read(root)
                if there is not None and there.state_id in self._store.memory.inherited_ids:
                    claims.write(root, self._claim(there))

    def _take_intents_back(self) -> None:
        """Have what was intended and never left asked about as well."""
        for row in self._store.separations.in_state(SeparationState.INTENDED):
            if row.releases == 0:
                self._store.separations.remove_intent(row, reason="the state was rebuilt", now=self._now)

    def _claim(self, there: Claim | None) -> Claim:
        memory = self._store.memory
        return Claim(
            state_id=memory.state_id,
            generation=memory.generation,
            realm=self._realm,
            host=self._config.service.base_url,
            account=self._account or (there.account if there else ""),
        )
