"""A sandbox without threads or sockets: a service on a clock that stands still, and a client that needs no network."""

import wave
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx
import numpy as np
import pytest

from mvsep_watch.sandbox.app import Api
from mvsep_watch.sandbox.catalogue import load_catalogue
from mvsep_watch.sandbox.faults import Faults
from mvsep_watch.sandbox.jobs import Account, Upload
from mvsep_watch.sandbox.orders import Order
from mvsep_watch.sandbox.service import Service
from mvsep_watch.sandbox.worker import work_off

TOKEN = "a1" * 15
NOON = 1_767_268_800.0
"""2026-01-01 12:00:00 UTC."""


@dataclass
class Clock:
    now: float = NOON

    def __call__(self) -> float:
        return self.now

    def move(self, seconds):
        self.now += seconds


@pytest.fixture(scope="session")
def catalogue():
    return load_catalogue()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_service(clock, catalogue):
    def make(*, balance=100, premium=True, **options):
        account = Account(token=TOKEN, credits=balance, premium_enabled=premium)
        return Service([account], clock=clock, catalogue=catalogue, **options)

    return make


def make_order(*, name="song.wav", seconds=60.0, size=1000, token=TOKEN, **fields):
    """An order as the service sees it once the upload was received and looked at."""
    upload = Upload(path=Path("nowhere"), name=name, size_bytes=size, sha256="0" * 64, duration_s=seconds)
    return Order(token=token, fields={"sep_type": "40", **fields}, uploads={"audiofile": upload})


def run_to_the_end(service, clock):
    """Let every job be done, without any audio."""
    while service.unfinished():
        clock.now += 10_000
        for job in service.advance():
            service.finish(job, ())


def write_tone(path, *, seconds=0.5, channels=2, hertz=440.0, rate=22050):
    """A WAV with a tone in it, louder on the left."""
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    samples = np.stack([tone * (1 - 0.4 * channel) for channel in range(channels)], axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="session")
def tone(tmp_path_factory):
    return write_tone(tmp_path_factory.mktemp("tone") / "tone.wav").read_bytes()


class Client:
    """Speaks HTTP to an application without a network, one event loop a request."""

    def __init__(self, app):
        self._transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))

    def request(self, method, path, **options):
        async def send():
            async with httpx.AsyncClient(transport=self._transport, base_url="http://127.0.0.1:9") as client:
                return await client.request(method, path, **options)

        return anyio.run(send)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)


@dataclass
class Local:
    """The whole sandbox but its threads: `work` does what they would have done."""

    service: Service
    folder: Path
    clock: Clock
    client: Client
    faults: Faults
    tone: bytes
    links: list
    api: Api = field(repr=False)

    def create(self, *, name="song.wav", content=None, token=TOKEN, **fields):
        data = {"api_token": token, "sep_type": "40", "add_opt1": "", "output_format": "1", "is_demo": "0", **fields}
        files = {"audiofile": (name, content or self.tone, "audio/*")}
        return self.client.post("/api/separation/create", data=data, files=files)

    def created(self, **wanted):
        return self.create(**wanted).json()["data"]["hash"]

    def get(self, hash_):
        return self.client.get("/api/separation/get", params={"hash": hash_}).json()

    def history(self, **params):
        return self.client.get("/api/app/separation_history", params={"api_token": TOKEN, **params}).json()["data"]

    def work(self):
        """Let every job come to its end."""
        while self.service.unfinished():
            self.clock.now += 1000
            for job in self.service.advance():
                work_off(self.service, job, self.folder)

    def done(self, **wanted):
        """Create a job, let it be done, and give the poll's data."""
        hash_ = self.created(**wanted)
        self.work()
        return self.get(hash_)["data"]


@pytest.fixture
def make_local(make_service, clock, tmp_path, tone):
    def make(*, rate_limit=120, **options):
        faults = Faults(move_clock=clock.move)
        service = make_service(faults=faults, **options)
        links = []
        api = Api(service, tmp_path, faults=faults, rate_limit=rate_limit, fetch=links.append)
        return Local(service, tmp_path, clock, Client(api.app()), faults, tone, links, api)

    return make


@pytest.fixture
def local(make_local):
    return make_local()
