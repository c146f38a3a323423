"""Tables in a terminal that is too narrow for them: what stands in the last column goes under its row, unbroken.

A path or a hash that is broken in the middle cannot be copied, and nobody reads words a few letters wide.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

GAP = "   "
ANY_WIDTH = 10_000
ROOM_IN_A_PIPE = 80
"""Who reads a mail of cron has no more, and a single long name is not to push all other rows out of sight."""
DEEPEST = 6
"""How far to indent at most: room is what is missing."""


def show(table: Table, console: Console) -> None:
    """Print a table as it is where there is room, else its last column under the others; in a pipe behind them."""
    natural = Measurement.get(console, console.options.update(max_width=ANY_WIDTH), table).maximum
    if natural <= (console.width if console.is_terminal else ROOM_IN_A_PIPE):
        console.print(table)
        return
    *columns, last = table.columns
    widths = _widths(columns, within=console.width if console.is_terminal else ROOM_IN_A_PIPE)
    heading = _line([Text(str(column.header), style="bold") for column in columns], columns, widths)
    heading.rstrip()
    console.print(heading)
    console.print("─" * min(console.width, sum(widths) + len(GAP) * (len(widths) - 1)))
    for cells in zip(*(column.cells for column in columns), last.cells, strict=True):
        *row, under = cells
        line = _line([_text(cell) for cell in row], columns, widths)
        if not console.is_terminal:
            line = Text(GAP).join([line, _text(under)])
        line.rstrip()
        console.print(line)
        if console.is_terminal and str(under):
            console.print(
                _under(str(under), indent=min(widths[0] + len(GAP), DEEPEST), width=console.width), style="dim"
            )


def _widths(columns: Sequence[Column], *, within: int) -> list[int]:
    """Give the columns' widths; where they do not fit, the widest gives way, and cells too long for it stand out."""
    widths = [max(cell_len(str(cell)) for cell in (column.header, *column.cells)) for column in columns]
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - within
    if excess > 0:
        widest = widths.index(max(widths))
        widths[widest] = max(cell_len(str(columns[widest].header)), widths[widest] - excess)
    return widths


def _line(cells: Sequence[Text], columns: Sequence[Column], widths: Sequence[int]) -> Text:
    """Put a row's cells beside each other, each as wide as its column."""
    padded = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        room = " " * (width - cell.cell_len)
        padded.append(Text.assemble(room, cell) if column.justify == "right" else Text.assemble(cell, room))
    return Text(GAP).join(padded)


def _text(cell: object) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))


def _under(text: str, *, indent: int, width: int) -> str:
    """Indent a text, broken between words only."""
    margin = " " * indent
    return textwrap.fill(
        text, width, initial_indent=margin, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False
    )
