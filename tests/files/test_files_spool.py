"""The spool as it lies on the disk."""

import shutil

import pytest

from mvsep_watch.errors import OutputRootError
from mvsep_watch.files import sidecar, spool, staging
from mvsep_watch.model import Output, Provenance, Settings
from mvsep_watch.naming import SIDECAR_NAME, OutputPlace

GB = 10**9


@pytest.fixture
def place(tmp_path):
    place = spool.place_of(tmp_path / "state.sqlite3")
    spool.make(place)
    return place


def provenance(**changes):
    output = Output(stem="Vocals", name="Vocals.wav", size_bytes=5, sha256="0" * 64)
    return Provenance(
        **{
            "state_id": "s1", "job_id": 7, "source_name": "song.wav", "source_size_bytes": 1, "source_sha256": "",
            "folder": "drop", "rule": "default", "realm": "mvsep", "host": "https://mvsep.com", "account": "me",
            "input_key": "sha256:0", "settings": Settings(sep_type=40).canonical(), "attempt": 1, "algorithm": "",
            "hash": "h", "tag": "t", "queued_at": "", "submitted_at": "", "fetched_at": "", "credits_estimated": 1,
            "credits_charged": None, "outputs": (output,), **changes,
        }
    )  # fmt: skip


def keep(place, *, job_id=7, state_id="s1", **changes):
    folder = spool.folder_of(place, state_id=state_id, job_id=job_id)
    folder.mkdir()
    sidecar.write(OutputPlace(folder), provenance(state_id=state_id, job_id=job_id, **changes), version="0")
    return folder


def test_the_spool_lies_beside_the_state_file_for_its_owner_alone(tmp_path, place):
    """On the same disk."""
    assert place == tmp_path / "state.sqlite3.spool"
    assert place.stat().st_mode & 0o777 == 0o700


def test_a_link_is_no_spool(tmp_path):
    """It is neither written nor looked into."""
    (tmp_path / "elsewhere").mkdir()
    place = spool.place_of(tmp_path / "state.sqlite3")
    place.symlink_to(tmp_path / "elsewhere")
    keep(tmp_path / "elsewhere")

    with pytest.raises(OutputRootError, match="symbolic link"):
        spool.make(place)
    assert spool.look(place, state_id="s1").kept == {}


def test_what_is_kept_and_begun_is_found(place):
    """Of this state alone."""
    keep(place)
    keep(place, state_id="s2", job_id=8)
    staging.Staging.open(place, state_id="s1", job_id=9, hash_="h")
    (place / "a stranger").touch()

    assert spool.look(place, state_id="s1") == spool.Spooled(kept={7: "h"}, begun=frozenset({9}))


def test_a_spool_that_is_not_there_holds_nothing(tmp_path):
    """It is made when it is first needed."""
    assert spool.look(tmp_path / "never", state_id="s1") == spool.Spooled(kept={}, begun=frozenset())


def test_everything_that_is_kept_is_found_a_jobs_own_first(place):
    """Whichever state kept it; what cannot be understood is not there, and no link is followed."""
    others = [keep(place, state_id="a1", job_id=8), keep(place, state_id="z1", job_id=8)]
    own = keep(place)
    for folder in (own, *others):
        sidecar.write(OutputPlace(folder), provenance(job_id=8), version="0")
    (keep(place, job_id=9) / SIDECAR_NAME).write_bytes(b"?")
    spool.folder_of(place, state_id="s1", job_id=10).symlink_to(own)

    found = list(spool.kept_in(place, state_id="s1", job_id=7))

    assert found == [(folder, provenance(job_id=8)) for folder in (own, *others)]


def test_a_state_with_another_id_keeps_what_it_has_kept(place):
    """And nothing of a third state."""
    keep(place)
    keep(place, state_id="s3", job_id=8)
    spool.take_over(place, before=["s1"], after="s2")

    assert sorted(path.name for path in place.iterdir()) == [".s2-7", ".s3-8"]


def test_what_is_of_another_separation_is_not_removed(place):
    """The same number stands for another job where a backup was restored."""
    sidecar.write(OutputPlace(keep(place)), provenance(), version="0")
    spool.remove(place, state_id="s1", job_id=7, hash_="other")
    left = [path.name for path in place.iterdir()]
    spool.remove(place, state_id="s1", job_id=7, hash_="h")

    assert (left, list(place.iterdir())) == ([".s1-7"], [])


@pytest.mark.parametrize(
    ("free", "limit", "expected"), [(100 * GB, 3 * GB, 3 * GB - 10), (6 * GB, 3 * GB, GB), (5 * GB, 3 * GB, 0)]
)
def test_the_room_is_what_the_bound_and_the_reserve_leave(place, monkeypatch, free, limit, expected):
    """Of a disk of 100 GB, 5 stay free; what is kept already counts."""
    (place / "kept").write_bytes(bytes(10))
    usage = shutil.disk_usage(place)._replace(total=100 * GB, free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    assert spool.room_bytes(place, limit_bytes=limit) == expected


def test_a_small_disk_keeps_a_gigabyte_free(place, monkeypatch):
    """5 % of it would be nothing."""
    usage = shutil.disk_usage(place)._replace(total=4 * GB, free=3 * GB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    assert spool.room_bytes(place, limit_bytes=20 * GB) == 2 * GB


def test_removing_takes_what_is_kept_and_what_is_begun_of_one_job(place):
    """And follows no link that was planted in its place."""
    keep(place)
    staging.Staging.open(place, state_id="s1", job_id=7, hash_="h")
    other = keep(place, job_id=8)
    spool.folder_of(place, state_id="s1", job_id=9).symlink_to(other)
    spool.remove(place, state_id="s1", job_id=7, hash_="h")
    spool.remove(place, state_id="s1", job_id=9, hash_="h")

    assert sorted(path.name for path in place.iterdir()) == [".s1-8", ".s1-9"]
    assert (other / SIDECAR_NAME).is_file()


def test_a_jobs_folder_is_vacated_and_what_is_of_another_separation_is_kept(place):
    """Its own from an earlier try is no longer whole, or it would not be fetched again."""
    keep(place)
    spool.vacate(place, state_id="s1", job_id=7, hash_="other")
    aside = list(place.iterdir())
    keep(place, hash="other")
    spool.vacate(place, state_id="s1", job_id=7, hash_="other")

    assert (list(place.iterdir()), aside[0].name.startswith(".s1-")) == (aside, True)
    assert spool.look(place, state_id="s1").kept == {}
    assert [found.hash for _, found in spool.kept_in(place)] == ["h"]
