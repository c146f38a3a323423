"""An emulator of the service in memory, for fast tests: no socket, no thread, no time of its own.

    service = FakeService(credits=100, premium=True)
    with service.client() as client: ...
    service.fault("create", "drop_after_made")
    service.finish(hash_)

It counts what matters (`made`, `uploads`, `requests`) and keeps every job, by its long hash; `links` has those of links
by their short one. A link's job is listed in the history from the start, named after the link's file. All of it is
written from the API's description alone and shares nothing with the sandbox.

Faults are queued by endpoint (a value of `ENDPOINTS`, or `download`) and used up in order. A
fault is a name of `FAULTS` or a callable that gets the request and the service and gives a response, gives None (then
it goes on as usual), or raises.
"""

from __future__ import annotations

import base64
import hashlib
import math
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import httpx

from mvsep_watch.mvsep import Client, Pace
from tests.fakes.answers import (
    NOT_SET,
    PREMIUM,
    TOO_MANY,
    Chunks,
    answer_json,
    form_of,
    multipart,
    page_of,
    ranged,
    refusal,
    slug_of,
    stamp,
)
from tests.fakes.catalogue import default_catalogue
from tests.fakes.faults import FAULTS, UNREAD
from tests.fakes.records import FakeAccount, FakeJob, FakeUpload
from tests.fakes.results import result_bytes
from tests.fakes.site import FakeSite

TOKEN = "CanaryTokenOfThirtyLetters0123"
EXTENSIONS = ("mp3", "wav", "flac", "m4a", "wav", "flac")
FORMAT_LABELS = (
    "mp3 (320 kbps)",
    "wav (16 bit)",
    "flac (lossless, 16 bit)",
    "m4a (lossy)",
    "wav (32 bit)",
    "flac (lossless, 24 bit)",
)
KEPT_S = 72 * 3600.0
NEVER = math.inf
MIRROR = "https://mirror.mvsep.com"

DOWNLOADING = {
    "success": False, "data": {"message": "Your audio file is being downloaded, please wait a while..."},
}  # fmt: skip
NOT_FOUND = {"success": False, "status": "not_found", "data": {"message": "File or File Hash not found"}}
ENDPOINTS = {
    "/api/separation/create": "create",
    "/api/separation/get": "get",
    "/api/separation/get-remote": "get_remote",
    "/api/separation/cancel": "cancel",
    "/api/separation/delete": "delete",
    "/api/app/separation_history": "history",
    "/api/app/algorithms": "algorithms",
    "/api/app/queue/summary": "queue_summary",
    **{f"/api/app/{name}": name for name in (
        "user", "login", "register", "news", "demo", "queue",
        "enable_premium", "disable_premium", "enable_long_filenames", "disable_long_filenames",
    )},
    **{f"/api/quality_checker/{name}": f"quality_{name}" for name in (
        "queue", "entry", "leaderboard", "add", "delete",
    )},
}  # fmt: skip


Fault = Callable[[httpx.Request, "FakeService"], httpx.Response | None]


