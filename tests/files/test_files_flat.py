"""Outputs side by side with others: shown whole, or taken back."""

import errno
import os
import shutil

import pytest

from mvsep_watch.errors import NeedsUserError, OutputRootError
from mvsep_watch.files import renaming, sidecar, staging
from mvsep_watch.files.staging import Owner, Staging, TakenError
from mvsep_watch.naming import OutputPlace

OUTPUTS = {"Vocals.flac": b"voice", "Other.flac": b"band"}
SHOWN = {"song (Vocals).flac": b"voice", "song (Other).flac": b"band"}


@pytest.fixture
def place(tmp_path):
    return OutputPlace(tmp_path / "song", is_flat=True)


@pytest.fixture
def staged(tmp_path, place, provenance, output):
    """Stage outputs with their sidecar."""

    def make(job_id=7, outputs=OUTPUTS):
        made = Staging.open(tmp_path, state_id="s1", job_id=job_id, hash_="20260101-abc")
        for name, content in outputs.items():
            made.write(name, [content])
        listed = tuple(output(name, content, stem=name.partition(".")[0]) for name, content in outputs.items())
        sidecar.write(made.place_for(place), provenance(job_id=job_id, outputs=listed), version="1")
        return made

    return make


@pytest.fixture(params=["links", "no links"])
def links(request, monkeypatch):
    """File systems with links, and without, as FAT is."""

    def refuse(*_, **__):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if request.param == "no links":
        monkeypatch.setattr(os, "link", refuse)


@pytest.fixture
def breaks_after(monkeypatch):
    """Let the n-th name that is given fail; as a kill does, if what would take the rest back fails too."""

    def arrange(count, *, is_kill):
        given = renaming.link_new
        left = iter(range(count))

        def link_new(source, target):
            if next(left, None) is None:
                raise KeyboardInterrupt if is_kill else OSError(errno.EIO, os.strerror(errno.EIO))
            given(source, target)

        monkeypatch.setattr("mvsep_watch.files.flat.link_new", link_new)

    yield arrange
    monkeypatch.undo()


def without_sidecars(tree):
    return {name: content for name, content in tree.items() if not name.endswith(".json")}


@pytest.mark.usefixtures("links")
def test_outputs_lie_side_by_side_with_their_sidecar(tmp_path, place, staged, tree):
    """The names begin with the source's; nothing else is left; the sidecar names the files as they are."""
    staging.publish(staged(), place)

    found = tree(tmp_path)
    assert without_sidecars(found) == SHOWN
    assert b'"song (Vocals).flac"' in found["song.mvsep-watch.json"]
    assert sidecar.verify(place, sidecar.read(place).outputs) == ()
    assert list(sidecar.find(tmp_path)) == [place.sidecar]


@pytest.mark.usefixtures("links")
@pytest.mark.parametrize("name", ["song (Other).flac", "song.mvsep-watch.json"])
def test_a_strangers_file_is_never_replaced_and_no_half_set_stays(tmp_path, place, staged, tree, name):
    """Whichever of the names it has."""
    made = staged()
    (tmp_path / name).write_bytes(b"{}")

    with pytest.raises((TakenError, NeedsUserError)):
        staging.publish(made, place)
    shown = {path: content for path, content in tree(tmp_path).items() if not path.startswith(".")}
    assert shown == {name: b"{}"}
    assert {path.name for path in made.path.iterdir()} >= set(OUTPUTS)


@pytest.mark.usefixtures("links")
def test_what_holds_the_very_bytes_already_is_left_as_it_is(tmp_path, place, staged, tree):
    """The sidecar was deleted, and the outputs are fetched again."""
    (tmp_path / "song (Vocals).flac").write_bytes(b"voice")
    inode = (tmp_path / "song (Vocals).flac").stat().st_ino

    staging.publish(staged(), place)

    assert without_sidecars(tree(tmp_path)) == SHOWN
    assert (tmp_path / "song (Vocals).flac").stat().st_ino == inode


@pytest.mark.usefixtures("links")
@pytest.mark.parametrize("count", range(3))
def test_a_publication_that_was_killed_is_taken_back_and_done_again(
    tmp_path, place, staged, tree, breaks_after, monkeypatch, count
):
    """After whichever name it was; a stranger's file that came meanwhile is safe."""
    made = staged()
    breaks_after(count, is_kill=True)
    with pytest.raises(KeyboardInterrupt):
        staging.publish(made, place)
    half = set(without_sidecars(tree(tmp_path))) & set(SHOWN)
    monkeypatch.undo()
    again = Staging.open(tmp_path, state_id="s1", job_id=7, hash_="20260101-abc")
    taken_back = set(tree(tmp_path)) & set(SHOWN)
    there = [again.finished(name) for name in OUTPUTS]
    staging.publish(staged(), place)

    assert (len(half), taken_back, None in there) == (count, set(), False)
    assert without_sidecars(tree(tmp_path)) == SHOWN


