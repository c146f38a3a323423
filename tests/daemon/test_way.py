"""The way of files, end to end, in memory: from a drop to stems."""

import os

import pytest
import structlog

from mvsep_watch.files import sidecar
from mvsep_watch.model import Rule
from mvsep_watch.naming import OutputPlace
from tests.daemon.world import write_wav


def outputs(world):
    return [name for name in world.tree() if not name.endswith("claim.json")]


def test_a_dropped_file_comes_back_as_stems(world):
    """Drop, settle, identify, queue, submit, poll, fetch, publish."""
    write_wav(world.drop / "a" / "song.wav")
    world.start()

    world.finish()

    assert world.states() == ["published"]
    assert outputs(world) == ["a/song/Instrumental.wav", "a/song/Vocals.wav", "a/song/mvsep-watch.json"]


def test_the_sidecar_says_where_outputs_come_from(world):
    """Realm, host, account, attempt, input key and hash: what a rebuild needs to tell paid results apart."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()

    said = sidecar.read(OutputPlace(world.stems / "song"))

    job = next(iter(world.service.jobs.values()))
    assert (said.realm, said.host, said.account) == ("mvsep", "https://mvsep.com", "someone@example.com")
    assert (said.hash, said.attempt, said.rule, said.source_name) == (job.hash, 1, "default", "song.wav")


def test_a_restart_uploads_nothing_again(world):
    """What is published is known, and a rescan opens nothing."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()

    world.restart()
    world.pass_time(60)

    assert (world.service.made, world.states()) == (1, ["published"])


def test_a_renamed_file_is_known(world):
    """The bytes are what counts, not the name."""
    path = write_wav(world.drop / "song.wav")
    world.start()
    world.finish()

    path.rename(world.drop / "renamed.wav")
    world.rescan()
    world.pass_time(60)

    assert (world.service.made, world.states()) == (1, ["published"])


def test_a_touched_file_is_known(world):
    """A new time stamp is looked at and recognised."""
    path = write_wav(world.drop / "song.wav")
    world.start()
    world.finish()

    os.utime(path, (1, 1))
    world.rescan()
    world.pass_time(60)

    assert (world.service.made, world.states()) == (1, ["published"])


def test_a_second_copy_of_a_done_file_is_known(world):
    """The same input already done under this rule is skipped."""
    path = write_wav(world.drop / "song.wav")
    world.start()
    world.finish()

    (world.drop / "copy.wav").write_bytes(path.read_bytes())
    world.rescan()
    world.pass_time(60)

    assert (world.service.made, world.states()) == (1, ["published"])


def test_two_copies_dropped_together_are_paid_once_and_both_published(world):
    """Two jobs share the separation of their work."""
    path = write_wav(world.drop / "one.wav")
    (world.drop / "two.wav").write_bytes(path.read_bytes())
    world.start()

    world.finish()

    assert (world.service.made, world.states()) == (1, ["published", "published"])
    assert {name.split("/")[0] for name in outputs(world)} == {"one", "two"}


def test_two_rules_with_the_same_settings_are_paid_once(world):
    """The paid unit is the work, whatever asks for it."""
    world.rules = (Rule(name="a", sep_type=40, output_format=1), Rule(name="b", sep_type=40, output_format=1))
    write_wav(world.drop / "song.wav")
    world.start()

    world.finish()

    assert (world.service.made, world.states()) == (1, ["published", "published"])


def test_the_same_song_in_two_folders_is_paid_once(world):
    """Also when the second folder comes after the first was done: its outputs are copied from the first."""
    other = world.base / "other"
    path = write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    other.mkdir()
    (other / "again.wav").write_bytes(path.read_bytes())
    world.extra_folders = (world.another_folder("other", other, world.base / "other-stems"),)
    downloads = world.service.count("download")

    world.restart()
    world.finish()

    assert (world.service.made, world.states()) == (1, ["published", "published"])
    assert world.service.count("download") == downloads
    assert "again/Vocals.wav" in world.tree(world.base / "other-stems")


def test_different_settings_are_different_work(world):
    """A second rule with another format is paid for by itself."""
    world.rules = (Rule(name="wav", sep_type=40, output_format=1), Rule(name="flac", sep_type=40, output_format=4))
    write_wav(world.drop / "song.wav")
    world.start()

    world.finish()

    assert world.service.made == 2


def test_only_the_stems_of_the_rule_are_published(world):
    """Labels or slugs, any case."""
    world.rules = (Rule(sep_type=40, output_format=1, stems=("vocals",)),)
    write_wav(world.drop / "song.wav")
    world.start()

    world.finish()

    assert outputs(world) == ["song/Vocals.wav", "song/mvsep-watch.json"]


def test_a_source_is_moved_once_every_rule_has_published(world):
    """Not before, and with its relative path kept."""
    world.folder_options = {"source": world.base / "done"}
    world.rules = (Rule(name="a", sep_type=40, output_format=1), Rule(name="b", sep_type=40, output_format=4))
    write_wav(world.drop / "x" / "song.wav")
    world.start()
    world.pass_time(20)
    first = next(iter(world.service.jobs))
    world.service.finish(first)
    world.pass_time(20)
    half_way = (world.drop / "x" / "song.wav").exists()

    world.finish()

    assert half_way
    assert world.tree(world.drop) == []
    assert world.tree(world.base / "done") == ["x/song.wav"]


