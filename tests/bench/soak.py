"""A daemon that is killed all the while, against a service that misbehaves: `python -m tests.bench.soak`.

    --minutes M       how long it is killed and songs keep coming (5)
    --files N         how many songs there are (200)
    --kill-every S    seconds between two kills, by half of them spread (4)

Everything is real but the service: the installed command as a process, kill -9, files and sockets. Afterwards the
service behaves, and the daemon is given time to finish. Prints a small table; the exit code is 1 if anything was made
twice, lost, harmed, or shown half.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

from mvsep_watch.sandbox import Sandbox
from tests.daemon.invariants import assert_nothing_is_half, sha256
from tests.daemon.world import write_wav
from tests.real.helpers import SIDECAR, Place, files_below

FAULTS = (
    {"kind": "drop", "on": "create", "when": "after", "every": 13},
    {"kind": "drop", "on": "create", "every": 17},
    {"kind": "drop_upload", "every": 29},
    {"kind": "status", "on": "create", "when": "after", "value": 502, "every": 37},
    {"kind": "status", "on": "*", "value": 503, "every": 31},
    {"kind": "html", "on": "get", "every": 19},
    {"kind": "drop", "on": "history", "every": 11},
    {"kind": "rate_limit", "on": "*", "value": 1, "every": 61},
    {"kind": "cut_download", "every": 7},
    {"kind": "empty_done", "value": 1, "every": 5},
    {"kind": "history_lag", "value": 1},
)
CONFIG = """
mvsep:
  token: {token}
  base_url: {base_url}
  poll: {{min: 0.3s, max: 1s}}
  reconcile: {{window: 3s, interval: 0.5s}}
limits: {{credits: {{approve_batch_above: null}}}}
schedule: {{rescan: 5s}}
folders:
  - path: drop
    output: stems
    settle: 0.5s
    rules: [{{name: a, sep_type: 40, format: wav}}]
"""
FINISH_S = 300.0


class Soak:
    """A place, a service, and what was dropped."""

    def __init__(self, base: Path, sandbox: Sandbox, chance: random.Random) -> None:
        self.sandbox, self.chance = sandbox, chance
        self.drop, self.stems = base / "drop", base / "stems"
        self.drop.mkdir()
        self.place = Place(base, CONFIG.format(token=sandbox.token, base_url=sandbox.base_url))
        self.dropped: dict[str, str] = {}
        self.kills = self.half = 0

    def drop_one(self) -> None:
        """Drop a song that is like no other."""
        number = len(self.dropped) + 1
        path = write_wav(self.drop / f"{number % 10}" / f"{number}.wav", pitch=number, seconds=0.5 + number / 1000)
        self.dropped[str(path.relative_to(self.drop))] = sha256(path)

    def live(self, *, seconds: float, files: int, kill_every_s: float) -> None:
        """Let songs come, and kill whoever works on them, for so long."""
        begun_s = time.monotonic()
        while (passed_s := time.monotonic() - begun_s) < seconds:
            wanted = min(files, int(files * passed_s / (0.8 * seconds)) + 5)
            while len(self.dropped) < wanted:
                self.drop_one()
            process = self.place.start()
            time.sleep(kill_every_s * self.chance.uniform(0.5, 1.5))
            process.kill()
            process.wait()
            self.kills += 1
            self._look()

    def _look(self) -> None:
        try:
            assert_nothing_is_half(SimpleNamespace(stems=self.stems))
        except (AssertionError, OSError, ValueError) as error:
            self.half += 1
            print(f"shown half: {error}", file=sys.stderr)

    def finish(self) -> None:
        """Let everything end, on a service that behaves; one more song shows that absent is absent."""
        self.sandbox.faults.clear()
        deadline_s = time.monotonic() + FINISH_S
        process = self.place.start()
        while time.monotonic() < deadline_s and set(self.place.states()) != {"published"}:
            self.drop_one()
            time.sleep(10.0)
        while time.monotonic() < deadline_s and self.place.states() != {"published": len(self.dropped)}:
            time.sleep(1.0)
        self.place.stop(process)
        self._look()

    def lost(self) -> list[str]:
        """Give the songs that were not published whole."""
        told = [json.loads(path.read_text()) for path in self.stems.rglob(SIDECAR)]
        there = {each["source_sha256"] for each in told}
        return [name for name, digest in self.dropped.items() if digest not in there]

    def table(self) -> dict[str, int]:
        """Say what came of it."""
        jobs = self.sandbox.service.jobs
        made = Counter(job.upload.sha256 for job in jobs)
        seen = self.sandbox.api.record.state(self.sandbox.service, self.sandbox.account)
        hidden = [path for root in (self.drop, self.stems) for path in root.rglob(".*")]
        return {
            "songs": len(self.dropped),
            "kills": self.kills,
            "submissions": seen["requests"]["create"],
            "separations made": len(jobs),
            "credits charged": sum(job.charged for job in jobs),
            "duplicates": sum(count - 1 for count in made.values()),
            "losses": len(self.lost()),
            "sources harmed": len(set(self.dropped.items()) ^ set(files_below(self.drop).items())),
            "shown half": self.half,
            "leftovers": len(hidden) - 1,
        }


def main() -> int:
    """Soak, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--kill-every", type=float, default=4.0)
    words = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="mvsep-watch-soak-"))
    with Sandbox(speed=50, credits=100_000, rate_limit=100_000, faults=FAULTS) as sandbox:
        soak = Soak(base, sandbox, random.Random(1))
        soak.live(seconds=words.minutes * 60, files=words.files, kill_every_s=words.kill_every)
        soak.finish()
        table = soak.table()
    for name, count in table.items():
        print(f"{name:18} {count:6}")
    is_bad = any(table[name] for name in ("duplicates", "losses", "sources harmed", "shown half"))
    if is_bad:
        print(f"lost: {soak.lost()}; jobs: {soak.place.states()}; all of it is in {base}")
    else:
        shutil.rmtree(base)
    return int(is_bad)


if __name__ == "__main__":
    sys.exit(main())
