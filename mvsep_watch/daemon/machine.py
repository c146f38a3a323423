"""The daemon's surroundings: account, catalogue, output roots with their claims, and the gates that hang on them.

Bells ask for the regular refresh. A closed gate is probed at least once a minute; what it held goes on by itself.
"""

from __future__ import annotations

from pathlib import Path

from mvsep_watch import retry
from mvsep_watch.daemon import rebuilding, slots
from mvsep_watch.daemon.context import Context, is_strange
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.looking import Looking
from mvsep_watch.daemon.news import News
from mvsep_watch.daemon.roots import Roots, note_of
from mvsep_watch.errors import (
    OutputRootError,
    RateLimitedError,
    ServiceError,
    StateError,
    TokenRefusedError,
    TransportError,
)
from mvsep_watch.model import Account, Algorithm, Catalogue, GateName, HoldKind, JobState, SeparationState
from mvsep_watch.mvsep.cached import FRESH_S, CatalogueCache, KnownCatalogue
from mvsep_watch.naming import escape_path
from mvsep_watch.planner import BUY_CREDITS
from mvsep_watch.pricing import unpriced
from mvsep_watch.steps.asking import ReadAccount, ReadCatalogue
from mvsep_watch.steps.packaged import packaged_catalogue
from mvsep_watch.steps.publish import CheckRoot, RootFacts

ACCOUNT_AFTER_END_S = 15.0
"""How soon after something ended the balance is read again: its reservation counts until then."""
NEVER = float("inf")
SETTLED_S = 300.0
"""A catalogue that was asked for so lately is not asked for again because something was refused."""
REFUSED_PAUSE_S = 30.0
LONGEST_PAUSE_S = 300.0
"""How long nothing is sent after the service took no further separation; doubles while it keeps saying so.
Source: recorded waits of 27 to 282 s, 2025."""

LONGEST_DOUBT_S = 3600.0
"""How long an account that seems fine is not believed at most, while uploads are refused for its sake: each refusal
costs a whole upload."""


