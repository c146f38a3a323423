"""The mode and the owner of what is made."""

import os
import stat

import pytest

from mvsep_watch.errors import OutputRootError
from mvsep_watch.files import access as accesses
from mvsep_watch.files import claim
from mvsep_watch.files.access import dress, make_folders
from mvsep_watch.model import Access

CLOSED = Access(umask=0o027)
NOBODYS = Access(user=54321, group=54322)


@pytest.fixture
def may_not_give_away(monkeypatch):
    """A process that is not root."""

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)


def mode(path):
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def test_a_umask_takes_from_files_and_folders_what_it_says(tmp_path):
    """Whatever the process's own is; nobody gets more than a file or a folder usually has."""
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "file").touch(mode=0o600)
    for path in tmp_path.iterdir():
        dress(path, CLOSED)

    assert (mode(tmp_path / "folder"), mode(tmp_path / "file")) == ("0750", "0640")


def test_a_folder_keeps_giving_its_group_to_what_is_made_in_it(tmp_path, monkeypatch):
    """Unless the process may not say so: a unit with RestrictSUIDSGID."""
    tmp_path.chmod(0o2775)
    make_folders(tmp_path / "a", CLOSED)
    kept = mode(tmp_path / "a")
    change = os.fchmod

    def restricted(descriptor, wanted):
        if wanted & stat.S_ISGID:
            raise PermissionError(1, "Operation not permitted")
        change(descriptor, wanted)

    monkeypatch.setattr(os, "fchmod", restricted)
    make_folders(tmp_path / "b", CLOSED)

    assert (kept, mode(tmp_path / "b")) == ("2750", "0750")


def test_only_folders_that_were_missing_are_as_is_asked(tmp_path):
    """The others are people's own."""
    (tmp_path / "theirs").mkdir()
    before = mode(tmp_path / "theirs")
    make_folders(tmp_path / "theirs" / "a" / "b", Access(umask=0o077))
    make_folders(tmp_path / "theirs" / "a" / "b", Access(umask=0o000))

    assert mode(tmp_path / "theirs") == before
    assert (mode(tmp_path / "theirs/a"), mode(tmp_path / "theirs/a/b")) == ("0700", "0700")
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["a"]


def test_a_folder_that_a_kill_left_half_made_is_made_again(tmp_path, monkeypatch):
    """It had not got its name yet; nothing of it is left over."""

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(accesses, "dress", killed)
        with pytest.raises(KeyboardInterrupt):
            make_folders(tmp_path / "a", CLOSED)
    half = [path.name.startswith(".mvsep-watch-making-") for path in tmp_path.iterdir()]
    make_folders(tmp_path / "a", CLOSED)

    assert half == [True]
    assert ([path.name for path in tmp_path.iterdir()], mode(tmp_path / "a")) == (["a"], "0750")


def test_a_folder_that_another_thread_makes_meanwhile_is_fine(tmp_path, monkeypatch):
    """Which of them was first does not matter."""
    rename = accesses.rename_new

    def overtaken(source, target):
        target.mkdir()
        rename(source, target)

    monkeypatch.setattr(accesses, "rename_new", overtaken)
    make_folders(tmp_path / "a", CLOSED)

    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.usefixtures("may_not_give_away")
def test_a_root_is_refused_where_its_owner_cannot_be_had(tmp_path):
    """Told by the trial, before anything is spent; nothing of it is left."""
    with pytest.raises(OutputRootError, match="may not be given to the owner 54321:54322") as caught:
        claim.probe_root(tmp_path / "stems", make=True, accesses=(NOBODYS,))

    assert "take `owner` out" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("may_not_give_away")
def test_an_owner_that_things_have_already_needs_no_right(tmp_path):
    """A daemon that runs as that user."""
    dress(tmp_path, Access(user=os.geteuid()))
    claim.probe_root(tmp_path, accesses=(Access(user=os.geteuid(), group=os.getegid()),))

    assert list(tmp_path.iterdir()) == []


def test_no_link_is_followed(tmp_path):
    """What it leads to is not ours."""
    (tmp_path / "theirs").touch(mode=0o644)
    (tmp_path / "link").symlink_to("theirs")

    with pytest.raises(OSError, match="symbolic links"):
        dress(tmp_path / "link", CLOSED)
    assert mode(tmp_path / "theirs") == "0644"
