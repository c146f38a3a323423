"""Sources as last seen."""

import os

import pytest

from mvsep_watch.model import JobState


def test_a_rescan_of_thousands_finds_only_what_is_new_or_changed(desk):
    """More paths than a query has variables, with the first, the last and those at the joints among them."""
    paths = [f"/drop/{number:04}.wav" for number in range(5000)]
    paths[7] = os.fsdecode(b"/drop/caf\xe9.wav")
    with desk.store.transaction():
        for path in paths:
            desk.source(path)
    changed = {0: "size_bytes", 499: "mtime_ns", 500: "ctime_ns", 4999: "size_bytes"}
    found = [(path, desk.stat(**{changed[n]: 99} if n in changed else {})) for n, path in enumerate(paths)]

    assert desk.store.sources.changed(found) == [paths[n] for n in changed]
    assert desk.store.sources.changed([*found[1:7], ("/drop/new.wav", desk.stat())]) == ["/drop/new.wav"]
    assert desk.store.sources.changed([]) == []


def test_seeing_a_file_again_keeps_its_id_and_takes_what_it_is_now(desk):
    """One row for one path."""
    first = desk.source(duration_s=3.0)
    again = desk.source(stat=desk.stat(size_bytes=99), bytes_key="sha256:bb", now=2.0)

    row = desk.store.sources.get(again)
    assert first == again
    assert (row.stat, row.sha256, row.duration_s) == (desk.stat(size_bytes=99), "bb", None)


def test_a_source_that_is_not_there_is_none_by_path_and_a_bug_by_id(store):
    """An id is only ever taken from a row."""
    assert store.sources.at("/nowhere") is None
    with pytest.raises(LookupError):
        store.sources.get(7)


def test_what_was_forgotten_stays_ignored(desk):
    """Under its own path, and by its bytes under any other."""
    source_id = desk.source()
    desk.store.sources.ignore(source_id)
    desk.source(stat=desk.stat(mtime_ns=99))

    row = desk.store.sources.get(source_id)
    assert row.state == "ignored"
    assert desk.store.sources.is_ignored(row.bytes_key)
    assert not desk.store.sources.is_ignored("sha256:other")


def test_bytes_that_are_no_longer_there_are_not_claimed(desk):
    """Until the file was read again, a rescan finds it changed."""
    source_id = desk.source()
    desk.store.sources.forget_bytes("/drop/a.wav")

    assert desk.store.sources.get(source_id).sha256 == ""
    assert desk.store.sources.changed([("/drop/a.wav", desk.stat())]) == ["/drop/a.wav"]


def test_a_renamed_file_takes_its_jobs_along(desk):
    """Also onto a path where a row without jobs stood."""
    job = desk.job()
    desk.source("/drop/b.wav", bytes_key="sha256:bb")
    desk.store.sources.move(job.source_id, "/drop/b.wav", folder="drop", stat=desk.stat(ctime_ns=9), now=2.0)

    assert desk.store.sources.at("/drop/a.wav") is None
    assert desk.store.sources.at("/drop/b.wav").id == job.source_id
    assert desk.store.sources.at("/drop/b.wav").stat == desk.stat(ctime_ns=9)
    assert [row.id for row in desk.store.sources.same_bytes(job.input_key)] == [job.source_id]


def test_disposal_is_remembered_until_it_is_done(desk):
    """Across restarts, and not before its time."""
    source_id = desk.source()
    sources = desk.store.sources
    seen = [sources.to_dispose(100.0)]
    sources.want_disposal(source_id, not_before=50.0)
    seen += [sources.to_dispose(49.0), sources.to_dispose(50.0)]
    sources.disposed(source_id)
    seen += [sources.to_dispose(100.0)]

    assert [[row.id for row in rows] for rows in seen] == [[], [], [source_id], []]


def test_the_first_scan_of_a_folder_is_first_until_it_has_ended(store):
    """A scan that was cut short does not count."""
    before = store.sources.first_scan_of("drop")
    store.sources.scanned("drop", 1.0)
    store.sources.scanned("drop", 2.0)

    assert before
    assert not store.sources.first_scan_of("drop")
    assert store.sources.first_scan_of("other")


def test_a_source_with_jobs_is_not_deleted(desk):
    """The database itself would refuse."""
    job = desk.job()
    desk.store.jobs.move(job, JobState.PUBLISHED, now=2.0)

    with pytest.raises(Exception, match="FOREIGN KEY"):
        desk.store.db.run("DELETE FROM sources WHERE id = ?", (job.source_id,))