@pytest.mark.usefixtures("links")
def test_a_publication_that_fails_shows_nothing(tmp_path, place, staged, tree, breaks_after):
    """The disk broke after the first name."""
    breaks_after(1, is_kill=False)

    with pytest.raises(OutputRootError):
        staging.publish(staged(), place)
    assert all(name.startswith(".") for name in tree(tmp_path))


def test_a_staging_that_goes_takes_what_it_has_shown_along(tmp_path, place, staged, tree, breaks_after):
    """Its job was cancelled before the publication could be completed."""
    breaks_after(1, is_kill=True)
    with pytest.raises(KeyboardInterrupt):
        staging.publish(staged(), place)

    staging.clean(tmp_path, Owner(state_id="s1", live_job_ids=set()))

    assert tree(tmp_path) == {}


def test_what_a_former_id_has_shown_in_part_is_taken_back_at_once(tmp_path, place, staged, tree, breaks_after):
    """What is staged stays for whoever needs it; nobody sees a half of it meanwhile."""
    breaks_after(1, is_kill=True)
    with pytest.raises(KeyboardInterrupt):
        staging.publish(staged(), place)

    removed = staging.clean(tmp_path, Owner(state_id="s2", live_job_ids=set(), former={"s1"}))

    assert removed == ()
    assert [path.name for path in tmp_path.iterdir() if not staging.is_ours(path.name)] == []


def test_what_is_complete_stays_when_its_staging_goes(tmp_path, place, staged, tree, monkeypatch):
    """Killed between the sidecar and the end of the staging."""
    made = staged()
    monkeypatch.setattr("mvsep_watch.files.flat.clear", lambda _: None)
    staging.publish(made, place)
    made.discard()

    assert without_sidecars(tree(tmp_path)) == SHOWN


def test_what_was_replaced_goes_when_the_staging_goes(tmp_path, place, staged, tree, monkeypatch):
    """Killed between the sidecar and the end of what it replaced, and cancelled then."""
    staging.publish(staged(), place)
    made = staged(8, {"Vocals.flac": b"VOICE"})
    monkeypatch.setattr("mvsep_watch.files.flat.clear", lambda _: None)
    staging.supersede(made, place, old=sidecar.read(place).outputs)
    made.discard()

    assert without_sidecars(tree(tmp_path)) == {"song (Vocals).flac": b"VOICE"}
    assert not list(tmp_path.glob(".*"))


@pytest.mark.usefixtures("links")
def test_old_outputs_give_their_place_to_others(tmp_path, place, staged, tree, output):
    """Stem by stem, also where the names differ; nothing of the old stays."""
    staging.publish(staged(), place)
    newer = {"Vocals.flac": b"VOICE", "Drums.flac": b"drums"}
    staging.supersede(staged(8, newer), place, old=sidecar.read(place).outputs)

    assert without_sidecars(tree(tmp_path)) == {"song (Vocals).flac": b"VOICE", "song (Drums).flac": b"drums"}
    assert sidecar.read(place).job_id == 8


@pytest.mark.usefixtures("links")
@pytest.mark.parametrize("count", range(3))
@pytest.mark.parametrize("is_kill", [True, False])
def test_old_outputs_come_back_where_others_could_not_take_their_place(
    tmp_path, place, staged, tree, breaks_after, monkeypatch, count, is_kill
):
    """By themselves, or after a kill when the staging is opened or removed."""
    staging.publish(staged(), place)
    old = tree(tmp_path)
    made = staged(8, {"Vocals.flac": b"VOICE", "Drums.flac": b"drums"})
    breaks_after(count, is_kill=is_kill)
    with pytest.raises((KeyboardInterrupt, OutputRootError)):
        staging.supersede(made, place, old=sidecar.read(place).outputs)
    monkeypatch.undo()
    made.discard()

    assert tree(tmp_path) == old


