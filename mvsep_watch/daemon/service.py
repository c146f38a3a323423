"""The desk that looks after the service: the account, the catalogue, and the gates that hang on them.

Bells ask for the regular refresh. A closed gate is probed at least once a minute; what it held goes on by itself.
"""

from __future__ import annotations

from mvsep_watch import retry
from mvsep_watch.daemon import slots
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.news import News
from mvsep_watch.errors import (
    RateLimitedError,
    ServiceError,
    TokenRefusedError,
    TransportError,
)
from mvsep_watch.model import Account, Algorithm, Catalogue, GateName, SeparationState
from mvsep_watch.mvsep.cached import FRESH_S, CatalogueCache, KnownCatalogue
from mvsep_watch.planner import BUY_CREDITS
from mvsep_watch.pricing import unpriced
from mvsep_watch.steps.asking import ReadAccount, ReadCatalogue
from mvsep_watch.steps.packaged import packaged_catalogue

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


class Service:
    """The desk of what is asked of the service whether or not there is work."""

    def __init__(self, context: Context, news: News) -> None:
        self._context = context
        self._news = news
        self._account_due_s = float("-inf")
        self._account_failures = 0
        self.answered_s: float | None = None
        """When the service said something of the account last, monotonic."""
        self._balance_is_old = False
        self._catalogue_due_s = float("-inf")
        self._known: KnownCatalogue | None = None
        self._is_doubted = False
        self._paused_until_s = float("-inf")
        self._pause_s = REFUSED_PAUSE_S
        self._met_with: Account | None = None
        self._believed_from_s = float("-inf")
        self._doubt_s = retry.PROBE_S
        self._lacking: set[str] = set()

    def begin(self) -> None:
        """At start: whether it answers is found out anyway."""
        self._context.open_gate(GateName.SERVICE)

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

    def _read_catalogue(self) -> ReadCatalogue:
        kept = CatalogueCache(self._context.caches, self._context.host)
        return ReadCatalogue(cache=kept, fresh_s=SETTLED_S if self._is_doubted else FRESH_S)

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
        if self._balance_is_old:
            self._context.hands.give(ReadAccount())
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
        is_waited_for = context.gates() or (account.has_premium and account.credits is None)
        self._account_due_s = now_s + retry.PROBE_S if is_waited_for else NEVER
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


def _changed(before: Catalogue, after: Catalogue) -> Catalogue:
    """Give the models as they were listed before, where they are gone, or they or their options got other names."""
    same = {number for number, was in before.items() if (now := after.get(number)) and _words(now) == _words(was)}
    return {number: was for number, was in before.items() if number not in same}


def _words(algorithm: Algorithm) -> tuple[object, ...]:
    return (algorithm.name, [(field.name, field.label, field.options) for field in algorithm.fields])


def _paying(account: Account) -> tuple[object, ...]:
    return (account.identity, account.credits, account.premium_enabled)
