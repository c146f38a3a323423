"""Reading sources."""

import fcntl
import hashlib
import os

import pytest

from mvsep_watch.errors import SourceBusyError, SourceChangedError, SourceRefusedError, StoppedError
from mvsep_watch.files import reading
from mvsep_watch.files.trouble import source_trouble
from mvsep_watch.model import FileStat

TWO_BLOCKS = bytes(range(256)) * 4096 * 2 + b"end"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(TWO_BLOCKS)
    return path


def test_a_hash_comes_with_the_stat_that_held_while_it_was_read(source):
    """Both describe the same bytes."""
    digest, found = reading.hash_file(source)

    assert (digest, found) == (hashlib.sha256(TWO_BLOCKS).hexdigest(), FileStat.of(source.stat()))


def test_an_undecodable_name_is_a_name(tmp_path):
    """Latin-1 names from old disks are opened by their bytes."""
    path = tmp_path / "caf\udce9\n.wav"
    path.write_bytes(b"x")

    assert reading.stat_of(path).size_bytes == 1


def test_a_file_that_changes_while_it_is_read_is_busy(source):
    """The hash of half an old and half a new file would be of nothing."""

    def change_it_once() -> bool:
        os.utime(source, (1, 1))
        return False

    with pytest.raises(SourceBusyError, match="changed while it was read"):
        reading.hash_file(source, stopping=change_it_once)


def test_a_stop_is_heard_between_two_blocks(source):
    """A long file does not hold up the end of the process."""
    with pytest.raises(StoppedError):
        reading.hash_file(source, stopping=lambda: True)


@pytest.mark.parametrize("look", [reading.stat_of, reading.hash_file])
def test_a_source_that_is_gone_has_changed(tmp_path, look):
    """Gone and in another's place are the same to the daemon: look anew."""
    (tmp_path / "file").touch()

    with pytest.raises(SourceChangedError):
        look(tmp_path / "song.wav")
    with pytest.raises(SourceChangedError):
        look(tmp_path / "file" / "song.wav")


@pytest.mark.parametrize("look", [reading.stat_of, reading.hash_file])
def test_links_and_pipes_are_refused_without_opening_them(tmp_path, source, look):
    """A pipe would block for ever, a link leads elsewhere."""
    (tmp_path / "link.wav").symlink_to(source)
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.wav")

    for name in ("link.wav", "dangling.wav", "pipe.wav"):
        with pytest.raises(SourceRefusedError):
            look(tmp_path / name)


@pytest.mark.parametrize("look", [reading.stat_of, reading.hash_file])
def test_a_folder_in_a_sources_place_means_it_changed(tmp_path, look):
    """An album may be called like a song."""
    (tmp_path / "song.wav").mkdir()

    with pytest.raises(SourceChangedError):
        look(tmp_path / "song.wav")


@pytest.mark.parametrize("name", ["EBUSY", "EIO", "ESTALE", "EMFILE", "EHOSTDOWN"])
def test_trouble_that_passes_is_busy(tmp_path, name):
    """A share that stumbles does not fail a job."""
    number = getattr(__import__("errno"), name)

    error = source_trouble(OSError(number, os.strerror(number)), tmp_path / "song.wav")

    assert type(error) is SourceBusyError


def test_a_file_held_open_for_writing_is_seen(source):
    """The kernel knows who writes, whatever the times say."""
    reading.ignore_lease_signals()
    with source.open("ab"):
        while_writing = reading.is_open_for_writing(source)

    assert (while_writing, reading.is_open_for_writing(source)) in [(True, False), (None, None)]


def test_a_reader_is_no_writer(source):
    """Players and indexers may look on."""
    reading.ignore_lease_signals()
    with source.open("rb"):
        assert reading.is_open_for_writing(source) in (False, None)


def test_no_lease_is_left_behind(source):
    """It is given back in the call that takes it."""
    reading.is_open_for_writing(source)

    with source.open("rb") as file:
        assert fcntl.fcntl(file, fcntl.F_GETLEASE) == fcntl.F_UNLCK


def test_what_cannot_be_opened_cannot_be_told(tmp_path):
    """None is not False: the caller falls back on the quiet time."""
    assert reading.is_open_for_writing(tmp_path / "nothing.wav") is None
