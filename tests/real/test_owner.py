"""A daemon that runs as root makes everything for somebody else."""

import os
import stat

import pytest

from mvsep_watch.sandbox import Sandbox
from tests.daemon.world import write_wav
from tests.real.helpers import Place

TOKEN = "CanaryTokenOfOwners012345678"
CONFIG = """
mvsep: {{token: {token}, base_url: {base_url}, poll: {{min: 0.2s, max: 0.5s}}}}
limits: {{credits: {{approve_batch_above: null}}}}
defaults: {{umask: "027", owner: "54321:54322", settle: 0.2s, format: wav, sep_type: 40}}
folders:
  - {{path: drop, source: {{move: done}}}}
  - {{path: side, output: side-stems, publish: flat, owner: ":54323", umask: "002"}}
"""


def tree(root):
    return {
        str(path.relative_to(root)): f"{found.st_uid}:{found.st_gid} {stat.S_IMODE(found.st_mode):03o}"
        for path in sorted(root.rglob("*"))
        if (found := path.stat())
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_everything_that_is_made_belongs_to_whom_the_configuration_says(tmp_path):
    """What was there before stays as it was: the sources, and folders that a person made."""
    for folder in ("drop/album", "side", "side-stems/theirs"):
        (tmp_path / folder).mkdir(parents=True, mode=0o755)
    write_wav(tmp_path / "drop" / "album" / "song.wav").chmod(0o604)
    write_wav(tmp_path / "side" / "theirs" / "song.wav", pitch=2)
    before = {name: tree(tmp_path / name) for name in ("side", "side-stems")}
    with Sandbox(token=TOKEN, speed=50, rate_limit=60_000) as server:
        Place(tmp_path, CONFIG.format(token=TOKEN, base_url=server.base_url)).once()

    assert tree(tmp_path / "drop-stems") == {
        ".mvsep-watch-claim.json": "54321:54322 640",
        "album": "54321:54322 750",
        "album/song": "54321:54322 750",
        "album/song/Other.wav": "54321:54322 640",
        "album/song/Vocals.wav": "54321:54322 640",
        "album/song/mvsep-watch.json": "54321:54322 640",
    }
    assert tree(tmp_path / "done") == {"album": "54321:54322 750", "album/song.wav": "0:0 604"}
    assert tree(tmp_path / "side") == before["side"]
    assert tree(tmp_path / "side-stems") == before["side-stems"] | {
        ".mvsep-watch-claim.json": "0:54323 664",
        "theirs/song (Other).wav": "0:54323 664",
        "theirs/song (Vocals).wav": "0:54323 664",
        "theirs/song.mvsep-watch.json": "0:54323 664",
    }
