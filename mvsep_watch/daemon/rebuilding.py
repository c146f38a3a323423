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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from mvsep_watch import __version__
from mvsep_watch.daemon import oneoffs, recognising, tidying
from mvsep_watch.daemon.roots import root_key
from mvsep_watch.daemon.systemd import Notifier
from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files import claim as claims
from mvsep_watch.files import roots, sidecar, spool, staging
from mvsep_watch.files.claim import Claim
from mvsep_watch.files.roots import RootNote
from mvsep_watch.files.spool import Orphan
from mvsep_watch.log import get_logger
from mvsep_watch.model import Config, Gate, GateName, Provenance, SeparationState, realm_of
from mvsep_watch.mvsep import Client
from mvsep_watch.naming import OutputPlace, display, unescape_path
from mvsep_watch.steps.asking import ReadAccount, ReadHistory
from mvsep_watch.steps.base import Denied, Tools
from mvsep_watch.store import Store, damage
from mvsep_watch.store.restoring import Published, Restored, Restoring

UNDER_WAY = "rebuild"
"""Names the note that a rebuild is under way: who began it."""
BY_A_PERSON, BY_DAMAGE = "person", "damage"
_ASIDE = "damaged_file"
AT_ONCE = 100
"""Sidecars per commit: a commit on a slow disk takes as long as reading several."""
MORE_TIME_S = 120.0
"""Asked of systemd for every hundred: a start that mends the state takes as long as there are outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the account's history says.

    Args:
        tagged: Rows with a tag of ours.
        unexplained: Those of them whose separation the state does not know.
        trouble: Why it could not be read; empty where it was.
    """

    tagged: int = 0
    unexplained: int = 0
    trouble: str = ""