class FakeService:
    """The service, with one account of `token` to begin with.

    Args:
        base_url: Where `client` connects to and results lie; any host is answered.
        clock: Seconds since the epoch.
        auto_finish_after: A separation is done at its so-maniest `get`; None waits for `finish`.
        stems: The labels of every separation's results.
        slots: Unfinished separations at once; None is 1 without premium, no limit with.
        empty_done_polls: How often `done` first comes without files.
        history_lag_reads: How many reads of the history do not yet list a new separation.
        history_lag_s: For how long it is not listed; NEVER hides it for good.
        history_only_finished: The history lists nothing unfinished.
        link_polls: At which `get-remote` a link has been fetched; the first says that it is being downloaded.
        refund_failed: Whether a failed separation's credits are given back.
        rate_limit: What is announced; None announces nothing.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        email: str = "someone@example.com",
        credits: int = 100,  # noqa: A002 - the service's word
        premium: bool = True,
        base_url: str = "https://mvsep.com",
        clock: Callable[[], float] = time.time,
        auto_finish_after: int | None = None,
        stems: tuple[str, ...] = ("Vocals", "Instrumental"),
        slots: int | None = None,
        default_duration_s: float = 60.0,
        empty_done_polls: int = 0,
        history_lag_reads: int = 0,
        history_lag_s: float = 0.0,
        history_only_finished: bool = False,
        link_polls: int = 3,
        refund_failed: bool = True,
        rate_limit: int | None = 100_000,
    ) -> None:
        self.token = token
        self.base_url = base_url
        self.clock = clock
        self.auto_finish_after = auto_finish_after
        self.stems = stems
        self.slots = slots
        self.default_duration_s = default_duration_s
        self.empty_done_polls = empty_done_polls
        self.history_lag_reads = history_lag_reads
        self.history_lag_s = history_lag_s
        self.history_only_finished = history_only_finished
        self.link_polls = link_polls
        self.refund_failed = refund_failed
        self.rate_limit = rate_limit
        self.catalogue = default_catalogue()
        self.accounts = {token: FakeAccount(email, credits, premium)}
        self.jobs: dict[str, FakeJob] = {}
        self.links: dict[str, FakeJob] = {}
        self.uploads: list[FakeUpload] = []
        self.site = FakeSite(self)
        self.requests: list[tuple[str, httpx.Request]] = []
        self.lock = threading.RLock()
        self._faults: dict[str, deque[str | Fault]] = defaultdict(deque)

    # -- what tests ask and tell ------------------------------------------------------------------------------------

    @property
    def account(self) -> FakeAccount:
        """The first account."""
        return self.accounts[self.token]

    @property
    def made(self) -> int:
        """How many separations were ever made."""
        return len(self.jobs)

    @property
    def unfinished(self) -> list[FakeJob]:
        """The separations that have not ended."""
        return [job for job in self.jobs.values() if job.is_unfinished]

    def count(self, endpoint: str) -> int:
        """How many requests an endpoint got."""
        return sum(1 for name, _ in self.requests if name == endpoint)

    def transport(self) -> httpx.BaseTransport:
        """Give a transport that ends here."""
        return _Transport(self)

    def client(self, *, token: str | None = None, base_url: str | None = None) -> Client:
        """Give a client of this service whose pace never really waits."""
        pace = Pace(sleep=lambda _: False)
        return Client(token or self.token, base_url=base_url or self.base_url, transport=self.transport(), pace=pace)

    def add_account(self, token: str, *, email: str, credits: int = 0, premium: bool = False) -> FakeAccount:  # noqa: A002
        """Add an account."""
        self.accounts[token] = FakeAccount(email, credits, premium)
        return self.accounts[token]

    def fault(self, endpoint: str, *faults: str | Fault) -> None:
        """Queue faults for the next requests of an endpoint."""
        if unknown := {fault for fault in faults if isinstance(fault, str)} - set(FAULTS):
            raise ValueError(f"no such fault: {unknown}")
        self._faults[endpoint].extend(faults)

    def finish(self, hash_: str, status: str = "done", message: str = "") -> None:
        """End a separation: `done` or `failed`."""
        with self.lock:
            job = self.jobs[hash_]
            job.status, job.message = status, message
            job.empty_polls = self.empty_done_polls
            if status == "failed" and self.refund_failed:
                self._refund(job)

    def finish_all(self) -> None:
        """End every unfinished separation as done."""
        for job in self.unfinished:
            self.finish(job.hash)

    def set_status(self, hash_: str, status: str, **extra: int) -> None:
        """Put a separation into any status, with keys of its data such as `finished_chunks`."""
        self.jobs[hash_].status, self.jobs[hash_].extra = status, extra

    def remove(self, hash_: str) -> None:
        """Let the server forget a separation: `not_found` from now on."""
        self.jobs[hash_].exists = False

    # -- answering --------------------------------------------------------------------------------------------------

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; its body is read first, outside the lock, as a server would."""
        endpoint = ENDPOINTS.get(request.url.path, "download")
        with self.lock:
            queue = self._faults[endpoint]
            fault = queue.popleft() if queue else None
        if fault in UNREAD:
            next(iter(request.stream), b"")
            FAULTS[fault][1](request, None)
        body = b"".join(request.stream)
        with self.lock:
            self.requests.append((endpoint, request))
            response = self._answer_faulty(fault, endpoint, request, body)
        if self.rate_limit is not None and endpoint != "download":
            response.headers["X-RateLimit-Limit"] = str(self.rate_limit)
            response.headers["X-RateLimit-Remaining"] = str(self.rate_limit - 1)
        return response

    def _answer_faulty(
        self, fault: str | Fault | None, endpoint: str, request: httpx.Request, body: bytes
    ) -> httpx.Response:
        if callable(fault):
            return fault(request, self) or self._answer_well(endpoint, request, body)
        if fault is None:
            return self._answer_well(endpoint, request, body)
        happens_after, effect = FAULTS[fault]
        if endpoint == "create" and not happens_after:
            self.uploads.append(self._upload_of(request, body))
        well = self._answer_well(endpoint, request, body) if happens_after else None
        return effect(request, well)

    def _answer_well(self, endpoint: str, request: httpx.Request, body: bytes) -> httpx.Response:
        handler = getattr(self, f"_{endpoint}", None) or getattr(self.site, endpoint)
        return handler(request, body)

    def _create(self, request: httpx.Request, body: bytes) -> httpx.Response:
        upload = self._upload_of(request, body)
        self.uploads.append(upload)
        account = self.accounts.get(upload.fields.get("api_token", ""))
        if account is None:
            return refusal("invalid token", status=401)
        if problem := self._problem_with(upload, account):
            return refusal(problem)
        job = self._made(request, upload, account)
        call, hash_ = ("get-remote", job.short) if job.short else ("get", job.hash)
        link = f"{request.url.scheme}://{request.url.netloc.decode()}/api/separation/{call}?hash={hash_}"
        return answer_json({"success": True, "data": {"link": link, "hash": hash_}})

    def _problem_with(self, upload: FakeUpload, account: FakeAccount) -> str | None:
        model = self.model_row_of(upload)
        unfinished = sum(1 for job in self.unfinished if self.accounts[job.token] is account)
        slots = self.slots if self.slots is not None else NEVER if account.pays else 1
        if model is None:
            return NOT_SET
        if model["audio_widget"] != upload.scope:
            return "Invalid parameter"
        if model["orientation"] == 2 and not account.enabled:
            return PREMIUM
        if unfinished >= slots:
            return TOO_MANY
        if account.pays and self.price(upload) > account.credits:
            return "Insufficient credits"
        return None

    def _made(self, request: httpx.Request, upload: FakeUpload, account: FakeAccount) -> FakeJob:
        price = self.price(upload) if account.pays else 0
        account.credits -= price
        number = len(self.jobs) + 1
        job = FakeJob(
            id=1000 + number,
            hash=self._new_hash(self._name_of(upload), number),
            host=request.url.host,
            token=upload.fields["api_token"],
            upload=upload,
            created_s=self.clock(),
            charged=price,
            reads_until_listed=self.history_lag_reads,
        )
        self.jobs[job.hash] = job
        if upload.fields.get("url"):
            job.short, job.polls_until_fetched = self._new_short(number), self.link_polls
            self.links[job.short] = job
        return job

    def price(self, upload: FakeUpload) -> int:
        """Reckon as the service says: floor(seconds x coefficient x multipliers / 60), at least 1."""
        model = self.model_row_of(upload) or {"price_coefficient": 1, "algorithm_fields": []}
        coefficient = float(model["price_coefficient"])
        for option in model["algorithm_fields"]:
            for rule in option["price_rules"]:
                if upload.fields.get(option["name"]) == rule["option_key"]:
                    coefficient *= float(rule["value"])
        return math.floor(upload.duration_s * coefficient / 60) or 1

    def _get(self, request: httpx.Request, body: bytes) -> httpx.Response:
        job = self.jobs.get(request.url.params.get("hash", ""))
        if not self._is_known(job, request):
            return answer_json(NOT_FOUND)
        is_mirror = request.url.params.get("mirror") == "1"
        if is_mirror and (refused := self._mirror_refused(job, request)):
            return refused
        job.gets += 1
        if self.auto_finish_after is not None and job.is_unfinished and job.gets >= self.auto_finish_after:
            self.finish(job.hash)
        return answer_json({"success": True, "status": job.status, "data": self._data_of(job, is_mirror=is_mirror)})

    def _is_known(self, job: FakeJob | None, request: httpx.Request) -> bool:
        return job is not None and job.exists and job.host == request.url.host and self._age_s(job) <= KEPT_S

    def _mirror_refused(self, job: FakeJob, request: httpx.Request) -> httpx.Response | None:
        """Take the credit that another mirror costs, or say why not."""
        account = self.accounts.get(request.url.params.get("api_token", ""))
        if account is None:
            return answer_json({"success": False, "data": {"message": "Invalid API key"}}, status=400)
        if account.credits < 1:
            return answer_json({"success": False, "data": {"message": "Insufficient credits"}}, status=400)
        account.credits -= 1
        job.mirrored += 1
        return None

    def _get_remote(self, request: httpx.Request, body: bytes) -> httpx.Response:
        job = self.links.get(request.url.params.get("hash", ""))
        if not self._is_known(job, request):
            return answer_json(NOT_FOUND)
        job.polls_until_fetched -= 1
        if job.polls_until_fetched > 0:
            return answer_json(self._fetching(job))
        link = f"{request.url.scheme}://{request.url.netloc.decode()}/api/separation/get?hash={job.hash}"
        return answer_json({"success": True, "status": "done", "data": {"link": link, "hash": job.hash}})

    def _fetching(self, job: FakeJob) -> dict[str, object]:
        """Say how far a link is, in the phases that come before its long hash."""
        if job.status == "failed":
            return {"success": True, "status": "failed", "data": {"message": job.message or "Job failed"}}
        phase = self.link_polls - job.polls_until_fetched
        if phase <= 1:
            return DOWNLOADING
        if phase == 2:
            return {"success": True, "status": "waiting", "data": {"queue_count": 3, "current_order": 2}}
        return {"success": True, "status": "processing", "data": {"message": "is processing"}}

    def _data_of(self, job: FakeJob, *, is_mirror: bool = False) -> dict[str, object]:
        if job.status == "done":
            data = self._done_data(job)
            for row in data["files"] if is_mirror else []:
                row["url"] = row["url"].replace(self.base_url, MIRROR)
            return data
        if job.status == "waiting":
            place = self.unfinished.index(job) + 1
            return {"queue_count": len(self.unfinished), "current_order": place, **job.extra}
        return {"message": job.message or f"is {job.status}", **job.extra}

    def _done_data(self, job: FakeJob) -> dict[str, object]:
        files = [] if job.empty_polls > 0 else [self._file_row(job, stem) for stem in self.stems]
        job.empty_polls -= 1
        number = int(job.upload.fields.get("output_format", "0"))
        model = self.model_row_of(job.upload)
        return {
            "message": "", "hash": job.hash, "algorithm": model["name"] if model else "", "size": "5.70 MB",
            "output_format": FORMAT_LABELS[number], "tags": {"audio": {"channels": 2}, "tags": []},
            "input_file": {"url": f"{self.base_url}/storage/temp/{job.hash}", "size": "5.70 MB", "download": "a.mp3"},
            "files": files, "transcription": [], "date": stamp(job.created_s),
        }  # fmt: skip

    def _file_row(self, job: FakeJob, stem: str) -> dict[str, object]:
        slug = slug_of(stem)
        name = f"{PurePosixPath(job.hash).stem}_{slug}.{self._extension(job)}"
        return {"type": stem, "url": f"{self.base_url}/storage/processed/{job.hash}/{slug}/{name}", "size": "5.84 MB",
                "image": None, "download": f"audio_{slug}.{self._extension(job)}"}  # fmt: skip

    def _cancel(self, request: httpx.Request, body: bytes) -> httpx.Response:
        job, refused = self._own_job(form_of(body))
        if refused:
            return refused
        if job is None or job.status != "waiting":
            return answer_json(
                {"success": False, "data": {"message": "The job is already being processed"}}, status=400
            )
        self._refund(job)
        job.exists = False
        return answer_json({"success": True})

    def _delete(self, request: httpx.Request, body: bytes) -> httpx.Response:
        job, refused = self._own_job(form_of(body))
        if refused:
            return refused
        if job is None:
            return answer_json({"success": False, "data": {"message": "File or File Hash not found"}}, status=400)
        job.exists = False
        return answer_json({"success": True})

    def _own_job(self, form: dict[str, str]) -> tuple[FakeJob | None, httpx.Response | None]:
        """Find the job that a form means, by either hash, if it is the account's own."""
        if form.get("api_token") not in self.accounts:
            return None, refusal("invalid token", status=401)
        hash_ = form.get("hash", "")
        job = self.jobs.get(hash_) or self.links.get(hash_)
        return (job if job is not None and job.exists and job.token == form["api_token"] else None), None

    def _history(self, request: httpx.Request, body: bytes) -> httpx.Response:
        account = self.accounts.get(request.url.params.get("api_token", ""))
        if account is None:
            return refusal("invalid token")
        listed = [job for job in reversed(self.jobs.values()) if self._is_listed(job, account)]
        for job in self.jobs.values():
            job.reads_until_listed -= 1
        return answer_json({"success": True, "data": [self._row(job) for job in page_of(request, listed)]})

    def _is_listed(self, job: FakeJob, account: FakeAccount) -> bool:
        late = job.reads_until_listed > 0 or self._age_s(job) < self.history_lag_s
        hidden = self.history_only_finished and job.is_unfinished
        return self.accounts[job.token] is account and not late and not hidden

    def _row(self, job: FakeJob) -> dict[str, object]:
        model = self.model_row_of(job.upload)
        return {
            "id": job.id, "hash": job.hash, "created_at": stamp(job.created_s), "updated_at": stamp(job.created_s),
            "job_exists": job.exists, "credits": job.charged if job.exists else None,
            "time_left": math.trunc((KEPT_S - self._age_s(job)) / 3600),
            "algorithm": {"name": model["name"], "render_id": model["render_id"]} if model else None,
        }  # fmt: skip

    def _algorithms(self, request: httpx.Request, body: bytes) -> httpx.Response:
        scopes = request.url.params.get("scopes", "single_upload").split(",")
        listed = [model for model in self.catalogue if model.get("audio_widget", "single_upload") in scopes]
        response = answer_json(listed)
        tag = f'"{hashlib.md5(response.content).hexdigest()}"'
        if request.headers.get("If-None-Match") == tag:
            return httpx.Response(304, headers={"ETag": tag})
        response.headers["ETag"] = tag
        return response

    def _download(self, request: httpx.Request, body: bytes) -> httpx.Response:
        parts = PurePosixPath(request.url.path).parts
        job = self.jobs.get(parts[-3]) if len(parts) >= 3 else None
        stems = {slug_of(stem): position for position, stem in enumerate(self.stems)}
        if job is None or not job.exists or job.status != "done" or parts[-2] not in stems or self._age_s(job) > KEPT_S:
            return httpx.Response(404, stream=Chunks(b"gone"), headers={"Content-Type": "text/plain"})
        fill = 40 + 7 * job.id + stems[parts[-2]]
        content = result_bytes(self._extension(job), duration_s=job.upload.duration_s, fill=fill)
        return ranged(request, content, content_type=f"audio/{self._extension(job)}")

    # -- helpers ----------------------------------------------------------------------------------------------------

    def _upload_of(self, request: httpx.Request, body: bytes) -> FakeUpload:
        fields, files = multipart(request, body)
        return FakeUpload.of(fields, files, default_s=self.default_duration_s)

    def _name_of(self, upload: FakeUpload) -> str:
        """Say what an input goes by: the file's name, the last part of the link, or else the model's."""
        if url := upload.fields.get("url"):
            return PurePosixPath(urlsplit(url).path).name or "audio"
        return upload.name or f"{self.model_row_of(upload)['name']}.wav"

    def model_row_of(self, upload: FakeUpload) -> dict | None:
        """Give the catalogue's row of the model that an upload asked for."""
        wanted = upload.fields.get("sep_type")
        return next((model for model in self.catalogue if str(model["render_id"]) == wanted), None)

    def _extension(self, job: FakeJob) -> str:
        return EXTENSIONS[int(job.upload.fields.get("output_format", "0"))]

    def _age_s(self, job: FakeJob) -> float:
        return self.clock() - job.created_s

    def _refund(self, job: FakeJob) -> None:
        self.accounts[job.token].credits += job.charged
        job.charged = 0

    def _new_hash(self, name: str, number: int) -> str:
        """Make a hash as the service does: time, ten hex digits, the slug of the upload's name."""
        when = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y%m%d%H%M%S")
        digest = hashlib.md5(f"{name} {number}".encode()).hexdigest()[:10]
        path = PurePosixPath(name)
        return f"{when}-{digest}-{slug_of(path.stem)}{path.suffix.lower()}"

    def _new_short(self, number: int) -> str:
        """Make a link's first hash as the service does: 16 letters and digits."""
        digest = hashlib.sha256(f"link {number}".encode()).digest()
        return base64.b64encode(digest, altchars=b"xY").decode()[:16]


class _Transport(httpx.BaseTransport):
    def __init__(self, service: FakeService) -> None:
        self._service = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._service.answer(request)
