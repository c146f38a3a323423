"""`demo`: what it writes, and what it leaves alone."""

import pytest

from mvsep_watch import config as configuration
from mvsep_watch.cli.demo import _tree
from mvsep_watch.cli.stage import HEADER, Places, put_aside_interrupted, write_config, written
from mvsep_watch.errors import UsageError
from mvsep_watch.model import FORMATS
from mvsep_watch.store import Store


class Server:
    """As much of a sandbox as the configuration needs."""

    def __init__(self, port=4242, token="abcdefghijklmnopqrstuvwxyz0123"):
        self.base_url = f"http://127.0.0.1:{port}"
        self.token = token


@pytest.fixture
def places(tmp_path):
    places = Places(tmp_path)
    write_config(places.config, Server())
    return places


def load(places):
    return configuration.load(places.config, environ={})


def test_the_configuration_is_a_real_one(places, tmp_path):
    """It loads, watches `drop`, and publishes to `stems`."""
    config = load(places)

    folder = config.folders[0]
    assert (folder.path, folder.output) == (tmp_path / "drop", tmp_path / "stems")
    assert (folder.rules[0].sep_type, FORMATS[folder.rules[0].output_format].name) == (63, "flac")
    assert (config.service.base_url, config.service.token) == (Server().base_url, Server().token)


def test_nobody_else_may_read_the_token(places):
    """Though it is only a sandbox's: `run` refuses a configuration that everybody reads."""
    assert places.config.stat().st_mode & 0o777 == 0o600


def test_a_second_demo_keeps_what_was_changed(places):
    """Only the base URL follows the sandbox."""
    changed = places.config.read_text().replace("settle: 1s", "settle: 3s")
    places.config.write_text(changed)

    write_config(places.config, Server(port=5353))

    assert places.config.read_text() == changed.replace(":4242", ":5353")


def test_a_second_demo_uses_token_and_port_again(places):
    """So that commands with this configuration still fit."""
    assert written(places.config) == (Server().token, 4242)


def test_a_configuration_of_somebody_else_is_left_alone(tmp_path):
    """The demo writes into its own folder only."""
    path = tmp_path / "mvsep-watch.yaml"
    path.write_text("folders: []\n")

    with pytest.raises(UsageError, match="no demo wrote it"):
        written(path)


def test_a_demo_that_was_turned_to_the_service_is_left_alone(places):
    """A person works with it by now."""
    text = places.config.read_text().replace(Server().base_url, "https://mvsep.com")
    places.config.write_text(text)

    with pytest.raises(UsageError, match=r"is for https://mvsep\.com now"):
        written(places.config)


def test_a_finished_state_is_kept(places):
    """Else the second demo would not find everything done."""
    config = load(places)
    Store(config.state).close()

    put_aside_interrupted(config, places)

    assert config.state.exists()


def test_what_an_interrupted_demo_left_is_put_aside(places, world):
    """Its sandbox is gone, and with it all results."""
    config = load(places)
    places.stems.mkdir()
    store = Store(config.state)
    store.db.run("INSERT INTO job_counts VALUES ('separated', 1)")
    store.close()

    put_aside_interrupted(config, places)

    aside = places.folder / "interrupted-1"
    assert sorted(path.name for path in aside.iterdir()) == ["mvsep-watch.state.sqlite3", "stems"]
    assert not config.state.exists()


def test_the_tree_shows_results_and_no_machinery(tmp_path):
    """Sizes beside names; the claim and stagings are nobody's business."""
    (tmp_path / "Song").mkdir()
    (tmp_path / "Song" / "Vocals.flac").write_bytes(b"x" * 1500)
    (tmp_path / ".mvsep-watch-claim.json").write_text("{}")

    tree = _tree(tmp_path)

    (song,) = tree.children
    assert (str(song.label), [str(leaf.label) for leaf in song.children]) == ("Song", ["Vocals.flac  1.5 kB"])


def test_the_header_marks_the_file(places):
    """It is how the next demo knows its own."""
    assert places.config.read_text().startswith(HEADER)


@pytest.mark.parametrize("command", ["demo", "sandbox"])
def test_without_the_extra_it_says_what_to_install(run, monkeypatch, command):
    """The daemon installs small; the sandbox is an extra."""
    monkeypatch.setattr("mvsep_watch.sandbox.EXTRA_MODULES", ("no_such_module",))

    code, _, err = run(command)

    assert (code, err.splitlines()[-1]) == (2, "hint: pip install 'mvsep-watch[sandbox]'")


@pytest.mark.parametrize("words", [["--plan", "gold"], ["--speed", "0"], ["--port", "99999"], ["--credits", "-1"]])
def test_a_sandbox_that_cannot_be_is_a_matter_of_usage(run, words):
    """Said before anything is started."""
    assert run("sandbox", *words)[0] == 2
