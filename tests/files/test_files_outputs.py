"""Copies of what another job published."""

import pytest

from mvsep_watch.errors import StoppedError
from mvsep_watch.files.outputs import copy_verified
from mvsep_watch.files.staging import Staging
from mvsep_watch.naming import OutputPlace


@pytest.fixture
def target(tmp_path):
    return Staging.open(tmp_path / "b", state_id="s1", job_id=2, hash_="h")


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "a"
    path.mkdir()
    (path / "Vocals.flac").write_bytes(b"voice")
    (path / "Other.flac").write_bytes(b"band")
    return path


def test_intact_outputs_are_copied(folder, target, provenance):
    """Into files of their own, complete in the staging."""
    outputs = provenance().outputs

    assert copy_verified(OutputPlace(folder), outputs, target) == outputs
    assert target.target("Vocals.flac").read_bytes() == b"voice"
    assert target.target("Vocals.flac").stat().st_nlink == 1


@pytest.mark.parametrize("content", [None, b"noise", b"", b"voice and more"])
def test_what_is_not_intact_is_left_out(folder, target, provenance, content):
    """And leaves nothing in the staging that could be taken for it."""
    (folder / "Vocals.flac").unlink()
    if content is not None:
        (folder / "Vocals.flac").write_bytes(content)
    copied = copy_verified(OutputPlace(folder), provenance().outputs, target)

    assert [output.name for output in copied] == ["Other.flac"]
    assert (target.finished("Vocals.flac"), target.resume_point("Vocals.flac").offset_bytes) == (None, 0)


def test_a_folder_that_is_gone_gives_nothing(tmp_path, target, provenance):
    """Then everything is fetched again, free."""
    assert copy_verified(OutputPlace(tmp_path / "gone"), provenance().outputs, target) == ()


def test_nothing_outside_of_the_folder_is_copied(folder, target, output, tmp_path):
    """The list comes from a sidecar, which anybody could have written."""
    (tmp_path / "secret").write_bytes(b"x")
    (folder / "link.flac").symlink_to(tmp_path / "secret")

    assert copy_verified(OutputPlace(folder), (output("../secret", b"x"), output("link.flac", b"x")), target) == ()


def test_a_stop_is_heard(folder, target, provenance):
    """Between two blocks."""
    with pytest.raises(StoppedError):
        copy_verified(OutputPlace(folder), provenance().outputs, target, stopping=lambda: True)
