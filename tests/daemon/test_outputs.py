"""Nothing half: what goes wrong between a finished separation and its visible outputs."""

import os
import shutil

import pytest

from mvsep_watch.files import sidecar
from tests.daemon.world import write_wav
from tests.fakes.answers import answer_json
from tests.fakes.service import NOT_FOUND

PASSING = ["truncate_download", "link_expired", "drop", "http_503", "html", "no_ranges"]


def submitted(world):
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(20)
    world.service.finish_all()


@pytest.mark.parametrize("fault", PASSING)
def test_a_download_that_goes_wrong_is_done_again(world, fault):
    """Nothing of it is ever visible, and nothing is paid again."""
    submitted(world)
    world.service.fault("download", fault)

    world.finish()

    assert (world.states(), world.service.made) == (["published"], 1)
    assert [name for name in world.tree() if not name.endswith("claim.json")] == [
        "song/Instrumental.wav",
        "song/Vocals.wav",
        "song/mvsep-watch.json",
    ]


def test_results_that_the_poll_listed_are_not_asked_for_again(world):
    """A fifth of all requests would say what is known; a dead link asks again."""
    submitted(world)
    asked = world.service.count("get")
    world.service.fault("download", "link_expired")

    world.finish()

    assert (world.states(), world.service.count("get") - asked) == (["published"], 2)


def test_a_list_that_is_not_young_is_asked_for_again(world):
    """Who was held up for long does not begin with links that may have died."""
    submitted(world)
    world.hands.held = {"filing", "downloads"}
    world.pass_time(10)
    world.hands.held, world.hands.waiting = set(), []
    world.hands.steps.clear()
    asked = world.service.count("get")
    world.clock.sleep(400)

    world.finish()

    assert (world.states(), world.service.count("get") - asked) == (["published"], 1)


def test_a_page_instead_of_audio_is_never_published(world):
    """However often it comes with 200: in the end a person is asked, and nothing is paid again."""
    submitted(world)
    world.service.fault("download", *["html"] * 40)

    world.pass_time(1500)

    assert (world.states(), world.jobs()[0].hold) == (["held"], "trouble")
    assert not (world.stems / "song").exists()


def test_results_that_are_gone_are_said_to_be_gone(world):
    """Done and paid, but found nowhere: held, with what a redo would pay."""
    submitted(world)
    world.hands.held = {"downloads"}
    world.pass_time(10)
    world.service.remove(next(iter(world.service.jobs)))
    world.hands.held = set()
    world.hands.go_on()

    world.pass_time(300)

    job = world.jobs()[0]
    assert (job.state, job.hold) == ("held", "outputs_gone")
    assert "redo" in job.hint


def lists_one(request, service):
    """Answer a `get` with the first of the results alone."""
    data = service._done_data(next(iter(service.jobs.values())))
    return answer_json({"success": True, "status": "done", "data": {**data, "files": data["files"][:1]}})


def test_a_list_with_fewer_results_than_the_model_gives_may_grow(world):
    """The service may list a result as soon as it is there."""
    submitted(world)
    world.service.fault("get", lists_one)

    world.finish()

    assert [output.stem for output in world.store.jobs.outputs(1)] == ["Vocals", "Instrumental"]


def without_labels(request, service):
    """Answer a `get` with results that do not say what they are."""
    data = service._done_data(next(iter(service.jobs.values())))
    files = [{**file, "type": None} for file in data["files"]]
    return answer_json({"success": True, "status": "done", "data": {**data, "files": files}})


@pytest.mark.parametrize(("answers", "stems"), [(1, ["Vocals", "Instrumental"]), (2, ["Output 1", "Output 2"])])
def test_a_list_without_labels_is_believed_when_it_comes_again(world, answers, stems):
    """A stem is rather called by its name."""
    submitted(world)
    world.service.fault("get", *[without_labels] * answers)

    world.finish()

    assert [output.stem for output in world.store.jobs.outputs(1)] == stems


def test_a_list_that_stays_as_short_is_believed(world):
    """The catalogue may promise too much."""
    world.service.stems = ("Vocals",)
    submitted(world)

    world.finish()

    assert [output.stem for output in world.store.jobs.outputs(1)] == ["Vocals"]


