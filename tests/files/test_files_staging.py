"""Staging and publishing."""

import errno
import hashlib
import os
import shutil
from contextlib import suppress

import pytest

from mvsep_watch.errors import (
    NeedsUserError,
    OutputDamagedError,
    OutputRootError,
    RetryableError,
    StoppedError,
    TransportError,
)
from mvsep_watch.files import renaming, sidecar, staging
from mvsep_watch.files.arriving import ResumePoint
from mvsep_watch.files.staging import Owner, Staging, TakenError, showing
from mvsep_watch.naming import OutputPlace

NAME = ".mvsep-watch-s1-7.part"


@pytest.fixture
def opened(tmp_path):
    def make(*, hash_="h1", job_id=7):
        return Staging.open(tmp_path / "album", state_id="s1", job_id=job_id, hash_=hash_)

    return make


@pytest.fixture
def no_flags(monkeypatch):
    """A file system that knows no flags for renames, as NFS does."""

    def refuse(source, target, flags):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(renaming, "_renameat2", refuse)


def breaking(*chunks: bytes):
    yield from chunks
    raise TransportError("The connection broke.")


def test_a_published_folder_holds_the_outputs_and_nothing_else(tmp_path, opened, tree):
    """One rename, and no bookkeeping survives it."""
    made = opened()
    made.write("Vocals.flac", [b"voi", b"ce"], size_bytes=5, validator='"e1"')
    with suppress(TransportError):
        made.write("Other.flac", breaking(b"ba"))
    made.write("Other.flac", [b"band"])
    before = {name for name in tree(tmp_path / "album") if "/" not in name}
    staging.publish(made, OutputPlace(tmp_path / "album" / "song"))

    assert before == {NAME}
    assert tree(tmp_path / "album") == {"song": None, "song/Vocals.flac": b"voice", "song/Other.flac": b"band"}


def test_what_is_written_is_hashed_on_the_way(opened):
    """No second pass over a gigabyte."""
    written = opened().write("Vocals.flac", [b"voi", b"ce"])

    assert (written.size_bytes, written.sha256) == (5, hashlib.sha256(b"voice").hexdigest())


def test_an_output_has_its_name_only_when_it_is_complete(opened):
    """Half a file is never found under a whole file's name."""
    made = opened()
    seen = []
    made.write("Vocals.flac", [b"voice"], check=lambda path: seen.append((path.read_bytes(), made.finished(path.name))))

    assert seen == [(b"voice", None)]
    assert made.finished("Vocals.flac").size_bytes == 5


def test_a_broken_download_goes_on_after_a_restart(opened):
    """What was durable is not fetched again."""
    with suppress(TransportError):
        opened().write("Vocals.flac", breaking(b"voi"), size_bytes=5, validator='"e1"')
    made = opened()
    point = made.resume_point("Vocals.flac")
    written = made.write("Vocals.flac", [b"ce"], offset_bytes=point.offset_bytes, size_bytes=5)

    assert point == ResumePoint(offset_bytes=3, validator='"e1"')
    assert written.sha256 == hashlib.sha256(b"voice").hexdigest()


def test_a_server_that_starts_over_is_written_from_the_start(opened):
    """No Range, no append."""
    made = opened()
    with suppress(TransportError):
        made.write("Vocals.flac", breaking(b"other bytes"))

    assert made.write("Vocals.flac", [b"voice"]).path.read_bytes() == b"voice"


def test_bytes_that_were_never_made_durable_are_not_built_upon(opened):
    """After a power cut a file can have its length and not its content."""
    made = opened()
    with suppress(TransportError):
        made.write("Vocals.flac", breaking(b"voi"))
    with (made.path / staging.WORK_NAME / "Vocals.flac").open("ab") as file:
        file.write(bytes(100))
    point = made.resume_point("Vocals.flac")

    assert made.write("Vocals.flac", [b"ce"], offset_bytes=point.offset_bytes).path.read_bytes() == b"voice"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"offset_bytes": "3", "validator": null}', b"\xff"])
def test_a_damaged_record_means_starting_over(opened, damage):
    """Bookkeeping is a hint and never a reason to fail."""
    made = opened()
    with suppress(TransportError):
        made.write("Vocals.flac", breaking(b"voi"))
    (record,) = (path for path in (made.path / staging.WORK_NAME).glob(".*.json") if path.name != ".staging.json")
    record.write_bytes(damage)

    assert made.resume_point("Vocals.flac") == ResumePoint()