@dataclass(slots=True, kw_only=True)
class Report:
    """What a rebuild found and did.

    Args:
        aside: Where a damaged state file was put, if it was.
        salvaged: Separations that could still be read in it.
        roots: The output roots that were looked through.
        missing: Those that are not there, or a part of them that may not be read, with the reason.
        sidecars: How many were read and understood.
        jobs: How many jobs were restored; the others were known.
        separations: How many separations were restored, or are done by now.
        foreign: How many of the sidecars are of another realm: they never count for this one.
        gone: How many of their sources are not where they were, or have another size there.
        damaged: Sidecars, and claims, that cannot be understood, with the reason.
        changed: Folders with outputs that are no longer what was published, with what is missing or different.
        history: What the account's history says; None where it was not asked.
        orphans: What the spool keeps for jobs that the state does not have.
    """

    aside: Path | None = None
    salvaged: int = 0
    roots: list[Path] = field(default_factory=list)
    missing: list[tuple[Path, str]] = field(default_factory=list)
    sidecars: int = 0
    jobs: int = 0
    separations: int = 0
    foreign: int = 0
    gone: int = 0
    damaged: list[tuple[Path, str]] = field(default_factory=list)
    changed: list[tuple[Path, tuple[str, ...]]] = field(default_factory=list)
    history: History | None = None
    orphans: tuple[Orphan, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True where nothing was left out."""
        return not (self.missing or self.damaged or (self.history and self.history.trouble))


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
        if aside := store.memory.meta(_ASIDE):
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
            store.memory.set_meta(_ASIDE, str(aside))
            _begin(store, now=now, begun_by=begun_by)
    finally:
        store.close()
    get_logger().error(
        "state_damaged",
        reason=reason,
        moved_to=display(aside),
        hint="the state is rebuilt from the outputs and the account's history; what it lost waits for `approve`",
    )
    return aside


def is_under_way(store: Store) -> bool:
    """Say whether a rebuild was begun and has not been finished."""
    return bool(store.memory.meta(UNDER_WAY))


def give_up(store: Store) -> None:
    """Leave a rebuild that was begun unfinished for good: a person has the state begin anew."""
    store.memory.set_meta(UNDER_WAY, "")
    store.memory.set_meta(_ASIDE, "")


def _begin(store: Store, *, now: float, begun_by: str) -> None:
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
        self._verify = verify
        self._restoring = Restoring(store.db)
        self._claims: dict[Path, Claim | None] = {}
        self._seen: set[Path] = set()
        self._staged: set[Path] = set()
        self._copies: set[tuple[str, int, str]] = set()
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
            _begin(self._store, now=self._now, begun_by=BY_A_PERSON)
        for root in sorted({folder.output for folder in self._config.folders}):
            self._look_through(root)
        self._look_through_spool()
        if client is not None:
            self.report.history = self._read_history(client)
        self._finish()
        self.report.orphans = spool.orphans(
            spool.place_of(self._config.state),
            state_id=self._store.memory.state_id,
            is_known=lambda job_id: self._store.jobs.get(job_id) is not None,
        )
        return self.report

    # Sidecars

    def _look_through(self, root: Path) -> None:
        """Restore what an output root holds; one whose disk is away is told, and holds nothing up."""
        found = sorted(set(sidecar.find(root, passed_over=self._pass_over)) - self._seen)
        claim = self._claim_of(root)
        try:
            roots.require_same(root, self._note_of(root, lost_claim=bool(found and claim is None)))
        except MvsepWatchError as error:
            self.report.missing.append((root, f"{error.message} {error.hint} Then rebuild again."))
            return
        self.report.roots.append(root)
        self._claims[root] = claim
        self._staged.update(staging.places_below(root))
        self._seen.update(found)
        for start in range(0, len(found), AT_ONCE):
            Notifier().more_time(MORE_TIME_S)
            self._restore(list(self._read(found[start : start + AT_ONCE], root)))

    def _look_through_spool(self) -> None:
        """Know again what was paid for and waits in the spool: whoever asks for it next gets it from there."""
        place = spool.place_of(self._config.state)
        with self._store.transaction():
            for folder, said in spool.kept_in(place):
                try:
                    found = self._placed(said, OutputPlace(folder), place)
                except ValueError as error:
                    self.report.damaged.append((folder, f"it cannot be understood: {error}"))
                else:
                    self.report.separations += self._restoring.take_paid(found, now=self._now)

    def _claim_of(self, root: Path) -> Claim | None:
        try:
            return claims.read(root)
        except MvsepWatchError as error:
            self.report.damaged.append((root / claims.CLAIM_NAME, error.message))
            return None

    def _note_of(self, root: Path, *, lost_claim: bool) -> RootNote | None:
        """Say what a root was when it was seen last; one that has lost nothing but its claim gets another."""
        note = RootNote.of(self._store.memory.meta(root_key(root)) or "")
        return replace(note, generation=None) if note and lost_claim else note

    def _pass_over(self, folder: Path) -> None:
        self.report.missing.append((folder, "it may not be read"))

    def _read(self, paths: Sequence[Path], root: Path) -> Iterator[Published]:
        """Read sidecars; what cannot be understood, or is the copy of another, is left out."""
        for path in paths:
            try:
                place = OutputPlace.of_sidecar(path)
                said = sidecar.read(place)
                found = self._placed(said, place, root) if said else None
            except ValueError as error:
                self.report.damaged.append((path, f"it cannot be understood: {error}"))
            except MvsepWatchError as error:
                self.report.damaged.append((path, error.message))
            else:
                if found is not None and self._is_first(found.said):
                    yield replace(found, is_intact=self._compare(found))

    def _placed(self, said: Provenance, place: OutputPlace, root: Path) -> Published:
        folder = self._config.folder(said.folder)
        own = folder.output if folder and place.base.is_relative_to(folder.output) else root
        return Published.of(said, place=place, root=own, source=self._source_of(said, root))

    def _source_of(self, said: Provenance, root: Path) -> Path:
        """Say where a source was; where its folder is configured no more, where such a folder is likeliest.

        Raises:
            ValueError: Its name is none, or leads out of its folder.
        """
        name = unescape_path(said.source_name)
        parts = PurePosixPath(said.folder, name)
        if "\0" in name or ".." in parts.parts or PurePosixPath(name).is_absolute() or name in {"", "."}:
            raise ValueError(f"its source's name is {said.source_name!r}")
        folder = self._config.folder(said.folder)
        return folder.path / name if folder else root.parent / parts.relative_to(parts.anchor)

    def _is_first(self, said: Provenance) -> bool:
        """Say whether this is not the copy of a folder that was seen already."""
        own = (said.state_id, said.job_id, said.hash)
        is_first = own not in self._copies
        self._copies.add(own)
        return is_first

    def _compare(self, found: Published) -> bool:
        """Say whether outputs are what was published, and report those that are not; the work stays paid for."""
        report, said = self.report, found.said
        report.sidecars += 1
        report.foreign += said.realm != self._realm
        report.gone += not _has_size(found.source, said.source_size_bytes)
        compare = sidecar.verify if self._verify else sidecar.changed_sizes
        try:
            different = compare(found.place, said.outputs)
        except MvsepWatchError as error:
            report.missing.append((found.place.base, f"its outputs could not be compared: {error.message}"))
            return False
        if different:
            names = tuple(found.place.file(output.name).name for output in different)
            report.changed.append((found.place.folder, names))
        return not different

    def _restore(self, found: Sequence[Published]) -> None:
        with self._store.transaction():
            for each in found:
                restored: Restored = self._restoring.take(each, now=self._now)
                self.report.jobs += restored.job
                self.report.separations += restored.separation
                self._folders.add(each.said.folder)

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
        seen = [claim.generation for claim in self._claims.values() if claim is not None]
        with self._store.transaction():
            memory.take_id(
                secrets.token_hex(6),
                taking_over=[claim.state_id for claim in self._claims.values() if claim is not None],
            )
            tidying.look_there_too(self._store, self._staged)
            memory.set_meta("generation", str(max([*seen, memory.generation]) + 1))
            memory.set_meta("is_fresh", "0")
            memory.set_meta("ask_about_new", "1")
            recognising.begin_anew(self._store, now=self._now)
            self._take_intents_back()
            self._store.jobs.ask_again(now=self._now)
            for folder in self._config.folders:
                if folder.name in self._folders:
                    self._store.sources.scanned(folder.name, self._now)
        for root, there in self._claims.items():
            access = self._config.access_at(root)[0]
            claims.write(root, self._claim(there), replace_damaged=True, access=access)
        self._go_on_with_one_offs()
        spool.take_over(spool.place_of(self._config.state), before=memory.former_ids, after=memory.state_id)
        with self._store.transaction():
            memory.set_meta(UNDER_WAY, "")
            memory.set_meta(_ASIDE, "")
            memory.open_gate(GateName.STATE)
            self._store.jobs.wake()

    def _go_on_with_one_offs(self) -> None:
        """Renew the claims of this state where one-offs went; one that is away only refuses further ones.

        They may bear any id that it had: a rebuild may have been killed after it had given another.
        """
        known = oneoffs.with_one_offs(self._config, self._store).one_offs.values()
        for root in {folder.output for folder in known} - self._claims.keys():
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


def _has_size(path: Path, size_bytes: int) -> bool:
    try:
        return path.lstat().st_size == size_bytes
    except (OSError, ValueError):
        return False
