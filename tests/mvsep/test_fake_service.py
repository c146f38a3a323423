"""The fake itself: what it promises to those who test with it."""

import pytest

from mvsep_watch.errors import MvsepWatchError, PremiumRequiredError, TooManyUnfinishedError
from mvsep_watch.model import Settings
from tests.fakes.results import result_bytes
from tests.fakes.service import NEVER, FakeService


def made(service, source, **settings):
    with service.client() as client:
        return client.create(source, Settings(sep_type=settings.pop("sep_type", 40), **settings)).hash


def listed(service):
    with service.client() as client:
        return [row.hash for row in client.separation_history_page()]


def test_it_charges_by_the_formula_and_gives_back_on_failure(source):
    """70 s, coefficient 1, overlap doubles: 2 credits."""
    service = FakeService(credits=10)

    hash_ = made(service, source, options=(("add_opt2", "8"),))
    charged = service.account.credits
    service.finish(hash_, "failed", "Job failed")

    assert (charged, service.account.credits) == (8, 10)


def test_without_premium_it_takes_one_at_a_time_and_charges_nothing(source):
    """And says no in the real words."""
    service = FakeService(premium=False)
    first = made(service, source)
    with pytest.raises(TooManyUnfinishedError):
        made(service, source)
    with pytest.raises(PremiumRequiredError):
        made(service, source, sep_type=26)
    service.finish(first)
    made(service, source)

    assert (service.made, len(service.uploads), service.account.credits) == (2, 4, 100)


def test_its_history_can_lag_by_reads_by_time_or_for_good(source):
    """Newest first otherwise."""
    now = [1000.0]
    by_reads, by_time = FakeService(history_lag_reads=2), FakeService(history_lag_s=30, clock=lambda: now[0])
    never, finished = FakeService(history_lag_s=NEVER), FakeService(history_only_finished=True)
    hashes = {service: made(service, source) for service in (by_reads, by_time, never, finished)}

    assert [listed(by_reads) for _ in range(3)] == [[], [], [hashes[by_reads]]]
    assert listed(by_time) == listed(never) == listed(finished) == []
    now[0] += 31
    finished.finish_all()
    assert listed(by_time) == [hashes[by_time]]
    assert listed(finished) == [hashes[finished]]


def test_a_separation_can_finish_by_itself_and_its_results_differ(source):
    """At its so-maniest look, with an empty one first if wanted."""
    service = FakeService(auto_finish_after=2, empty_done_polls=1)
    hash_ = made(service, source, output_format=1)
    with service.client() as client:
        polls = [client.get(hash_) for _ in range(3)]
        contents = set()
        for file in polls[-1].files:
            with client.download(file.url) as download:
                contents.add(b"".join(download.chunks))

    assert [(poll.status, poll.is_done) for poll in polls] == [("waiting", False), ("done", False), ("done", True)]
    assert len(contents) == 2


def test_faults_are_used_up_in_order(source):
    """By name or as a function; a job may be made although nobody hears of it."""
    service = FakeService()
    service.fault("create", "drop_before_made", "drop_after_made", lambda request, service: None)
    for _ in range(2):
        with pytest.raises(MvsepWatchError):
            made(service, source)
    made(service, source)

    assert (len(service.uploads), service.made) == (3, 2)
    with pytest.raises(ValueError, match="nonsense"):
        service.fault("create", "nonsense")


@pytest.mark.parametrize(("extension", "start"), [("wav", b"RIFF"), ("flac", b"fLaC"), ("mp3", b"\xff\xfb")])
def test_results_carry_the_header_of_their_format(extension, start):
    """So that a look at the container passes."""
    assert result_bytes(extension, duration_s=1, fill=3).startswith(start)