def test_a_short_stream_is_damage_and_is_kept_to_go_on(opened):
    """The rest may still come."""
    made = opened()
    with pytest.raises(OutputDamagedError, match="ended after 3 of 5 bytes"):
        made.write("Vocals.flac", [b"voi"], size_bytes=5)

    assert made.resume_point("Vocals.flac").offset_bytes == 3


@pytest.mark.parametrize("wrong", [{"size_bytes": 3}, {"sha256": "00"}])
def test_wrong_bytes_are_damage_and_are_dropped(opened, wrong):
    """Nothing can be built upon them."""
    made = opened()
    with pytest.raises(OutputDamagedError):
        made.write("Vocals.flac", [b"voice"], **wrong)

    assert (made.resume_point("Vocals.flac"), made.finished("Vocals.flac")) == (ResumePoint(), None)


def test_an_output_that_fails_its_check_is_dropped(opened):
    """The next try fetches it from the start."""

    def refuse(path):
        raise OutputDamagedError("HTML")

    made = opened()
    with pytest.raises(OutputDamagedError, match="HTML"):
        made.write("Vocals.flac", [b"<html>"], check=refuse)

    assert (made.resume_point("Vocals.flac"), made.finished("Vocals.flac")) == (ResumePoint(), None)


def test_a_stop_keeps_what_arrived(opened):
    """The next start goes on from there."""
    made = opened()
    with pytest.raises(StoppedError):
        made.write("Vocals.flac", [b"voi", b"ce"], stopping=lambda: True)

    assert made.resume_point("Vocals.flac").offset_bytes == 3


def test_an_announced_size_that_cannot_fit_is_refused_before_the_first_byte(opened):
    """A disk is not filled to the brim to find out."""
    made = opened()
    with pytest.raises(OutputRootError, match="full"):
        made.write("Vocals.flac", [b"voice"], size_bytes=1 << 60)

    assert made.finished("Vocals.flac") is None


def test_a_staging_of_another_separation_is_emptied(opened, tree):
    """Its files would pass every check and be the wrong music."""
    opened().write("Vocals.flac", [b"voice"])
    same = opened().finished("Vocals.flac")
    other = opened(hash_="h2").finished("Vocals.flac")

    assert (same is not None, other) == (True, None)


def test_a_staging_killed_while_publishing_is_known_by_its_sidecar(opened, provenance):
    """The bookkeeping goes first, so for a moment only the sidecar says whose it is."""
    made = opened()
    made.write("Vocals.flac", [b"voice"])
    sidecar.write(OutputPlace(made.path), provenance(hash="h1"), version="1")
    showing._make_whole(made)

    assert opened().finished("Vocals.flac") is not None
    showing._make_whole(made)
    assert opened(hash_="h2").finished("Vocals.flac") is None


def test_a_staging_that_is_opened_again_has_no_sidecar(opened, provenance):
    """What is staged may still change, and the sidecar is the last to be written."""
    made = opened()
    made.write("Vocals.flac", [b"voice"])
    sidecar.write(OutputPlace(made.path), provenance(hash="h1"), version="1")
    (made.path / ".mvsep-watch.json.new").touch()
    again = opened()

    assert [path.name for path in again.path.iterdir() if path.is_file()] == ["Vocals.flac"]


def test_a_staging_that_says_nothing_is_emptied(opened):
    """What it holds could be anything."""
    made = opened()
    made.write("Vocals.flac", [b"voice"])
    (made.path / staging.WORK_NAME / ".staging.json").unlink()

    assert opened().finished("Vocals.flac") is None


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/x", "a/b", "a\0b", ".hidden", "mvsep-watch.json"])
def test_only_plain_names_become_outputs(opened, name):
    """Whatever a name is made from, it stays within the staging."""
    with pytest.raises(ValueError, match="not a plain file name"):
        opened().write(name, [b"x"])


def test_a_name_as_long_as_names_can_be_is_written_and_resumed(opened):
    """The record's name does not grow with the output's."""
    name = "n" * 250 + ".flac"
    made = opened()
    with suppress(TransportError):
        made.write(name, breaking(b"voi"))

    assert made.write(name, [b"ce"], offset_bytes=made.resume_point(name).offset_bytes).path.read_bytes() == b"voice"


