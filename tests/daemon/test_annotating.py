"""Notes beside sources: what is held, failed or refused says so where the file is, as long as that is so."""

import os
from dataclasses import replace

import pytest

from mvsep_watch import log
from mvsep_watch.files.note import MARK, note_of
from mvsep_watch.model import CreditLimits, Limits, Rule
from mvsep_watch.naming import MAX_PART_BYTES
from mvsep_watch.steps.annotate import Annotate
from tests.daemon.test_requests import ask
from tests.daemon.world import write_wav


@pytest.fixture
def noting(world):
    """A world with notes, in which every job asks for its price."""
    world.folder_options["notes"] = True
    world.limits = Limits(credits=CreditLimits(approve_job_above=0, approve_batch_above=None))
    return world


def held(world, name="song.wav"):
    source = write_wav(world.drop / name)
    world.start()
    world.pass_time(15)
    return source


def says(source):
    return note_of(source).read_bytes().decode()


def written(world, monkeypatch):
    """Count the notes that are handed out from here on."""
    given, give = [], world.hands.give
    monkeypatch.setattr(
        world.hands, "give", lambda step: (isinstance(step, Annotate) and given.append(step), give(step))[1]
    )
    return given


def test_a_held_file_says_so_beside_itself(noting):
    """What happened, since when, what to do, with the command; once, and as any editor shows it."""
    source = held(noting)

    text = says(source)

    assert text.startswith(f"{MARK}\r\n\r\nsong.wav\r\n\r\n")
    assert 'rule "default" of folder "drop", job 1: held since 2027-01-15 ' in text
    assert "what happened: it would cost 1 credit" in text
    assert "what to do:    `approve` lets it go for 1 credit" in text
    assert "command:       mvsep-watch approve 1\r\n" in text
    assert noting.tree(noting.drop) == ["song.wav", "song.wav.mvsep-watch.txt"]


def test_a_note_goes_when_its_job_goes_on(noting):
    """And nothing else is left of it."""
    held(noting)

    ask(noting, "approve", 1)
    noting.finish()

    assert (noting.states(), noting.tree(noting.drop)) == (["published"], ["song.wav"])
    assert noting.store.notes.there() == noting.store.notes.due(limit=1) == []


@pytest.mark.parametrize("command", ["cancel", "forget"])
def test_a_note_goes_when_a_person_gives_the_job_up(noting, command):
    """Nothing is to be done any more."""
    held(noting)

    ask(noting, command, 1)
    noting.pass_time(5)

    assert noting.tree(noting.drop) == ["song.wav"]


def test_a_note_is_written_once_and_not_at_every_scan(noting, monkeypatch):
    """Nor is it taken for a file, or for a change."""
    source = held(noting)
    before, given = note_of(source).stat(), written(noting, monkeypatch)

    for _ in range(3):
        noting.rescan()
        noting.engine.inbox.path_touched("drop", str(note_of(source)))
        noting.pass_time(30)

    assert (given, note_of(source).stat(), len(noting.jobs())) == ([], before, 1)


def test_a_note_tells_of_every_rule_and_changes_with_them(noting):
    """A section each; the one that is over goes."""
    noting.rules = (Rule(name="a", sep_type=40, output_format=1), Rule(name="b", sep_type=26, output_format=1))
    source = held(noting)
    both = says(source)

    ask(noting, "cancel", 1)
    noting.pass_time(5)

    assert ('rule "a"' in both, 'rule "b"' in both) == (True, True)
    assert ('rule "a"' in says(source), 'rule "b"' in says(source)) == (False, True)


def test_a_failed_job_says_so_until_it_is_done_again(noting):
    """Its successor speaks for it."""
    noting.limits = Limits(credits=CreditLimits(approve_batch_above=None))
    noting.service.fault("create", "refused")
    source = held(noting)
    text = says(source)

    ask(noting, "retry", 1)
    noting.finish()

    assert ("job 1: failed since" in text, "mvsep-watch retry 1" in text) == (True, True)
    assert (noting.states(), note_of(source).exists()) == (["published"], False)


