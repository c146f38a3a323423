"""Looking through a watched folder."""

import errno
import os
import socket
from pathlib import Path

import pytest

from mvsep_watch.errors import NeedsUserError, RetryableError, StoppedError
from mvsep_watch.model import FileStat, Folder, Rule
from mvsep_watch.watcher import Found, Unreadable, scan


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "drop"
    path.mkdir()
    return path


def folder_at(path, **changes):
    values = {"name": "drop", "output": path / ".." / "stems", "layout": "{rel}/{name}"}
    return Folder(path=path, rules=(Rule(sep_type=40),), **(values | changes))


def look(path, *, skip_dirs=(), stopping=lambda: False, **changes):
    return list(scan(folder_at(path, **changes), stopping=stopping, skip_dirs=skip_dirs))


def found_in(path, **changes):
    return sorted(seen.relative for seen in look(path, **changes))


def make(root, *names):
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


def looked_again(root, *, times, between=lambda: None, is_whole=False):
    """Look so many times, then do something, and look once more: give what that finds."""
    learned = {}
    for _ in range(times):
        known, learned = learned, {}
        list(scan(folder_at(root), stopping=lambda: False, known=known, learned=learned, is_whole=is_whole))
    between()
    known = learned
    found = scan(folder_at(root), stopping=lambda: False, known=known, learned={}, is_whole=is_whole)
    return sorted(seen.relative for seen in found)


def test_a_look_for_what_has_come_passes_by_what_has_not_changed(root):
    """Once everything was listed twice: a clock may be too coarse to show what came right after the first time."""
    make(root, "a.wav", "b/c.wav")

    assert looked_again(root, times=1) == ["a.wav", "b/c.wav"]
    assert looked_again(root, times=2) == []


@pytest.mark.parametrize("name", ["b/new.wav", "b/deep/down/new.wav", "new/new.wav", "new.wav"])
def test_a_look_finds_what_has_come_wherever_it_is(root, name):
    """Also in directories that came themselves, below such as have not changed."""
    make(root, "a.wav", "b/c.wav", "b/deep/d.wav")

    assert name in looked_again(root, times=2, between=lambda: make(root, name))


def test_a_look_finds_what_was_renamed_or_replaced(root):
    """Whatever changes the names in a directory."""
    make(root, "a/a.wav", "b/b.wav", "other/c.wav")

    def rename():
        (root / "a" / "a.wav").rename(root / "b" / "b.wav")

    assert looked_again(root, times=2, between=rename) == ["b/b.wav"]


def test_a_whole_scan_passes_nothing_by(root):
    """Whatever was learned: it is the truth."""
    make(root, "a.wav", "b/c.wav")

    assert looked_again(root, times=5, is_whole=True) == ["a.wav", "b/c.wav"]


def test_a_directory_that_could_not_be_read_wholly_is_listed_again(root, monkeypatch):
    """What it hides may be there the next time."""
    make(root, "a.wav", "b/c.wav")
    scandir, refusals = os.scandir, [1, 2]

    def scandir_or_not(path):
        if path == str(root / "b") and refusals:
            refusals.pop()
            raise PermissionError(errno.EACCES, "no")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scandir_or_not)

    assert looked_again(root, times=2) == ["b/c.wav"]


def test_wanted_files_are_found_at_any_depth(root):
    """And nothing else."""
    make(root, "a.wav", "b.txt", "Album/CD 1/c.FLAC", "Album/cover.jpg")

    assert found_in(root) == ["Album/CD 1/c.FLAC", "a.wav"]


def test_a_find_has_its_path_and_what_stat_says(root):
    """Without a second look at the file."""
    make(root, "a/b.wav")

    assert [(seen.path, seen.relative, seen.stat) for seen in look(root)] == [
        (str(root / "a/b.wav"), "a/b.wav", FileStat.of((root / "a/b.wav").stat()))
    ]


def test_an_empty_folder_has_no_finds(root):
    """It is there; that is all."""
    assert look(root) == []


def test_a_folder_that_is_not_recursive_is_not_entered_deeper(root):
    """Direct children only."""
    make(root, "a.wav", "b/c.wav")

    assert found_in(root, recursive=False) == ["a.wav"]


def test_debris_hidden_and_output_folders_are_not_entered(root):
    """Whatever lies in them."""
    make(root, "a.wav", "@eaDir/b.wav", ".hidden/c.wav", "stems/d.wav", "x.part/e.wav", "keep/stems/f.wav", "._a.wav")

    assert found_in(root, skip_dirs=[root / "stems"]) == ["a.wav", "keep/stems/f.wav"]


def test_symbolic_links_are_not_followed(root, tmp_path):
    """Loops, dangling ones, out of the folder, to files and to folders."""
    make(root, "a.wav")
    make(tmp_path, "outside/b.wav")
    (root / "loop").symlink_to("..")
    (root / "dangling.wav").symlink_to("nowhere")
    (root / "file.wav").symlink_to(tmp_path / "outside/b.wav")
    (root / "folder").symlink_to(tmp_path / "outside")

    assert found_in(root) == ["a.wav"]


