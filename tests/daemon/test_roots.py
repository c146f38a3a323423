"""An output root is the folder that it was, or nothing is spent for it: mounts, claims, space, links."""

import shutil
from dataclasses import replace

import pytest

from mvsep_watch.daemon import run
from mvsep_watch.files import roots
from mvsep_watch.files.claim import CLAIM_NAME
from mvsep_watch.files.mounts import Mount
from mvsep_watch.steps.base import Pool
from mvsep_watch.steps.publish import CheckRoot
from tests.daemon.world import write_wav


def published_once(world):
    """Have a first song published, so that the root is known."""
    write_wav(world.drop / "one.wav", pitch=1)
    world.start()
    world.finish()


def swap(world):
    """Put an empty folder in the root's place, as unmounting its disk does."""
    aside = world.stems.rename(world.base / "aside")
    world.stems.mkdir()
    return aside


def swap_with_results_ready(world):
    """Put another folder in the root's place when results are ready, and before they are fetched."""
    world.pass_time(20)
    world.hands.held = {"downloads"}
    world.service.finish_all()
    world.pass_time(10)
    swap(world)
    world.hands.held = set()
    world.hands.go_on()


def swap_back(world):
    shutil.rmtree(world.stems)
    (world.base / "aside").rename(world.stems)


def gates(world):
    return {(str(gate.name), gate.scope) for gate in world.engine.context.gates()}


@pytest.mark.parametrize("restarted", [False, True])
def test_an_emptied_root_is_not_claimed_anew(world, restarted):
    """The bare mount point of a disk that is away: nothing is spent, and nothing written, until it is back."""
    published_once(world)
    swap(world)
    if restarted:
        world.restart()
    write_wav(world.drop / "two.wav", pitch=2)
    world.rescan()
    world.pass_time(700)
    made, closed, there = world.service.made, gates(world), world.tree()
    reason = world.engine.context.gates()[0].reason

    swap_back(world)
    world.finish()

    assert (made, closed, there) == (1, {("disk", str(world.stems))}, [])
    assert "has lost its claim" in reason
    assert (world.states(), world.service.made) == (["published", "published"], 2)


def test_a_stop_lets_the_trial_of_an_output_root_end(world, monkeypatch):
    """Or its hidden folder would stay until the next start."""
    world.start()
    world.hands.held = {Pool.FILING}
    write_wav(world.drop / "song.wav")
    world.pass_time(20)
    assert CheckRoot in map(type, world.hands.in_flight())
    turn = world.engine.turn

    def then(**options):
        turn(**options)
        world.hands.go_on()

    monkeypatch.setattr(world.engine, "turn", then)
    run._stop(world.engine, world.client)

    assert world.hands.in_flight() == ()


def test_a_root_that_was_emptied_on_purpose_is_claimed_when_a_person_says_so(world):
    """`--fresh` is the word for it."""
    published_once(world)
    swap(world)
    world.restart()
    world.pass_time(70)
    closed = gates(world)

    world.restart(fresh=True)
    world.pass_time(5)

    assert closed == {("disk", str(world.stems))}
    assert (gates(world), world.tree()) == (set(), [CLAIM_NAME])


def test_a_root_that_left_its_mount_is_away_whatever_lies_there(world, monkeypatch):
    """An older claim on the bare mount point, from a start before the disk was first mounted, is not believed."""
    monkeypatch.setattr(roots, "mount_of", lambda _: Mount(point=str(world.base), fs_type="nfs4"))
    published_once(world)
    claim = (world.stems / CLAIM_NAME).read_text()
    swap(world)
    (world.stems / CLAIM_NAME).write_text(claim.replace('"generation": 1', '"generation": 0'))
    monkeypatch.setattr(roots, "mount_of", lambda _: Mount(point="/", fs_type="ext4"))
    write_wav(world.drop / "two.wav", pitch=2)
    world.rescan()
    world.pass_time(400)
    reasons = [gate.reason for gate in world.engine.context.gates()]
    made = world.service.made

    monkeypatch.setattr(roots, "mount_of", lambda _: Mount(point=str(world.base), fs_type="nfs4"))
    swap_back(world)
    world.finish()

    assert made == 1
    assert [f"was on the mount {world.base} (nfs4), and is on / (ext4) now" in reason for reason in reasons] == [True]
    assert world.states() == ["published", "published"]


def test_a_root_that_was_moved_to_another_disk_with_its_claim_is_itself(world, monkeypatch):
    """Nothing is asked: the claim is as new as the note."""
    monkeypatch.setattr(roots, "mount_of", lambda _: Mount(point="/mnt/nas", fs_type="nfs4"))
    published_once(world)
    monkeypatch.setattr(roots, "mount_of", lambda _: Mount(point="/", fs_type="ext4"))
    write_wav(world.drop / "two.wav", pitch=2)
    world.restart()
    world.finish()

    assert (world.states(), gates(world)) == (["published", "published"], set())


