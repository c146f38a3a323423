"""Names from outside never become paths, and names that are as long as names can be are published all the same."""

import unicodedata

import pytest

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
