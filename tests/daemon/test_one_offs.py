"""One-offs: one file by itself, by the same engine, never twice; what is wrong with one is nobody else's trouble."""

import dataclasses
import json

import pytest

from mvsep_watch.daemon.oneoffs import OneOff
from mvsep_watch.files import claim as claims
from mvsep_watch.model import CreditLimits, GateName, HoldKind, InputKind, JobState, Limits, Rule
from mvsep_watch.steps.base import Pool
from tests.daemon.test_requests import ask as ask_for_jobs
from tests.daemon.world import lose_all_memory, write_wav

URL = "http://127.0.0.1:9/music/take%20five.wav"


@pytest.fixture
def song(tmp_path):
    return write_wav(tmp_path / "desk" / "song.wav")


def one_off(source, output=None, **rule):
    said = Rule(**{"sep_type": 40, "output_format": 1, **rule})
    return OneOff(source=source, output=output or source.parent, rule=said)


def ask(world, wish):
    """Ask as a command does, and let the daemon turn."""
    request = world.store.requests.append("separate", wish.as_json(), now=world.clock.now())
    world.engine.desks.commands.look_again()
    world.settle()
    return world.store.requests.answered(request)


def finish(world, rounds=30):
    for _ in range(rounds):
        world.pass_time(5.0)
        world.service.finish_all()


def separate(world, wish):
    """Ask, and let everything come to rest."""
    answer = ask(world, wish)
    finish(world)
    return answer


def refusal(world, wish):
    (refused,) = ask(world, wish)["refused"]
    return refused["reason"]


def row(world, wish):
    return world.store.one_offs.get(wish.name)


def job(world, wish):
    return world.store.jobs.get(row(world, wish).job_id)


def folders(world):
    return [job.folder for job in world.jobs()]


def outputs(folder):
    return sorted(path.name for path in folder.iterdir())


def claim_for_another(root):
    root.mkdir(exist_ok=True)
    claims.write(root, claims.Claim(state_id="other", generation=1, realm="mvsep", host="", account=""))


# Its way


def test_a_file_from_anywhere_comes_back_beside_it(world, song):
    """Without a watched folder; the folder of its outputs has its name."""
    world.start()

    answer = separate(world, one_off(song))

    assert answer == {"done": [], "refused": [], "made": [], "sources": [], "folder": one_off(song).name}
    assert job(world, one_off(song)).state == JobState.PUBLISHED
    assert outputs(song.parent / "song") == ["Instrumental.wav", "Vocals.wav", "mvsep-watch.json"]
    assert song.exists()


def test_nothing_else_there_is_taken(world, song):
    """Its folder is not watched."""
    write_wav(song.parent / "other.wav", pitch=2)
    world.start()

    separate(world, one_off(song))
    world.rescan()
    world.pass_time(60)

    assert world.service.made == 1


def test_the_same_words_name_the_same_one_off(song, tmp_path):
    """In whatever order options and stems stand; anything else is another."""
    options = (("add_opt1", "0"), ("add_opt2", "1"))
    wish = one_off(song, options=options, stems=("a", "b"))

    assert one_off(song, options=options[::-1], stems=("b", "a")).name == wish.name
    assert len({wish.name, one_off(song).name, one_off(song, tmp_path).name, one_off(song, sep_type=41).name}) == 4
    assert OneOff.from_json(json.loads(json.dumps(wish.as_json()))).name == wish.name


def test_a_name_that_is_no_text_is_kept(tmp_path):
    """Any bytes."""
    wish = one_off(tmp_path / "sch\udcf6n.wav")

    assert OneOff.from_json(json.loads(json.dumps(wish.as_json()))).source == wish.source


def test_only_the_stems_that_were_asked_for_are_published(world, song):
    """As a rule has them."""
    world.start()

    separate(world, one_off(song, stems=("vocals",)))

    assert outputs(song.parent / "song") == ["Vocals.wav", "mvsep-watch.json"]