def test_a_refused_file_says_so_until_it_is_another(noting):
    """No audio at all."""
    source = noting.drop / "noise.wav"
    source.write_bytes(b"noise")
    noting.start()
    noting.pass_time(15)
    text = says(source)

    noting.limits = Limits()
    write_wav(source)
    noting.rescan()
    noting.pass_time(15)

    assert ("refused since" in text, "what happened:" in text) == (True, True)
    assert "refused" not in says(source)


def test_a_note_follows_its_source(noting):
    """Renamed alone, the old note goes; moved with it, there is one."""
    source = held(noting)
    renamed = source.rename(noting.drop / "other.wav")
    noting.rescan()
    noting.pass_time(15)
    after_rename = noting.tree(noting.drop)

    (noting.drop / "sub").mkdir()
    note_of(renamed).rename(noting.drop / "sub" / note_of(renamed).name)
    renamed.rename(noting.drop / "sub" / "other.wav")
    noting.rescan()
    noting.pass_time(15)

    assert after_rename == ["other.wav", "other.wav.mvsep-watch.txt"]
    assert noting.tree(noting.drop) == ["sub/other.wav", "sub/other.wav.mvsep-watch.txt"]


def test_a_note_goes_with_a_source_that_is_deleted_and_comes_back_with_it(noting):
    """A note about nothing helps nobody."""
    source = held(noting)
    content = source.read_bytes()
    source.unlink()
    noting.rescan()
    noting.pass_time(5)
    alone = noting.tree(noting.drop)

    source.write_bytes(content)
    noting.rescan()
    noting.pass_time(15)

    assert alone == []
    assert noting.tree(noting.drop) == ["song.wav", "song.wav.mvsep-watch.txt"]


def test_notes_go_when_they_are_switched_off_and_come_when_they_are_switched_on(noting):
    """By a reload, and by a start."""
    source = held(noting)
    off = replace(noting.config(), folders=(replace(noting.config().folders[0], notes=False),))
    noting.engine.reload(off)
    noting.pass_time(10)
    after_reload = note_of(source).exists()
    noting.restart()
    noting.pass_time(10)
    after_start = note_of(source).exists()

    noting.folder_options["notes"] = False
    noting.restart()
    noting.pass_time(10)

    assert (after_reload, after_start, note_of(source).exists()) == (False, True, False)


def test_no_folder_has_notes_unless_it_asks_for_them(world):
    """And nothing is kept about them."""
    world.limits = Limits(credits=CreditLimits(approve_job_above=0, approve_batch_above=None))
    held(world)

    assert world.tree(world.drop) == ["song.wav"]
    assert world.store.notes.due(limit=1) == []


@pytest.mark.parametrize("in_the_way", ["a file", "a link"])
def test_a_file_of_somebody_else_is_never_written_over(noting, in_the_way):
    """Nor removed; nor is what a link leads to."""
    source, mine = noting.drop / "song.wav", noting.base / "diary.txt"
    mine.write_text("dear diary")
    if in_the_way == "a file":
        note_of(source).write_text("dear diary")
    else:
        note_of(source).symlink_to(mine)
    held(noting)
    noting.rescan()

    ask(noting, "cancel", 1)
    noting.pass_time(10)

    assert (note_of(source).read_text(), mine.read_text()) == ("dear diary", "dear diary")


def test_a_folder_that_cannot_be_written_costs_one_line(noting, capsys, monkeypatch):
    """Its jobs go on, and the note comes when it can be written."""
    monkeypatch.setattr("mvsep_watch.files.note.rename_new", refuse)
    for number in (1, 2):
        write_wav(noting.drop / f"{number}.wav", pitch=number)
    noting.start()
    noting.pass_time(15)
    noting.rescan()
    noting.pass_time(15)
    before = noting.tree(noting.drop)
    monkeypatch.undo()

    noting.rescan()
    noting.pass_time(5)

    assert capsys.readouterr().out.count("note_not_written") == 1
    assert (before, noting.states()) == (["1.wav", "2.wav"], ["held", "held"])
    assert noting.tree(noting.drop) == ["1.wav", "1.wav.mvsep-watch.txt", "2.wav", "2.wav.mvsep-watch.txt"]


