"""The desk that looks after output roots: whether they can be written, and whether they are this state's.

It opens and closes the gates `disk` and `state`. A root whose gate is closed is looked at once a minute.
"""

from __future__ import annotations

from pathlib import Path

from mvsep_watch import retry
from mvsep_watch.daemon import rebuilding
from mvsep_watch.daemon.context import Context, is_strange
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.looking import Looking
from mvsep_watch.daemon.news import News
from mvsep_watch.daemon.roots import Roots, note_of
from mvsep_watch.errors import OutputRootError, StateError
from mvsep_watch.model import GateName, HoldKind, JobState, SeparationState
from mvsep_watch.naming import escape_path
from mvsep_watch.steps.publish import CheckRoot, RootFacts


class Outputs:
    """The desk of output roots."""

    def __init__(self, context: Context, roots: Roots, looking: Looking, news: News) -> None:
        self._context = context
        self._roots = roots
        self._looking = looking
        self._news = news
        self._checked_s: dict[Path, float] = {}
        self._probed_before: set[Path] = set()
        self._doubtful: set[Path] = set()
        self._taking_over: set[Path] = set()

    def take_over(self) -> None:
        """Begin anew on every output root: a person said so."""
        self._taking_over = {folder.output for folder in self._context.config.folders}

    def begin(self) -> None:
        """At start: open gates about output roots that the configuration no longer has."""
        scopes = {escape_path(root) for root in self._probed()}
        for gate in self._context.store.memory.closed:
            if gate.scope and gate.scope not in scopes and gate.name != GateName.PAUSED:
                self._context.open_gate(gate.name, scope=gate.scope)

    def reloaded(self) -> None:
        """After another configuration: look at every output root soon; those that are gone are in no doubt."""
        self._doubtful &= {folder.output for folder in self._context.config.folders}
        strangers = self._context.strangers
        self._context.strangers = {place for place in strangers if self._context.is_output_place(place.base)}
        self._checked_s.clear()

    def work(self) -> None:
        """Hand out the probes that are due."""
        if self._context.stopping:
            return
        now_s = self._context.clock.monotonic()
        for root in self._probed():
            if now_s >= self._due_s(root) and self._needs_check(root):
                self._context.hands.give(self._check_of(root))

    def _check_of(self, root: Path) -> CheckRoot:
        return CheckRoot(
            root=root,
            claim=self._context.claim(),
            is_new=self._roots.is_new(root),
            note=note_of(self._context, root),
            needs_bytes=self._roots.wanted_bytes(root),
            searches=self._context.config.is_output(root),
            takes_over=root in self._taking_over,
            accesses=self._context.config.access_at(root),
        )

    def _probed(self) -> set[Path]:
        """Give the configured output roots, and those of one-offs that are under way; the gates of others are over."""
        roots = {folder.output for folder in self._context.config.folders}
        roots.update(self._context.store.jobs.roots_of_one_offs())
        for root in self._probed_before - roots:
            self._context.open_gate(GateName.DISK, scope=escape_path(root))
        self._probed_before = roots
        return roots

    def _due_s(self, root: Path) -> float:
        """Say when a root is looked at next; soon, where its gate is closed."""
        checked_s, every_s = self._checked_s.get(root, float("-inf")), self._context.config.rescan_s
        scope = escape_path(root)
        is_unseen = root not in self._context.roots_seen
        is_doubted = any(gate.name == GateName.STATE or gate.scope == scope for gate in self._context.gates())
        return checked_s + (min(retry.PROBE_S, every_s) if is_doubted or is_unseen else every_s)

    def _needs_check(self, root: Path) -> bool:
        """Spare an idle disk: a root is probed at start, while work waits, and while a gate is closed."""
        if root not in self._checked_s:
            return True
        return bool(self._context.gates() or self._context.store.jobs.folders_waiting())

    def checked(self, step: CheckRoot, facts: RootFacts | None, error: Exception | None) -> None:
        """Take what an output root says: writable, and ours."""
        scope = escape_path(step.root)
        self._context.roots_seen.add(step.root)
        self._checked_s[step.root] = self._context.clock.monotonic()
        if facts is None:
            self._failed(step.root, scope, error or OutputRootError("no answer"))
            return
        self._taking_over.discard(step.root)
        self._roots.seen(step.root, facts.note)
        self._context.open_gate(GateName.DISK, scope=scope)
        doubt = self._doubt(step.root, facts)
        if doubt and not self._context.config.is_output(step.root):
            self._hold_one_offs(step.root, *doubt)
        elif doubt:
            self._context.close_gate(GateName.STATE, *doubt)
            self._doubtful.add(step.root)
        else:
            self._doubtful.discard(step.root)
            self._open_state()

    def _open_state(self) -> None:
        """Open the `state` gate once no root and no folder is in doubt any more, and no rebuild is to be finished."""
        context = self._context
        if context.strangers:
            self._looking.attempt(self._look_at_strangers)
        is_in_doubt = self._doubtful or context.strangers or rebuilding.is_under_way(context.store)
        if not is_in_doubt:
            context.open_gate(GateName.STATE)

    def _look_at_strangers(self, eyes: Eyes) -> None:
        """Look whether the folders that the state did not know are still strange; the next check opens the gate."""
        context = self._context
        strange = {place for place in context.strangers if is_strange(context.store, place, eyes)}
        is_news = strange != context.strangers
        context.strangers = strange
        if is_news:
            self._open_state()

    def _failed(self, root: Path, scope: str, error: Exception) -> None:
        reason, hint = retry.words(error)
        if isinstance(error, StateError) and not self._context.config.is_output(root):
            self._hold_one_offs(root, reason, hint)
            return
        gate, gate_scope = (GateName.STATE, "") if isinstance(error, StateError) else (GateName.DISK, scope)
        if gate == GateName.STATE:
            self._doubtful.add(root)
        self._context.close_gate(gate, reason, hint, scope=gate_scope)

    def _hold_one_offs(self, root: Path, reason: str, hint: str) -> None:
        """Hold what was to go where nothing of this state belongs: a one-off's mistake, and no doubt of the state.

        The root counts as unseen, so that nothing that is retried begins before it was looked at again.
        """
        store, now = self._context.store, self._context.clock.now()
        self._context.roots_seen.discard(root)
        for job in store.jobs.of_one_offs_at(root):
            row = store.separations.get(job.separation_id) if job.separation_id else None
            if row is not None and row.state == SeparationState.INTENDED and not row.releases:
                self._news.intent_fell_through(row, reason)
            if job.state == JobState.QUEUED and (row is None or row.state == SeparationState.INTENDED):
                store.jobs.hold(job, HoldKind.TROUBLE, now=now, reason=reason, hint=hint)

    def _doubt(self, root: Path, facts: RootFacts) -> tuple[str, str] | None:
        """Say why an output root and this state do not belong together, if they do not."""
        memory = self._context.store.memory
        claim, mine = facts.claim, memory.state_id
        mend = "use the newest state file that made these outputs, or `mvsep-watch rebuild`; `run --fresh` begins anew"
        if claim is not None and claim.state_id != mine:
            return f"{root} belongs to another state ({claim.state_id})", mend
        if claim is not None and claim.generation > memory.generation:
            return f"{root} was written by a newer copy of this state file: an old backup was restored", mend
        if strangers := [state for state in facts.sidecar_states if state != mine]:
            return f"{root} holds outputs of another state ({strangers[0]})", mend
        return None
