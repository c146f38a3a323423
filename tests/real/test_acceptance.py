"""The whole job through the installed command, against a service that the project has not seen: 30 real files, three
rules, all six formats; restarts, renames, copies, kills and stops; nothing lost, nothing half done, nothing paid twice.
"""

from __future__ import annotations

import json
import random
import shutil
import time
import unicodedata
from pathlib import Path

import av
import pytest

from tests.real.emulator import Emulator, Quirks
from tests.real.emulator.sound import CODECS as RESULTS
from tests.real.helpers import SIDECAR, STOP_WITHIN_S, Place, files_below, kills, sha256, until, write_song

FAST = {"rate_limit": 6000, "waiting_s": 0.1, "processing_s": 0.2}
HEAD = """
mvsep:
  token: {token}
  base_url: {base_url}
  poll: {{min: 0.2s, max: 0.5s}}
  reconcile: {{window: 2s, interval: 0.4s}}
limits: {{credits: {{approve_batch_above: null}}}}
folders:
"""
RULES = {
    "drop": {"vocals": (40, "mp3"), "karaoke": (49, "wav"), "band": (63, "flac")},
    "inbox": {"vocals": (26, "m4a"), "karaoke": (49, "wav32"), "band": (63, "flac24")},
}
FORMATS = ("mp3", "wav", "flac", "m4a", "wav32", "flac24")
LABELS = {
    40: ["Other", "Vocals"],
    26: ["Other", "Vocals"],
    49: ["Back vocals + instrumental", "Back vocals", "Instrumental only", "Lead vocals"],
    63: ["Bass", "Drums", "Guitar", "Instrumental", "Other", "Piano", "Vocals"],
}
SONGS = (
    "plain.wav",
    "plain.flac",
    "UPPER.WAV",
    "two words.mp3",
    "-leading dash.ogg",
    "dots.in.the.name.m4a",
    unicodedata.normalize("NFC", "Größe.wav"),
    unicodedata.normalize("NFD", "Größe.wav"),
    "\N{GUITAR}\N{MICROPHONE}.mp3",
    "two\nlines.flac",
    "albums/one/01 - Überschall.flac",
    "albums/one/02 - .m4a.m4a",
    "albums/two words/\N{MUSICAL SCORE}/deep.ogg",
    "albums/-x/%41 'quoted\" $HOME.wav",
    "日本/曲.mp3",
)


def folder_text(name: str, rules: dict[str, tuple[int, str]]) -> str:
    lines = [f"- {{name: {rule}, sep_type: {model}, format: {form}}}" for rule, (model, form) in rules.items()]
    return f"  - path: {name}\n    settle: 0.3s\n    rules:\n" + "".join(f"      {line}\n" for line in lines)


def place(base: Path, emulator: Emulator, rules: dict[str, dict[str, tuple[int, str]]]) -> Place:
    for name in rules:
        (base / name).mkdir()
    head = HEAD.format(token=emulator.account.token, base_url=emulator.base_url)
    return Place(base, head + "".join(folder_text(name, own) for name, own in rules.items()))


@pytest.fixture(scope="module")
def emulator():
    with Emulator(Quirks(**FAST)) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def done(emulator, tmp_path_factory):
    """A place where 30 songs have come back by every rule."""
    base = tmp_path_factory.mktemp("acceptance")
    made = place(base, emulator, RULES)
    for position, folder in enumerate(RULES):
        for number, name in enumerate(SONGS):
            seconds = (1.0, 1.5, 3.0)[number % 3]
            write_song(base / folder / name, seconds=seconds, pitch=position * len(SONGS) + number)
    made.sources = {folder: files_below(base / folder) for folder in RULES}
    made.once()
    return made


def sidecars(root: Path) -> dict[str, dict]:
    """Give every sidecar below an output root by the folder that it lies in."""
    return {str(path.parent.relative_to(root)): json.loads(path.read_text()) for path in root.rglob(SIDECAR)}


def expected_folders(rules: dict[str, tuple[int, str]]) -> set[str]:
    names = [name.rpartition(".")[0] for name in SONGS]
    places = [f"{name} (2)" if name in names[:position] else name for position, name in enumerate(names)]
    return {
        f"{name.removesuffix(' (2)')}/{rule}{' (2)' if name.endswith(' (2)') else ''}"
        for name in places
        for rule in rules
    }


@pytest.mark.parametrize("folder", RULES)
def test_every_song_comes_back_by_every_rule_under_its_own_path(done, folder):
    """Results keep the relative path, whatever bytes are in a name, and nothing else is there."""
    stems = done.base / f"{folder}-stems"

    found = {str(path.relative_to(stems)) for path in stems.rglob("*") if path.is_file()} - {".mvsep-watch-claim.json"}

    expected = set()
    for job in expected_folders(RULES[folder]):
        model, form = RULES[folder][job.rpartition("/")[2].removesuffix(" (2)")]
        extension = form.rstrip("0123456789") if form in {"wav32", "flac24"} else form
        expected |= {f"{job}/{label}.{extension}" for label in LABELS[model]} | {f"{job}/{SIDECAR}"}
    assert found == expected


