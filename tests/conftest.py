"""What every test can rely on."""

import pytest
import structlog

from mvsep_watch.config import places


@pytest.fixture(autouse=True)
def a_log_that_nobody_configured():
    """What a command does to the log of its process is over with it."""
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def no_caches_of_the_machine(monkeypatch, tmp_path_factory):
    """What a test keeps is another's surprise, and the machine's own caches are nobody's business."""
    monkeypatch.delenv("CACHE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("caches")))


@pytest.fixture(autouse=True)
def no_configuration_of_the_machine(monkeypatch):
    """A machine that runs mvsep-watch for itself, with a configuration in /etc, passes the tests all the same."""
    may_be_there = places._may_be_there
    monkeypatch.setattr(
        places, "_may_be_there", lambda path: places.SYSTEM_FOLDER not in path.parents and may_be_there(path)
    )