@pytest.mark.parametrize(("answers", "stems"), [(2, ["Vocals", "Instrumental"]), (40, ["Vocals"])])
def test_a_list_that_became_shorter_is_not_believed_for_long(world, answers, stems):
    """What was listed once is not given up because one answer lacks it; nor is what is left."""
    submitted(world)
    world.service.fault("get", lambda *_: None, *[lists_one] * answers)
    world.service.fault("download", "drop")

    world.pass_time(1800, step_s=20)

    assert [output.stem for output in world.store.jobs.outputs(1)] == stems


def test_results_are_not_gone_because_other_things_went_wrong_before(world):
    """Dead links say nothing about them: only so many answers in a row that they are gone."""
    submitted(world)
    gone = answer_json(NOT_FOUND)
    world.service.fault("download", *["link_expired"] * 5)
    world.service.fault("get", *[lambda *_: None] * 5, lambda *_: gone, lambda *_: gone)
    world.service.finish_all()

    world.pass_time(900)

    assert world.states() == ["published"]


def test_an_output_root_that_cannot_be_written_stops_spending_first(world):
    """A file stands where the folder should be: noticed before anything is paid."""
    world.stems.write_text("not a folder")
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(120)
    made, gates = world.service.made, {str(gate.name) for gate in world.engine.context.gates()}

    world.stems.unlink()
    world.finish()

    assert (made, gates) == (0, {"disk"})
    assert world.states() == ["published"]


def test_one_root_in_trouble_does_not_stop_the_others(world):
    """The `disk` gate is about one output root."""
    other = world.base / "other"
    other.mkdir()
    world.extra_folders = (world.another_folder("other", other, world.base / "other-stems"),)
    world.stems.write_text("not a folder")
    write_wav(world.drop / "one.wav", pitch=1)
    write_wav(other / "two.wav", pitch=2)
    world.start()

    world.pass_time(20)
    world.service.finish_all()
    world.pass_time(60)

    assert sorted(world.states()) == ["published", "queued"]


def test_staged_outputs_that_vanished_are_fetched_again(world):
    """Somebody cleaned up between fetching and publishing."""
    submitted(world)
    world.hands.held = {"filing"}
    world.pass_time(20)
    for path in world.stems.glob(".mvsep-watch-*.part"):
        shutil.rmtree(path)
    world.hands.held = set()
    world.hands.go_on()

    world.finish()

    assert (world.states(), world.service.made) == (["published"], 1)


@pytest.fixture
def hashed(monkeypatch):
    """The names of what is read once more before it is published."""
    names = []
    hash_file = sidecar.hash_file
    monkeypatch.setattr(
        sidecar, "hash_file", lambda path, **options: names.append(path.name) or hash_file(path, **options)
    )
    return names


def staged(world):
    """Have a job fetched, and not yet published."""
    submitted(world)
    world.hands.held = {"filing"}
    world.pass_time(60)
    assert world.states() == ["fetched"]
    return next(world.stems.rglob("Vocals.wav"))


def test_what_was_just_staged_is_not_read_again(world, hashed):
    """It was hashed as it came, and nobody has touched it since."""
    staged(world)
    world.hands.held = set()
    world.hands.go_on()

    world.finish()

    assert (world.states(), hashed) == (["published"], [])


def test_what_an_earlier_process_staged_is_read_again(world, hashed):
    """Nobody here knows what has become of it since."""
    staged(world)
    world.restart()

    world.finish()

    assert (world.states(), sorted(hashed)) == (["published"], ["Instrumental.wav", "Vocals.wav"])


@pytest.mark.parametrize("is_restarted", [False, True])
def test_what_was_changed_in_the_staging_is_fetched_again(world, hashed, is_restarted):
    """Whatever somebody did there, what the service gave is published."""
    vocals = staged(world)
    content = vocals.read_bytes()
    vocals.write_bytes(bytes(len(content)))
    os.utime(vocals, (1, 1))  # the test is faster than the clock of the file system
    if is_restarted:
        world.restart()
    world.hands.held = set()
    world.hands.go_on()

    world.finish()

    assert (world.states(), world.service.made) == (["published"], 1)
    assert next(world.stems.rglob("Vocals.wav")).read_bytes() == content
    assert "Vocals.wav" in hashed