def test_a_longer_name_is_a_persons_matter(opened):
    """No gate closes for one name."""
    with pytest.raises(NeedsUserError, match="too long a name") as caught:
        opened().write("n" * 300, [b"x"])

    assert caught.value.gate is None


@pytest.mark.parametrize("planted", ["link", "file", "work link"])
def test_what_is_planted_in_a_stagings_place_is_not_used(tmp_path, opened, tree, planted):
    """Neither followed nor removed: a person finds out who put it there."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = tmp_path / "album" / NAME
    place.parent.mkdir()
    if planted == "link":
        place.symlink_to(elsewhere)
    elif planted == "file":
        place.write_bytes(b"mine")
    else:
        made = opened()
        showing._make_whole(made)
        (made.path / staging.WORK_NAME).symlink_to(elsewhere)
    before = tree(tmp_path)

    with suppress(NeedsUserError):
        opened().write("Vocals.flac", [b"voice"])
    with suppress(NeedsUserError):
        opened().discard()

    assert tree(elsewhere) == {}
    if planted != "work link":
        assert tree(tmp_path) == before


def test_a_link_planted_for_a_file_is_not_written_through(tmp_path, opened):
    """The secret elsewhere keeps its bytes."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    made = opened()
    (made.path / staging.WORK_NAME / "Vocals.flac").symlink_to(secret)
    made.write("Vocals.flac", [b"voice"])

    assert secret.read_bytes() == b"secret"


def test_folders_are_made_only_below_a_root_that_is_there(tmp_path, tree):
    """An unmounted disk is not filled with folders."""
    root = tmp_path / "nas"

    with pytest.raises(OutputRootError, match="not there"):
        Staging.open(root / "album", root=root, state_id="s1", job_id=1, hash_="h")
    assert tree(tmp_path) == {}


def test_no_link_leads_out_of_the_root(tmp_path, tree):
    """Neither to make folders there nor to write; one that stays below the root is a person's own."""
    (tmp_path / "elsewhere").mkdir()
    root = tmp_path / "stems"
    (root / "real").mkdir(parents=True)
    (root / "out").symlink_to(tmp_path / "elsewhere")
    (root / "in").symlink_to(root / "real")
    made = Staging.open(root / "in" / "album", root=root, state_id="s1", job_id=1, hash_="h")

    with pytest.raises(NeedsUserError, match="leads out of"):
        Staging.open(root / "out" / "album", root=root, state_id="s1", job_id=1, hash_="h")
    assert (tree(tmp_path / "elsewhere"), made.path.is_dir()) == ({}, True)


@pytest.mark.parametrize("stranger", ["empty folder", "folder", "file", "link"])
@pytest.mark.parametrize("kernel", ["flags", "no flags"])
def test_a_first_publish_never_replaces(tmp_path, opened, tree, request, stranger, kernel):
    """Whoever stands in the reserved place stays, and the staging waits."""
    if kernel == "no flags":
        request.getfixturevalue("no_flags")
    final = tmp_path / "album" / "song"
    made = opened()
    made.write("Vocals.flac", [b"voice"])
    if stranger == "file":
        final.write_bytes(b"mine")
    elif stranger == "link":
        final.symlink_to("nowhere")
    else:
        final.mkdir()
        if stranger == "folder":
            (final / "Vocals.flac").write_bytes(b"mine")
    before = {name: content for name, content in tree(tmp_path / "album").items() if name.startswith("song")}

    with pytest.raises(TakenError, match="there already"):
        staging.publish(made, OutputPlace(final))
    after = {name: content for name, content in tree(tmp_path / "album").items() if name.startswith("song")}
    assert after == before
    assert opened().path == made.path


@pytest.mark.usefixtures("no_flags")
def test_publishing_works_without_the_kernels_flags(tmp_path, opened, tree):
    """NFS knows none of them."""
    made = opened()
    made.write("Vocals.flac", [b"voice"])
    staging.publish(made, OutputPlace(tmp_path / "album" / "song"))

    assert tree(tmp_path / "album") == {"song": None, "song/Vocals.flac": b"voice"}


def test_publishing_a_staging_that_is_gone_is_tried_again(tmp_path, opened):
    """It is fetched again, free."""
    made = opened()
    made.discard()

    with pytest.raises(RetryableError):
        staging.publish(made, OutputPlace(tmp_path / "album" / "song"))


