"""Events, from a real kernel."""

import errno
import os
import shutil
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mvsep_watch.files.renaming import exchange
from mvsep_watch.model import Folder, Rule
from mvsep_watch.watcher import Mode, Trouble, Watcher, advice, events, pulse

DEADLINE_S = 10.0


class Ears:
    """Collects what is posted, and waits for it."""

    def __init__(self):
        self.paths, self.troubles = [], []
        self.failures_left = 0
        self._changed = threading.Condition()

    def on_path(self, folder, path):
        if self.failures_left:
            self.failures_left -= 1
            raise ValueError("a bug of ours")
        self._add(self.paths, (folder, path))

    def on_trouble(self, folder, trouble):
        self._add(self.troubles, (folder, trouble))

    def _add(self, where, item):
        with self._changed:
            where.append(item)
            self._changed.notify_all()

    def wait(self, condition):
        with self._changed:
            return self._changed.wait_for(condition, timeout=DEADLINE_S)

    def wait_for_path(self, path):
        return self.wait(lambda: str(path) in [heard for _, heard in self.paths])

    def wait_for_trouble(self, trouble):
        return self.wait(lambda: trouble in [posted for _, posted in self.troubles])


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "drop"
    path.mkdir()
    return path


@pytest.fixture
def ears():
    return Ears()


@pytest.fixture
def watcher(ears):
    watcher = Watcher(ears.on_path, ears.on_trouble)
    yield watcher
    watcher.stop()


def folder_at(path, **changes):
    values = {"name": path.name, "output": path.with_name("stems"), "layout": "{rel}/{name}"}
    return Folder(path=path, rules=(Rule(sep_type=40),), **(values | changes))