def test_a_source_that_changed_is_not_deleted(world):
    """It is no longer what was read, so it is a new source with a job of its own."""
    world.folder_options = {"source": "delete"}
    path = write_wav(world.drop / "song.wav", pitch=1)
    world.start()
    world.pass_time(20)
    write_wav(path, pitch=3)
    world.service.finish_all()

    world.pass_time(1)

    assert path.exists()
    world.finish()
    assert world.service.made == 2


def test_existing_files_are_skipped_if_asked_for(world):
    """Files that are there when the folder is first seen are left alone; later ones are taken."""
    world.folder_options = {"existing": "skip"}
    write_wav(world.drop / "old.wav", pitch=1)
    world.start()
    world.pass_time(20)
    write_wav(world.drop / "new.wav", pitch=2)
    world.rescan()

    world.finish()

    assert [path.name for path in world.stems.iterdir() if path.is_dir()] == ["new"]


def test_a_file_that_is_no_audio_costs_nothing(world):
    """It is refused here, with a reason that `show` gives."""
    (world.drop / "fake.wav").write_bytes(b"%PDF-1.4 not audio")
    world.start()

    world.pass_time(30)

    assert (world.service.made, world.states()) == (0, [])
    assert world.store.sources.at(world.drop / "fake.wav").state == "refused"


def test_a_stranger_in_the_reserved_place_is_never_replaced(world):
    """The job takes the next number, and the stranger's folder stays as it is."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    (world.stems / "song").mkdir()
    (world.stems / "song" / "mine.txt").write_text("edited")

    world.finish()

    assert (world.stems / "song" / "mine.txt").read_text() == "edited"
    assert "song (2)/Vocals.wav" in world.tree()


@pytest.mark.parametrize("publish", ["folder", "flat"])
def test_a_strange_sidecar_in_the_reserved_place_closes_the_state_gate(world, publish):
    """It never makes the job take the next number; once it is away, the job comes to its name."""
    world.folder_options = {"publish": publish}
    write_wav(world.drop / "other.wav", pitch=2)
    world.start()
    world.finish()
    said = world.jobs()[0].place.sidecar.read_text()
    write_wav(world.drop / "song.wav")
    world.rescan()
    world.pass_time(20)
    place = world.jobs()[1].place
    place.folder.mkdir(parents=True, exist_ok=True)
    place.sidecar.write_text(said.replace(world.store.memory.state_id, "0123456789ab"))
    world.service.finish_all()
    world.pass_time(200)
    states, gates = world.states(), [gate.name for gate in world.engine.context.gates()]
    place.sidecar.rename(world.base / "elsewhere")
    if publish == "folder":
        place.folder.rmdir()

    world.pass_time(200)

    assert (states, gates) == (["published", "fetched"], ["state"])
    assert (world.states(), world.engine.context.gates()) == (["published", "published"], ())
    assert world.jobs()[1].place == place


def test_odd_names_come_back_as_they_are(world):
    """Spaces, umlauts, emoji, a newline, and bytes that are no UTF-8."""
    names = ["a b.wav", "\u00fcml\u00e4ut.wav", "\U0001f3b5.wav", "new\nline.wav", os.fsdecode(b"latin\xe9.wav")]
    for pitch, name in enumerate(names, 1):
        write_wav(world.drop / name, pitch=pitch)
    world.start()

    world.finish()

    assert world.service.made == len(names)
    assert {path.name for path in world.stems.iterdir() if path.is_dir()} == {name[:-4] for name in names}


def test_a_separation_that_is_done_is_fetched_as_soon_as_its_files_are_listed(world):
    """For a short while `done` comes without files; the wait that has grown over a long queue starts anew."""
    world.service.empty_done_polls = 1
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(920)
    world.service.finish_all()

    world.pass_time(75)

    assert world.states() == ["published"]


def test_a_published_job_is_one_line_that_tells_all_of_it(world):
    """How long each part took, how much there was, what it cost; what two share is paid for by one of them."""
    world.rules = (Rule(name="a", sep_type=40, output_format=1), Rule(name="b", sep_type=40, output_format=1))
    source = write_wav(world.drop / "song.wav")
    with structlog.testing.capture_logs() as lines:
        world.start()
        world.finish()

    first, second = [line for line in lines if line["event"] == "job_published"]
    parts = [first[f"{part}_s"] for part in ("waited", "uploaded", "separated", "fetched")]
    assert sum(parts) == pytest.approx(first["took_s"], abs=0.3)
    assert (first["source_bytes"], first["stems"], first["output_bytes"] > 0) == (source.stat().st_size, 2, True)
    assert [(line["credits"], line.get("paid_by_job")) for line in (first, second)] == [(1, None), (0, 1)]
    told = [line["event"] for line in lines if line["log_level"] == "info" and line["job"] == 1]
    assert told == ["job_queued", "separation_submitted", "job_published"]


def test_trouble_in_the_log_names_the_file(world):
    """Nobody knows jobs by their numbers."""
    world.service.fault("create", "refused")
    source = write_wav(world.drop / "song.wav")
    with structlog.testing.capture_logs() as lines:
        world.start()
        world.finish()

    (told,) = [line for line in lines if line["event"] == "job_refused"]
    assert (told["job"], told["path"], told["rule"], told["log_level"]) == (1, str(source), "default", "warning")
