"""What a separation costs and whether it may start: the planner's questions, answered from the store as it is now."""

from __future__ import annotations

from mvsep_watch.daemon.context import Context
from mvsep_watch.model import Settings, Work, kind_of
from mvsep_watch.planner import Ask, Misfit, Proposal, Situation, Start, Wait, in_force, may_start
from mvsep_watch.pricing import month_of, price
from mvsep_watch.retry import words
from mvsep_watch.store import SeparationRow


class Budget:
    """Puts prices, limits, approvals and gates before the planner."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def decide(
        self,
        work: Work,
        *,
        attempt: int,
        size_bytes: int,
        duration_s: float | None,
        root: str,
        folder: str,
        reserved_by: SeparationRow | None = None,
    ) -> Start | Wait | Ask:
        """Ask the planner whether an attempt of a work may start now; what does not fit the catalogue may not.

        Args:
            work: What is to be separated.
            attempt: Which attempt of it.
            size_bytes: The upload's size.
            duration_s: Seconds of audio, or None.
            root: The output root, escaped.
            folder: The watched folder's name.
            reserved_by: The intent whose own reservation and slot do not count against it.
        """
        if unfit := self._context.misfit(work):
            return Misfit(*words(unfit))
        approved = self._context.store.approvals.approved(
            realm=work.realm, input_key=work.input_key, settings=work.settings, attempt=attempt
        )
        proposal = Proposal(
            price=self.price_of(work.settings, duration_s),
            size_bytes=size_bytes,
            duration_s=duration_s,
            root=root,
            folder=folder,
            is_tagged=kind_of(work.input_key).is_tagged,
            failures=self._context.store.separations.failures_on(work),
            approved=approved,
        )
        return may_start(proposal, self._situation(without=reserved_by))

    def price_of(self, settings: Settings, duration_s: float | None) -> int | None:
        """Give what a separation would cost on the account as it is."""
        account = self._context.account
        return price(
            duration_s=duration_s,
            algorithm=(self._context.catalogue or {}).get(settings.sep_type),
            options=dict(settings.options),
            premium=account is not None and account.has_premium,
        )

    def _situation(self, *, without: SeparationRow | None) -> Situation:
        """Say what holds for whatever might start now, leaving one separation's own reservation out."""
        context, separations = self._context, self._context.store.separations
        today, realm = context.today(), context.realm
        account = (realm, context.identity)
        own_price = without.credits_estimated if without else 0
        own_today = without is not None and without.reserved_day == today
        own_month = without is not None and without.reserved_day[:7] == today[:7]
        return Situation(
            gates=context.gates(),
            plan=in_force(context.config.limits, context.account, context.store.memory.slots_seen(*account)),
            credits=context.config.limits.credits,
            account=context.account,
            slots_taken=separations.slots_taken(account=account, besides=without),
            sent_today=separations.sent_on(realm, today) - own_today,
            attempts=context.config.limits.attempts,
            is_untagged_unknown=separations.is_untagged_released(account=account, besides=without),
            reserved=separations.reserved_against_balance(account=account) - own_price,
            spent_today=separations.spent(realm, today, today) - own_price * own_today,
            spent_this_month=separations.spent(realm, *month_of(today)) - own_price * own_month,
        )
