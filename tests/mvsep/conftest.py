"""What most tests of the client start from."""

import httpx
import pytest

from mvsep_watch.model import Settings
from mvsep_watch.mvsep import Client, Pace
from tests.fakes.results import wav_bytes
from tests.fakes.service import TOKEN, FakeService


@pytest.fixture
def service():
    return FakeService()


@pytest.fixture
def client(service):
    with service.client() as made:
        yield made


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(wav_bytes(70))
    return path


@pytest.fixture
def settings():
    return Settings(sep_type=40, options=(("add_opt1", "81"), ("add_opt2", "2")), output_format=2)


@pytest.fixture
def answering():
    """Give a client of a server that gives one and the same answer, which may be an exception or a function."""
    made = []

    def make(answer, **kwargs):
        def handle(request):
            request.read()
            if isinstance(answer, Exception):
                raise answer
            return answer(request) if callable(answer) else answer

        kwargs.setdefault("pace", Pace(sleep=lambda _: False))
        made.append(Client(TOKEN, transport=httpx.MockTransport(handle), **kwargs))
        return made[-1]

    yield make
    for client in made:
        client.close()
