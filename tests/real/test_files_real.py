"""Files with real mounts, real kills and real limits. Needs root for most; skips with a reason elsewhere."""

import os
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import pytest

from mvsep_watch.errors import AlreadyRunningError, NeedsUserError, OutputRootError
from mvsep_watch.files import claim, disposal, mounts, reading, staging
from mvsep_watch.files.lock import StateLock, holder_of
from mvsep_watch.files.staging import Staging
from mvsep_watch.naming import OutputPlace

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
HOLD_LOCK = """
import sys
import tempfile
import traceback
from pathlib import Path
from mvsep_watch.files.lock import StateLock
StateLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def in_child(work) -> int:
    """Run in a forked process; give its exit code, negative where a signal ended it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the child must not return into pytest
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def mounted(tmp_path):
    """Mount something for one test."""
    points = []

    def mount(name: str, *options: str) -> Path:
        point = tmp_path / name
        point.mkdir(exist_ok=True)
        try:
            run("mount", *options, str(point))
        except subprocess.CalledProcessError as exc:
            pytest.skip(f"mount refused: {exc.stderr.decode().strip()}")
        points.append(point)
        return point

    yield mount
    for point in reversed(points):
        run("umount", str(point))


@pytest.fixture
def small_disk(mounted):
    disk = mounted("disk", "-t", "tmpfs", "-o", "size=4m", "tmpfs")
    assert disk.is_mount()
    return disk


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "drop" / "song.wav"
    path.parent.mkdir()
    path.write_bytes(b"music" * 1000)
    return path


def dispose(path: Path, to: Path | None) -> Path | None:
    digest, stat = reading.hash_file(path)
    return disposal.dispose(path, identity_sha256=digest, stat=stat, to=to)


@needs_root
def test_a_full_disk_is_said_before_and_while_writing(small_disk):
    """The probe, an announced size, and a stream of unknown length all end in the gate `disk`."""
    made = Staging.open(small_disk, state_id="s1", job_id=1, hash_="h")
    with pytest.raises(OutputRootError, match="disk is full"):
        made.write("Vocals.wav", [b"x"], size_bytes=5 << 20)
    with pytest.raises(OutputRootError, match="disk is full"):
        made.write("Vocals.wav", (bytes(1 << 20) for _ in range(8)))
    with pytest.raises(OutputRootError, match="disk is full"):
        claim.probe_root(small_disk)
    made.discard()

    assert claim.probe_root(small_disk) is None


@needs_root
def test_a_download_goes_on_when_there_is_space_again(small_disk):
    """What fitted is kept, and the free rest completes it."""
    content = os.urandom(3 << 20)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2 << 20))
    made = Staging.open(small_disk, state_id="s1", job_id=1, hash_="h")
    with pytest.raises(OutputRootError, match="disk is full"):
        made.write("Vocals.wav", (content[at : at + 65536] for at in range(0, len(content), 65536)))
    ballast.unlink()
    offset = made.resume_point("Vocals.wav").offset_bytes
    made.write("Vocals.wav", [content[offset:]], offset_bytes=offset)

    assert made.target("Vocals.wav").read_bytes() == content