@pytest.mark.parametrize("folder", RULES)
def test_every_stem_is_in_the_asked_for_format_and_as_long_as_its_song(done, folder):
    """A real decoder opens each one and finds the container, the codec and the length."""
    wrong = []
    for job, told in sidecars(done.base / f"{folder}-stems").items():
        number = FORMATS.index(RULES[folder][told["rule"]][1])
        with av.open(str(done.base / folder / told["source_name"])) as song:
            seconds = song.duration / av.time_base
        for output in told["outputs"]:
            with av.open(str(done.base / f"{folder}-stems" / job / output["name"])) as stem:
                codec, length = stem.streams.audio[0].codec_context.name, stem.duration / av.time_base
            if codec[:3] != RESULTS[number][1].removeprefix("lib")[:3] or abs(length - seconds) > 0.2:
                wrong.append((job, output["name"], codec, length))

    assert wrong == []


@pytest.mark.parametrize("folder", RULES)
def test_every_sidecar_says_where_its_stems_come_from(done, emulator, folder):
    """The song's bytes, the server's hash and the stems' bytes belong together: no two results were mixed up."""
    stems = done.base / f"{folder}-stems"
    wrong = []
    for job, told in sidecars(stems).items():
        separation = emulator.account.find(told["hash"])
        song = done.sources[folder][told["source_name"]]
        for output in told["outputs"]:
            content = (stems / job / output["name"]).read_bytes()
            is_its_own = separation.hash.encode() in content and output["sha256"] == sha256(
                stems / job / output["name"]
            )
            if not (is_its_own and song == told["source_sha256"] == separation.sha256):
                wrong.append((job, output))

    assert wrong == []


def test_each_song_was_sent_once_for_each_rule_within_what_the_service_allows(done, emulator):
    """One create for each file and rule, everything said in full, slots and rate kept."""
    songs = {song for folder in done.sources.values() for song in folder.values()}

    assert len(emulator.account.separations) == len(SONGS) * 3 * 2
    assert emulator.paid_twice == {}
    assert {separation.sha256 for separation in emulator.account.separations} == songs
    assert emulator.account.most_unfinished <= 10
    assert emulator.books.violations == []


def test_the_songs_are_as_they_were(done):
    """Nothing in a watched folder was touched."""
    assert {folder: files_below(done.base / folder) for folder in RULES} == done.sources


def test_the_books_agree_with_the_service(done, emulator):
    """`jobs` and `status` tell the same credits, hashes and outputs as the server and the disk."""
    jobs, status = done.jobs(), done.ask("status")

    assert {job["hash"] for job in jobs} == {separation.hash for separation in emulator.account.separations}
    assert all(sha256(Path(output["path"])) == output["sha256"] for job in jobs for output in job["outputs"])
    assert status["counts"]["published"] == len(jobs) == len(SONGS) * 3 * 2
    assert (status["running"], status["gates"], status["in_flight"]) == (False, [], [])
    assert status["credits"]["spent_today"] == emulator.quirks.credits - emulator.account.balance


def test_after_restart_rename_and_copy_nothing_is_sent_again(done, emulator):
    """What is paid for stays paid for, wherever the file is and however often."""
    before = len(emulator.account.separations)
    drop = done.base / "drop"

    done.once()
    (drop / "two words.mp3").rename(drop / "three words now.mp3")
    (drop / "albums").rename(drop / "records")
    shutil.copyfile(drop / "plain.wav", drop / "a second copy.wav")
    done.once()
    done.once()

    assert len(emulator.account.separations) == before


def test_the_same_song_in_two_folders_with_the_same_settings_is_paid_once(tmp_path):
    """Two rules and two folders, one separation; every job gets its outputs."""
    rules = {"drop": {"a": (40, "wav"), "b": (40, "wav")}, "inbox": {"c": (40, "wav")}}
    with Emulator(Quirks(**FAST)) as emulator:
        here = place(tmp_path, emulator, rules)
        song = write_song(tmp_path / "drop" / "song.wav", seconds=1.0, pitch=1)
        shutil.copyfile(song, tmp_path / "inbox" / "other name.wav")

        here.once()

        assert len(emulator.account.separations) == 1
        places = ["drop-stems/song/a", "drop-stems/song/b", "inbox-stems/other name"]
        assert len({sha256(tmp_path / folder / "Vocals.wav") for folder in places}) == 1


def test_a_free_account_sends_one_at_a_time(tmp_path):
    """Without premium there is one slot, and nothing is refused for want of a second."""
    with Emulator(Quirks(**FAST, premium=False)) as emulator:
        here = place(tmp_path, emulator, {"drop": {"a": (40, "wav"), "b": (49, "mp3")}})
        for number in range(3):
            write_song(tmp_path / "drop" / f"{number}.wav", seconds=1.0, pitch=number)

        here.once()

        assert len(emulator.account.separations) == 6
        assert emulator.account.most_unfinished == 1
        assert emulator.books.uploads_begun == 6


