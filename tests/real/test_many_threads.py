"""Ten threads and a budget for three make exactly three uploads, on a real clock."""

import time
from dataclasses import replace

import pytest

from mvsep_watch.daemon import run as process
from tests.daemon.test_many_hands import BUDGETS, HANDS
from tests.daemon.world import World, write_wav

WITHIN_S = 30.0
QUIET_S = 0.5
"""A fourth upload would have begun by then: nothing keeps it but the budget."""


@pytest.fixture(params=BUDGETS)
def crowd(tmp_path, request, monkeypatch):
    """Ten songs of a credit each, dropped before anybody looks."""
    world = World(tmp_path, clock=time.time)
    limits, world.service.account.credits = BUDGETS[request.param]
    world.limits = replace(limits, uploads=HANDS)
    world.folder_options = {"settle_s": 0.1}
    for pitch in range(1, HANDS + 1):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    monkeypatch.setattr(process, "Client", lambda *_, **__: world.service.client())
    return world


def turn(engine, *, until, within_s):
    """Let the engine turn until something holds."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s and not until():
        engine.turn(longest_nap_s=0.05)


def test_ten_threads_make_three_uploads(crowd):
    """All of them are free, and all songs are ready."""
    with process.opened(crowd.config()) as engine:
        turn(engine, until=lambda: crowd.service.made >= 3, within_s=WITHIN_S)
        turn(engine, until=lambda: crowd.service.made > 3, within_s=QUIET_S)

    assert (crowd.service.made, len(crowd.service.uploads)) == (3, 3)
