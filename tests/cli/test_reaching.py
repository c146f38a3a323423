"""Which service a command asks, and with whose token."""

import pytest

from mvsep_watch import log
from mvsep_watch.cli.context import Options
from mvsep_watch.cli.reaching import reach
from mvsep_watch.errors import ConfigError
from tests.cli.conftest import TOKEN

OTHER_TOKEN = "TheOtherCanaryTokenOfTheShell1"


def test_without_a_configuration_the_environment_says_it(nowhere, monkeypatch):
    """A token is all that is needed."""
    monkeypatch.setenv("MVSEP_API_TOKEN", OTHER_TOKEN)

    service = reach(Options()).service

    assert (service.token, service.base_url) == (OTHER_TOKEN, "https://mvsep.com")


def test_a_sandbox_is_as_near(nowhere, monkeypatch):
    """One more variable, or an option."""
    monkeypatch.setenv("MVSEP_API_TOKEN", "try-it")
    monkeypatch.setenv("MVSEP_BASE_URL", "http://127.0.0.1:8642")

    assert reach(Options()).service.base_url == "http://127.0.0.1:8642"
    assert reach(Options(base_url="http://127.0.0.1:1/")).service.base_url == "http://127.0.0.1:1"


def test_a_configuration_says_it_all(nowhere, write_config, monkeypatch):
    """What the daemon would ask, whatever the environment says; its time-out too."""
    monkeypatch.setenv("MVSEP_API_TOKEN", OTHER_TOKEN)
    monkeypatch.setenv("MVSEP_BASE_URL", "https://de.mvsep.com")

    service = reach(Options(config=write_config())).service

    assert (service.token, service.base_url, service.timeout_s) == (TOKEN, "http://127.0.0.1:9", 5)


def test_a_token_goes_along_to_a_mirror(nowhere, write_config):
    """It is the same service."""
    options = Options(config=write_config(base_url="https://mvsep.com"), base_url="https://de.mvsep.com")

    assert reach(options).service.token == TOKEN


def test_a_configurations_token_goes_to_no_other_realm(nowhere, write_config, monkeypatch):
    """Only one that was given for the moment does."""
    options = Options(config=write_config(base_url="https://mvsep.com"), base_url="https://example.com")

    assert reach(options, needs_token=False).service.token == ""
    monkeypatch.setenv("MVSEP_API_TOKEN", OTHER_TOKEN)
    assert reach(options).service.token == OTHER_TOKEN


def test_no_token_is_told_with_what_to_do(run, nowhere):
    """Exit code 4."""
    code, out, err = run("account")

    assert (code, out) == (4, "")
    assert err == (
        "error: there is no token to ask mvsep.com with\n"
        "hint: set MVSEP_API_TOKEN, or name a configuration with -c; `mvsep-watch account login` gets one\n"
    )


def test_a_configuration_that_was_named_must_be_there(nowhere, tmp_path, monkeypatch):
    """By the option or by the variable."""
    with pytest.raises(ConfigError):
        reach(Options(config=tmp_path / "none.yaml"))

    monkeypatch.setenv("MVSEP_WATCH_CONFIG", str(tmp_path / "none.yaml"))
    with pytest.raises(ConfigError):
        reach(Options())


@pytest.mark.parametrize("base_url", ["mvsep.com", "http://mvsep.com", "https://user@mvsep.com", "http://["])
def test_a_base_url_that_cannot_be_used_is_refused(run, nowhere, base_url, monkeypatch):
    """Before anything is sent, wherever it stands; plain http would show the token to everybody."""
    by_option = run("site", "queue", "--base-url", base_url)
    monkeypatch.setenv("MVSEP_BASE_URL", base_url)
    by_variable = run("site", "queue")

    assert by_option == by_variable
    assert (by_option[0], by_option[2].startswith("error: the base URL")) == (4, True)


def test_from_then_on_no_log_shows_the_token(nowhere, monkeypatch):
    """Nor any message."""
    monkeypatch.setenv("MVSEP_API_TOKEN", OTHER_TOKEN)

    reach(Options())

    assert OTHER_TOKEN not in log.redact(f"a message with {OTHER_TOKEN}")


@pytest.mark.parametrize(
    "words", [("account", "history"), ("site", "queue"), ("get", "20260101120000-0123456789-a.wav")]
)
def test_a_service_that_is_not_there_is_an_error_with_a_hint(run, nowhere, words, monkeypatch):
    """And no traceback."""
    monkeypatch.setenv("MVSEP_API_TOKEN", OTHER_TOKEN)

    code, out, err = run(*words, "--base-url", "http://127.0.0.1:9")

    assert (code, out) == (4, "")
    assert err.startswith("error: 127.0.0.1:9")
    assert err.endswith("hint: nothing serves there; if it is to be a sandbox: mvsep-watch sandbox --port 9\n")
    assert OTHER_TOKEN not in err
