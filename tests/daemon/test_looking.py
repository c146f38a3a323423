"""Folders without events: looked through often for what has come, and seldom as a whole."""

from mvsep_watch.daemon.inbox import Bell, FoundFiles
from mvsep_watch.steps.scanning import Scan
from tests.daemon.world import write_wav


def ring(world, name):
    world.engine.inbox.put(Bell(name))
    world.settle()


def look(world):
    world.engine.desks.scans.want_look("drop")
    world.settle()


def files_found(world, monkeypatch):
    """Note how many files each scan comes to see."""
    found, perform = [], Scan.perform

    def noting(step, tools):
        end = perform(step, tools)
        found.append(end.files)
        return end

    monkeypatch.setattr(Scan, "perform", noting)
    return found


def test_a_look_costs_nothing_where_nothing_has_come(world, monkeypatch):
    """A hundred thousand known files are not looked at every half minute."""
    for number in range(3):
        write_wav(world.drop / "album" / f"{number}.wav", pitch=number + 1)
    found = files_found(world, monkeypatch)
    world.start()
    world.settle()

    for _ in range(4):
        look(world)

    assert found == [3, 3, 3, 0, 0]


def test_a_scan_that_finds_nothing_writes_nothing(world):
    """Neither a row a day and folder, nor a disk that is woken up."""
    write_wav(world.drop / "a.wav")
    world.start()
    world.finish()
    written = world.store.db.value("SELECT total_changes()")

    ring(world, "rescan")
    look(world)

    assert world.store.db.value("SELECT total_changes()") == written


def test_a_look_finds_a_new_file(world):
    """And it goes the way of all files."""
    write_wav(world.drop / "album" / "a.wav")
    world.start()
    world.finish()
    for _ in range(3):
        look(world)
    write_wav(world.drop / "album" / "b.wav", pitch=2)

    look(world)
    world.finish()

    assert world.states() == ["published", "published"]


def test_what_is_rewritten_in_place_is_found_by_the_next_whole_scan(world):
    """A look does not stat the files of a directory that has not changed."""
    path = write_wav(world.drop / "a.wav")
    world.start()
    world.finish()
    for _ in range(3):
        look(world)
    write_wav(path, pitch=2)

    look(world)
    by_a_look = len(world.jobs())
    ring(world, "rescan")
    world.finish()

    assert (by_a_look, world.states()) == (1, ["published", "published"])


def test_a_whole_scan_that_is_wanted_is_not_made_a_look(world, monkeypatch):
    """Whichever was asked for first."""
    write_wav(world.drop / "a.wav")
    found = files_found(world, monkeypatch)
    world.start()
    world.settle()
    for _ in range(3):
        look(world)
    del found[:]

    world.engine.desks.scans.want_look("drop")
    world.engine.desks.scans.want_scan("drop")
    world.engine.desks.scans.want_look("drop")
    world.settle()

    assert found == [1]


def test_a_file_that_comes_waits_for_no_chunk_of_a_scan(world, monkeypatch):
    """A library is compared in chunks, and what has just come is noted before the next of them."""
    world.start()
    world.settle()
    path = str(write_wav(world.drop / "a.wav"))
    intake, noted = world.engine.desks.intake, []
    monkeypatch.setattr(intake, "found", lambda *_: noted.append(path in world.engine.desks.candidates))
    world.engine._chunks.acquire()
    world.engine.inbox.put(FoundFiles(folder="drop", files=()))
    world.engine.inbox.path_touched("drop", path)

    world.turn()

    assert noted == [True]


def test_what_happens_to_a_file_that_was_just_read_is_news(world):
    """Its reading and its change may come in one turn; what was read is not what is there."""
    path = write_wav(world.drop / "a.wav")
    world.start()
    world.hands.held = {"reading"}
    world.pass_time(10)
    world.hands.go_on()
    write_wav(path, pitch=3)
    world.engine.inbox.path_touched("drop", str(path))

    world.turn()

    assert str(path) in world.engine.desks.candidates
