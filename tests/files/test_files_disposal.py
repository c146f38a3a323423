"""Disposal of sources."""

import os

import pytest

from mvsep_watch.errors import NeedsUserError, RetryableError, SourceBusyError, SourceChangedError, StoppedError
from mvsep_watch.files import disposal, reading, renaming


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "drop" / "song.wav"
    path.parent.mkdir()
    path.write_bytes(b"music")
    return path


@pytest.fixture
def dispose():
    """Dispose of a source as it was when this is called, after `before` has done something to it."""

    def run(path, *, to=None, before=lambda: None, **options):
        digest, stat = reading.hash_file(path)
        before()
        return disposal.dispose(path, identity_sha256=digest, stat=stat, to=to, **options)

    return run


@pytest.fixture
def across(monkeypatch, tmp_path):
    """No rename leads out of the drop folder, whatever its device number says."""
    drop = tmp_path / "drop"

    rename = renaming.rename_new

    def forbid(source, target):
        if source.is_relative_to(drop) and not target.is_relative_to(drop):
            raise OSError(18, "Invalid cross-device link")
        return rename(source, target)

    monkeypatch.setattr(renaming, "rename_new", forbid)


def test_delete_deletes_and_leaves_nothing(tmp_path, source, dispose, tree):
    """No hidden folder either."""
    assert dispose(source) is None
    assert tree(tmp_path) == {"drop": None}


def test_move_moves_and_makes_the_folders(tmp_path, source, dispose, tree):
    """The relative path is kept by whoever names the target."""
    to = tmp_path / "done" / "album" / "song.wav"

    assert dispose(source, to=to) == to
    assert tree(tmp_path) == {"drop": None, "done": None, "done/album": None, "done/album/song.wav": b"music"}


def test_a_taken_target_gets_a_number(tmp_path, source, dispose, tree):
    """Nothing is ever replaced."""
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "song.wav").write_bytes(b"other")
    (tmp_path / "done" / "song (2).wav").write_bytes(b"another")

    assert dispose(source, to=tmp_path / "done" / "song.wav") == tmp_path / "done" / "song (3).wav"
    assert tree(tmp_path / "done") == {"song (2).wav": b"another", "song (3).wav": b"music", "song.wav": b"other"}


def test_the_same_bytes_at_the_target_are_enough(tmp_path, source, dispose, tree):
    """As after a kill between the copy and the removal."""
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "song.wav").write_bytes(b"music")
    dispose(source, to=tmp_path / "done" / "song.wav")

    assert tree(tmp_path) == {"drop": None, "done": None, "done/song.wav": b"music"}


@pytest.mark.parametrize("content", [b"other", b"longer than before"])
def test_a_file_that_is_no_longer_the_one_stays(tmp_path, source, dispose, tree, content):
    """Whoever wrote it keeps it."""
    with pytest.raises(SourceChangedError):
        dispose(source, before=lambda: source.write_bytes(content))

    assert tree(tmp_path) == {"drop": None, "drop/song.wav": content}


def test_a_file_that_is_gone_has_changed(source, dispose):
    """Somebody was faster."""
    with pytest.raises(SourceChangedError):
        dispose(source, before=source.unlink)


def test_a_file_that_somebody_writes_stays(tmp_path, source, dispose, tree):
    """The bytes to come would be lost with it."""
    reading.ignore_lease_signals()
    with source.open("ab"):
        if reading.is_open_for_writing(source) is None:
            pytest.skip("no leases here")
        with pytest.raises(SourceBusyError, match="held open for writing"):
            dispose(source)

    assert tree(tmp_path) == {"drop": None, "drop/song.wav": b"music"}


@pytest.mark.parametrize("way", ["delete", "move", "copy"])
def test_a_stop_leaves_the_source_in_its_place(tmp_path, source, dispose, tree, request, way):
    """It is disposed of after the next start."""
    if way == "copy":
        request.getfixturevalue("across")
    to = None if way == "delete" else tmp_path / "done" / "song.wav"

    with pytest.raises(StoppedError):
        dispose(source, to=to, stopping=lambda: True)
    assert tree(tmp_path / "drop") == {"song.wav": b"music"}


def test_a_copy_across_file_systems_keeps_bytes_and_times(tmp_path, source, dispose, tree, across):
    """And removes the source only after the copy is proven."""
    os.utime(source, ns=(10**18, 10**18))
    to = tmp_path / "done" / "deep" / "song.wav"

    assert dispose(source, to=to) == to
    assert tree(tmp_path) == {"drop": None, "done": None, "done/deep": None, "done/deep/song.wav": b"music"}
    assert to.stat().st_mtime_ns == 10**18


def test_a_copy_that_does_not_read_back_is_no_copy(tmp_path, source, dispose, tree, across, monkeypatch):
    """The source comes back, and the bad copy goes."""

    def copy_badly(source, copying, stopping):
        copying.write_bytes(b"musik")

    monkeypatch.setattr(disposal, "_copy_bytes", copy_badly)

    with pytest.raises(RetryableError, match="not copied intact"):
        dispose(source, to=tmp_path / "done" / "deep" / "song.wav")
    assert tree(tmp_path) == {"drop": None, "drop/song.wav": b"music", "done": None, "done/deep": None}


@pytest.mark.parametrize("name", ["n" * 251 + ".wav", "caf\udce9\n.wav", "-rf", ".wav"])
def test_any_name_comes_back(tmp_path, name):
    """It is kept as it is, in a folder of its own."""
    holder = tmp_path / ".mvsep-watch-aside-0123abcd"
    holder.mkdir()
    (holder / name).write_bytes(b"music")

    assert disposal.recover(tmp_path) == (tmp_path / name,)
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_what_comes_back_replaces_nothing(tmp_path, tree):
    """A new file may have taken the name."""
    holder = tmp_path / "album" / ".mvsep-watch-aside-0123abcd"
    holder.mkdir(parents=True)
    (holder / "song.wav").write_bytes(b"music")
    (tmp_path / "album" / "song.wav").write_bytes(b"new")
    disposal.recover(tmp_path / "album")

    assert tree(tmp_path / "album") == {"song.wav": b"new", "song (2).wav": b"music"}


def test_recovery_touches_nothing_that_is_not_ours(tmp_path, tree):
    """Names that only look alike, and links."""
    (tmp_path / ".mvsep-watch-aside-nothex!!").mkdir()
    (tmp_path / ".mvsep-watch-aside-nothex!!" / "x").touch()
    (tmp_path / ".mvsep-watch-aside-0123abcd").write_bytes(b"a file")
    (tmp_path / "link").symlink_to("/")
    before = tree(tmp_path)

    assert (disposal.recover(tmp_path), tree(tmp_path)) == ((), before)


def test_a_number_is_fitted_into_the_longest_names(tmp_path):
    """255 bytes is all that a name has."""
    for name in ("n" * 251 + ".wav", "ü" * 125 + ".wav"):
        numbered = renaming._numbered(tmp_path / name, 2)
        numbered.touch()
        assert numbered.name.endswith(" (2).wav")


def test_a_target_that_cannot_be_made_is_a_persons_matter_and_no_gate(tmp_path, source, dispose, tree):
    """The outputs are published; only the tidying up waits."""
    (tmp_path / "done").write_bytes(b"a file")

    with pytest.raises(NeedsUserError) as caught:
        dispose(source, to=tmp_path / "done" / "song.wav")
    assert (caught.value.gate, tree(tmp_path / "drop")) == (None, {"song.wav": b"music"})