def test_a_link_is_fetched_by_the_service(world, tmp_path):
    """Its file is the source."""
    link = tmp_path / "links" / "take five.url"
    link.parent.mkdir()
    link.write_text(f"[InternetShortcut]\nURL={URL}\n")
    world.start()

    separate(world, one_off(link, tmp_path / "out", input=InputKind.LINK))

    assert world.service.uploads[0].fields["url"] == URL
    assert "Vocals.wav" in outputs(tmp_path / "out" / "take five")


def test_a_text_is_a_prompt(world, tmp_path):
    """Of a model that takes no audio."""
    text = tmp_path / "words.txt"
    text.write_text("Hello")
    wish = one_off(text, tmp_path / "out", sep_type=104, input=InputKind.TEXT)
    world.start()

    separate(world, wish)

    assert world.service.uploads[0].fields["add_opt1"] == "Hello"
    assert job(world, wish).state == JobState.PUBLISHED


def test_a_pair_is_sent_with_its_reference(world, song, tmp_path):
    """Both files, in one separation."""
    reference = write_wav(tmp_path / "reference.wav", pitch=7)
    wish = one_off(song, sep_type=68, input=InputKind.PAIR, reference=reference)
    world.start()

    separate(world, wish)

    assert sorted(world.service.uploads[0].names) == ["reference_audiofile", "target_audiofile"]
    assert job(world, wish).state == JobState.PUBLISHED


# Never twice


def test_the_same_file_twice_is_paid_once(world, song):
    """The second time finds the job that did it."""
    world.start()
    separate(world, one_off(song))
    first = job(world, one_off(song))

    separate(world, one_off(song))

    assert (world.service.made, job(world, one_off(song)).id, world.states()) == (1, first.id, ["published"])


def test_the_same_file_into_another_folder_is_paid_once(world, song, tmp_path):
    """The work is the same."""
    world.start()
    separate(world, one_off(song))

    separate(world, one_off(song, tmp_path / "other"))

    assert (world.service.made, world.states()) == (1, ["published", "published"])
    assert "Vocals.wav" in outputs(tmp_path / "other" / "song")


def test_a_file_that_has_changed_is_other_work(world, song):
    """The same words, and other bytes."""
    world.start()
    separate(world, one_off(song))

    write_wav(song, pitch=3)
    separate(world, one_off(song))

    assert (world.service.made, world.states()) == (2, ["published", "published"])
    assert job(world, one_off(song)).final.name == "song (2)"


def test_a_change_while_it_is_sent_is_noticed(world, song):
    """What was read is not sent; what is there then is."""
    world.start()
    world.hands.held.add(Pool.UPLOADS)
    ask(world, one_off(song))
    world.pass_time(20)

    write_wav(song, pitch=3)
    world.hands.held.clear()
    world.hands.go_on()
    finish(world)

    assert (world.service.made, job(world, one_off(song)).state) == (1, JobState.PUBLISHED)


@pytest.mark.parametrize("seconds", [0, 3, 20, 40])
def test_a_kill_between_does_not_pay_twice(world, song, seconds):
    """However far it had come; nobody need ask again."""
    world.start()
    ask(world, one_off(song))
    world.pass_time(seconds)

    world.restart()
    finish(world)

    assert (world.service.made, job(world, one_off(song)).state) == (1, JobState.PUBLISHED)


def test_a_redo_finds_its_rule_again(world, song):
    """After a restart, and without a folder in the configuration; asking again finds the newest job."""
    world.start()
    separate(world, one_off(song))
    first = job(world, one_off(song))
    world.restart()

    wanted = {"id": first.id, "attempt": 2, "price": 1, "settings": first.settings}
    answer = ask_for_jobs(world, "redo", wanted)
    finish(world)
    separate(world, one_off(song))

    assert answer["refused"] == []
    assert job(world, one_off(song)).id == answer["made"][0]
    assert (world.service.made, world.states()) == (2, ["published", "published"])


# Watched folders


def test_a_file_in_a_watched_folder_gets_its_own_rules_as_well(world, tmp_path):
    """It is not remembered as known without their jobs; the same work is shared."""
    path = write_wav(world.drop / "song.wav")
    wish = one_off(path, tmp_path / "out")
    world.start(only=wish.name)
    ask(world, wish)
    world.pass_time(20)

    world.restart()
    finish(world)

    assert sorted(folders(world)) == ["drop", wish.name]
    assert (world.service.made, set(world.states())) == (1, {"published"})


