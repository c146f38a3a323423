"""Links, texts and pairs: dropped, sent, published; and what happens where nobody can tell what became of them."""

import hashlib
import shutil
from dataclasses import replace

import httpx
import pytest

from mvsep_watch.model import HoldKind, InputKind, Rule
from mvsep_watch.steps.base import Pool
from tests.daemon.world import World, write_wav
from tests.fakes.answers import Chunks, answer_json
from tests.fakes.catalogue import field_row, model_row
from tests.fakes.results import wav_bytes

URL = "http://127.0.0.1:9/music/take%20five.wav"
LINKS = Rule(sep_type=40, input=InputKind.LINK)
SUBTITLES = "1\n00:00:00,000 --> 00:00:01,000\nhello\n"
MIDI = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0"
TEXTS = Rule(sep_type=104, input=InputKind.TEXT, output_format=1)


def drop_link(world, name="song.url", url=URL):
    path = world.drop / name
    path.write_text(f"[InternetShortcut]\nURL={url}\n")
    return path


def drop_text(world, text="Hello, world.", name="words.txt"):
    path = world.drop / name
    path.write_text(text)
    return path


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, premium=False, credits=0)
    world.folder_options = {"include": ("*",)}
    yield world
    world.stop()


@pytest.fixture
def reference(tmp_path):
    return write_wav(tmp_path / "reference.wav", pitch=7)


def fields(world):
    return [upload.fields for upload in world.service.uploads]


def ask(world, command, *items):
    world.store.requests.append(command, {"jobs": list(items)}, now=world.clock.now())
    world.engine.desks.commands.look_again()
    world.settle()


def unknown_link(world):
    """Send a link whose answer never comes, and wait until it is held."""
    world.rules = (LINKS,)
    drop_link(world)
    world.start()
    world.service.fault("create", "drop_after_made")
    world.pass_time(600)


# What is sent


def test_a_dropped_link_is_fetched_by_the_service_and_published(world):
    """Only the address is sent; what it is called here comes from the dropped file."""
    world.rules = (LINKS,)
    drop_link(world)
    world.start()

    world.finish()

    assert (fields(world)[0]["url"], fields(world)[0]["remote_type"]) == (URL, "direct")
    assert world.states() == ["published"]
    assert world.tree() == [
        ".mvsep-watch-claim.json",
        "song/Instrumental.mp3",
        "song/Vocals.mp3",
        "song/mvsep-watch.json",
    ]


def test_a_link_is_asked_for_until_the_service_has_fetched_it(world):
    """It has a hash of its own then, and that is what is polled, published and written down."""
    world.service.link_polls = 5
    world.rules = (LINKS,)
    drop_link(world)
    world.start()

    world.pass_time(15)
    (short,) = [job.separation_id and world.store.separations.get(job.separation_id).hash for job in world.jobs()]
    world.finish()

    assert short in world.service.links
    assert world.service.count("get_remote") == 5
    assert world.store.separations.get(1).hash in world.service.jobs


def test_the_same_link_in_another_file_is_known(world):
    """The address is the input, not the bytes around it."""
    world.rules = (LINKS,)
    drop_link(world)
    world.start()
    world.finish()

    drop_text(world, URL, name="again.txt")
    world.rescan()
    world.finish()

    assert (world.states(), world.service.made) == (["published"], 1)


def test_a_text_fills_the_prompt_of_a_model_that_takes_no_audio(world):
    """As its words, without byte order mark and trailing lines."""
    world.rules = (TEXTS,)
    drop_text(world, "\ufeffHello,\r\nworld.\n\n")
    world.start()

    world.finish()

    assert fields(world)[0]["add_opt1"] == "Hello,\nworld."
    assert world.service.uploads[0].names == {}
    assert world.states() == ["published"]


def test_a_pair_is_sent_with_the_rules_reference(world, reference):
    """Target and reference, both under the tag."""
    world.rules = (Rule(sep_type=68, input=InputKind.PAIR, reference=reference),)
    song = write_wav(world.drop / "song.wav")
    world.start()

    world.finish()

    (upload,) = world.service.uploads
    tag = world.store.separations.get(1).tag
    assert upload.sha256 == hashlib.sha256(song.read_bytes()).hexdigest()
    assert upload.names == {"target_audiofile": f"{tag}-song.wav", "reference_audiofile": f"{tag}-reference.wav"}
    assert world.states() == ["published"]


