"""Lists in pages: walked through as one, as far as they are read."""

from itertools import islice

import pytest

from mvsep_watch.errors import ServiceError
from mvsep_watch.mvsep.paging import paged


class Listing:
    """A list of numbers, newest first, that grows by `moves` at its so-maniest page."""

    def __init__(self, newest, moves=()):
        self.newest = newest
        self.moves = dict(moves)
        self.asked = []

    def __call__(self, start, limit):
        self.asked.append((start, limit))
        self.newest += self.moves.get(len(self.asked), 0)
        return list(range(self.newest, 0, -1))[start : start + limit]


def walk(listing, *, start=0, limit=None):
    return paged(listing, key=lambda row: row, start=start, limit=limit)


@pytest.mark.parametrize(
    ("rows", "asked"), [(0, [0]), (5, [0]), (20, [0, 20]), (25, [0, 20]), (40, [0, 20, 40]), (41, [0, 20, 40])]
)
def test_a_list_is_walked_through_to_its_end(rows, asked):
    """Which is the first page that is not full."""
    listing = Listing(rows)

    assert list(walk(listing)) == list(range(rows, 0, -1))
    assert listing.asked == [(start, 20) for start in asked]


def test_no_page_is_asked_for_before_it_is_read():
    """Whoever wants three rows of thousands pays for one request."""
    listing = Listing(1000)
    rows = walk(listing)
    before = list(listing.asked)

    assert list(islice(rows, 3)) == [1000, 999, 998]
    assert (before, listing.asked) == ([], [(0, 20)])


@pytest.mark.parametrize(
    ("limit", "asked"), [(0, []), (-1, []), (5, [(0, 5)]), (20, [(0, 20)]), (25, [(0, 20), (20, 5)])]
)
def test_a_limit_asks_for_no_row_too_many(limit, asked):
    """Not from the service either."""
    listing = Listing(100)

    assert list(walk(listing, limit=limit)) == list(range(100, 100 - max(limit, 0), -1))
    assert listing.asked == asked


def test_it_can_begin_further_down():
    """By how many of the newest are to be skipped."""
    assert list(walk(Listing(50), start=45)) == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("moved", [1, 19, 21, 45])
def test_rows_that_move_on_between_two_pages_come_once_and_none_is_missing(moved):
    """Every separation that somebody makes meanwhile pushes the others down."""
    rows = list(walk(Listing(60, moves={2: moved})))

    assert [row for row in rows if row <= 60] == list(range(60, 0, -1))
    assert len(rows) == len(set(rows))


def test_a_server_that_gives_more_than_was_asked_for_does_not_break_a_limit():
    """One that does not know `limit`."""
    assert list(paged(lambda *_: range(50), key=lambda row: row, start=0, limit=3)) == [0, 1, 2]


def test_a_server_that_gives_the_same_page_for_ever_is_an_error_and_no_end():
    """One that does not know `start`."""
    rows = paged(lambda *_: range(20), key=lambda row: row, start=0, limit=None)

    assert list(islice(rows, 20)) == list(range(20))
    with pytest.raises(ServiceError, match="same page"):
        next(rows)