def test_pipes_sockets_and_folders_called_like_songs_are_passed_over(root, monkeypatch):
    """And never opened: that could block for ever."""
    os.mkfifo(root / "pipe.wav")
    (root / "folder.wav").mkdir()
    monkeypatch.chdir(root)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.wav")

        assert found_in(root) == []


def test_names_of_any_bytes_are_found(root):
    """As they are; their bytes can be had back."""
    name = os.fsencode(root) + b"/caf\xe9\n.wav"
    Path(os.fsdecode(name)).write_bytes(b"x")

    assert [os.fsencode(seen.path) for seen in look(root)] == [name]


def test_both_forms_of_an_umlaut_are_two_files(root):
    """Linux tells them apart, and so does the scan."""
    make(root, "\u00fc.wav", "u\u0308.wav")

    assert found_in(root) == ["u\u0308.wav", "\u00fc.wav"]


def test_a_missing_root_is_an_error_and_not_an_empty_folder(root):
    """The hint says what may be missing."""
    root.rmdir()

    with pytest.raises(NeedsUserError, match="is not there") as caught:
        look(root)

    assert "mount" in caught.value.hint


def test_a_root_that_is_a_file_is_an_error(root):
    """Somebody put one in its place."""
    root.rmdir()
    root.write_bytes(b"x")

    with pytest.raises(NeedsUserError, match="Not a directory"):
        look(root)


class Shares:
    """Stands in for `os.scandir`: named directories answer with an error."""

    def __init__(self, errors):
        self._errors = errors
        self._real = os.scandir

    def __call__(self, path):
        if path in self._errors:
            raise OSError(self._errors[path], os.strerror(self._errors[path]), path)
        return self._real(path)


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EHOSTDOWN, errno.ENOTCONN, errno.ETIMEDOUT])
def test_a_root_on_a_share_in_trouble_is_tried_again(root, monkeypatch, number):
    """It is there, and will answer later."""
    monkeypatch.setattr(os, "scandir", Shares({str(root): number}))

    with pytest.raises(RetryableError, match=os.strerror(number)):
        look(root)


def test_a_root_that_may_not_be_read_needs_a_person(root, monkeypatch):
    """With a hint about rights."""
    monkeypatch.setattr(os, "scandir", Shares({str(root): errno.EACCES}))

    with pytest.raises(NeedsUserError) as caught:
        look(root)

    assert "right to read" in caught.value.hint


@pytest.mark.parametrize(("number", "kind"), [(errno.EACCES, NeedsUserError), (errno.EIO, RetryableError)])
def test_an_unreadable_sub_folder_is_reported_and_its_siblings_found(root, monkeypatch, number, kind):
    """As a value among the finds."""
    make(root, "a/1.wav", "b/2.wav", "c/3.wav")
    monkeypatch.setattr(os, "scandir", Shares({str(root / "b"): number}))

    seen = look(root)

    assert sorted(item.relative for item in seen if isinstance(item, Found)) == ["a/1.wav", "c/3.wav"]
    assert [(item.path, type(item.error)) for item in seen if isinstance(item, Unreadable)] == [(str(root / "b"), kind)]


def test_a_sub_folder_that_is_gone_again_is_no_trouble(root, monkeypatch):
    """People tidy up while we look."""
    make(root, "a/1.wav", "b/2.wav")
    monkeypatch.setattr(os, "scandir", Shares({str(root / "b"): errno.ENOENT}))

    assert found_in(root) == ["a/1.wav"]


class Entry:
    """Stands in for an `os.DirEntry` whose file does not answer."""

    def __init__(self, path, number):
        self.path, self.name, self._number = path, Path(path).name, number

    def is_dir(self, *, follow_symlinks):
        return False

    def is_file(self, *, follow_symlinks):
        return True

    def stat(self, *, follow_symlinks):
        raise OSError(self._number, os.strerror(self._number), self.path)


class Listing(list):
    """Stands in for what `os.scandir` returns."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


@pytest.mark.parametrize(("number", "reported"), [(errno.EIO, ["/drop/a.wav"]), (errno.ENOENT, [])])
def test_a_file_that_does_not_answer_is_reported_unless_it_is_gone(monkeypatch, number, reported):
    """Its siblings are not asked to pay for it."""
    monkeypatch.setattr(os, "scandir", lambda _: Listing([Entry("/drop/a.wav", number)]))

    assert [item.path for item in look(Path("/drop"))] == reported


def test_a_root_at_the_top_has_right_relative_paths(monkeypatch):
    """Its path ends in the separator already."""

    class File(Entry):
        def stat(self, *, follow_symlinks):
            return os.stat_result(range(10))

    monkeypatch.setattr(os, "scandir", lambda _: Listing([File("/a.wav", 0)]))

    assert found_in(Path("/")) == ["a.wav"]


def test_a_scan_that_is_told_to_stop_does_not_look_complete(root):
    """What was found by then is not the whole."""
    make(root, "a.wav", "b.wav")

    with pytest.raises(StoppedError):
        look(root, stopping=lambda: True)


def test_a_scan_that_is_given_up_leaves_nothing_open(root):
    """Its directory is closed with it; a leak would be a ResourceWarning."""
    make(root, "a.wav", "b.wav")
    seen = scan(folder_at(root), stopping=lambda: False)
    next(seen)

    seen.close()

    assert list(seen) == []
