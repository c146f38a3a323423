"""A way to the service that ends before it: nothing is spent, nothing fails, one notice, and it goes on by itself."""

import socket
import ssl

import httpx
import pytest
from structlog.testing import capture_logs

from mvsep_watch.model import GateName
from tests.daemon.world import write_wav


@pytest.fixture
def logged():
    with capture_logs() as lines:
        yield lines


def expired():
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = 10, "certificate has expired"
    return error


def unknown():
    return socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.mark.parametrize("at", [0, 20])
@pytest.mark.parametrize(("cause", "what"), [(expired, "has expired"), (unknown, "name resolution")])
def test_a_service_that_is_not_reached_spends_no_attempt_and_is_told_of_once(world, logged, cause, what, at):
    """For an hour, at whatever it is; then everything goes on."""
    is_away = at == 0

    def away(*_):
        if is_away:
            reason = cause()
            raise httpx.ConnectError(str(reason)) from reason

    for endpoint in ("user", "algorithms", "create", "history", "get", "download"):
        world.service.fault(endpoint, *[away] * 1000)
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(at)
    is_away = True
    world.pass_time(3600, step_s=30)
    [gate] = world.engine.context.gates()
    told = [line for line in logged if line["event"] == "gate_closed"]
    is_away = False
    world.finish()

    assert (gate.name, len(told)) == (GateName.SERVICE, 1)
    assert what in gate.reason
    assert (world.states(), world.service.made) == (["published"], 1)
    assert [row.attempt for row in world.store.separations._rows("1")] == [1]
