"""What `spend` and `once` say was spent is what the service took, by its own account."""

import json
import shutil

import pytest

from mvsep_watch.cli import main
from mvsep_watch.sandbox import Fault, FaultKind, Sandbox
from tests.daemon.world import write_wav
from tests.real.helpers import Place

TOKEN = "CanaryTokenOfSpending0123456789"
CREDITS = 1000
CONFIG = """
mvsep: {{token: {token}, base_url: {base_url}, poll: {{min: 0.2s, max: 0.5s}}}}
limits: {{credits: {{approve_batch_above: null}}}}
defaults: {{settle: 0.2s, format: wav}}
folders:
  - {{path: drop, rules: [{{name: band, sep_type: 34}}, {{name: vocals, sep_type: 40}}]}}
  - {{path: other, sep_type: 40}}
"""


@pytest.fixture
def sandbox():
    with Sandbox(token=TOKEN, credits=CREDITS, speed=2000, rate_limit=60_000) as server:
        yield server


@pytest.fixture
def told(tmp_path, sandbox, capsys):
    """Type a command: its exit code, and its JSON."""
    place = Place(tmp_path, CONFIG.format(token=TOKEN, base_url=sandbox.base_url))

    def told(*words):
        code = main(["-c", str(place.config), *words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return told


def test_every_sum_is_what_the_service_took(tmp_path, sandbox, told):
    """By day, folder, rule and model; with work that two folders share, and one separation that failed."""
    for number, seconds in enumerate((3, 4, 61)):
        write_wav(tmp_path / "drop" / f"{number}.wav", seconds=seconds, pitch=number + 1)
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "drop" / "2.wav", tmp_path / "other" / "the same.wav")
    sandbox.faults.add(Fault(kind=FaultKind.FAIL_JOB, times=1))

    code, run = told("once")

    taken = CREDITS - sandbox.state()["credits"]
    spent = {by: told("spend", "--by", by)[1] for by in ("day", "folder", "rule", "model")}
    assert (code, taken >= 5) == (3, True)
    assert run["credits"] == {"spent": taken, "balance": CREDITS - taken}
    assert {by: each["total"]["spent"] for by, each in spent.items()} == dict.fromkeys(spent, taken)
    assert {by: sum(line["spent"] for line in each["accounts"][0]["lines"]) for by, each in spent.items()} == (
        dict.fromkeys(spent, taken)
    )
