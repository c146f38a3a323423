"""Names from outside never become paths, and names that are as long as names can be are published all the same."""

import errno
import os
import unicodedata
from pathlib import Path

import pytest

from mvsep_watch.files import renaming, roots
from mvsep_watch.files.mounts import Mount
from mvsep_watch.steps import looking
from tests.daemon.world import write_wav

HOSTILE = (
    "../../x",
    "/etc/passwd",
    "a\0b",
    "con",
    "n" * 300,
    "..y..",
    "\u202egnp.exe",
    "mvsep-watch.json",
    ".hidden.part",
)


def outputs(world):
    return [name for name in world.tree() if not name.endswith(".json")]


def test_the_services_names_never_become_paths(world, tmp_path):
    """Labels are cleaned; the names that it suggests, and the ends of its addresses, are not used at all."""
    world.service.stems = HOSTILE
    plain = world.service._file_row

    def hostile_row(job, stem):
        return {**plain(job, stem), "download": "../../../evil.wav", "image": "/etc/evil"}

    world.service._file_row = hostile_row
    write_wav(world.drop / "song.wav")
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(world.stems)}
    world.start()
    world.finish()
    made = {path for path in tmp_path.rglob("*") if not path.is_relative_to(world.stems)} - before

    assert world.states() == ["published"]
    assert len(outputs(world)) == len(HOSTILE)
    assert {name.split("/")[0] for name in outputs(world)} == {"song"}
    assert all(name.count("/") == 1 and len(name.encode()) < 255 and "\u202e" not in name for name in outputs(world))
    assert {path.name.split("-")[0] for path in made} <= {"state.sqlite3"}


@pytest.mark.parametrize(
    "name",
    [
        "n" * 251 + ".wav",
        unicodedata.normalize("NFC", "é" * 125) + ".wav",
        unicodedata.normalize("NFD", "é" * 83) + ".wav",
    ],
    ids=["ascii", "composed", "decomposed"],
)
def test_a_source_with_the_longest_name_is_published(world, name):
    """Its folder's name is cut to fit, with room for a number; so are the staging's and the sidecar's."""
    write_wav(world.drop / name)
    write_wav(world.drop / "live" / name, pitch=2)
    world.folder_options = {"layout": "{name}"}
    world.start()
    world.finish()

    folders = [path for path in world.stems.iterdir() if path.is_dir()]
    assert (world.states(), len(folders)) == (["published"] * 2, 2)
    assert sum(path.name.endswith(" (2)") for path in folders) == 1
    assert all((path / "mvsep-watch.json").is_file() for path in folders)


def test_a_source_in_the_deepest_folder_is_published(world):
    """What would make a path too long is left out before anything is paid."""
    depth = (3950 - len(str(world.drop))) // 201
    place = world.drop
    for _ in range(depth):
        place /= "d" * 200
    write_wav(place / "song.wav")
    world.start()
    world.finish()

    assert (world.states(), world.service.made) == (["published"], 1)
    assert sorted(name.rsplit("/", 1)[1] for name in outputs(world)) == ["Instrumental.wav", "Vocals.wav"]


def test_on_a_disk_of_windows_folders_get_names_that_it_takes(world, monkeypatch):
    """Also the folders above them, and two that become alike are told apart."""
    monkeypatch.setattr(looking, "file_system", lambda _: "exfat")
    monkeypatch.setattr(roots, "mount_of", lambda _: Mount(point="/", fs_type="exfat"))
    for pitch, name in enumerate(("Who?/Why: not.wav", "Who?/Why_ not.wav"), start=1):
        write_wav(world.drop / name, pitch=pitch)
    world.start()
    world.finish()
    write_wav(world.drop / "later*.wav", pitch=3)
    world.rescan()
    world.finish()

    assert {str(Path(name).parent) for name in outputs(world)} == {"Who_/Why_ not", "Who_/Why_ not (2)", "later_"}
    assert world.states() == ["published"] * 3


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EILSEQ])
def test_a_folder_whose_name_the_disk_refuses_after_all_gets_a_plain_one(world, monkeypatch, number):
    """Nothing is paid again, and no gate is closed for a name."""
    rename = renaming._renameat2

    def choosy(source, target, flags):
        if "?" in target.name:
            raise OSError(number, os.strerror(number), str(target))
        rename(source, target, flags)

    monkeypatch.setattr(renaming, "_renameat2", choosy)
    monkeypatch.setattr(renaming, "_rename_new_by_hand", lambda source, target: choosy(source, target, 0))
    write_wav(world.drop / "Why?.wav")
    world.start()
    world.finish()

    assert {str(Path(name).parent) for name in outputs(world)} == {"Why_"}
    assert (world.states(), len(world.service.uploads)) == (["published"], 1)