def test_a_stranger_in_the_staging_is_not_published(tmp_path, opened):
    """A pipe or a link would travel with the rename."""
    made = opened()
    (made.path / "x").symlink_to("/etc/passwd")

    with pytest.raises(NeedsUserError, match="not what mvsep-watch put there"):
        staging.publish(made, OutputPlace(tmp_path / "album" / "song"))


@pytest.mark.parametrize("kernel", ["flags", "no flags"])
def test_an_exchange_swaps_and_keeps_what_was_there(tmp_path, opened, tree, request, kernel):
    """The old outputs are removed by another call, once that is safe."""
    if kernel == "no flags":
        request.getfixturevalue("no_flags")
    final = tmp_path / "album" / "song"
    final.mkdir(parents=True)
    (final / "Vocals.flac").write_bytes(b"old")
    made = opened()
    made.write("Vocals.flac", [b"new"])
    staging.exchange(made, final)

    assert tree(tmp_path / "album") == {
        "song": None,
        "song/Vocals.flac": b"new",
        NAME: None,
        f"{NAME}/Vocals.flac": b"old",
    }


def test_an_exchange_killed_half_way_is_completed(tmp_path, opened, no_flags, tree):
    """Old beside, new in the staging: calling again ends it."""
    final = tmp_path / "album" / "song"
    made = broken_off(opened)
    staging.exchange(made, final)

    assert tree(tmp_path / "album")["song/Vocals.flac"] == b"new"
    assert tree(tmp_path / "album")[f"{NAME}/Vocals.flac"] == b"old"


def broken_off(opened):
    """Have the new outputs staged, and the old ones aside."""
    made = opened()
    made.write("Vocals.flac", [b"new"])
    old = made.path.with_suffix(".old") / "song"
    old.mkdir(parents=True)
    (old / "Vocals.flac").write_bytes(b"old")
    return made


@pytest.mark.parametrize(("stands_there", "name"), [(False, "song"), (True, "song (2)")])
def test_an_exchange_whose_job_has_ended_is_undone(tmp_path, opened, tree, stands_there, name):
    """A person cancelled it: the old outputs are visible again, beside a stranger if need be."""
    album = tmp_path / "album"
    broken_off(opened)
    if stands_there:
        (album / "song").mkdir()
    staging.clean(album, Owner(state_id="s1", live_job_ids=frozenset()))

    shown = tree(album)
    assert shown[f"{name}/Vocals.flac"] == b"old"
    assert {path.split("/")[0] for path in shown} == {"song", name}


def test_an_exchange_whose_job_has_ended_stays_where_the_new_outputs_are_shown(tmp_path, opened, tree, provenance):
    """Only the tidying up was left."""
    made = broken_off(opened)
    sidecar.write(OutputPlace(made.path), provenance(), version="1")
    made.path.rename(tmp_path / "album" / "song")
    staging.clean(tmp_path / "album", Owner(state_id="s1", live_job_ids=frozenset()))

    shown = tree(tmp_path / "album")
    assert (sorted({path.split("/")[0] for path in shown}), shown["song/Vocals.flac"]) == (["song"], b"new")


def test_an_exchange_with_nothing_is_no_publish(tmp_path, opened):
    """What was to be replaced has gone: look again."""
    made = opened()

    with pytest.raises(RetryableError):
        staging.exchange(made, tmp_path / "album" / "song")


def test_only_our_own_stagings_without_a_live_job_are_cleaned(tmp_path, opened, tree):
    """Another state's, a live job's, a link and a stranger's folder stay."""
    album = tmp_path / "album"
    live, ended = opened(job_id=1), opened(job_id=2)
    others = Staging.open(album, state_id="s2", job_id=2, hash_="h")
    (album / ".mvsep-watch-s1-3.part").symlink_to(tmp_path)
    (album / "mvsep-watch-s1-2.part").mkdir()
    removed = staging.clean(album, Owner(state_id="s1", live_job_ids={1}))

    assert removed == (ended.path,)
    assert sorted(path.name for path in album.iterdir()) == sorted(
        [live.path.name, others.path.name, ".mvsep-watch-s1-3.part", "mvsep-watch-s1-2.part"]
    )