def test_include_does_not_keep_a_one_off_out(world, tmp_path):
    """Nor does anything else that a folder says of its files."""
    world.folder_options = {"include": ("*.flac",)}
    path = write_wav(world.drop / "song.wav")
    world.start()

    separate(world, one_off(path, tmp_path / "out"))

    assert folders(world) == [one_off(path, tmp_path / "out").name]


@pytest.mark.parametrize("is_scanned", [True, False])
def test_what_a_folder_skips_stays_skipped(world, tmp_path, is_scanned):
    """A one-off is no reason to take it for the folder, whether or not that was looked through before."""
    world.folder_options = {"existing": "skip"}
    path = write_wav(world.drop / "song.wav")
    wish = one_off(path, tmp_path / "out")
    world.start(only="" if is_scanned else wish.name)
    world.pass_time(20)

    separate(world, wish)
    world.restart()
    finish(world)

    assert folders(world) == [wish.name]


def test_what_was_forgotten_stays_forgotten(world, tmp_path):
    """It gets the job that was asked for, and no other."""
    path = write_wav(world.drop / "song.wav")
    wish = one_off(path, tmp_path / "out", sep_type=26)
    world.start()
    world.finish()
    source = world.store.sources.at(path)
    ask_for_jobs(world, "forget", sources=[source.id])

    separate(world, wish)
    world.rescan()
    world.pass_time(60)

    assert world.store.sources.get(source.id).state == "ignored"
    assert folders(world) == ["drop", wish.name]
    assert world.states() == ["published", "published"]


def test_a_refusal_is_the_one_offs_alone(world, tmp_path):
    """A file that it cannot be is still what the folder takes it for."""
    world.rules = (Rule(sep_type=104, input=InputKind.TEXT),)
    world.folder_options = {"include": ("*.txt",)}
    path = world.drop / "words.txt"
    path.write_text("no link in here")
    wish = one_off(path, tmp_path / "out", input=InputKind.LINK)
    world.start(only=wish.name)

    ask(world, wish)
    world.pass_time(20)
    refused = row(world, wish)
    world.restart()
    finish(world)

    assert (refused.is_refused, refused.reason.partition("words.txt ")[2]) == (True, "holds no link.")
    assert (folders(world), world.states()) == (["drop"], ["published"])


def test_a_one_off_that_comes_while_its_file_is_read_is_served(world, tmp_path):
    """It is read again for what the one-off sends of it."""
    reference = write_wav(tmp_path / "reference.wav", pitch=7)
    path = write_wav(world.drop / "song.wav")
    wish = one_off(path, tmp_path / "out", sep_type=68, input=InputKind.PAIR, reference=reference)
    world.start()
    world.hands.held.add(Pool.READING)
    world.pass_time(10)

    ask(world, wish)
    world.hands.held.clear()
    world.hands.go_on()
    finish(world)

    assert sorted(folders(world)) == ["drop", wish.name]
    assert set(world.states()) == {"published"}


# What is wrong with one


def test_a_foreign_claim_refuses_and_the_gates_stay_open(world, song, tmp_path):
    """A mistake in a one-off is no doubt of the state."""
    claim_for_another(tmp_path / "theirs")
    world.start()
    world.pass_time(5)

    reason = refusal(world, one_off(song, tmp_path / "theirs"))
    world.pass_time(60)

    assert "belongs to another state (other)" in reason
    assert (world.engine.context.gates(), world.jobs(), world.service.made) == ((), [], 0)


