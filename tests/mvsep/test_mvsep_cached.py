"""The kept catalogue: asked for once a day, by whoever needs it first, and worth nothing where it is damaged."""

import json
import os
from pathlib import Path

import pytest

from mvsep_watch.errors import ServiceError, TransportError
from mvsep_watch.mvsep.cached import CATALOGUE_STALE_S, FRESH_S, CatalogueCache, KnownCatalogue, cache_folder
from tests.fakes.catalogue import model_row
from tests.fakes.service import FakeService

NOW = 1_800_000_000.0


@pytest.fixture
def service():
    return FakeService(base_url="http://127.0.0.1:8123")


@pytest.fixture
def cache(service, tmp_path):
    return CatalogueCache(tmp_path / "new" / "mvsep-watch", service.base_url)


def kept_file(cache):
    (path,) = cache.folder.iterdir()
    return path


def headers(service):
    return [request.headers.get("If-None-Match") for endpoint, request in service.requests if endpoint == "algorithms"]


def test_a_fresh_catalogue_is_not_asked_for_again(service, cache):
    """By another process neither: it is in a file, and nothing else is left beside it."""
    with service.client() as client:
        first = cache.current(client, now=NOW)
        second = CatalogueCache(cache.folder, service.base_url).current(client, now=NOW + FRESH_S - 1)

    assert second == first
    assert {20, 26, 40} <= set(first.models)
    assert service.count("algorithms") == 1
    assert [path.name for path in cache.folder.iterdir()] == ["catalogue-127.0.0.1.json"]


def test_an_old_catalogue_is_asked_for_by_its_etag_and_kept_for_another_day(service, cache):
    """The two megabytes do not come again while nothing has changed."""
    with service.client() as client:
        first = cache.current(client, now=NOW)
        again = cache.current(client, now=NOW + FRESH_S)
        cache.current(client, now=NOW + 2 * FRESH_S - 1)

    assert headers(service) == [None, first.etag]
    assert (again.models, again.asked_at, again.etag) == (first.models, NOW + FRESH_S, first.etag)


def test_a_catalogue_that_has_changed_takes_the_place_of_the_old(service, cache):
    """With its own ETag."""
    with service.client() as client:
        first = cache.current(client, now=NOW)
        service.catalogue.append(model_row(99, "Newest", orientation=0, coefficient=1))
        second = cache.current(client, now=NOW + FRESH_S)

    assert set(second.models) - set(first.models) == {99}
    assert cache.kept() == second
    assert second.etag != first.etag


@pytest.mark.parametrize("fault", ["http_503", "connect_error"])
def test_where_the_service_cannot_be_asked_the_old_one_is_given(service, cache, fault):
    """With its age, so that nobody takes its prices for current."""
    with service.client() as client:
        first = cache.current(client, now=NOW)
        service.fault("algorithms", fault)
        later = cache.current(client, now=NOW + 10 * FRESH_S)

    assert later == first
    assert not later.has_prices(NOW + 10 * FRESH_S)


def test_where_nothing_is_kept_the_trouble_is_told(service, cache):
    """There is nothing else to give."""
    service.fault("algorithms", "connect_error")

    with service.client() as client, pytest.raises(TransportError):
        cache.current(client, now=NOW)


def test_an_empty_list_is_no_catalogue(service, cache):
    """It would hold everything; what is kept stays."""
    with service.client() as client:
        first = cache.current(client, now=NOW)
        service.catalogue = []
        with pytest.raises(ServiceError):
            cache.asked(client, now=NOW + FRESH_S)

    assert cache.kept() == first


@pytest.mark.parametrize(
    "damage",
    [
        lambda said: "{",
        lambda said: "[]",
        lambda said: json.dumps({**said, "format": 2}),
        lambda said: json.dumps({**said, "base_url": "https://mvsep.com"}),
        lambda said: json.dumps({**said, "asked_at": "soon"}),
        lambda said: json.dumps({**said, "text": "[]"}),
        lambda said: json.dumps({**said, "text": "<html>"}),
        lambda said: json.dumps({**said, "text": "\ud800"}),
        lambda said: json.dumps({name: value for name, value in said.items() if name != "etag"}),
    ],
)
def test_a_damaged_or_foreign_file_is_as_none(service, cache, damage):
    """And the next answer takes its place."""
    with service.client() as client:
        first = cache.current(client, now=NOW)
        path = kept_file(cache)
        path.write_text(damage(json.loads(path.read_text())))

        assert cache.kept() is None
        assert cache.current(client, now=NOW) == first
    assert (headers(service), cache.kept()) == ([None, None], first)


def test_what_is_kept_of_one_service_is_nothing_to_another(service, cache):
    """Two sandboxes on one machine are two services; the later takes the place, so that ports leave no trail."""
    other = FakeService(base_url="http://127.0.0.1:8124")
    others = CatalogueCache(cache.folder, other.base_url)
    with service.client() as client, other.client() as others_client:
        cache.current(client, now=NOW)
        before = others.kept()
        others.current(others_client, now=NOW)

    assert before is None
    assert cache.kept() is None
    assert len(list(cache.folder.iterdir())) == 1


@pytest.mark.parametrize("folder", [None, Path("/dev/null/no-folder")])
def test_without_a_place_the_service_is_asked_and_that_is_all(service, folder):
    """No home, a read-only disk: a cache is never worth an error."""
    cache = CatalogueCache(folder, service.base_url)

    with service.client() as client:
        known = [cache.current(client, now=NOW) for _ in range(2)]

    assert known[0] == known[1]
    assert service.count("algorithms") == 2


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(service, cache):
    """The place is taken by something that is no file."""
    (cache.folder / "catalogue-127.0.0.1.json" / "x").mkdir(parents=True)

    with service.client() as client:
        cache.current(client, now=NOW)

    assert os.listdir(cache.folder) == ["catalogue-127.0.0.1.json"]  # noqa: PTH208 - names are all there is to see


@pytest.mark.parametrize(
    ("age_s", "is_fresh", "has_prices"),
    [
        (0.0, True, True),
        (FRESH_S, False, True),
        (CATALOGUE_STALE_S, False, True),
        (CATALOGUE_STALE_S + 1, False, False),
        (-1.0, False, False),
    ],
)
def test_names_last_longer_than_prices(age_s, is_fresh, has_prices):
    """What comes from the future was written by a clock that has been set back since: it may be of any age."""
    known = KnownCatalogue(models={}, asked_at=NOW - age_s)

    assert (known.is_fresh(NOW), known.has_prices(NOW)) == (is_fresh, has_prices)


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"CACHE_DIRECTORY": "/var/cache/mvsep-watch:/other", "HOME": "/home/me"}, "/var/cache/mvsep-watch"),
        ({"XDG_CACHE_HOME": "/caches", "HOME": "/home/me"}, "/caches/mvsep-watch"),
        ({"XDG_CACHE_HOME": "caches", "HOME": "/home/me"}, "/home/me/.cache/mvsep-watch"),
        ({"HOME": "/home/me"}, "/home/me/.cache/mvsep-watch"),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_caches_lie_where_the_system_has_them(environ, folder):
    """Systemd's folder, else the user's; without a home there is none."""
    assert cache_folder(environ) == (folder and Path(folder))
