"""The part of the fake service that is no separation: accounts, news, demos, queues, the quality checker."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import httpx

from tests.fakes.answers import answer_json, form_of, multipart, page_of, refusal, stamp
from tests.fakes.records import FakeAccount, FakeJob

if TYPE_CHECKING:
    from tests.fakes.service import FakeService

INVALID_KEY = {"success": False, "data": {"message": "Invalid API key"}}
MISSING_ENTRY = {"success": False, "data": {"message": "Job not found"}}
QUEUE = {"in_process": 25, "premium": 5, "registered": 150, "unregistered": 800}


def news_row(number: int, lang: str = "en") -> dict[str, object]:
    """Make an entry of the news."""
    when = stamp(1_700_000_000 + 86_400 * number)
    return {"id": number, "title": f"News {number}", "lang": lang, "text": f"<p>{number}</p>", "status": 1,
            "created_at": when, "updated_at": when}  # fmt: skip


class FakeSite:
    """Answers for `service`; `news` and `entries` are newest last."""

    def __init__(self, service: FakeService) -> None:
        self.service = service
        self.news_rows = [news_row(1)]
        self.entries: list[dict[str, object]] = []
        self.passwords: dict[int, str] = {}

    def user(self, request: httpx.Request, body: bytes) -> httpx.Response:
        account = self.service.accounts.get(request.url.params.get("api_token", ""))
        if account is None:
            return answer_json(INVALID_KEY, status=400)
        unfinished = [job for job in self.service.unfinished if self.service.accounts[job.token] is account]
        queue = [{"hash": job.hash} for job in unfinished]
        return answer_json({"success": True, "data": {**self._described(account), "current_queue": queue}})

    def login(self, request: httpx.Request, body: bytes) -> httpx.Response:
        form = form_of(body)
        if missing := _missing(form, "email", "password"):
            return answer_json({"success": False, "message": missing}, status=400)
        for account in self.service.accounts.values():
            if (account.email, account.password) == (form["email"], form["password"]):
                return answer_json({"success": True, "data": self._described(account)})
        return answer_json({"success": False, "message": "Invalid credentials"}, status=400)

    def register(self, request: httpx.Request, body: bytes) -> httpx.Response:
        form = form_of(body)
        problems = _missing(form, "name", "email", "password")
        if form.get("password") != form.get("password_confirmation"):
            problems["password"] = ["The password confirmation does not match."]
        if form.get("email") in {account.email for account in self.service.accounts.values()}:
            problems["email"] = ["The email has already been taken."]
        if problems:
            return answer_json({"success": False, "message": problems}, status=400)
        account = self.service.add_account(hashlib.sha256(form["email"].encode()).hexdigest()[:30], email=form["email"])
        account.name, account.password = form["name"], form["password"]
        return answer_json({"success": True, "message": f"Account verification email sent to {form['email']}"})

    def enable_premium(self, request: httpx.Request, body: bytes) -> httpx.Response:
        return self._switch(body, "enabled", is_on=True)

    def disable_premium(self, request: httpx.Request, body: bytes) -> httpx.Response:
        return self._switch(body, "enabled", is_on=False)

    def enable_long_filenames(self, request: httpx.Request, body: bytes) -> httpx.Response:
        return self._switch(body, "long_filenames", is_on=True)

    def disable_long_filenames(self, request: httpx.Request, body: bytes) -> httpx.Response:
        return self._switch(body, "long_filenames", is_on=False)

    def news(self, request: httpx.Request, body: bytes) -> httpx.Response:
        lang = request.url.params.get("lang", "en")
        return answer_json(page_of(request, [row for row in reversed(self.news_rows) if row["lang"] == lang]))

    def demo(self, request: httpx.Request, body: bytes) -> httpx.Response:
        jobs = reversed(self.service.jobs.values())
        published = [job for job in jobs if job.status == "done" and job.upload.fields["is_demo"] == "1"]
        return answer_json([self._demo(job) for job in page_of(request, published)])

    def queue(self, request: httpx.Request, body: bytes) -> httpx.Response:
        account = self.service.accounts.get(request.url.params.get("api_token", ""))
        plan = "unregistered" if account is None else "premium" if account.pays else "registered"
        return answer_json({"queue": QUEUE, "plan": {"plan": plan, "queue": QUEUE[plan]}})

    def queue_summary(self, request: httpx.Request, body: bytes) -> httpx.Response:
        ahead = len(self.service.unfinished)
        return answer_json({"success": True, "data": {"ahead": ahead, "estimated_wait_seconds": 60 * ahead}})

    def quality_queue(self, request: httpx.Request, body: bytes) -> httpx.Response:
        return answer_json(page_of(request, self.entries[::-1]))

    def quality_entry(self, request: httpx.Request, body: bytes) -> httpx.Response:
        for entry in self.entries:
            if str(entry["id"]) == request.url.params.get("id"):
                return answer_json({"success": True, "data": entry})
        return answer_json(MISSING_ENTRY, status=400)

    def quality_leaderboard(self, request: httpx.Request, body: bytes) -> httpx.Response:
        params = request.url.params
        dataset, sort, name = (
            int(params.get("dataset_type", 0)),
            params.get("sort", "sdr_vocals"),
            params.get("algo_name_filter", ""),
        )
        ranked = [row for row in self.entries if row["dataset_type"] == dataset and name in str(row["algo_name"])]
        ranked.sort(key=lambda row: -row.get(sort, 0))
        sortables = ["sdr_vocals", "sdr_instrum"]
        return answer_json(
            {"data": page_of(request, ranked), "dataset_type": dataset, "sortables": sortables, "sort": sort}
        )

    def quality_add(self, request: httpx.Request, body: bytes) -> httpx.Response:
        fields, files = multipart(request, body)
        if fields.get("api_token") not in self.service.accounts:
            return refusal("invalid token", status=401)
        if problems := _missing({**fields, **dict.fromkeys(files, "x")}, "zipfile", "algo_name", "password"):
            return answer_json({"success": False, "message": problems}, status=400)
        number = 7772 + len(self.passwords)
        self.passwords[number] = fields["password"]
        self.entries.append({
            "id": number, "dataset_type": int(fields["dataset_type"]), "date": stamp(self.service.clock()),
            "algo_name": fields["algo_name"], "main_text": fields["main_text"], "proc": 0, "proc_remote_date": None,
            "msg": "OK", "metrics": "Metric sdr for vocals: 10.1", "sdr_vocals": 10.1, "sdr_instrum": -1000,
            "is_ensemble": int(fields["ensemble"]), "dataset_name": f"Dataset {fields['dataset_type']}",
        })  # fmt: skip
        link = f"{self.service.base_url}/api/quality_checker/entry?id={number}"
        return answer_json({"success": True, "data": {"id": number, "link": link}})

    def quality_delete(self, request: httpx.Request, body: bytes) -> httpx.Response:
        form = form_of(body)
        kept = [entry for entry in self.entries if str(entry["id"]) != form.get("id")]
        if len(kept) == len(self.entries):
            return answer_json(MISSING_ENTRY, status=400)
        if self.passwords[int(form["id"])] != form.get("password"):
            return answer_json({"success": False, "data": {"message": "Wrong password"}}, status=400)
        self.entries = kept
        return answer_json({"success": True, "data": {"message": "successfully deleted"}})

    def _described(self, account: FakeAccount) -> dict[str, object]:
        token = next(token for token, listed in self.service.accounts.items() if listed is account)
        return {
            "name": account.name or account.email.partition("@")[0], "email": account.email, "api_token": token,
            "created_at": "2023-09-29 15:05:50", "updated_at": "2024-01-24 16:28:33",
            "premium_minutes": account.credits, "premium_enabled": int(account.enabled),
            "long_filenames_enabled": int(account.long_filenames),
        }  # fmt: skip

    def _switch(self, body: bytes, what: str, *, is_on: bool) -> httpx.Response:
        account = self.service.accounts.get(form_of(body).get("api_token", ""))
        if account is None:
            return refusal("invalid token")
        setattr(account, what, is_on)
        return answer_json({"success": True, "message": f"successfully {'enabled' if is_on else 'disabled'}"})

    def _demo(self, job: FakeJob) -> dict[str, object]:
        return {
            "hash": job.hash, "date": stamp(job.created_s)[:16],
            "input_audio": f"{self.service.base_url}/storage/temp/{job.hash}",
            "algorithm": self.service.model_row_of(job.upload),
        }  # fmt: skip


def _missing(form: dict[str, str], *names: str) -> dict[str, list[str]]:
    return {name: [f"The {name} field is required."] for name in names if not form.get(name)}