def test_a_claim_that_comes_later_holds_the_job_alone(world, song, tmp_path):
    """Nothing is sent, the gates stay open, and `retry` looks again before anything begins."""
    out = tmp_path / "out"
    world.start()
    world.hands.held.add(Pool.FILING)
    ask(world, one_off(song, out))
    world.pass_time(10)
    claim_for_another(out)
    world.hands.held.clear()
    world.hands.go_on()
    world.pass_time(30)

    held = job(world, one_off(song, out))
    ask_for_jobs(world, "retry", held.id)
    world.pass_time(90)

    assert (held.state, held.hold) == (JobState.HELD, HoldKind.TROUBLE)
    assert "belongs to another state" in held.reason
    assert (world.states(), world.engine.context.gates(), world.service.made) == (["held"], (), 0)


def test_a_job_goes_on_where_the_claim_of_another_is_gone(world, song, tmp_path):
    """By `retry`."""
    out = tmp_path / "out"
    world.start()
    world.hands.held.add(Pool.FILING)
    ask(world, one_off(song, out))
    world.pass_time(10)
    claim_for_another(out)
    world.hands.held.clear()
    world.hands.go_on()
    world.pass_time(30)

    (out / claims.CLAIM_NAME).unlink()
    ask_for_jobs(world, "retry", job(world, one_off(song, out)).id)
    finish(world)

    assert world.states() == ["published"]


def test_outputs_that_nobody_knows_refuse(world, song, tmp_path):
    """They may be what was paid for already."""
    world.start()
    separate(world, one_off(song, tmp_path / "out"))
    lose_all_memory(world)
    (tmp_path / "out" / claims.CLAIM_NAME).unlink()
    world.start()

    reason = refusal(world, one_off(song, tmp_path / "out"))

    assert "holds outputs that this state does not know" in reason
    assert world.engine.context.gates() == ()


def test_outputs_elsewhere_below_say_nothing(world, song, tmp_path):
    """Of another state: the folder is a person's, and many may publish in it."""
    world.start()
    separate(world, one_off(song, tmp_path / "out" / "deep"))
    lose_all_memory(world)
    world.start()

    separate(world, one_off(song, tmp_path / "out"))

    assert (world.states(), world.engine.context.gates()) == (["published"], ())


def test_an_old_backup_is_recognised(world, song, tmp_path):
    """By the generation in the claim."""
    world.start()
    separate(world, one_off(song, tmp_path / "out"))
    world.store.memory.set_meta("generation", "0")

    assert "old backup" in refusal(world, one_off(song, tmp_path / "out"))


def test_outputs_never_go_where_they_would_be_taken_for_new_files(world, song):
    """Every stem would be separated again, and paid for."""
    world.start()

    assert "is in the watched folder drop" in refusal(world, one_off(song, world.drop / "deep"))


def test_a_folder_that_cannot_be_written_refuses(world, song, tmp_path):
    """Before anything is read or sent."""
    (tmp_path / "file").write_text("")
    world.start()

    assert "nothing can be written" in refusal(world, one_off(song, tmp_path / "file"))


def test_a_used_folder_that_is_gone_refuses(world, song, tmp_path):
    """An unmounted disk looks like that."""
    world.start()
    separate(world, one_off(song, tmp_path / "out"))
    (tmp_path / "out").rename(tmp_path / "elsewhere")

    assert "is not there any more" in refusal(world, one_off(song, tmp_path / "out"))


@pytest.mark.parametrize("missing", ["song", "reference"])
def test_a_file_that_is_not_there_refuses(world, song, tmp_path, missing):
    """The source, and a pair's reference."""
    source = song if missing == "reference" else tmp_path / "none.wav"
    world.start()

    reason = refusal(world, one_off(source, tmp_path, input=InputKind.PAIR, reference=tmp_path / "nothing.wav"))

    assert "is not there" in reason


def test_no_audio_is_refused_with_the_reason(world, song):
    """Nothing is sent."""
    song.write_text("not audio at all")
    world.start()

    separate(world, one_off(song))

    assert row(world, one_off(song)).is_refused
    assert row(world, one_off(song)).reason
    assert (world.service.made, world.jobs()) == (0, [])


def test_a_file_that_goes_away_is_refused(world, song):
    """Nobody waits for it for ever."""
    world.start()
    world.hands.held.add(Pool.LOOKING)
    ask(world, one_off(song))
    song.unlink()
    world.hands.held.clear()
    world.hands.go_on()
    world.settle()

    assert row(world, one_off(song)).is_refused