def test_a_claim_that_went_during_the_upload_is_not_made_anew(world):
    """Before the last chunk: nothing is paid, and the bare folder stays bare."""
    write_wav(world.drop / "one.wav")
    world.start()
    world.hands.held = {"uploads"}
    world.pass_time(20)
    swap(world)
    world.hands.held = set()
    world.hands.go_on()
    world.pass_time(30)
    made, closed, there = world.service.made, gates(world), world.tree()

    swap_back(world)
    world.pass_time(130)
    world.finish()

    assert (made, closed, there) == (0, {("disk", str(world.stems))}, [])
    assert (world.states(), world.service.made) == (["published"], 1)


def test_nothing_is_spent_while_results_find_no_room(world, monkeypatch):
    """A disk with room for the probe and not for what waits stays one closed gate, and opens by itself."""
    free = [10**12]
    real = shutil.disk_usage

    def usage(path):
        return real(path)._replace(free=free[0]) if world.stems in (path, *path.parents) else real(path)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    write_wav(world.drop / "one.wav", pitch=1)
    world.start()
    world.pass_time(20)
    free[0] = 1000
    world.service.finish_all()
    world.pass_time(20)
    since = [gate.since for gate in world.engine.context.gates()]
    write_wav(world.drop / "two.wav", pitch=2)
    world.rescan()
    world.pass_time(500)
    made, later = world.service.made, [gate.since for gate in world.engine.context.gates()]

    free[0] = 10**12
    world.finish()

    assert (made, later) == (1, since)
    assert (len(since), world.states(), world.service.made) == (1, ["published", "published"], 2)


# Planted links


def separated(world):
    """Have a separation done and its outputs still to be fetched."""
    world.limits = replace(world.limits, spool_bytes=0)
    write_wav(world.drop / "live" / "song.wav")
    world.start()
    world.pass_time(20)
    world.hands.held = {"downloads", "filing"}
    world.service.finish_all()
    world.pass_time(10)


def go_on(world, *pools):
    world.hands.held -= set(pools)
    world.hands.go_on()
    world.pass_time(70)


def test_a_link_in_the_place_of_the_root_is_not_followed(world, tmp_path):
    """Nothing is written where it leads; without it everything goes on."""
    separated(world)
    elsewhere = world.stems.rename(tmp_path / "elsewhere")
    world.stems.symlink_to(elsewhere)
    go_on(world, "downloads", "filing")
    reasons, there = [gate.reason for gate in world.engine.context.gates()], world.tree(elsewhere)

    world.stems.unlink()
    elsewhere.rename(world.stems)
    world.finish()

    assert there == [CLAIM_NAME]
    assert ["symbolic link" in reason for reason in reasons] == [True]
    assert world.states() == ["published"]


def test_a_link_within_the_tree_does_not_lead_out_of_the_root(world, tmp_path):
    """A sub-folder that was made a link: a person is asked."""
    separated(world)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (world.stems / "live").symlink_to(elsewhere)
    go_on(world, "downloads", "filing")

    assert world.tree(elsewhere) == []
    assert (world.states(), "leads out of" in world.jobs()[0].reason) == (["held"], True)


def test_a_link_in_the_place_of_the_staging_is_not_followed(world, tmp_path):
    """It was planted after the outputs were staged."""
    separated(world)
    go_on(world, "downloads")
    (staging,) = world.stems.glob("live/.mvsep-watch-*.part")
    elsewhere = staging.rename(tmp_path / "elsewhere")
    before = world.tree(elsewhere)
    staging.symlink_to(elsewhere)
    go_on(world, "filing")

    assert world.tree(elsewhere) == before
    assert (world.states(), "is not what mvsep-watch put there" in world.jobs()[0].reason) == (["held"], True)


def test_a_link_in_the_place_of_the_final_folder_is_not_followed(world, tmp_path):
    """It is somebody else's: the next number is taken."""
    separated(world)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (world.stems / "live").mkdir()
    (world.stems / "live" / "song").symlink_to(elsewhere)
    go_on(world, "downloads", "filing")
    world.finish()

    assert (world.tree(elsewhere), world.states()) == ([], ["published"])
    assert (world.stems / "live" / "song (2)" / "Vocals.wav").is_file()


def test_a_link_in_the_place_of_the_sidecar_is_not_written_through(world, tmp_path):
    """The file that it names keeps its bytes."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    separated(world)
    go_on(world, "downloads")
    (staging,) = world.stems.glob("live/.mvsep-watch-*.part")
    (staging / "mvsep-watch.json").symlink_to(secret)
    (staging / ".mvsep-watch.json.new").symlink_to(secret)
    go_on(world, "filing")
    world.finish()

    assert (secret.read_bytes(), world.states()) == (b"secret", ["published"])
    assert not (world.stems / "live" / "song" / "mvsep-watch.json").is_symlink()
