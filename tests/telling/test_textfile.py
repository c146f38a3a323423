"""The numbers' file: whole, and nothing else."""

import os

import pytest

from mvsep_watch.telling import textfile


@pytest.mark.parametrize(
    "plant",
    [
        lambda path, mine: path.symlink_to(mine),
        lambda path, mine: path.hardlink_to(mine),
        lambda path, _: os.mkfifo(path),
    ],
    ids=["link", "hard link", "pipe"],
)
def test_numbers_are_written_into_nothing_that_others_put_there(tmp_path, plant):
    """Its folder is shared with other programs: neither is their file written over, nor does anything wait for them."""
    mine, numbers = tmp_path / "mine", tmp_path / "numbers.prom"
    mine.write_text("mine")
    plant(tmp_path / ".numbers.prom.new", mine)

    textfile.write(numbers, "1\n")

    assert (mine.read_text(), numbers.read_text()) == ("mine", "1\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "numbers.prom"]
