"""Renames that replace nothing."""

import errno
import os

import pytest

from mvsep_watch.files import renaming


@pytest.fixture(params=["flags", "no flags", "no links either"])
def kernel(request, monkeypatch):
    if request.param == "flags":
        return

    def refuse(*_):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    def refuse_links(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(renaming, "_renameat2", refuse)
    if request.param == "no links either":
        monkeypatch.setattr(renaming.Path, "hardlink_to", refuse_links)


def test_a_free_name_is_taken(tmp_path, kernel):
    """Files and folders alike."""
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    renaming.rename_new(tmp_path / "file", tmp_path / "file 2")
    renaming.rename_new(tmp_path / "folder", tmp_path / "folder 2")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["file 2", "folder 2"]
    assert (tmp_path / "file 2").stat().st_nlink == 1


@pytest.mark.parametrize("moved", ["file", "folder"])
@pytest.mark.parametrize("there", ["file", "empty folder", "full folder", "dangling link"])
def test_a_taken_name_stays_as_it_is(tmp_path, tree, kernel, moved, there):
    """Whatever stands there."""
    source, target = tmp_path / "source", tmp_path / "target"
    if moved == "file":
        source.write_bytes(b"x")
    else:
        source.mkdir()
    if there == "file":
        target.write_bytes(b"mine")
    elif there == "dangling link":
        target.symlink_to("nowhere")
    else:
        target.mkdir()
        if there == "full folder":
            (target / "mine").touch()
    before = tree(tmp_path)

    with pytest.raises(FileExistsError):
        renaming.rename_new(source, target)
    assert tree(tmp_path) == before


def test_names_of_any_bytes_are_renamed(tmp_path, kernel):
    """The C library is given bytes, not text."""
    (tmp_path / "caf\udce9").touch()
    renaming.rename_new(tmp_path / "caf\udce9", tmp_path / "café\n")

    assert [path.name for path in tmp_path.iterdir()] == ["café\n"]


def test_two_folders_are_swapped_in_one_step(tmp_path, tree):
    """No moment without either."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    renaming.exchange(tmp_path / "a", tmp_path / "b")

    assert tree(tmp_path) == {"a": None, "a/b": b"", "b": None, "b/a": b""}