def test_a_song_with_another_reference_is_other_work(world, reference):
    """The queued job with the old reference is replaced by one with the new."""
    world.rules = (Rule(sep_type=68, input=InputKind.PAIR, reference=reference),)
    write_wav(world.drop / "song.wav")
    world.start()
    world.engine.context.close_gate("paused", "paused by a person")
    world.pass_time(30)

    write_wav(reference, pitch=9)
    world.engine.context.open_gate("paused")
    world.finish()

    assert sorted(world.states()) == ["cancelled", "published"]
    published = next(job for job in world.jobs() if job.state == "published")
    assert published.input_key.endswith(hashlib.sha256(reference.read_bytes()).hexdigest())
    assert world.service.made == 1


@pytest.mark.parametrize(
    ("rule", "name", "content", "words"),
    [
        (LINKS, "a.txt", "http://a.example/1 http://a.example/2", "holds 2 links"),
        (LINKS, "a.url", "[InternetShortcut]\n", "holds no link"),
        (TEXTS, "a.txt", " \n", "holds no words"),
    ],
)
def test_what_cannot_be_sent_is_refused_here(world, rule, name, content, words):
    """With its reason, and without a request that could cost anything."""
    world.rules = (rule,)
    (world.drop / name).write_text(content)
    world.start()
    world.pass_time(60)

    (source,) = world.store.db.all("SELECT state, reason FROM sources")
    assert (source["state"], world.service.count("create")) == ("refused", 0)
    assert words in source["reason"]


def test_a_rule_takes_only_what_its_input_is_dropped_as(world):
    """Beside each other in one folder, songs, links and texts each find their own rule."""
    world.rules = (Rule(name="songs", sep_type=40), Rule(name="links", sep_type=40, input=InputKind.LINK))
    write_wav(world.drop / "song.wav")
    drop_link(world)
    world.start()

    world.finish()

    assert sorted(job.rule for job in world.jobs()) == ["links", "songs"]


def test_a_text_that_is_nothing_but_a_link_is_taken_for_one(world):
    """Where one rule of a folder takes links and another texts."""
    world.rules = (Rule(name="links", sep_type=40, input=InputKind.LINK), replace(TEXTS, name="texts"))
    drop_text(world, f"{URL}\n", name="link.txt")
    drop_text(world, f"Read {URL} to me.", name="words.txt")
    world.start()

    world.finish()

    rules = {world.store.sources.get(job.source_id).path.name: job.rule for job in world.jobs()}
    assert (rules, world.states()) == ({"link.txt": "links", "words.txt": "texts"}, ["published"] * 2)


def test_a_missing_reference_lets_the_song_wait(world, tmp_path):
    """It goes on by itself once the reference is there."""
    world.rules = (Rule(sep_type=68, input=InputKind.PAIR, reference=tmp_path / "later.wav"),)
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(60)
    waiting = dict(world.engine.desks.candidates.not_taken)

    write_wav(tmp_path / "later.wav")
    world.pass_time(600)
    world.finish()

    assert "the rule's reference cannot be sent" in next(iter(waiting.values()))
    assert world.states() == ["published"]


# What nobody can tell


def test_a_link_whose_answer_is_lost_is_held_and_never_sent_again_by_itself(world):
    """It carries no tag: no row of the history can be told to be it, and none that is absent means that it was not."""
    unknown_link(world)
    world.pass_time(3600, step_s=60)

    (job,) = world.jobs()
    assert (job.hold, world.service.count("create"), world.service.made) == (HoldKind.UNKNOWN, 1, 1)


def test_a_held_link_names_the_rows_that_might_be_it(world):
    """A person can look on the site which it is."""
    unknown_link(world)
    world.service.finish_all()
    world.pass_time(600)

    (job,) = world.jobs()
    assert next(iter(world.service.jobs)) in job.reason
    assert "retry --hash" in job.hint


def test_a_person_recognises_a_link_and_nothing_is_paid_again(world):
    """The row that is named is polled and published as if the answer had come."""
    unknown_link(world)
    world.pass_time(600)
    ask(world, "retry", {"id": 1, "hash": next(iter(world.service.jobs))})

    world.finish()

    assert (world.states(), world.service.count("create")) == (["published"], 1)