def test_cleaning_where_nothing_ever_was_is_nothing(tmp_path):
    """Folders of the configuration may not exist yet."""
    assert staging.clean(tmp_path / "never", Owner(state_id="s1", live_job_ids=set())) == ()


def test_what_a_former_id_staged_goes_to_whoever_fetches_the_same(tmp_path, opened, tree):
    """Whatever the number of its job was; what is of another separation stays where it is."""
    album = tmp_path / "album"
    before = Staging.open(album, state_id="s0", job_id=7, hash_="h")
    before.write("Vocals.wav", [b"music"])
    other = Staging.open(album, state_id="s0", job_id=8, hash_="other")
    strangers = Staging.open(album, state_id="s9", job_id=9, hash_="h")

    made = Staging.open(album, state_id="s1", job_id=1, hash_="h", former=["s0"])

    assert made.finished("Vocals.wav").size_bytes == 5
    assert sorted(path.name for path in album.iterdir()) == sorted(
        [made.path.name, other.path.name, strangers.path.name]
    )


def test_what_a_former_id_staged_is_cleaned_once_nobody_can_want_it(tmp_path):
    """Not while a live job needs that separation, and not before the service has forgotten it."""
    owner = Owner(state_id="s1", live_job_ids={1}, former={"s0"}, live_hashes={"wanted"})
    paths = {
        name: Staging.open(tmp_path, state_id=state, job_id=number, hash_=name).path
        for number, (state, name) in enumerate([("s0", "wanted"), ("s0", "left"), ("s9", "strangers")])
    }
    now = paths["left"].stat().st_mtime
    early = staging.clean(tmp_path, owner, now=now + 71 * 3600), staging.is_over(tmp_path, owner)
    late = staging.clean(tmp_path, owner, now=now + 73 * 3600), staging.is_over(tmp_path, owner)
    paths["wanted"].rename(tmp_path / "away")

    assert (early, late) == (((), False), ((paths["left"],), False))
    assert (staging.is_over(tmp_path, owner), staging.is_over(tmp_path / "never", owner)) == (True, False)


def test_what_a_job_staged_that_is_not_known_is_cleaned_once_nobody_can_want_it(tmp_path):
    """A restored backup has forgotten it; of the jobs that are known, what is not live goes at once."""
    known, unknown = (Staging.open(tmp_path, state_id="s1", job_id=number, hash_="h").path for number in (1, 2))
    now = unknown.stat().st_mtime
    wanted = Owner(state_id="s1", live_job_ids=set(), newest_job_id=1, live_hashes={"h"})
    owner = Owner(state_id="s1", live_job_ids=set(), newest_job_id=1)

    assert staging.clean(tmp_path, owner, now=now + 71 * 3600) == (known,)
    assert staging.clean(tmp_path, wanted, now=now + 73 * 3600) == ()
    assert staging.clean(tmp_path, owner, now=now + 73 * 3600) == (unknown,)


def test_a_stagings_name_is_known(tmp_path):
    """Scans pass stagings over by name, of whatever state."""
    name = staging.name_of(state_id="ab-1", job_id=12)

    assert (name, staging.is_ours(name), staging.is_ours("Vocals.part")) == (".mvsep-watch-ab-1-12.part", True, False)
    with pytest.raises(ValueError, match="no name"):
        staging.name_of(state_id="../x", job_id=1)


def test_a_complete_output_that_was_changed_is_none(tmp_path, opened):
    """Nobody but who wrote it knows what it must hold: it is written again."""
    made = opened()
    made.write("Vocals.flac", [b"voice"])
    (made.path / "Vocals.flac").write_bytes(b"noise")

    assert (opened().finished("Vocals.flac"), (made.path / "Vocals.flac").exists()) == (None, False)


def test_what_outputs_hash_to_is_known_after_a_publication_that_was_killed(tmp_path, opened, provenance):
    """The sidecar was written, and the records had gone."""
    made = opened()
    for name, content in (("Vocals.flac", b"voice"), ("Other.flac", b"noise")):
        made.write(name, [content])
    sidecar.write(OutputPlace(made.path), provenance(hash="h1"), version="1")
    shutil.rmtree(made.path / staging.WORK_NAME)
    again = opened()

    assert [again.finished(name) is not None for name in ("Vocals.flac", "Other.flac")] == [True, False]