def test_a_service_that_limits_loses_answers_and_gives_no_lengths_changes_nothing(tmp_path):
    """429s, creates without an answer, and downloads of unknown length: everything comes back, and is paid once."""
    quirks = Quirks(**FAST, refuses=frozenset({6, 9}), lose_answers=frozenset({2, 3}), chunks_downloads=True)
    with Emulator(quirks) as emulator:
        here = place(tmp_path, emulator, {"drop": {"a": (40, "wav"), "b": (40, "flac24")}})
        for number in range(3):
            write_song(tmp_path / "drop" / f"{number}.wav", seconds=1.0, pitch=number)

        here.once()

        assert len(sidecars(tmp_path / "drop-stems")) == 6
        assert len(emulator.account.separations) == 6
        assert emulator.paid_twice == {}


@pytest.mark.parametrize("answers_after_s", [2.0, 30.0])
def test_sigterm_while_an_answer_is_awaited_stops_in_time(tmp_path, answers_after_s):
    """An answer that comes soon is still heard; one that does not is looked for later. Nothing is paid twice."""
    with Emulator(Quirks(**FAST, answer_pause_s=answers_after_s)) as emulator:
        here = place(tmp_path, emulator, {"drop": {"a": (40, "wav")}})
        write_song(tmp_path / "drop" / "song.wav", seconds=1.0, pitch=1)
        process = here.start()
        until(lambda: len(emulator.account.separations) == 1, within_s=20, tell=here.last_words)

        took_s = here.stop(process)

        assert took_s < STOP_WITHIN_S
        assert [job["state"] for job in here.jobs()] == ["submitted" if answers_after_s < 6 else "queued"]
        emulator.quirks.answer_pause_s = 0.0
        here.once()
        assert len(sidecars(tmp_path / "drop-stems")) == 1
        assert len(emulator.account.separations) == 1


def test_sigterm_in_the_middle_of_uploads_and_downloads_stops_in_time(tmp_path):
    """A slow line is no reason to be killed: it stops within 8 s, and goes on later without paying again."""
    with Emulator(Quirks(**FAST, download_pause_s=1.0)) as emulator:
        here = place(tmp_path, emulator, {"drop": {"a": (40, "wav")}})
        write_song(tmp_path / "drop" / "first.wav", seconds=60.0, pitch=1)
        process = here.start()
        until(lambda: emulator.books.downloads_begun > 0, within_s=20, tell=here.last_words)
        emulator.quirks.upload_pause_s = 1.0
        for number in range(2):
            write_song(tmp_path / "drop" / f"{number}.wav", seconds=60.0, pitch=number + 2)
        until(lambda: emulator.books.uploads_begun == 3, within_s=20, tell=here.last_words)

        took_s = here.stop(process)

        assert took_s < STOP_WITHIN_S
        assert len(emulator.account.separations) == 1
        emulator.quirks.upload_pause_s = emulator.quirks.download_pause_s = 0.0
        here.once()
        assert len(sidecars(tmp_path / "drop-stems")) == 3
        assert len(emulator.account.separations) == 3


def kill_often(here: Place, count: int, chance: random.Random) -> None:
    """Kill a running daemon so many times, at random moments, while songs keep coming."""
    for number in range(count):
        if number % 2 == 0:
            write_song(here.base / "drop" / f"kills {number}" / "song.wav", seconds=3.0, pitch=number + 1)
        process = here.start()
        time.sleep(chance.uniform(0.4, 1.8))
        process.kill()
        process.wait(10)


@pytest.mark.parametrize(("lag_s", "default"), [(0.0, 5), (1.5, 4)], ids=["prompt", "history-lags"])
def test_kills_at_random_moments_neither_lose_nor_repeat(tmp_path, lag_s, default):
    """Every song is published once by every rule, paid for once, and nothing is left behind.

    One song is through before, so that the history has been seen to list unfinished work; two come after the last
    kill, so that something younger than every unknown is listed.
    """
    count = kills(default)
    slow = {"upload_pause_s": 0.02, "download_pause_s": 0.02, "answer_pause_s": 0.2}
    with Emulator(
        Quirks(rate_limit=6000, waiting_s=1.0, processing_s=1.5 + lag_s, history_lag_s=lag_s, **slow)
    ) as emulator:
        here = place(tmp_path, emulator, {"drop": {"a": (40, "wav"), "b": (40, "wav"), "c": (49, "flac")}})
        drop = tmp_path / "drop"
        write_song(drop / "0.wav", seconds=3.0, pitch=0)
        here.until_published(3, within_s=30)
        kill_often(here, count, random.Random(lag_s))
        for number in range(2):
            write_song(drop / f"later {number}.mp3", seconds=3.0, pitch=count + number + 2)
        sources = files_below(drop)

        here.until_published(3 * len(sources), within_s=120 + count)

        assert emulator.paid_twice == {}
        assert len(emulator.account.separations) == 2 * len(sources)
        told = sidecars(tmp_path / "drop-stems")
        assert set(told) == {f"{song.rpartition('.')[0]}/{rule}" for song in sources for rule in "abc"}
        assert list((tmp_path / "drop-stems").rglob("*.part")) == []
        assert files_below(drop) == sources
        assert emulator.books.violations == []