def test_a_row_that_cannot_be_it_is_not_taken_for_a_link(world):
    """Another account's, an older one's, or one that belongs to a known separation."""
    unknown_link(world)
    ask(world, "retry", {"id": 1, "hash": "20260101000000-0123456789-other.wav"})

    (job,) = world.jobs()
    assert job.hold == HoldKind.UNKNOWN
    (answer,) = world.store.db.all("SELECT answer FROM requests")
    assert "none of the rows" in answer["answer"]


def test_links_go_one_at_a_time_while_one_is_unresolved(world):
    """Else nobody could tell which of them a row is; songs are not held up by it."""
    world.rules = (Rule(name="links", sep_type=40, input=InputKind.LINK), Rule(name="songs", sep_type=40))
    unknown_link_of_both(world)

    drop_link(world, "second.url", URL + "?2")
    write_wav(world.drop / "song.wav")
    world.rescan()
    world.finish()

    states = {world.store.sources.get(job.source_id).path.name: (job.state, job.reason) for job in world.jobs()}
    assert states["song.wav"][0] == "published"
    assert states["second.url"][0] == "queued"
    assert "one at a time" in states["second.url"][1]


def unknown_link_of_both(world):
    world.service.slots = world.service.slots or 10
    world.limits = world.limits.__class__(separations=10, credits=world.limits.credits)
    drop_link(world)
    world.start()
    world.service.fault("create", "drop_after_made")
    world.pass_time(600)


def test_a_link_that_was_refused_for_want_of_slots_is_sent_again(world):
    """The refusal is the service's own word, and the history has no row that it might be."""
    world.rules = (LINKS,)
    drop_link(world)
    world.start()
    world.service.fault("create", "too_many")

    world.finish()

    assert (world.states(), world.service.made) == (["published"], 1)


def test_a_kill_after_the_release_of_a_link_does_not_send_it_again(world):
    """What may have left is unknown, whatever it was."""
    world.rules = (LINKS,)
    drop_link(world)
    world.start()
    world.hands.held = {Pool.UPLOADS}
    world.pass_time(30)
    (step,) = [step for step in world.hands.waiting if step.pool == Pool.UPLOADS]
    world.engine.desks.intents.release(step.separation_id, step.send, world.engine.context.account)

    world.restart()
    world.pass_time(1200)

    (job,) = world.jobs()
    assert (job.hold, world.service.count("create")) == (HoldKind.UNKNOWN, 0)


def test_a_link_that_the_service_cannot_fetch_fails_with_its_words(world):
    """Nothing was separated; a person decides whether to try again."""
    world.rules = (LINKS,)
    drop_link(world)
    world.start()
    world.pass_time(10)
    failed = {"success": True, "status": "failed", "data": {"message": "the address answers 404"}}
    world.service.fault("get_remote", *[lambda *_: answer_json(failed)] * 2)
    world.pass_time(120)

    (job,) = world.jobs()
    assert (job.hold, "404" in job.reason) == (HoldKind.ENDED, True)


def test_a_link_that_is_said_to_have_failed_once_goes_on(world):
    """One answer may be a slip."""
    world.rules = (LINKS,)
    drop_link(world)
    failed = answer_json({"success": True, "status": "failed", "data": {"message": "the address answers 404"}})
    world.service.fault("get_remote", lambda *_: failed)
    world.start()

    world.finish()

    assert world.states() == ["published"]


# Results that are no audio


def with_results(world, files, transcription, *, content=b""):
    """Let every separation end with these (label, file name) results and texts."""
    base = world.service.base_url
    well = world.service._done_data

    def done(job):
        rows = [{"type": label, "url": f"{base}/storage/{name}", "download": name} for label, name in files]
        return {**well(job), "files": rows, "transcription": transcription}

    world.service._done_data = done
    world.service.fault("download", *[lambda *_: httpx.Response(200, stream=Chunks(content))] * 20)


