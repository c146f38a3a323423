"""What of gates is news: what lasts, once; and what never lasts, once."""

import pytest

from mvsep_watch import bundling
from mvsep_watch.bundling import Told
from mvsep_watch.flapping import BALANCE, GateNews, Gates, Known

NOTHING = GateNews()


class Watched:
    """Gates, and what somebody was told of them: everything, at once."""

    def __init__(self, *, closed=(), flapping=()):
        self.gates, self.told = Gates(), Told(gates=closed, flapping=flapping)

    def at(self, now_s, *closed, is_last=False):
        known = Known(closed=frozenset(self.told.gates), flapping=frozenset(self.told.flapping))
        self.gates.see(closed, known, now_s=now_s)
        news = self.gates.news(known, now_s=now_s, is_last=is_last)
        self.told = bundling.told_after(self.told, news)
        return news

    def flap(self, key, *, begin_s, end_s, every_s=60):
        """Close it for half of the time, and give what was news, with when."""
        found = [(now_s, self.at(now_s, *([key] if now_s % every_s < every_s / 2 else [])))
                 for now_s in range(begin_s, end_s, 10)]  # fmt: skip
        return [(now_s, news) for now_s, news in found if news]


def test_a_gate_is_told_of_when_it_has_been_closed_for_a_minute_and_open_for_one():
    """Each once."""
    watched = Watched()
    closing = [watched.at(now_s, "credits") for now_s in (0, 59, 60, 61)]
    opening = [watched.at(now_s) for now_s in (100, 159, 160, 161)]

    assert closing == [NOTHING, NOTHING, GateNews(closed=("credits",)), NOTHING]
    assert opening == [NOTHING, NOTHING, GateNews(opened=("credits",)), NOTHING]


def test_the_end_of_a_process_waits_for_nothing():
    """Neither for what has just closed nor for what has just opened."""
    assert Watched().at(0, "disk /a", is_last=True) == GateNews(closed=("disk /a",))
    assert Watched(closed=("disk /a",)).at(0, is_last=True) == GateNews(opened=("disk /a",))


@pytest.mark.parametrize("known", [{}, {"closed": ("service",)}], ids=["not told of", "told to be closed"])
def test_a_gate_that_flaps_for_a_while_is_not_told_of(known):
    """Neither the untold one that closes, nor the told one that opens, for less than a minute each."""
    assert Watched(**known).flap("service", begin_s=0, end_s=540) == []


def test_a_gate_that_goes_on_flapping_is_told_of_once():
    """With how often it closed; and once more when it has been open for an hour."""
    watched = Watched()
    flapped = watched.flap("service", begin_s=0, end_s=6 * 3600)
    after = [(now_s, news) for now_s in range(6 * 3600, 9 * 3600, 60) if (news := watched.at(now_s))]

    assert flapped == [(540, GateNews(flapping=(("service", 10),)))]
    assert [news for _, news in after] == [GateNews(steady=("service",))]
    assert after[0][0] >= 7 * 3600 - 60
    assert (watched.told.flapping, watched.gates._stands) == ((), {})


def test_ten_times_a_day_is_no_flapping():
    """They are forgotten after an hour."""
    assert Watched().flap("service", begin_s=0, end_s=86400, every_s=8640 // 4)[0][1].closed == ("service",)
    watched = Watched()
    for hour in range(24):
        watched.at(hour * 3600, "service")

        assert watched.at(hour * 3600 + 30) == NOTHING


def test_of_a_gate_that_flaps_only_what_lasts_is_told():
    """A quarter of an hour, each way."""
    watched = Watched(flapping=("service",))
    closed = [(now_s, news) for now_s in range(0, 1200, 60) if (news := watched.at(now_s, "service"))]
    opened = [(now_s, news) for now_s in range(1200, 2400, 60) if (news := watched.at(now_s))]

    assert closed == [(900, GateNews(closed=("service",)))]
    assert opened == [(2100, GateNews(opened=("service",)))]


def test_a_restart_forgets_no_flapping_that_was_told_of():
    """The hour begins anew."""
    watched = Watched(flapping=("service",), closed=("service",))

    assert watched.at(1000) == NOTHING
    assert watched.at(1000 + 3600) == GateNews(opened=("service",), steady=("service",))
    assert (watched.told.gates, watched.told.flapping) == ((), ())


def test_a_balance_never_flaps():
    """Now this suffices for what waits, now that."""
    assert Watched().flap(BALANCE, begin_s=0, end_s=7200) == []
