"""Outputs without a folder of their own, through everything that a job's outputs may meet."""

import errno
import json
import os
import shutil

import pytest
from structlog.testing import capture_logs

from mvsep_watch.cli import progress
from mvsep_watch.files import renaming, spool
from mvsep_watch.naming import OutputPlace
from tests.daemon.effects import Effects, Killed, fails_with
from tests.daemon.invariants import assert_nothing_is_left, assert_nothing_is_paid_twice, sha256
from tests.daemon.test_requests import ask, publish, redo, two_rules
from tests.daemon.test_roots import swap_back, swap_with_results_ready
from tests.daemon.world import World, write_wav

SET = ["song (Instrumental).wav", "song (Vocals).wav", "song.mvsep-watch.json"]


@pytest.fixture(autouse=True)
def flat(world):
    world.folder_options = {"publish": "flat"}


@pytest.fixture
def folding(monkeypatch):
    """Have the disk take names for the same that differ in case only."""
    rename, link = renaming._renameat2, os.link

    def is_taken(path):
        return any(other.name.casefold() == path.name.casefold() for other in path.parent.iterdir())

    def fold(call):
        def folded(source, target, *args, **kwargs):
            if is_taken(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            return call(source, target, *args, **kwargs)

        return folded

    monkeypatch.setattr(renaming, "_renameat2", fold(rename))
    monkeypatch.setattr(os, "link", fold(link))


def shown(world, root=None):
    return [name for name in world.tree(root) if not name.startswith(".")]


def assert_flat_sets_are_whole(world):
    """Where there is a sidecar, there is all that it lists, unharmed."""
    for path in world.stems.glob("[!.]*.mvsep-watch.json"):
        listed = json.loads(path.read_text())["outputs"]
        assert {each["name"]: sha256(path.parent / each["name"]) for each in listed} == {
            each["name"]: each["sha256"] for each in listed
        }


def test_whoever_is_told_where_the_outputs_are_finds_something_there(world):
    """There is no folder of the job's name; the log names the sidecar, and `once` the folder."""
    with capture_logs() as logged:
        publish(world)
    ended, _ = progress._moved(world.engine, 0)

    (told,) = [line["outputs"] for line in logged if line["event"] == "job_published"]
    assert (told, [each.final for each in ended]) == (str(world.stems / "song.mvsep-watch.json"), [world.stems])


def test_outputs_lie_side_by_side_below_the_root(world):
    """Where the source lay below its folder."""
    write_wav(world.drop / "Kind of Blue" / "So What.wav")
    world.start()
    world.finish()

    assert shown(world) == [
        "Kind of Blue/So What (Instrumental).wav",
        "Kind of Blue/So What (Vocals).wav",
        "Kind of Blue/So What.mvsep-watch.json",
    ]
    assert_flat_sets_are_whole(world)
    assert_nothing_is_left(world)


def test_a_strangers_file_moves_the_whole_set_to_the_next_number(world):
    """It came while the song was separated; it is as it was."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    (world.stems / "song (Vocals).wav").write_bytes(b"mine")
    world.finish()

    assert (world.stems / "song (Vocals).wav").read_bytes() == b"mine"
    assert shown(world) == [
        "song (2) (Instrumental).wav",
        "song (2) (Vocals).wav",
        "song (2).mvsep-watch.json",
        "song (Vocals).wav",
    ]


def test_a_set_that_would_meet_a_strangers_takes_a_number_that_is_wholly_free(world):
    """What stands in the way of the second is seen before it is tried."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    for name in ("song (Vocals).wav", "song (2) (Instrumental).wav"):
        (world.stems / name).write_bytes(b"mine")
    world.finish()

    assert world.jobs()[0].place == OutputPlace(world.stems / "song (3)", is_flat=True)
    assert world.states() == ["published"]


@pytest.mark.usefixtures("folding")
@pytest.mark.parametrize("form", ["folder", "flat"])
def test_names_that_a_disk_takes_for_the_same_get_a_number(world, form):
    """`Song.wav` and `song.WAV`: the first is untouched."""
    world.folder_options["publish"] = form
    write_wav(world.drop / "Song.wav")
    world.start()
    world.finish()
    before = {path: path.read_bytes() for path in world.stems.rglob("*.wav")}
    write_wav(world.drop / "song.WAV", pitch=2)
    world.rescan()
    world.pass_time(20)
    world.finish()

    assert [job.final.name for job in world.jobs()] == ["Song", "song (2)"]
    assert world.states() == ["published", "published"]
    assert {path: path.read_bytes() for path in before} == before


def test_another_job_takes_its_outputs_from_a_flat_set(world):
    """Nothing is downloaded again; a job in a folder takes from one without, and back."""
    publish(world)
    downloads = world.service.count("download")
    shutil.copy(world.drop / "song.wav", world.base / "copy.wav")
    other = world.base / "other"
    other.mkdir()
    world.extra_folders = (world.another_folder("other", other, world.base / "other-stems"),)
    world.restart()
    (world.base / "copy.wav").rename(other / "copy.wav")
    world.finish()

    assert world.service.count("download") == downloads
    assert (world.service.made, shown(world, world.base / "other-stems")) == (
        1,
        ["copy/Instrumental.wav", "copy/Vocals.wav", "copy/mvsep-watch.json"],
    )


def test_outputs_that_are_gone_are_fetched_again(world):
    """Those that are there still are left as they are."""
    job = publish(world)
    kept = (world.stems / SET[0]).stat().st_ino
    for name in SET[1:]:
        (world.stems / name).unlink()

    ask(world, "retry", job.id)
    world.finish()

    assert (shown(world), world.service.made) == (SET, 1)
    assert (world.stems / SET[0]).stat().st_ino == kept


def test_redo_lies_beside_the_old_set_or_replaces_it(world):
    """As it is asked."""
    job = publish(world)
    ask(world, "redo", redo(job))
    world.finish()
    beside = shown(world)
    old = (world.stems / SET[1]).read_bytes()
    ask(world, "redo", redo(job, attempt=3, replace=True))
    world.finish()

    assert beside == sorted([*SET, *(name.replace("song", "song (2)", 1) for name in SET)])
    assert shown(world) == beside
    assert (world.stems / SET[1]).read_bytes() != old
    assert_flat_sets_are_whole(world)
    assert_nothing_is_left(world)


def test_redo_never_replaces_a_set_that_was_changed(world):
    """It is held, and everything is as it was."""
    job = publish(world)
    (world.stems / SET[1]).write_bytes(b"edited")

    ask(world, "redo", redo(job, replace=True))
    world.finish()

    assert (world.jobs()[1].state, shown(world)) == ("held", SET)
    assert (world.stems / SET[1]).read_bytes() == b"edited"


def test_a_job_keeps_its_form_when_the_configuration_changes(world):
    """Only what is dropped from then on follows it."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.folder_options["publish"] = "folder"
    world.restart()
    write_wav(world.drop / "later.wav", pitch=2)
    world.finish()

    assert shown(world) == ["later/Instrumental.wav", "later/Vocals.wav", "later/mvsep-watch.json", *SET]


def test_the_rules_of_a_folder_do_not_meet(world):
    """Their names are in the names."""
    two_rules(world)
    world.folder_options["layout"] = "{rel}/{name} [{rule}]"
    publish(world)

    assert [name for name in shown(world) if "Vocals" in name] == ["song [a] (Vocals).wav", "song [b] (Vocals).wav"]
    assert world.service.made == 1


def test_a_lost_state_is_rebuilt_from_flat_sidecars(world):
    """And whoever forgot about them does not separate the song again."""
    publish(world)
    world.lose_state()
    report = world.rebuild()
    world.start()
    world.finish()

    assert (report.jobs, report.changed, world.service.made) == (1, [], 1)
    assert (world.states(), world.jobs()[0].place) == (["published"], OutputPlace(world.stems / "song", is_flat=True))
    assert [output.name for output in world.store.jobs.outputs(1)] == ["Vocals.wav", "Instrumental.wav"]


def test_flat_outputs_of_a_lost_state_stop_all_spending(world):
    """Until it is rebuilt."""
    publish(world)
    world.lose_state()
    (world.stems / ".mvsep-watch-claim.json").unlink()
    world.start()
    world.pass_time(60)

    assert [str(gate.name) for gate in world.engine.context.gates()] == ["state"]
    assert world.service.made == 1


def test_a_flat_set_is_kept_in_the_spool_while_its_root_is_away(world, monkeypatch):
    """In a folder there, and published side by side when the root is back."""
    monkeypatch.setattr(spool, "RESERVE_BYTES", 0)
    monkeypatch.setattr(spool, "RESERVE_PART", 0.0)
    write_wav(world.drop / "song.wav")
    world.start()
    swap_with_results_ready(world)
    world.pass_time(1200, step_s=60)
    kept = world.jobs()[0].reason
    world.pass_time(4 * 86400.0, step_s=3600)
    swap_back(world)
    world.finish()

    assert (kept, shown(world)) == ("kept in the spool until its folder is back", SET)


# Killed at any moment


def live(world, effects):
    """Live until killed, or at rest; whatever is shown is whole."""
    try:
        with effects.watched():
            world.restart()
            world.finish()
    except Killed:
        pass
    assert_flat_sets_are_whole(world)
    assert_nothing_is_paid_twice(world)


def a_world(base, *, kills=()):
    base.mkdir()
    world = World(base)
    world.folder_options = {"publish": "flat"}
    return world, Effects(world, kills=kills)


def first_of(names, what):
    return next(number for number, name in enumerate(names, 1) if what in name)


def test_a_kill_after_any_effect_of_a_flat_publication_leaves_one_whole_set(tmp_path):
    """Complete, once, nothing overwritten, nothing left over."""
    world, effects = a_world(tmp_path / "names")
    write_wav(world.drop / "song.wav")
    live(world, effects)
    world.stop()
    begin, end = (first_of(effects.names, what) for what in ("jobs fetched", "jobs published"))

    for number in range(begin, end + 1):
        world, effects = a_world(tmp_path / str(number), kills=[number])
        write_wav(world.drop / "song.wav")
        live(world, effects)
        effects.revive()
        live(world, effects)

        assert (world.states(), shown(world), world.service.made) == (["published"], SET, 1)
        assert_nothing_is_left(world)
        world.stop()
    assert end - begin > 10


@pytest.mark.parametrize("number", range(3))
def test_a_flat_publication_that_fails_once_is_done_later(tmp_path, number):
    """Whatever file effect of it fails, with a full disk, a broken one, or a stale handle."""
    world, effects = a_world(tmp_path / "names")
    write_wav(world.drop / "song.wav")
    live(world, effects)
    world.stop()
    begin, end = (first_of(effects.names, what) for what in ("jobs fetched", "jobs published"))
    files = [place for place in range(begin, end) if effects.names[place - 1].startswith("file")]

    for place in files[number::3]:
        world, effects = a_world(tmp_path / str(place))
        effects.failures = {place: fails_with(("ENOSPC", "EIO", "ESTALE")[place % 3])}
        write_wav(world.drop / "song.wav")
        live(world, effects)
        with effects.watched():
            world.pass_time(600, step_s=60)

        assert (world.states(), shown(world), world.service.made) == (["published"], SET, 1), effects.names[place - 1]
        assert_nothing_is_left(world)
        world.stop()
    assert len(files) > 10


def replace_until_killed(base, count):
    """Replace a song's outputs, killed so many effects after they were staged; say if they were not published yet."""
    world, effects = a_world(base)
    job = publish(world)
    old = sha256(world.stems / SET[1])
    ask(world, "redo", redo(job, replace=True))
    world.service.finish_all()

    def fails(name):
        if "jobs fetched" in name and not effects.kills:
            effects.kill_after(count)

    effects.fails = fails
    live(world, effects)
    was_killed = len(effects.names) in effects.kills and "jobs published" not in effects.names[-1]
    effects.fails = lambda _: None
    effects.revive()
    live(world, effects)

    assert (world.states(), shown(world), world.service.made) == (["published", "published"], SET, 2)
    assert sha256(world.stems / SET[1]) != old
    assert_nothing_is_left(world)
    world.stop()
    return was_killed


def test_a_kill_after_any_effect_of_a_flat_replacement_leaves_one_whole_set(tmp_path):
    """The old one is there, or the other, and at the end it is the other."""
    count = 1

    while replace_until_killed(tmp_path / str(count), count):
        count += 2

    assert count > 20
