"""What is made for a folder has the mode and the owner that its configuration says."""

import os
import stat

import pytest

from mvsep_watch.model import AS_MADE, Access
from tests.daemon.world import write_wav


def modes(root):
    return {
        str(path.relative_to(root)): f"{stat.S_IMODE(path.stat().st_mode):03o}" for path in (root, *root.rglob("*"))
    }


@pytest.mark.parametrize("publish", ["folder", "flat"])
def test_everything_that_is_made_has_the_umask_of_its_folder(world, publish):
    """The root, the folders, the outputs, the sidecar, the claim, and where sources go; a source keeps its own."""
    world.folder_options = {"access": Access(umask=0o027), "publish": publish, "source": world.base / "done"}
    write_wav(world.drop / "album" / "song.wav").chmod(0o604)
    world.start()
    world.finish()
    world.pass_time(60)

    inner = {
        "folder": {
            "album/song": "750",
            "album/song/Vocals.wav": "640",
            "album/song/Instrumental.wav": "640",
            "album/song/mvsep-watch.json": "640",
        },
        "flat": {
            "album/song (Vocals).wav": "640",
            "album/song (Instrumental).wav": "640",
            "album/song.mvsep-watch.json": "640",
        },
    }
    assert modes(world.stems) == {".": "750", ".mvsep-watch-claim.json": "640", "album": "750", **inner[publish]}
    assert modes(world.base / "done") == {".": "750", "album": "750", "album/song.wav": "604"}


def test_an_owner_that_cannot_be_had_is_told_before_anything_is_spent(world, monkeypatch):
    """The root's gate says what to do, and opens by itself once that is done."""

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fchown", refuse)
        world.folder_options = {"access": Access(user=54321)}
        write_wav(world.drop / "song.wav")
        world.start()
        world.pass_time(60)
        [gate] = world.engine.context.gates()
        sent = world.service.made
    world.folder_options = {"access": AS_MADE}
    world.restart()
    world.finish()

    assert (str(gate.name), sent) == ("disk", 0)
    assert "may not be given to the owner 54321:" in gate.reason
    assert world.states() == ["published"]