def test_no_secret_stands_in_a_note(noting, monkeypatch):
    """Whatever a service says of itself: the folder may be everybody's."""
    monkeypatch.setattr(log, "_secrets", log._Secrets())
    source = held(noting)
    log.hide("CanaryOfNotes0123456789")
    (job,) = noting.jobs()

    noting.store.jobs.hold(job, job.hold, now=noting.clock.now(), reason="CanaryOfNotes0123456789 is tired", hint="")
    noting.settle()

    assert "what happened: [hidden] is tired" in says(source)


def test_a_note_of_a_forgotten_source_that_cannot_be_removed_is_let_be(noting, monkeypatch):
    """It is no burden on every turn."""
    source = held(noting)
    noting.store.db.run("PRAGMA foreign_keys = OFF")
    noting.store.db.run("DELETE FROM sources")
    monkeypatch.setattr("mvsep_watch.files.note.Path.unlink", lambda path, **_: refuse(path, None), raising=False)
    given = written(noting, monkeypatch)

    noting.pass_time(30)

    assert (len(given), note_of(source).exists()) == (1, True)


def test_a_bug_is_met_once(noting, monkeypatch):
    """It comes back with the next change, and not at every turn."""
    monkeypatch.setattr("mvsep_watch.files.note.rename_new", lambda *_: 1 / 0)
    held(noting)
    given = written(noting, monkeypatch)

    noting.pass_time(30)

    assert (given, noting.tree(noting.drop)) == ([], ["song.wav"])


def refuse(source, _):
    raise PermissionError(13, "Permission denied", str(source))


def test_what_a_killed_daemon_left_undone_is_done_by_the_next(noting):
    """That a note is due is as durable as the trouble."""
    noting.start()
    write_wav(noting.drop / "song.wav")
    noting.hands.held.add(Annotate.pool)
    noting.rescan()
    noting.pass_time(15)
    before = noting.tree(noting.drop)

    noting.restart()
    noting.pass_time(5)

    assert (before, noting.tree(noting.drop)) == (["song.wav"], ["song.wav", "song.wav.mvsep-watch.txt"])


def test_a_trouble_that_changes_while_a_note_is_written_is_told_in_the_end(noting):
    """What comes back late clears no mark."""
    source = held(noting)
    noting.hands.held.add(Annotate.pool)
    first = noting.jobs()[0]
    noting.store.jobs.hold(first, first.hold, now=noting.clock.now(), reason="one thing", hint="")
    noting.turn(2)
    noting.store.jobs.hold(first, first.hold, now=noting.clock.now(), reason="another thing", hint="")
    noting.hands.held.clear()
    noting.hands.go_on()
    noting.settle()

    assert "another thing" in says(source)


@pytest.mark.parametrize("name", [b"caf\xe9.wav", ("\u6f22" * 80 + ".wav").encode(), b"n" * 251 + b".wav"])
def test_any_name_has_a_note(noting, name):
    """Undecodable, wide, and as long as names may be."""
    source = held(noting, os.fsdecode(name))

    note = note_of(source)

    assert (note.exists(), len(os.fsencode(note.name)) <= MAX_PART_BYTES) == (True, True)
    assert note.read_bytes().decode("utf-8").startswith(MARK)


def test_a_note_is_no_input_whatever_is_included(noting):
    """Nor is a text that a rule would take."""
    noting.folder_options["include"] = ("*",)
    held(noting)
    noting.rescan()
    noting.pass_time(30)

    assert (len(noting.jobs()), noting.store.sources.find(2)) == (1, None)


def test_a_note_that_an_inner_folder_asks_for_is_tried_again(noting):
    """The file came by the outer one, which asks for none."""
    inner = noting.drop / "inner"
    inner.mkdir()
    noting.folder_options["notes"] = False
    folder = noting.another_folder("inner", inner, noting.base / "inner-stems")
    noting.extra_folders = (replace(folder, notes=True),)
    note_of(inner / "song.wav").write_text("mine")
    source = held(noting, "inner/song.wav")
    note_of(source).unlink()

    noting.rescan()

    assert 'rule "default" of folder "inner", job 2: held' in says(source)
    assert 'folder "drop"' not in says(source)
