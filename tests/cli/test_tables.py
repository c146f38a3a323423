"""Tables at a width: beside each other where there is room, else the last column whole under its row."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from mvsep_watch.cli import rendering, tables

HASH = "20261120135209-a9012fa305-mwmrqe53dzip4s-a-name-that-is-rather-long-for-a-terminal.wav"


@pytest.fixture
def table():
    made = rendering.table("job", "source", "", right=["job"])
    made.add_row(Text("1"), Text("Paper Boats.wav"), Text("2 stems in ~/Music/stems"))
    made.add_row(Text("20"), Text("[b]曲[/b].wav"), Text(HASH))
    made.add_row("3", "c.wav", "")
    return made


def shown(table, columns, *, terminal=True):
    file = io.StringIO()
    kind = {"force_terminal": terminal, "color_system": None, "legacy_windows": False}
    tables.show(table, Console(file=file, width=columns, markup=False, soft_wrap=True, **kind))
    return file.getvalue().splitlines()


def test_a_table_with_room_is_a_table(table):
    """Nothing changes for a wide terminal and for a pipe."""
    lines = shown(table, 200)

    assert len(lines) == 5
    assert lines[2].split() == ["1", "Paper", "Boats.wav", "2", "stems", "in", "~/Music/stems"]


def test_one_long_name_makes_no_other_row_long(table):
    """It is whole, and its own row is longer than the terminal."""
    table.add_row(Text("4"), Text(HASH), Text("held"))

    lines = shown(table, 60)

    assert len(lines[1]) == 60
    assert [line for line in lines if len(line) > 60] == [f"      {HASH}", f"  4   {HASH}"]


def test_in_a_pipe_one_long_name_makes_no_other_row_long(table):
    """Nobody scrolls in a mail of cron; each row stays one line, whole."""
    table.add_row(Text("4"), Text("x" * 200), Text("held"))

    lines = shown(table, 1000, terminal=False)

    assert len(lines) == 6
    assert lines[-1] == f"  4   {'x' * 200}   held"
    assert lines[2].endswith("   2 stems in ~/Music/stems")
    assert (lines[2].index("2 stems"), lines[3].endswith(f"   {HASH}")) == (83, True)


def test_in_a_narrow_terminal_the_last_column_goes_under_its_row(table):
    """Every other column stays where it is, and what is long can still be copied in one piece."""
    lines = shown(table, 60)

    assert lines == [
        "job   source",
        "─────────────────────",
        "  1   Paper Boats.wav",
        "      2 stems in ~/Music/stems",
        " 20   [b]曲[/b].wav",
        f"      {HASH}",
        "  3   c.wav",
    ]