@pytest.mark.parametrize(
    ("files", "transcription", "content", "published"),
    [
        ((), {"srt": SUBTITLES, "text": "hello"}, b"", ["Transcription.srt", "Transcription.txt"]),
        ((("Subtitles", "x.srt"),), {"srt": SUBTITLES}, SUBTITLES.encode(), ["Subtitles.srt"]),
        ((("MIDI", "x.mid"),), [], MIDI, ["MIDI.mid"]),
    ],
)
def test_texts_and_midi_are_published_like_audio(tmp_path, files, transcription, content, published):
    """Whether the service lists them as files, says them in its answer, or both."""
    world = World(tmp_path)
    with_results(world, files, transcription, content=content)
    write_wav(world.drop / "song.wav")
    world.start()

    world.finish()

    names = sorted(path.name for path in (world.stems / "song").iterdir())
    assert (world.states(), names) == (["published"], [*published, "mvsep-watch.json"])
    world.stop()


@pytest.mark.parametrize(
    ("name", "content"), [("x.mid", b"<html>oops</html>"), ("x.srt", b"<!DOCTYPE html><html></html>")]
)
def test_a_web_page_in_the_place_of_a_text_or_midi_is_never_published(tmp_path, name, content):
    """It is fetched again a few times, then a person is asked; it is never shown."""
    world = World(tmp_path)
    with_results(world, (("Result", name),), [], content=content)
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(10)
    world.service.finish_all()
    world.pass_time(120)

    assert (world.states(), (world.stems / "song").exists()) == (["held"], False)
    world.stop()


def test_speech_is_as_long_as_its_text_and_not_as_its_source(tmp_path):
    """A voice that is cloned from a long recording may say one word."""
    world = World(tmp_path)
    prompt = field_row(9, "add_opt1", "Text prompt", {}, default=None, input_type="text")
    world.service.catalogue.append(model_row(103, "Cloner", orientation=0, coefficient=1, fields=[prompt]))
    world.rules = (Rule(sep_type=103, options=(("add_opt1", "Yes."),), output_format=1),)
    with_results(world, (("Speech", "x.wav"),), [], content=wav_bytes(0.7))
    write_wav(world.drop / "song.wav", seconds=20)
    world.start()

    world.finish()

    assert world.states() == ["published"]
    world.stop()


# Deleting with the service


def test_a_separation_is_deleted_with_the_service_once_it_is_published_and_settled(tmp_path):
    """Not before its charge is known: the history says that no more afterwards."""
    world = World(tmp_path)
    world.rules = (Rule(sep_type=40, output_format=1, delete_remote=True),)
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()

    (job,) = world.jobs()
    assert (job.state, world.service.count("delete")) == ("published", 1)
    assert world.store.separations.get(1).credits_charged == 1
    world.stop()


def test_a_separation_that_another_rule_keeps_is_not_deleted(tmp_path):
    """Every rule that publishes from it must say so."""
    world = World(tmp_path)
    world.rules = (
        Rule(name="a", sep_type=40, output_format=1, delete_remote=True),
        Rule(name="b", sep_type=40, output_format=1),
    )
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    world.pass_time(7200, step_s=60)

    assert (world.states(), world.service.count("delete")) == (["published", "published"], 0)
    world.stop()


def test_a_separation_with_stems_that_are_published_nowhere_is_not_deleted(tmp_path):
    """They are paid for: a rule that is added later publishes them, and then it is deleted."""
    world = World(tmp_path)
    vocals = Rule(name="vocals", sep_type=40, output_format=1, delete_remote=True, stems=("vocals",))
    world.rules = (vocals,)
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    world.pass_time(60)
    before = world.service.count("delete")
    world.rules = (vocals, Rule(name="all", sep_type=40, output_format=1, delete_remote=True))
    (world.drop / "song.wav").touch()
    world.restart()
    world.finish()
    world.pass_time(60)

    assert (world.states(), world.service.made) == (["published"] * 2, 1)
    assert (before, world.service.count("delete")) == (0, 1)
    world.stop()


def test_outputs_that_are_gone_after_they_were_deleted_with_the_service_say_so(tmp_path):
    """Nobody looks for them for 72 hours in vain."""
    world = World(tmp_path)
    world.rules = (Rule(sep_type=40, output_format=1, delete_remote=True),)
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    shutil.rmtree(world.stems / "song")
    ask(world, "retry", {"id": 1})
    world.pass_time(600)

    (job,) = world.jobs()
    assert (job.hold, "delete_remote" in job.reason) == (HoldKind.OUTPUTS_GONE, True)
    world.stop()