def wait_until(condition):
    """Wait for what posts nothing when it comes."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def test_a_dropped_file_is_heard(root, ears, watcher):
    """Its path is posted under its folder's name, and the folder counts as heard."""
    watcher.watch(folder_at(root))

    (root / "a.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "a.wav")
    health = watcher.health()["drop"]
    assert (health.mode, health.alive, health.trouble) == (Mode.EVENTS, True, None)
    assert health.last_event_s is not None


def test_a_file_moved_in_is_heard(tmp_path, root, ears, watcher):
    """From outside and from a temporary name inside; only the final name counts."""
    watcher.watch(folder_at(root))
    outside = tmp_path / "outside.wav"
    outside.write_bytes(b"x")
    part = root / "b.wav.part"
    part.write_bytes(b"x")

    outside.rename(root / "a.wav")
    part.rename(root / "b.wav")

    assert ears.wait_for_path(root / "a.wav")
    assert ears.wait_for_path(root / "b.wav")


def test_files_in_new_nested_folders_are_heard(root, ears, watcher):
    """`mkdir -p` and a file at once, many times: the files are heard although their folders were not watched yet."""
    watcher.watch(folder_at(root))

    files = [root / f"{n}" / "a" / "b" / "x.wav" for n in range(100)]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x")

    assert ears.wait(lambda: {str(file) for file in files} <= {path for _, path in ears.paths})
    assert ears.troubles == []


def test_a_directory_that_was_away_is_heard_by_its_name_and_no_former_one(tmp_path, root, ears, watcher):
    """It leaves the tree, comes back elsewhere, and what was above it is renamed: it is still where it is."""
    album, back = root / "a" / "b" / "album", root / "back"
    album.mkdir(parents=True)
    watcher.watch(folder_at(root))
    album.rename(tmp_path / "album")
    (tmp_path / "album").rename(back)
    (back / "1.wav").write_bytes(b"x")
    assert ears.wait_for_path(back / "1.wav")
    (root / "a").rename(root / "c")
    (root / "c" / "2.wav").write_bytes(b"x")
    assert ears.wait_for_path(root / "c" / "2.wav")

    (back / "3.wav").write_bytes(b"x")

    assert ears.wait_for_path(back / "3.wav")
    assert ears.troubles == []


def test_directories_that_swap_their_names_are_heard_by_those_that_they_have(root, ears, watcher):
    """The kernel tells of it as of two moves in a row, of which the first seems to replace the other directory."""
    for name in ("a/in", "b"):
        (root / name).mkdir(parents=True)
    watcher.watch(folder_at(root))
    exchange(root / "a", root / "b")
    assert ears.wait_for_trouble(Trouble.REPLACED)

    songs = [root / name for name in ("a/1.wav", "b/2.wav", "b/in/3.wav")]
    for song in songs:
        song.write_bytes(b"x")

    assert [song for song in songs if not ears.wait_for_path(song)] == []
    assert watcher.health()[root.name].watches == 4


def test_a_tree_that_is_unpacked_while_parts_of_it_are_deleted_is_heard(root, ears, watcher):
    """Directories vanish between being heard of and being watched: what stays is heard, and so is what comes later."""
    watcher.watch(folder_at(root))
    albums = [root / f"album {number}" for number in range(60)]

    def delete():
        for album in albums[::2]:
            assert wait_until(album.exists)
            shutil.rmtree(album, ignore_errors=True)

    deleting = threading.Thread(target=delete)
    deleting.start()
    for album in albums:
        for name in ("cd1/live/1.wav", "cd1/2.wav", "cd2/3.wav"):
            with suppress(FileNotFoundError):
                (album / name).parent.mkdir(parents=True, exist_ok=True)
                (album / name).write_bytes(b"x")
    deleting.join()
    late = albums[1] / "cd1" / "live" / "late.wav"
    late.write_bytes(b"x")

    stayed = {str(path) for album in albums[1::2] for path in album.rglob("*.wav")}
    assert ears.wait(lambda: stayed <= {path for _, path in ears.paths})
    assert (len(stayed), ears.troubles) == (91, [])
    assert watcher.health()["drop"].alive


def test_a_file_added_to_an_album_that_was_moved_in_is_heard(tmp_path, root, ears, watcher):
    """A directory that comes whole is watched below, too."""
    watcher.watch(folder_at(root))
    album = tmp_path / "album"
    (album / "cd1" / "live").mkdir(parents=True)
    (album / "cd1" / "live" / "1.wav").write_bytes(b"x")
    album.rename(root / "album")
    assert ears.wait_for_path(root / "album" / "cd1" / "live" / "1.wav")

    (root / "album" / "cd1" / "live" / "2.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "album" / "cd1" / "live" / "2.wav")


def test_a_name_that_is_no_text_is_heard(root, ears, watcher):
    """Latin-1 bytes and newlines come through, and the bytes can be had back."""
    watcher.watch(folder_at(root))
    name = os.fsencode(root) + b"/caf\xe9\n.wav"

    Path(os.fsdecode(name)).write_bytes(b"x")

    assert ears.wait_for_path(os.fsdecode(name))
    assert name in [os.fsencode(path) for _, path in ears.paths]


def test_a_handler_that_raises_does_not_deafen(root, ears, watcher):
    """The failure is posted as trouble, and the next file is heard."""
    watcher.watch(folder_at(root))
    ears.failures_left = 1

    (root / "a.wav").write_bytes(b"x")
    assert ears.wait_for_trouble(Trouble.BROKEN)
    (root / "b.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "b.wav")


def test_two_folders_one_in_the_other_both_hear(root, ears, watcher):
    """One file, posted once under each name."""
    inner = root / "inner"
    inner.mkdir()
    watcher.watch(folder_at(root))
    watcher.watch(folder_at(inner))

    (inner / "a.wav").write_bytes(b"x")

    file = str(inner / "a.wav")
    assert ears.wait(lambda: {("drop", file), ("inner", file)} <= set(ears.paths))


def test_a_folder_that_is_not_recursive_hears_its_own_files_only(root, ears, watcher):
    """What happens below is not even listened to."""
    (root / "sub").mkdir()
    watcher.watch(folder_at(root, recursive=False))

    (root / "sub" / "a.wav").write_bytes(b"x")
    (root / "b.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "b.wav")
    assert str(root / "sub" / "a.wav") not in [path for _, path in ears.paths]


def test_an_unwatched_folder_is_not_heard(tmp_path, root, ears, watcher):
    """And the others go on."""
    other = tmp_path / "other"
    other.mkdir()
    watcher.watch(folder_at(root))
    watcher.watch(folder_at(other))

    watcher.unwatch("drop")
    (root / "a.wav").write_bytes(b"x")
    (other / "b.wav").write_bytes(b"x")

    assert ears.wait_for_path(other / "b.wav")
    assert [folder for folder, _ in ears.paths if folder == "drop"] == []
    assert set(watcher.health()) == {"other"}


def test_a_root_that_is_deleted_and_made_again_is_heard_again(root, ears, watcher):
    """Its end is posted at once, its return by `check`, and then files are heard."""
    watcher.watch(folder_at(root))
    root.rmdir()
    assert ears.wait_for_trouble(Trouble.GONE)
    watcher.check()
    assert watcher.health()["drop"].mode is Mode.POLLING

    root.mkdir()
    watcher.check()
    (root / "a.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "a.wav")
    assert ears.troubles == [("drop", Trouble.GONE), ("drop", Trouble.REPLACED)]
    assert watcher.health()["drop"].trouble is None


def test_a_root_that_was_moved_away_is_not_followed(root, ears, watcher):
    """Another directory took its name: that one is heard."""
    watcher.watch(folder_at(root))
    root.rename(root.with_name("elsewhere"))
    root.mkdir()

    watcher.check()
    (root / "a.wav").write_bytes(b"x")
    (root.with_name("elsewhere") / "b.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "a.wav")
    assert ears.troubles == [("drop", Trouble.REPLACED)]
    assert not [path for _, path in ears.paths if path.endswith("b.wav")]


def test_a_root_that_is_missing_at_first_is_heard_when_it_comes(tmp_path, ears, watcher):
    """Missing is said once, however often it is looked for."""
    root = tmp_path / "later"
    watcher.watch(folder_at(root))
    watcher.check()
    watcher.check()

    root.mkdir()
    watcher.check()
    (root / "a.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "a.wav")
    assert ears.troubles == [("later", Trouble.GONE), ("later", Trouble.REPLACED)]


def test_a_check_of_a_healthy_folder_changes_nothing(root, ears, watcher):
    """No trouble, no new watch."""
    watcher.watch(folder_at(root))

    watcher.check()
    (root / "a.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "a.wav")
    assert ears.troubles == []


def test_a_dead_kernel_thread_is_noticed_and_replaced(root, ears, watcher):
    """What `check` finds dead it starts anew, and says that something may have been missed."""
    watcher.watch(folder_at(root))
    kernel = watcher._kernel
    kernel.stop()
    kernel.join()

    watcher.check()
    (root / "a.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "a.wav")
    assert ("drop", Trouble.REPLACED) in ears.troubles


def test_refused_watches_are_posted_once_and_heal(root, ears, watcher, sysctl):
    """A part of the tree that is not heard makes the folder one that is polled, until the limit is raised."""
    for n in range(60):
        (root / f"{n}").mkdir()
    sysctl("max_user_watches", 20)

    watcher.watch(folder_at(root))
    watcher.check()

    health = watcher.health()["drop"]
    assert ears.troubles == [("drop", Trouble.LIMIT)]
    assert (health.mode, health.trouble) == (Mode.POLLING, Trouble.LIMIT)
    assert health.refused_watches > 0

    sysctl("max_user_watches", 100_000)
    watcher.check()

    assert watcher.health()["drop"].mode is Mode.EVENTS
    assert watcher.health()["drop"].refused_watches == 0


def test_no_instance_of_inotify_means_polling_and_no_crash(root, ears, watcher, sysctl):
    """The limit of instances is trouble like another, and heals by itself."""
    sysctl("max_user_instances", 0)
    watcher.watch(folder_at(root))
    assert ears.troubles == [("drop", Trouble.INSTANCES)]
    assert watcher.health()["drop"].mode is Mode.POLLING

    sysctl("max_user_instances", 128)
    watcher.check()
    (root / "a.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "a.wav")


def test_dropped_events_are_posted_and_later_files_heard(root, ears, watcher, sysctl):
    """The kernel's queue overflows while the reader is stuck: a scan is due, and nothing is deaf afterwards."""
    sysctl("max_queued_events", 16)
    watcher.watch(folder_at(root))

    with watcher._kernel._lock:  # the reader cannot go on
        for n in range(500):
            (root / f"{n}.wav").write_bytes(b"x")
    assert ears.wait_for_trouble(Trouble.OVERFLOW)
    (root / "last.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "last.wav")
    assert watcher.health()["drop"].overflows >= 1


def test_a_mount_over_the_root_is_noticed(root, ears, watcher):
    """No event says so; `check` compares, and hears what is on top."""
    watcher.watch(folder_at(root))
    if subprocess.run(["mount", "-t", "tmpfs", "none", root], check=False, capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        watcher.check()
        (root / "a.wav").write_bytes(b"x")

        assert ears.wait_for_path(root / "a.wav")
        assert ears.troubles == [("drop", Trouble.REPLACED)]
    finally:
        watcher.unwatch("drop")
        subprocess.run(["umount", root], check=True)


def test_a_mount_below_the_root_is_noticed(root, ears, watcher):
    """What comes there is heard from then on, and what it covers is not."""
    (root / "a b").mkdir()
    watcher.watch(folder_at(root))
    try:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root / "a b"], check=True, capture_output=True)
    except subprocess.CalledProcessError:
        pytest.skip("may not mount")
    try:
        watcher.check()
        assert ears.wait_for_trouble(Trouble.REPLACED)

        (root / "a b" / "a.wav").write_bytes(b"x")

        assert ears.wait_for_path(root / "a b" / "a.wav")
        assert ears.troubles == [("drop", Trouble.REPLACED)]
    finally:
        watcher.stop()
        subprocess.run(["umount", root / "a b"], check=True)


def test_a_thread_that_is_alive_and_does_not_read_is_replaced(root, ears, watcher, monkeypatch):
    """`is_alive` says nothing about it; a record that was made on purpose does."""
    watcher.watch(folder_at(root))
    stuck = threading.Event()
    kernel = watcher._kernel
    monkeypatch.setattr(kernel, "handle_event", lambda _: stuck.wait(DEADLINE_S))
    monkeypatch.setattr(pulse, "PATIENCE_S", 0.05)
    monkeypatch.setattr(events, "_JOINED_S", 0.05)

    watcher.check()
    (root / "a.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "a.wav")
    assert (kernel.is_alive(), watcher._kernel is kernel) == (True, False)
    assert ears.troubles == [("drop", Trouble.REPLACED)]
    stuck.set()
    kernel.join(DEADLINE_S)
    assert not kernel.is_alive()


def test_the_pulse_is_felt_and_writes_nothing(root, ears, watcher):
    """The only directory that it opens is this package's; nobody is told of it."""
    watcher.watch(folder_at(root))
    before = {path: path.stat().st_mtime_ns for path in (root, pulse.PLACE)}

    assert watcher._pulse.beats(within_s=DEADLINE_S)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert ears.paths == []


@pytest.mark.parametrize(
    ("trouble", "name"),
    [
        (Trouble.LIMIT, "max_user_watches"),
        (Trouble.INSTANCES, "max_user_instances"),
        (Trouble.OVERFLOW, "max_queued_events"),
    ],
)
def test_advice_names_the_setting_its_value_and_a_larger_one(trouble, name):
    """A sentence that can be pasted."""
    value = int((Path("/proc/sys/fs/inotify") / name).read_text())

    said = advice(trouble)

    assert f"fs.inotify.{name}=" in said
    assert f"(it is {value})" in said
    assert int(said.split(f"{name}=")[1].split("`")[0]) >= 2 * value


def test_every_trouble_that_lasts_has_advice():
    """Only what has mended itself has none."""
    assert [trouble for trouble in Trouble if not advice(trouble)] == [Trouble.REPLACED]


def test_stop_ends_every_thread(root, ears, watcher):
    """Nothing is left running, and nothing is posted any more."""
    before = threading.active_count()
    watcher.watch(folder_at(root))
    assert threading.active_count() > before

    watcher.stop()

    assert wait_until(lambda: threading.active_count() == before)
    assert ears.troubles == []


def test_a_trouble_handler_that_raises_deafens_nobody(root, ears):
    """Neither where a folder is missing nor where a path could not be posted."""

    def on_trouble(_folder, _trouble):
        raise ValueError("a bug of ours")

    watcher = Watcher(ears.on_path, on_trouble)
    try:
        watcher.watch(folder_at(root.with_name("missing")))
        watcher.watch(folder_at(root))
        (root / "a.wav").write_bytes(b"x")

        assert ears.wait_for_path(root / "a.wav")
    finally:
        watcher.stop()


def test_a_thread_of_watchdog_that_fails_is_told_and_replaced(root, ears, watcher, monkeypatch):
    """It would otherwise end in silence."""
    watcher.watch(folder_at(root))
    ear = watcher._watched["drop"]._ear

    def fail(_event, **_):
        raise RuntimeError("a bug of watchdog's")

    monkeypatch.setattr(ear, "build_and_queue_event", fail)
    (root / "a.wav").write_bytes(b"x")
    assert ears.wait_for_trouble(Trouble.BROKEN)
    ear.join()

    watcher.check()
    (root / "b.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "b.wav")
    assert watcher.health()["drop"].trouble is None


def test_a_root_that_does_not_answer_keeps_its_watch(root, ears, watcher, monkeypatch):
    """A share in trouble says so to the scan; there is nothing to watch anew."""
    watcher.watch(folder_at(root))

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as trouble:
        trouble.setattr(os, "open", fail)
        watcher.check()
    (root / "a.wav").write_bytes(b"x")

    assert ears.wait_for_path(root / "a.wav")
    assert ears.troubles == []
