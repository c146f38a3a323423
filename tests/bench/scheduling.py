"""Many files of one length through ten slots, by the command itself, against the schedule that wastes nothing.

In that schedule every slot is taken again in the moment in which it becomes free, and an upload takes what it takes
curl. What was learned about durations is learned in the same run: the first ten are followed without it.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.bench.library import Library, library
from tests.bench.measuring import measure as measure_command
from tests.bench.table import Line
from tests.real.emulator import Emulator, Quirks
from tests.real.emulator.account import Separation
from tests.real.helpers import Place, until
from tests.real.test_big_file import write_silence

FILES, SLOTS = 200, 10
LENGTH_S, SONG_BYTES = 20.0, 500_000
MOST_TIMES, MOST_POLLS, MOST_LATE = 1.05, 8, 0.05


def measure() -> Iterator[Line]:
    """Give the time against the ideal, how often the later half was asked for, and how late its end was noticed."""
    quirks = Quirks(waiting_s=0.0, processing_s=LENGTH_S, rate_limit=1_000_000)
    with library() as here, Emulator(quirks) as emulator:
        upload_s = _upload_s(here)
        asked = _noting(emulator)
        here.configure(token=emulator.account.token, base_url=emulator.base_url)
        for number in range(FILES):
            _write(here.drop / f"{number:03}.wav", number)
        place = Place(here.base, (here.base / "mvsep-watch.yaml").read_text())
        process = place.start()
        try:
            until(lambda: len(emulator.account.separations) >= 1, within_s=60, tell=place.last_words)
            begun_s = time.monotonic()
            until(lambda: _published(here.base) == FILES, within_s=FILES * LENGTH_S, tell=place.last_words)
            took_s = time.monotonic() - begun_s
        finally:
            place.stop(process)
        later = [asked[separation.hash] for separation in emulator.account.separations[FILES // 2 :]]
    ideal_s = FILES / SLOTS * (LENGTH_S + upload_s)
    what, against = f"{FILES} files through {SLOTS} slots, time", f"the ideal schedule ({ideal_s:.0f} s)"
    yield Line(what=what, found=took_s / ideal_s, most=MOST_TIMES, against=against)
    polls = [sum(age_s < LENGTH_S for age_s in ages_s) + 1 for ages_s in later]
    what, against = "polls of a separation, once learned, at most", f"{statistics.mean(polls):.1f} on average"
    yield Line(what=what, found=max(polls), most=MOST_POLLS, against=against)
    late = [min(age_s for age_s in ages_s if age_s >= LENGTH_S) / LENGTH_S - 1 for ages_s in later]
    at_95, against = (
        statistics.quantiles(late, n=20)[-1],
        f"95th percentile; {statistics.mean(late) * 100:.1f} on average",
    )
    yield Line(what="its end noticed, % of its length later", found=at_95 * 100, most=MOST_LATE * 100, against=against)


def _upload_s(here: Library) -> float:
    """Give what an upload takes curl, to a service of its own."""
    with Emulator(Quirks(processing_s=0.0)) as emulator:
        song = here.base / "song.wav"
        write_silence(song, SONG_BYTES)
        fields = {"api_token": emulator.account.token, "sep_type": "40", "output_format": "1", "is_demo": "0"}
        forms = [word for name, value in fields.items() for word in ("-F", f"{name}={value}")]
        address = f"{emulator.base_url}/api/separation/create"
        command = ["curl", "-sS", "-f", *forms, "-F", f"audiofile=@{song}", address]
        return min(measure_command(command).wall_s for _ in range(5))


def _noting(emulator: Emulator) -> dict[str, list[float]]:
    """Note how old each separation is whenever it is asked for."""
    asked: dict[str, list[float]] = defaultdict(list)
    find = emulator.account.find

    def note(hash_: str) -> Separation | None:
        found = find(hash_)
        if found is not None:
            asked[hash_].append(time.monotonic() - found.started_s)
        return found

    emulator.account.find = note
    return asked


def _write(path: Path, number: int) -> None:
    write_silence(path, SONG_BYTES)
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(number.to_bytes(2, "little"))


def _published(base: Path) -> int:
    return sum(1 for _ in (base / "drop-stems").glob("*/mvsep-watch.json"))
