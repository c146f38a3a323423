"""The look at the history is complete, or it is none."""

import threading

import pytest

from mvsep_watch.errors import ServiceError
from mvsep_watch.model import HistoryRow
from mvsep_watch.steps.asking import ReadHistory
from mvsep_watch.steps.base import Tools


class Listing:
    """A client whose history has rows with falling ids, and may move while it is read."""

    def __init__(self, newest, *, moves=(), most=20):
        self.newest = newest
        self.most = most
        self.moves = dict(moves)
        self.calls = []

    def separation_history_page(self, *, start, limit):
        self.calls.append(start)
        self.newest += self.moves.get(len(self.calls), 0)
        ids = range(self.newest, 0, -1)[start : start + limit]
        return tuple(HistoryRow(id=id_, hash=f"h{id_}") for id_ in ids[: self.most])


def read(client, *, down_to, newest_known=0):
    tools = Tools(
        client=client,
        ask_release=None,
        found=None,
        stopping=threading.Event(),
        now=lambda: 0.0,
        monotonic=lambda: 0.0,
        version="0",
    )
    found = ReadHistory(down_to=down_to, newest_known=newest_known).perform(tools)
    return [row.id for row in found.rows]


def test_it_reads_back_to_the_last_row_known():
    """Pages overlap by one row, and no row is given twice."""
    client = Listing(60)

    ids = read(client, down_to=15, newest_known=15)

    assert ids[:1] + ids[-1:] == [60, 3]
    assert ids == sorted(set(ids), reverse=True)
    assert client.calls == [0, 19, 38]


def test_the_first_time_it_reads_to_the_end():
    """Whatever was ever made may carry a tag of ours."""
    assert read(Listing(50), down_to=0) == list(range(50, 0, -1))


def test_a_history_that_ends_with_a_full_page_is_read_to_its_end():
    """One more page shows that there is no more."""
    assert read(Listing(20), down_to=0) == list(range(20, 0, -1))


def test_a_server_that_gives_fewer_rows_a_page_is_read_to_its_end():
    """It may know a smaller limit than the documented one, or none."""
    assert read(Listing(25, most=10), down_to=0) == list(range(25, 0, -1))


def test_a_server_that_knows_no_start_is_no_read():
    """The same page again and again has no joint."""
    client = Listing(25)
    client.separation_history_page = lambda *, start, limit: Listing(25).separation_history_page(start=0, limit=limit)

    with pytest.raises(ServiceError):
        read(client, down_to=0)


def test_an_empty_history_is_a_complete_read():
    """A new account."""
    assert read(Listing(0), down_to=0) == []


def test_a_history_that_moves_under_the_look_is_read_anew():
    """A row that came between two pages would hide another one behind the joint."""
    client = Listing(60, moves={2: 1})

    ids = read(client, down_to=30, newest_known=30)

    assert ids[0] == 61
    assert client.calls[:3] == [0, 19, 0]
    assert ids == sorted(set(ids), reverse=True)


def test_a_history_that_never_stands_still_is_no_read():
    """Three tries; then it counts as failed, and nothing is concluded from it."""
    with pytest.raises(ServiceError, match="kept moving"):
        read(Listing(60, moves=dict.fromkeys(range(1, 50), 1)), down_to=10, newest_known=10)


def test_a_history_that_was_begun_anew_is_read_to_its_end():
    """Its newest id is older than what was known: nothing in it was ever read."""
    assert read(Listing(30), down_to=500, newest_known=500) == list(range(30, 0, -1))
