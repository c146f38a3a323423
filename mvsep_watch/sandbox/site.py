"""What the site tells everybody, and each account about itself: models, news, queue, demo page; user and history.

Shapes answers from what the service knows; the faults that change one endpoint's answer strike here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mvsep_watch.sandbox import shapes
from mvsep_watch.sandbox.faults import FaultKind, Faults
from mvsep_watch.sandbox.jobs import Account, Job
from mvsep_watch.sandbox.news import news
from mvsep_watch.sandbox.receive import Ask
from mvsep_watch.sandbox.refusals import BAD_TOKEN, BadTokenError, Envelope
from mvsep_watch.sandbox.service import Service

KEYS_2024 = frozenset(
    {
        "id",
        "name",
        "algorithm_group_id",
        "orientation",
        "render_id",
        "order_id",
        "created_at",
        "updated_at",
        "additional_fields",
        "price_coefficient",
        "is_active",
        "algorithm_fields",
        "algorithm_descriptions",
    }
)
FIELD_KEYS_2024 = frozenset(
    {
        "id",
        "name",
        "text",
        "algorithm_id",
        "options",
        "created_at",
        "updated_at",
        "default_key",
        "server_key",
    }
)
SWITCHES = {
    "enable_premium": ("premium_enabled", True),
    "disable_premium": ("premium_enabled", False),
    "enable_long_filenames": ("long_filenames_enabled", True),
    "disable_long_filenames": ("long_filenames_enabled", False),
}
"""The four calls that switch something of an account."""


class Site:
    """The endpoints below `/app`, each a request in and JSON out.

    Args:
        service: The rules.
        faults: How to misbehave.
    """

    def __init__(self, service: Service, faults: Faults) -> None:
        self.service = service
        self.faults = faults

    def algorithms(self, ask: Ask) -> Any:
        """List the models of the asked-for scopes."""
        scopes = (ask.fields.get("scopes") or "single_upload").split(",")
        rows: list[Mapping[str, Any]] = list(self.service.catalogue.rows(frozenset(scope.strip() for scope in scopes)))
        gone, renamed = self.faults.take(FaultKind.MODEL_GONE), self.faults.take(FaultKind.MODEL_RENAMED)
        if gone:
            rows = [row for row in rows if row["render_id"] != gone.value]
        if renamed:
            rows = [_renamed(row) if row["render_id"] == renamed.value else row for row in rows]
        return [_of_2024(row) for row in rows] if self.faults.take(FaultKind.ALGORITHMS_2024) else rows

    def news(self, ask: Ask) -> Any:
        """List the news."""
        return ask.page(news(ask.fields.get("lang") or "en"))

    def queue(self, ask: Ask) -> Any:
        """Count the jobs in the queue."""
        return shapes.queue(self.service, self.service.accounts.find(ask.token))

    def queue_summary(self, ask: Ask) -> Any:
        """Say how long the account has to wait."""
        ahead, wait_s = self.service.outlook(self.service.accounts.known(ask.token))
        return {"success": True, "data": {"ahead": ahead, "estimated_wait_seconds": wait_s}}

    def demo(self, ask: Ask) -> Any:
        """List what was published."""
        rows = [job for job in self.service.published() if _is_meant(job, ask.fields)]
        return [shapes.demo_row(self.service, job, ask.base_url) for job in ask.page(rows)]

    def login(self, ask: Ask) -> Any:
        """Tell an account its token, for its password."""
        data = shapes.account(self.service, self.service.accounts.login(ask.fields))
        is_null = self.faults.take(FaultKind.NULL_TOKEN) is not None
        return {"success": True, "data": {**data, **({"api_token": None} if is_null else {})}}

    def register(self, ask: Ask) -> Any:
        """Open an account; the mail is only spoken of."""
        account = self.service.accounts.register(ask.fields)
        return {"success": True, "message": f"Account verification email sent to {account.email}"}

    def user(self, ask: Ask) -> Any:
        """Describe the account."""
        account = self.service.accounts.known(ask.token)
        extra = {"copy_metadata": 0} if self.faults.take(FaultKind.EXTRA_KEYS) else {}
        queue = {"current_queue": shapes.queued(self.service, account)}
        return {"success": True, "data": {**shapes.account(self.service, account), **extra, **queue}}

    def history(self, ask: Ask) -> Any:
        """List the account's jobs, newest first."""
        jobs = self._listed(self.service.accounts.known(ask.token))
        return {"success": True, "data": [shapes.history_row(self.service, job) for job in ask.page(jobs)]}

    def switch(self, name: str) -> Callable[[Ask], Any]:
        """Give the endpoint that switches something on or off."""
        attribute, value = SWITCHES[name]

        def endpoint(ask: Ask) -> Any:
            account = self.service.accounts.find(ask.token)
            if account is None:
                raise BadTokenError(BAD_TOKEN, envelope=Envelope.ERRORS)
            setattr(account, attribute, value)
            return {"success": True, "message": f"successfully {'enabled' if value else 'disabled'}"}

        return endpoint

    def _listed(self, account: Account) -> list[Job]:
        jobs = self.service.history(account)
        lag = self.faults.take(FaultKind.HISTORY_LAG)
        if lag:
            jobs = [job for job in jobs if self.service.now() - job.created_at >= float(lag.value)]
        if self.faults.take(FaultKind.HISTORY_FINISHED_ONLY):
            jobs = [job for job in jobs if not job.stage.is_unfinished]
        return jobs


def _renamed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**row, "name": f"{row['name']} (renamed)"}


def _of_2024(row: Mapping[str, Any]) -> Mapping[str, Any]:
    old = {key: value for key, value in row.items() if key in KEYS_2024}
    fields = [{key: value for key, value in each.items() if key in FIELD_KEYS_2024} for each in row["algorithm_fields"]]
    return {**old, "algorithm_fields": fields}


def _is_meant(job: Job, fields: Mapping[str, str]) -> bool:
    """Filter by the catalogue's own id of a model, and by options, written as `options[add_opt1]=81`."""
    wanted = {name[8:-1]: value for name, value in fields.items() if name.startswith("options[")}
    has_options = all(job.options.get(name) == value for name, value in wanted.items())
    return has_options and fields.get("algorithm_id", "") in {str(job.model.row["id"]), ""}