@needs_root
def test_a_read_only_root_is_said(mounted):
    """Before anything is paid for."""
    disk = mounted("disk", "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    run("mount", "-o", "remount,ro", str(disk))

    with pytest.raises(OutputRootError, match="read-only"):
        claim.probe_root(disk)


@pytest.fixture
def public_folder():
    """A folder that other users can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def as_nobody(work) -> int:
    def drop_and_work() -> None:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        work()

    return in_child(drop_and_work)


@needs_root
def test_a_root_without_permission_is_said(public_folder):
    """As the unprivileged user that the service runs as."""

    def probe() -> None:
        with pytest.raises(OutputRootError, match="may not be written"):
            claim.probe_root(public_folder)

    assert as_nobody(probe) == 0


@needs_root
def test_a_source_without_permission_waits_for_a_person(public_folder):
    """Read by nobody: held. Readable in a folder of another's: read, and not disposed of."""
    secret, song = public_folder / "secret.wav", public_folder / "song.wav"
    for path, mode in ((secret, 0o600), (song, 0o644)):
        path.write_bytes(b"music")
        path.chmod(mode)

    def look() -> None:
        with pytest.raises(NeedsUserError, match="may not be read"):
            reading.hash_file(secret)
        with pytest.raises(NeedsUserError, match="cannot be moved or deleted"):
            dispose(song, None)
        assert reading.is_open_for_writing(song) is None

    assert as_nobody(look) == 0
    assert sorted(path.name for path in public_folder.iterdir()) == ["secret.wav", "song.wav"]


@needs_root
def test_an_immutable_root_is_said(public_folder):
    """`chattr +i` stops even root."""
    if subprocess.run(["chattr", "+i", str(public_folder)], capture_output=True, check=False).returncode:
        pytest.skip("no immutable folders here")
    try:
        with pytest.raises(OutputRootError, match="may not be written"):
            claim.probe_root(public_folder)
    finally:
        run("chattr", "-i", str(public_folder))


@needs_root
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_a_source_is_moved_across_mounts(tmp_path, mounted, source, kind):
    """Also where equal device numbers promise that a rename would do."""
    if kind == "tmpfs":
        done = mounted("done", "-t", "tmpfs", "-o", "size=4m", "tmpfs")
    else:
        (tmp_path / "archive").mkdir()
        done = mounted("done", "--bind", str(tmp_path / "archive"))
        assert done.stat().st_dev == source.stat().st_dev
    os.utime(source, ns=(10**18, 10**18))
    moved = dispose(source, done / "song.wav")

    assert (moved, moved.read_bytes(), moved.stat().st_mtime_ns) == (done / "song.wav", b"music" * 1000, 10**18)
    assert list(source.parent.iterdir()) == []
    assert list(done.iterdir()) == [moved]


@needs_root
def test_a_full_archive_leaves_the_source_and_no_bit_of_a_copy(mounted, source):
    """A person frees some space; nothing else stops."""
    done = mounted("done", "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    source.write_bytes(bytes(2 << 20))

    with pytest.raises(NeedsUserError, match="disk is full") as caught:
        dispose(source, done / "song.wav")
    assert caught.value.gate is None
    assert (source.stat().st_size, list(done.iterdir()), len(list(source.parent.iterdir()))) == (2 << 20, [], 1)


@needs_root
def test_a_source_in_a_read_only_folder_stays(mounted):
    """Deleting is not worth more than saying so."""
    drop = mounted("drop", "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    (drop / "song.wav").write_bytes(b"music")
    run("mount", "-o", "remount,ro", str(drop))

    with pytest.raises(NeedsUserError, match="cannot be moved or deleted"):
        dispose(drop / "song.wav", None)


@needs_root
@pytest.mark.parametrize("step", ["mkdir", "unlink", "rename_new", "hash_file", "_copy_bytes", "sync_folder", "rmdir"])
@pytest.mark.parametrize("time", [1, 2, 3])
@pytest.mark.parametrize("way", ["delete", "move", "copy", "bind"])
def test_a_kill_between_any_two_steps_leaves_one_good_copy(tmp_path, mounted, source, way, step, time):
    """SIGKILL before the n-th call of a step; recovery and a second try complete the work without a trace."""
    done = tmp_path / "done"
    done.mkdir()
    if way == "copy":
        mounted("done", "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    elif way == "bind":
        mounted("done", "--bind", str(done))
    to = None if way == "delete" else done / "deep" / "song.wav"
    content = source.read_bytes()
    digest, stat = reading.hash_file(source)
    calls = []

    def dispose_until_killed() -> None:
        place = disposal.Path if hasattr(Path, step) else disposal
        real = getattr(place, step)

        def kill_or_call(*args, **options):
            calls.append(args)
            if len(calls) == time:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **options)

        setattr(place, step, kill_or_call)
        disposal.dispose(source, identity_sha256=digest, stat=stat, to=to)

    exit_code = in_child(dispose_until_killed)
    copies = [path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == content]
    assert exit_code in (0, -signal.SIGKILL)
    assert copies or (to is None and (exit_code == 0 or step == "rmdir"))

    disposal.recover(source.parent)
    if source.exists():
        disposal.dispose(source, identity_sha256=digest, stat=stat, to=to)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == ([] if to is None else [to])
    assert list(tmp_path.rglob(".mvsep*")) == []


def test_a_download_killed_after_a_checkpoint_goes_on_from_there(tmp_path, monkeypatch):
    """SIGKILL is not a reason to fetch it all again."""
    content = os.urandom(400_000)
    monkeypatch.setattr("mvsep_watch.files.arriving._CHECKPOINT_BYTES", 100_000)

    def chunks():
        yield from (content[at : at + 50_000] for at in range(0, 250_000, 50_000))
        os.kill(os.getpid(), signal.SIGKILL)

    def download() -> None:
        Staging.open(tmp_path, state_id="s1", job_id=1, hash_="h").write("Vocals.wav", chunks(), validator="e")

    in_child(download)
    made = Staging.open(tmp_path, state_id="s1", job_id=1, hash_="h")
    point = made.resume_point("Vocals.wav")
    made.write("Vocals.wav", [content[point.offset_bytes :]], offset_bytes=point.offset_bytes)

    assert (point.offset_bytes, point.validator) == (200_000, "e")
    assert made.target("Vocals.wav").read_bytes() == content


@needs_root
@pytest.mark.parametrize("fs_type", ["tmpfs", "overlay"])
def test_publishing_refuses_a_taken_name_on_each_file_system(tmp_path, mounted, fs_type):
    """Containers write to overlays."""
    if fs_type == "overlay":
        layers = mounted("layers", "-t", "tmpfs", "tmpfs")
        for name in ("lower", "upper", "work"):
            (layers / name).mkdir()
        options = f"lowerdir={layers}/lower,upperdir={layers}/upper,workdir={layers}/work"
        root = mounted("root", "-t", "overlay", "-o", options, "overlay")
    else:
        root = mounted("root", "-t", "tmpfs", "tmpfs")
    made = Staging.open(root, state_id="s1", job_id=1, hash_="h")
    made.write("Vocals.wav", [b"voice"])
    (root / "song").mkdir()

    with pytest.raises(staging.TakenError):
        staging.publish(made, OutputPlace(root / "song"))
    staging.publish(made, OutputPlace(root / "song (2)"))
    assert (root / "song (2)" / "Vocals.wav").read_bytes() == b"voice"
    assert mounts.file_system(root / "song") == fs_type


@needs_root
def test_the_type_of_a_mount_with_spaces_in_its_name_is_found(mounted):
    """The table escapes them."""
    point = mounted("two words\tand a tab", "-t", "tmpfs", "tmpfs")

    assert mounts.file_system(point / "not there yet") == "tmpfs"


def test_the_lock_ends_with_the_process_that_holds_it(tmp_path):
    """While it lives it is named; after kill -9 nothing is stale."""
    state = tmp_path / "state.sqlite3"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        with pytest.raises(AlreadyRunningError, match=f"process {holder.pid} "):
            StateLock(state).acquire()
        named = holder_of(state).pid
        holder.kill()
        holder.wait()

    assert (named, holder_of(state)) == (holder.pid, None)
    with StateLock(state):
        pass


def test_the_lock_does_not_pass_to_programs_that_are_started(tmp_path):
    """A hook may outlive the daemon."""
    state = tmp_path / "state.sqlite3"
    with StateLock(state):
        hook = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)

    with hook:
        assert holder_of(state) is None
        hook.stdin.close()


def test_a_probed_lease_survives_a_writer_in_that_moment(tmp_path):
    """A writer that keeps opening the file breaks leases; SIGIO must not end the process that probes."""
    path = tmp_path / "song.wav"
    path.touch()
    code = "import sys\nwhile True:\n    open(sys.argv[1], 'ab').close()"
    with subprocess.Popen([sys.executable, "-c", code, str(path)]) as writer:

        def probe_often() -> None:
            reading.ignore_lease_signals()
            for _ in range(20_000):
                reading.is_open_for_writing(path)

        exit_code = in_child(probe_often)
        writer.kill()

    assert exit_code == 0


def test_a_gigabyte_is_hashed_in_constant_memory(tmp_path):
    """The peak of a process that does nothing else, in KiB."""
    path = tmp_path / "song.wav"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    code = r"""
import re, sys
from pathlib import Path
from mvsep_watch.audio import probe
from mvsep_watch.files import reading
reading.hash_file(Path(sys.argv[1]))
print(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)

    assert int(done.stdout) < 60 * 1024
