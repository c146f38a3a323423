"""Whether a root is still the folder that it was."""

from contextlib import suppress
from dataclasses import replace

import pytest

from mvsep_watch.errors import OutputRootError, StateError
from mvsep_watch.files import claim as claims
from mvsep_watch.files import roots
from mvsep_watch.files.mounts import Mount
from mvsep_watch.files.roots import RootNote

MINE = claims.Claim(state_id="s1", generation=5, realm="mvsep", host="mvsep.com", account="me@example.org")
NAS = Mount(point="/mnt/nas", fs_type="nfs4")
BARE = Mount(point="/", fs_type="ext4")
NOTE = RootNote(point="/mnt/nas", fs_type="nfs4", generation=5)


@pytest.fixture
def lies_on(monkeypatch):
    """Say what every path lies on."""

    def lie(mount):
        monkeypatch.setattr(roots, "mount_of", lambda _: mount)

    return lie


def is_same(root, note):
    with suppress(OutputRootError):
        roots.require_same(root, note)
        return True
    return False


@pytest.mark.parametrize(
    ("mount", "generation", "expected"),
    [
        (NAS, 5, True),
        (NAS, 6, True),
        (NAS, 4, True),
        (NAS, None, False),
        (BARE, 5, True),
        (BARE, 6, True),
        (BARE, 4, False),
        (BARE, None, False),
        (Mount(point="/mnt/nas/deeper", fs_type="ext4"), 4, True),
        (Mount(point="/mnt/nasty", fs_type="ext4"), 4, True),
        (Mount(), 4, True),
    ],
)
def test_a_root_is_itself_by_its_claim_and_by_its_mount(tmp_path, lies_on, mount, generation, expected):
    """A claim must be there; off its mount it must count at least as far as was noted."""
    lies_on(mount)
    if generation is not None:
        claims.write(tmp_path, replace(MINE, generation=generation))

    assert is_same(tmp_path, NOTE) == expected


@pytest.mark.parametrize(("mount", "expected"), [(NAS, True), (BARE, False)])
def test_a_root_that_needs_no_claim_must_only_stay_on_its_mount(tmp_path, lies_on, mount, expected):
    """A person may empty the folder of a one-off."""
    lies_on(mount)

    assert is_same(tmp_path, replace(NOTE, generation=None)) == expected


def test_a_claim_that_cannot_be_understood_is_a_claim_all_the_same(tmp_path, lies_on):
    """What is paid for goes on; the `state` gate is closed elsewhere."""
    lies_on(NAS)
    (tmp_path / claims.CLAIM_NAME).write_bytes(b"?")

    assert roots.require_same(tmp_path, NOTE) == NOTE


def test_what_was_never_noted_may_be_anything_but_absent(tmp_path):
    """The first look makes the note."""
    assert (is_same(tmp_path, None), is_same(tmp_path / "never", None)) == (True, False)


def test_a_note_is_renewed_with_what_is_there(tmp_path, lies_on):
    """The claim counts on, and a root may be mounted."""
    lies_on(NAS)
    claims.write(tmp_path, replace(MINE, generation=7))

    assert roots.require_same(tmp_path, RootNote(point="/", fs_type="ext4", generation=5)) == replace(
        NOTE, generation=7
    )


def test_a_note_is_read_as_it_was_written():
    """Anything else is no note."""
    assert RootNote.of(NOTE.text()) == NOTE
    assert [RootNote.of(text) for text in ("", "used", "[]", '{"point": "/"}')] == [None] * 4


def test_a_root_on_this_machine_is_noted(tmp_path):
    """With a mount that is above it."""
    note = roots.note_of(tmp_path, generation=3)

    assert (tmp_path.is_relative_to(note.point), note.generation) == (True, 3)


def test_a_claim_is_renewed_and_never_made_in_passing(tmp_path):
    """Where there is none, another folder stands in the root's place."""
    with pytest.raises(OutputRootError, match="has lost its claim"):
        claims.renew(tmp_path, MINE)
    claims.write(tmp_path, MINE)
    claims.renew(tmp_path, replace(MINE, generation=6))
    with pytest.raises(StateError, match="belongs to another state"):
        claims.renew(tmp_path, replace(MINE, state_id="s2"))

    assert claims.read(tmp_path).generation == 6


def test_a_link_is_no_root(tmp_path):
    """It leads out of where the configuration says."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "stems").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OutputRootError, match="symbolic link"):
        claims.probe_root(tmp_path / "stems")


def test_a_root_must_have_the_room_that_is_known_to_be_wanted(tmp_path):
    """A trial of a few kilobytes says nothing of it."""
    claims.probe_root(tmp_path, needs_bytes=1)

    with pytest.raises(OutputRootError, match="disk is full") as caught:
        claims.probe_root(tmp_path, needs_bytes=1 << 60)
    assert caught.value.needs_bytes == 1 << 60