def test_old_outputs_come_back_also_without_the_staging(tmp_path, place, staged, tree, breaks_after, monkeypatch):
    """Somebody removed it after a kill; what was set aside is found at the next start."""
    staging.publish(staged(), place)
    old = tree(tmp_path)
    made = staged(8, {"Drums.flac": b"drums"})
    breaks_after(0, is_kill=True)
    with pytest.raises(KeyboardInterrupt):
        staging.supersede(made, place, old=sidecar.read(place).outputs)
    monkeypatch.undo()
    shutil.rmtree(made.path)
    staging.clean(tmp_path, Owner(state_id="s1", live_job_ids=frozenset()))

    assert tree(tmp_path) == old


def test_nothing_old_is_lost_where_a_stranger_takes_its_name_meanwhile(
    tmp_path, place, staged, tree, breaks_after, monkeypatch
):
    """It was aside just then; it comes back under a number, whatever becomes of the outputs that were to replace it."""
    staging.publish(staged(), place)
    made = staged(8, {"Vocals.flac": b"VOICE"})
    breaks_after(0, is_kill=True)
    with pytest.raises(KeyboardInterrupt):
        staging.supersede(made, place, old=sidecar.read(place).outputs)
    monkeypatch.undo()
    (tmp_path / "song (Vocals).flac").write_bytes(b"mine")
    made.discard()

    assert without_sidecars(tree(tmp_path)) == {
        "song (Vocals).flac": b"mine",
        "song (Vocals) (2).flac": b"voice",
        "song (Other).flac": b"band",
    }
    assert sidecar.read(place).job_id == 7


def test_a_strangers_file_keeps_old_outputs_where_they_are(tmp_path, place, staged, tree):
    """It has the name of a stem that there was none of before."""
    staging.publish(staged(), place)
    (tmp_path / "song (Drums).flac").write_bytes(b"mine")
    old = tree(tmp_path)
    made = staged(8, {"Drums.flac": b"drums"})

    with pytest.raises(TakenError):
        staging.supersede(made, place, old=sidecar.read(place).outputs)
    made.discard()
    assert tree(tmp_path) == old


@pytest.fixture
def elsewhere(tmp_path, provenance):
    """Have a folder beside the outputs that holds somebody's file, and what says that it is a flat set."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "mine.txt").write_bytes(b"mine")
    sidecar.write(OutputPlace(folder / "song", is_flat=True), provenance(), version="1")
    return folder


@pytest.mark.parametrize("suffix", [".part", ".old"])
@pytest.mark.parametrize(
    "meet",
    [
        lambda path: Staging.open(path.parent, state_id="s1", job_id=7, hash_="20260101-abc"),
        lambda path: Staging(path).discard(),
        lambda path: staging.discard_left(path.parent, state_id="s1", job_id=7),
    ],
)
def test_a_link_in_the_place_of_what_is_ours_leads_nowhere(tmp_path, elsewhere, tree, suffix, meet):
    """Nothing is moved out of the folder that it leads to, and nothing there; whoever put it is to be found."""
    (tmp_path / f".mvsep-watch-s1-7{suffix}").symlink_to(elsewhere)
    (tmp_path / "song (Vocals).flac").write_bytes(b"voice")
    before = tree(tmp_path)

    with pytest.raises(NeedsUserError):
        meet(tmp_path / ".mvsep-watch-s1-7.part")
    assert tree(tmp_path) == before


def test_old_outputs_are_not_set_aside_through_a_link(tmp_path, place, staged, elsewhere, tree):
    """It came after the staging was opened."""
    staging.publish(staged(), place)
    made = staged(8, {"Vocals.flac": b"VOICE"})
    made.path.with_suffix(".old").symlink_to(elsewhere)
    before = tree(tmp_path)

    with pytest.raises(NeedsUserError):
        staging.supersede(made, place, old=sidecar.read(place).outputs)
    assert tree(tmp_path) == before


def test_a_sidecar_in_a_staging_names_no_file_elsewhere(tmp_path, staged, tree):
    """Somebody wrote it who may write there, and less than we; what it names by a path stays."""
    made = staged()
    victim = tmp_path / "x" / "victim"
    victim.parent.mkdir()
    victim.write_bytes(b"precious")
    (tmp_path / "song ().").symlink_to(tmp_path)
    (made.path / "x").symlink_to(victim.parent)
    said = made.path / "song.mvsep-watch.json"
    said.write_bytes(said.read_bytes().replace(b"song (Vocals).flac", b"./x/victim"))

    with pytest.raises(NeedsUserError):
        Staging.open(tmp_path, state_id="s1", job_id=7, hash_="20260101-abc")
    assert victim.read_bytes() == b"precious"