def test_what_keeps_a_file_waiting_is_written_down(world, song):
    """For whoever asked and looks from outside."""
    song.write_bytes(b"")
    world.start()

    ask(world, one_off(song))
    world.pass_time(20)

    assert (row(world, one_off(song)).reason, row(world, one_off(song)).is_refused) == ("empty", False)


def test_the_gate_of_a_folder_that_nobody_waits_for_any_more_is_open(world, song, tmp_path):
    """A lost disk that a one-off met keeps nothing closed after it."""
    wish = one_off(song, tmp_path / "out")
    world.start()
    world.hands.held.add(Pool.UPLOADS)
    ask(world, wish)
    world.pass_time(20)
    (tmp_path / "out").rename(tmp_path / "gone")
    world.engine.desks.outputs._checked_s.clear()
    world.settle()
    closed = [gate.name for gate in world.engine.context.gates()]

    ask_for_jobs(world, "cancel", job(world, wish).id)
    world.settle()

    assert (closed, world.engine.context.gates()) == ([GateName.DISK], ())


def test_a_dear_one_is_held_for_its_price(world, song):
    """The limits hold for it as for everything."""
    world.limits = Limits(credits=CreditLimits(approve_job_above=0, approve_batch_above=None))
    world.start()

    separate(world, one_off(song))
    held = job(world, one_off(song))
    ask_for_jobs(world, "approve", {"id": held.id, "price": held.price, "attempt": 1})
    finish(world)

    assert (held.hold, held.price) == (HoldKind.PRICE, 1)
    assert world.states() == ["published"]


# Alone


def rests(world):
    """Let time pass until it is at rest, and say whether it ever was."""
    for _ in range(60):
        if world.engine.is_at_rest(gated_for_s=0.0):
            return True
        world.pass_time(5.0)
        world.service.finish_all()
    return False


def test_alone_nothing_else_is_begun(world, song):
    """Nothing is scanned, what was intended before is not sent, and it rests when its own is done."""
    write_wav(world.drop / "a.wav", pitch=2)
    world.start()
    world.hands.held.add(Pool.UPLOADS)
    world.pass_time(20)
    write_wav(world.drop / "b.wav", pitch=3)
    world.restart(only=one_off(song).name)
    ask(world, one_off(song))

    assert rests(world)
    assert (folders(world), world.states()) == (["drop", one_off(song).name], ["queued", "published"])
    assert world.service.made == 1


def test_alone_what_was_sent_before_goes_on(world, song):
    """It is paid for already."""
    write_wav(world.drop / "a.wav", pitch=2)
    world.start()
    world.pass_time(20)
    world.restart(only=one_off(song).name)
    ask(world, one_off(song))

    finish(world)

    assert world.states() == ["published", "published"]


def test_alone_another_that_is_asked_for_is_served_too(world, song):
    """Two at once do not wait for each other."""
    other = write_wav(song.parent / "other.wav", pitch=2)
    world.start(only=one_off(song).name)
    ask(world, one_off(song))
    ask(world, one_off(other))

    finish(world)

    assert world.states() == ["published", "published"]


def test_alone_one_that_waits_for_a_person_is_at_rest(world, song):
    """Nothing more comes of it by itself."""
    world.limits = Limits(credits=CreditLimits(approve_job_above=0, approve_batch_above=None))
    world.start(only=one_off(song).name)
    ask(world, one_off(song))

    assert rests(world)
    assert world.states() == ["held"]


def test_alone_one_that_is_refused_is_at_rest(world, song):
    """It gets no job."""
    song.write_text("not audio at all")
    world.start(only=one_off(song).name)
    ask(world, one_off(song))

    assert rests(world)
    assert world.jobs() == []


def test_without_a_watched_folder_it_works(world, song):
    """As for somebody who has no configuration."""
    config = dataclasses.replace(world.config(), folders=())
    world.config = lambda: config
    world.start(only=one_off(song).name)
    ask(world, one_off(song))

    assert rests(world)
    assert world.states() == ["published"]
