"""The fake itself: what it promises to those who test with it."""

import pytest

from mvsep_watch.errors import (
    MvsepWatchError,
    NotFoundError,
    PremiumRequiredError,
    RequestRefusedError,
    TooManyUnfinishedError,
)
from mvsep_watch.model import QueueSummary
from mvsep_watch.mvsep import Link, Pair, Settings
from tests.fakes.results import result_bytes
from tests.fakes.service import NEVER, FakeService
from tests.fakes.site import news_row

SETTINGS = Settings(sep_type=40)


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


def test_a_link_counts_as_one_separation_and_is_named_after_its_file(service, client):
    """It can fail before it was fetched, and be cancelled by its short hash."""
    first, second, third = (client.create(Link(url=f"https://x.example/{n}.mp3"), SETTINGS).hash for n in "abc")
    failing, cancelled, _ = service.jobs
    service.finish(failing, "failed", "Cannot download")
    client.cancel(second)

    assert [hash_.rpartition("-")[2] for hash_ in service.jobs] == ["a.mp3", "b.mp3", "c.mp3"]
    assert (client.get_remote(first).status, client.get_remote(first).message) == ("failed", "Cannot download")
    assert client.get_remote(second).status == client.get(cancelled).status == "not_found"
    assert (service.made, len(service.unfinished), third in service.links) == (3, 1, True)


def test_every_kind_of_input_needs_its_own_kind_of_model(service, client, source):
    """A prompt is no file, and a file no pair."""
    pair = Pair(target=source, reference=source)
    fitting = {40: [source, Link(url="https://x.example/a.wav")], 104: [None], 68: [pair]}
    for number, fits in fitting.items():
        for wanted in [source, Link(url="https://x.example/a.wav"), None, pair]:
            if wanted in fits:
                client.create(wanted, Settings(sep_type=number))
            else:
                with pytest.raises(RequestRefusedError):
                    client.create(wanted, Settings(sep_type=number))

    assert (service.made, len(service.uploads)) == (4, 12)


def test_the_site_answers_in_the_documented_shapes(service, client, source):
    """Whatever a client asks for, the client reads."""
    service.site.news_rows += [news_row(2), news_row(3, lang="ru")]
    shown = client.create(source, Settings(sep_type=40, is_demo=True)).hash
    client.create(source, SETTINGS)
    service.finish_all()

    assert [item.id for item in client.news()] == [2, 1]
    assert [item.title for item in client.news(lang="ru")] == ["News 3"]
    assert [(demo.hash, demo.sep_type) for demo in client.demos()] == [(shown, 40)]
    assert (client.queue().plan, client.queue().plan_queue) == ("premium", 5)
    assert client.queue_summary() == QueueSummary(ahead=0, estimated_wait_s=0)


def test_accounts_are_opened_entered_and_switched(service, client):
    """With the real words."""
    words = client.register(name="N", email="new@example.com", password="secret")
    with pytest.raises(RequestRefusedError, match="already been taken"):
        client.register(name="N", email="new@example.com", password="secret")
    with pytest.raises(RequestRefusedError, match="password field is required"):
        client.login("new@example.com", "")
    with pytest.raises(RequestRefusedError, match="Invalid credentials"):
        client.login("new@example.com", "wrong")
    token = client.login("new@example.com", "secret").token
    with service.client(token=token) as new:
        said = [new.enable_premium(), new.enable_long_filenames(), new.disable_premium()]
        account = new.user()

    assert words == "Account verification email sent to new@example.com"
    assert said == ["successfully enabled", "successfully enabled", "successfully disabled"]
    assert (account.name, account.premium_enabled, account.long_filenames_enabled) == ("N", False, True)
    assert client.disable_long_filenames() == "successfully disabled"


def test_the_quality_checker_keeps_entries(service, client, source):
    """Until somebody deletes one who knows its password."""
    added = [client.quality_add(source, algo_name=f"M{n}", password="pw", is_ensemble=n == 2).id for n in range(3)]
    with pytest.raises(RequestRefusedError, match="password"):
        client.quality_delete(added[0], password="wrong")
    words = client.quality_delete(added[0], password="pw")

    assert words == "successfully deleted"
    assert [entry.id for entry in client.quality_queue()] == added[:0:-1]
    assert client.quality_entry(added[2]).is_ensemble
    assert client.quality_entry(added[2]).sdr == {"vocals": 10.1}
    assert [entry.id for entry in client.quality_leaderboard(name_filter="M1").entries] == [added[1]]
    with pytest.raises(NotFoundError):
        client.quality_entry(added[0])
