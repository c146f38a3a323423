"""What became of requests is counted."""

import pytest

from mvsep_watch.errors import TransportError
from mvsep_watch.mvsep.tally import OUTCOMES, Tally


def test_every_answer_and_every_silence_is_counted_once():
    """By what it means."""
    tally = Tally()
    for status in (200, 302, 400, 401, 429, 500, 503):
        with tally.noting_silence():
            tally.answered(status)
    with pytest.raises(TransportError), tally.noting_silence():
        raise TransportError("no connection")

    assert tally.counts == {"answered": 2, "refused": 2, "limited": 1, "failed": 2, "silent": 1}
    assert tuple(tally.counts) == OUTCOMES