class Machine:
    """The desk that looks after everything that is not work."""

    def __init__(self, context: Context, roots: Roots, looking: Looking, news: News) -> None:
        self._context = context
        self._looking = looking
        self._roots = roots
        self._news = news
        self._account_due_s = float("-inf")
        self._account_failures = 0
        self.answered_s: float | None = None
        """When the service said something of the account last, monotonic."""
        self._balance_is_old = False
        self._catalogue_due_s = float("-inf")
        self._known: KnownCatalogue | None = None
        self._is_doubted = False
        self._roots_checked: dict[Path, float] = {}
        self._roots_before: set[Path] = set()
        self._paused_until_s = float("-inf")
        self._pause_s = REFUSED_PAUSE_S
        self._met_with: Account | None = None
        self._believed_from_s = float("-inf")
        self._doubt_s = retry.PROBE_S
        self._lacking: set[str] = set()
        self._doubtful_roots: set[Path] = set()
        self._taking_over: set[Path] = set()

    def work(self) -> None:
        """Hand out the probes that are due."""
        if self._context.stopping:
            return
        now_s = self._context.clock.monotonic()
        if self._account_due_s == NEVER and self._is_waited_for():
            self._account_due_s = now_s + retry.PROBE_S
        if now_s >= self._account_due_s:
            self._context.hands.give(ReadAccount())
        if now_s >= self._catalogue_due_s:
            self._context.hands.give(self._read_catalogue())
        for root in self._probed_roots():
            if now_s >= self._root_due_s(root) and self._needs_check(root):
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

    def _read_catalogue(self) -> ReadCatalogue:
        kept = CatalogueCache(self._context.caches, self._context.host)
        return ReadCatalogue(cache=kept, fresh_s=SETTLED_S if self._is_doubted else FRESH_S)

    def _probed_roots(self) -> set[Path]:
        """Give the configured output roots, and those of one-offs that are under way; the gates of others are over."""
        roots = {folder.output for folder in self._context.config.folders}
        roots.update(self._context.store.jobs.roots_of_one_offs())
        for root in self._roots_before - roots:
            self._context.open_gate(GateName.DISK, scope=escape_path(root))
        self._roots_before = roots
        return roots

    def _root_due_s(self, root: Path) -> float:
        """Say when a root is looked at next; soon, where its gate is closed."""
        checked_s, every_s = self._roots_checked.get(root, float("-inf")), self._context.config.rescan_s
        scope = escape_path(root)
        is_unseen = root not in self._context.roots_seen
        is_doubted = any(gate.name == GateName.STATE or gate.scope == scope for gate in self._context.gates())
        return checked_s + (min(retry.PROBE_S, every_s) if is_doubted or is_unseen else every_s)

    def _needs_check(self, root: Path) -> bool:
        """Spare an idle disk: a root is probed at start, while work waits, and while a gate is closed."""
        if root not in self._roots_checked:
            return True
        return bool(self._context.gates() or self._context.store.jobs.folders_waiting())

    def take_over_roots(self) -> None:
        """Begin anew on every output root: a person said so."""
        self._taking_over = {folder.output for folder in self._context.config.folders}

    def forget_old_gates(self) -> None:
        """At start: open gates about output roots that the configuration no longer has, and what is probed anyway."""
        self._context.open_gate(GateName.SERVICE)
        scopes = {escape_path(root) for root in self._probed_roots()}
        for gate in self._context.store.memory.closed:
            if gate.scope and gate.scope not in scopes and gate.name != GateName.PAUSED:
                self._context.open_gate(gate.name, scope=gate.scope)

    def reloaded(self) -> None:
        """After another configuration: look at every output root soon; those that are gone are in no doubt."""
        self._doubtful_roots &= {folder.output for folder in self._context.config.folders}
        strangers = self._context.strangers
        self._context.strangers = {place for place in strangers if self._context.is_output_place(place.base)}
        self._roots_checked.clear()

    def check_account(self) -> None:
        """Have the account read."""
        self._account_due_s = float("-inf")

    def _check_account_in(self, delay_s: float) -> None:
        """Have the account read so soon, or earlier if it is due earlier."""
        self._account_due_s = min(self._account_due_s, self._context.clock.monotonic() + delay_s)

    def doubt_catalogue(self) -> None:
        """Have the models asked for: the service refused what they allow."""
        if self._known is None or self._known.age_s(self._context.clock.now()) >= SETTLED_S:
            self._is_doubted = True
            self._catalogue_due_s = float("-inf")

    def separation_ended(self) -> None:
        """Have the balance read soon: a reservation counts until then."""
        self._check_account_in(ACCOUNT_AFTER_END_S)
        self._balance_is_old = True

    def unknown_held(self) -> None:
        """Have the account read soon: an empty queue gives a held unknown's slot back."""
        self._check_account_in(ACCOUNT_AFTER_END_S)

    def _is_waited_for(self) -> bool:
        """Say whether something hangs on the next look at the account: a closed gate, or the slot of an unknown."""
        store = self._context.store
        return bool(store.memory.closed or store.separations.in_state(SeparationState.RELEASED))

    def owes_balance(self) -> bool:
        """Say whether something has ended since the balance was read last; if so, have it read at once."""
        if self._balance_is_old and not self._context.hands.is_busy_with(ReadAccount().key):
            self.check_account()
        return self._balance_is_old

    def trouble(self, error: Exception) -> None:
        """Probe the service soon after trouble with it; it is the probe that closes and opens gates.

        One request that went wrong stops nothing. Too many requests do: everything pauses together.
        """
        if isinstance(error, RateLimitedError):
            self._context.close_gate(GateName.SERVICE, error.message, error.hint or "it goes on by itself")
        if isinstance(error, TransportError | ServiceError | RateLimitedError):
            asked_s = error.retry_after_s or 0.0
            self._check_account_in(max(asked_s, retry.backoff_s(self._account_failures)))
        elif isinstance(error, TokenRefusedError):
            self.check_account()

    def lacks(self, what: str, error: Exception) -> None:
        """Close the `service` gate for want of what nothing may be started without, whatever the account says.

        A refused token has its own gate, which says what to do.
        """
        is_told = any(gate.name == GateName.TOKEN for gate in self._context.gates())
        if is_told and isinstance(error, TokenRefusedError):
            return
        reason, hint = retry.words(error)
        self._lacking.add(what)
        self._context.close_gate(
            GateName.SERVICE, f"the {what} cannot be read: {reason}", hint or "it goes on by itself"
        )

    def has(self, what: str) -> None:
        """Take note that it could be read; the account's probe opens the gate."""
        if what in self._lacking:
            self._lacking.discard(what)
            self.check_account()

    def slots_refused(self, reason: str) -> None:
        """Pause all sending: the service takes no further separation now; and send fewer at once from here on."""
        at_once = slots.lower(self._context)
        now_s = self._context.clock.monotonic()
        if now_s >= self._paused_until_s:
            self._paused_until_s = now_s + self._pause_s
            self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)
        self._context.close_gate(
            GateName.SERVICE,
            f"the service takes no further separation now: {reason}",
            f"it goes on by itself, with {at_once} at once at most",
        )
        self._account_due_s = min(self._account_due_s, self._paused_until_s)

    def gate_met(self) -> None:
        """An upload was refused for the account's sake: one that goes on seeming fine is believed ever later."""
        now_s = self._context.clock.monotonic()
        if now_s >= self._believed_from_s:
            self._believed_from_s = now_s + self._doubt_s
            self._doubt_s = min(LONGEST_DOUBT_S, 2 * self._doubt_s)
        self._met_with = self._context.account

    def _is_believed(self, account: Account, now_s: float) -> bool:
        """Say whether what an account says opens gates: after a while, or once it says something else."""
        if self._met_with is not None and _paying(account) != _paying(self._met_with):
            self._believe()
        return now_s >= self._believed_from_s

    def _believe(self) -> None:
        self._met_with, self._believed_from_s, self._doubt_s = None, float("-inf"), retry.PROBE_S

    def separation_taken(self) -> None:
        """A separation was accepted: the next refusal pauses for the shortest time again."""
        self._pause_s = REFUSED_PAUSE_S
        self._believe()
        slots.raise_after_quiet(self._context)

    def account_read(self, result: tuple[Account, float] | None, error: Exception | None) -> None:
        """Take what the service says of the account, and when the question was begun (seconds since 1970)."""
        if result is None:
            self._balance_is_old = False
            self._account_failed(error or ServiceError("no answer"))
            return
        account, begun_at = result
        context, now_s = self._context, self._context.clock.monotonic()
        self.answered_s = now_s
        self._balance_is_old = False
        self._account_failures = 0
        self._account_due_s = now_s + retry.PROBE_S if context.gates() else NEVER
        if not account.identity:
            context.close_gate(
                GateName.ACCOUNT, "the service does not say whose account it is", "nothing is sent until it does"
            )
            return
        before = context.account or account
        context.account, context.account_begun_at = account, begun_at
        with context.store.transaction():
            if account.has_premium != before.has_premium or (account.credits or 0) > (before.credits or 0):
                context.store.jobs.wake_from(BUY_CREDITS)
            context.store.memory.account_read(context.realm, account, now=context.clock.now())
            context.store.separations.balance_was_read(begun_at=begun_at)
        self._open_after(account, now_s)

    def _open_after(self, account: Account, now_s: float) -> None:
        is_believed = self._is_believed(account, now_s)
        if is_believed:
            self._context.open_gate(GateName.TOKEN)
        self._context.open_gate(GateName.ACCOUNT)
        if now_s >= self._paused_until_s and not self._lacking:
            self._context.open_gate(GateName.SERVICE)
        if is_believed and (account.credits is None or account.credits > 0):
            self._context.open_gate(GateName.CREDITS)
        if account.queue_is_empty:
            self._news.queue_is_empty()

    def _account_failed(self, error: Exception) -> None:
        reason, hint = retry.words(error)
        match self._context.consequence(error, failures=self._account_failures):
            case retry.Again(delay_s=delay_s):
                self._context.close_gate(GateName.SERVICE, reason, hint or "it goes on by itself")
                wait_s = min(delay_s, retry.PROBE_S)
            case retry.CloseGate(gate=gate):
                self._context.close_gate(gate, reason, hint)
                wait_s = retry.PROBE_S
            case _:
                self._context.close_gate(GateName.ACCOUNT, reason, hint)
                wait_s = retry.PROBE_S
        self._account_failures += 1
        self._account_due_s = self._context.clock.monotonic() + wait_s

    def catalogue_read(self, known: KnownCatalogue | None, error: Exception | None) -> None:
        """Take the models; without any nothing is planned, and old ones have no prices."""
        context, now = self._context, self._context.clock.now()
        self._is_doubted = False
        if known is not None:
            context.keep_names()
            changed = _changed(context.catalogue or {}, known.models)
            context.known_models = {**(context.known_models or packaged_catalogue()), **changed}
            self._known = known
        if self._known is None:
            self.lacks("catalogue", error or ServiceError("no answer"))
            self._catalogue_due_s = context.clock.monotonic() + retry.PROBE_S / 4
            return
        context.catalogue = self._known.models if self._known.has_prices(now) else unpriced(self._known.models)
        fresh_for_s = FRESH_S - self._known.age_s(now)
        self._catalogue_due_s = context.clock.monotonic() + max(fresh_for_s, retry.LONGEST_DELAY_S)
        self.has("catalogue")

    def root_checked(self, step: CheckRoot, facts: RootFacts | None, error: Exception | None) -> None:
        """Take what an output root says: writable, and ours."""
        scope = escape_path(step.root)
        self._context.roots_seen.add(step.root)
        self._roots_checked[step.root] = self._context.clock.monotonic()
        if facts is None:
            self._root_failed(step.root, scope, error or OutputRootError("no answer"))
            return
        self._taking_over.discard(step.root)
        self._roots.seen(step.root, facts.note)
        self._context.open_gate(GateName.DISK, scope=scope)
        doubt = self._doubt(step.root, facts)
        if doubt and not self._context.config.is_output(step.root):
            self._hold_one_offs(step.root, *doubt)
        elif doubt:
            self._context.close_gate(GateName.STATE, *doubt)
            self._doubtful_roots.add(step.root)
        else:
            self._doubtful_roots.discard(step.root)
            self._open_state()

    def _open_state(self) -> None:
        """Open the `state` gate once no root and no folder is in doubt any more, and no rebuild is to be finished."""
        context = self._context
        if context.strangers:
            self._looking.attempt(self._look_at_strangers)
        is_in_doubt = self._doubtful_roots or context.strangers or rebuilding.is_under_way(context.store)
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

    def _root_failed(self, root: Path, scope: str, error: Exception) -> None:
        reason, hint = retry.words(error)
        if isinstance(error, StateError) and not self._context.config.is_output(root):
            self._hold_one_offs(root, reason, hint)
            return
        gate, gate_scope = (GateName.STATE, "") if isinstance(error, StateError) else (GateName.DISK, scope)
        if gate == GateName.STATE:
            self._doubtful_roots.add(root)
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


def _changed(before: Catalogue, after: Catalogue) -> Catalogue:
    """Give the models as they were listed before, where they are gone, or they or their options got other names."""
    same = {number for number, was in before.items() if (now := after.get(number)) and _words(now) == _words(was)}
    return {number: was for number, was in before.items() if number not in same}


def _words(algorithm: Algorithm) -> tuple[object, ...]:
    return (algorithm.name, [(field.name, field.label, field.options) for field in algorithm.fields])


def _paying(account: Account) -> tuple[object, ...]:
    return (account.identity, account.credits, account.premium_enabled)
