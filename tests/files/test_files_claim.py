"""Claims and output roots."""

from dataclasses import replace

import pytest

from mvsep_watch.errors import OutputRootError, StateError
from mvsep_watch.files import claim
from mvsep_watch.files.claim import CLAIM_NAME, Claim
from mvsep_watch.files.trouble import output_trouble

MINE = Claim(state_id="s1", generation=5, realm="mvsep", host="mvsep.com", account="me@example.org")


def test_a_claim_is_read_as_it_was_written(tmp_path):
    """The whole of it, and no other file is left."""
    claim.write(tmp_path, MINE)

    assert (claim.read(tmp_path), [path.name for path in tmp_path.iterdir()]) == (MINE, [CLAIM_NAME])


def test_a_root_without_a_claim_has_none(tmp_path):
    """Nor has one that is not there."""
    assert (claim.read(tmp_path), claim.read(tmp_path / "never")) == (None, None)


@pytest.mark.parametrize(("written", "kept"), [(4, 5), (5, 5), (6, 6)])
def test_a_generation_is_never_lowered(tmp_path, written, kept):
    """Of two uploads the later may write first."""
    claim.write(tmp_path, MINE)
    claim.write(tmp_path, replace(MINE, generation=written))

    assert claim.read(tmp_path).generation == kept


def test_another_state_takes_over_with_its_own_count(tmp_path):
    """That it may has been decided elsewhere."""
    claim.write(tmp_path, MINE)
    claim.write(tmp_path, replace(MINE, state_id="s2", generation=1))

    assert claim.read(tmp_path) == replace(MINE, state_id="s2", generation=1)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"state_id": "s1", "generation": "5"}'])
def test_a_claim_that_cannot_be_understood_closes_the_gate(tmp_path, content):
    """It could be that of a newer state."""
    (tmp_path / CLAIM_NAME).write_bytes(content)

    with pytest.raises(StateError, match="cannot be understood"):
        claim.read(tmp_path)
    with pytest.raises(StateError):
        claim.write(tmp_path, MINE)


def test_a_person_may_replace_a_damaged_claim(tmp_path):
    """Told so, it is written over."""
    (tmp_path / CLAIM_NAME).write_bytes(b"?")
    claim.write(tmp_path, MINE, replace_damaged=True)

    assert claim.read(tmp_path) == MINE


def test_a_claim_is_not_written_into_a_root_that_is_not_there(tmp_path, tree):
    """An unmounted disk looks just like that."""
    with pytest.raises(Exception, match="cannot be written"):
        claim.write(tmp_path / "nas", MINE)

    assert tree(tmp_path) == {}


def test_a_link_is_no_claim(tmp_path):
    """A claim lies in its root."""
    (tmp_path / CLAIM_NAME).symlink_to("elsewhere")

    with pytest.raises(StateError):
        claim.read(tmp_path)


def test_a_probe_leaves_nothing_behind(tmp_path, tree):
    """Also not what an earlier, killed one left, nor half a claim of a killed release."""
    (tmp_path / claim.PROBE_NAME).mkdir()
    (tmp_path / f"{CLAIM_NAME}.new").touch()
    claim.probe_root(tmp_path)

    assert tree(tmp_path) == {}


def test_a_root_that_is_not_there_is_made_only_for_the_first_time(tmp_path):
    """Later it means that something is not mounted."""
    root = tmp_path / "a" / "stems"

    with pytest.raises(OutputRootError, match="not there") as caught:
        claim.probe_root(root)
    assert (caught.value.gate, caught.value.hint) == ("disk", "Mount its disk, or make the folder.")
    claim.probe_root(root, make=True)
    assert root.is_dir()


def test_a_file_in_a_roots_place_is_told(tmp_path):
    """Neither used nor removed."""
    (tmp_path / "stems").touch()

    with pytest.raises(OutputRootError):
        claim.probe_root(tmp_path / "stems", make=True)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("ENOSPC", "OutputRootError", "disk is full"),
        ("EDQUOT", "OutputRootError", "quota"),
        ("EROFS", "OutputRootError", "read-only"),
        ("EACCES", "OutputRootError", "may not be written"),
        ("EPERM", "OutputRootError", "may not be written"),
        ("EIO", "OutputRootError", "Input/output error"),
        ("ESTALE", "RetryableError", "just now"),
        ("EMFILE", "RetryableError", "just now"),
        ("ENAMETOOLONG", "NeedsUserError", "too long a name"),
    ],
)
def test_each_trouble_with_a_disk_says_what_to_do(tmp_path, name, kind, says):
    """The message tells what happened to what."""
    number = getattr(__import__("errno"), name)
    error = output_trouble(OSError(number, __import__("os").strerror(number)), tmp_path)

    assert (type(error).__name__, says in error.message, str(tmp_path) in error.message) == (kind, True, True)


def test_under_systemd_a_read_only_root_names_the_units_setting(tmp_path, monkeypatch):
    """There, read-only is what the sandbox of the unit looks like."""
    monkeypatch.setenv("INVOCATION_ID", "x")
    error = output_trouble(OSError(30, "Read-only file system"), tmp_path)

    assert "ReadWritePaths=" in error.hint
