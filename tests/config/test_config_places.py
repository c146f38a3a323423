from pathlib import Path

import pytest

from mvsep_watch.config import find, state_path
from mvsep_watch.errors import ConfigError


@pytest.fixture
def home(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "home/.config/mvsep-watch").mkdir(parents=True)
    return tmp_path


def placed(path):
    path.touch()
    return path


def test_the_places_are_tried_in_turn(home):
    """The command line, the variable, the working folder, the user's own."""
    environ = {"HOME": str(home / "home")}
    cwd = home / "work"
    own = placed(home / "home/.config/mvsep-watch/config.yaml")

    assert find(None, environ=environ, cwd=cwd) == own
    here = placed(cwd / "mvsep-watch.yaml")
    assert find(None, environ=environ, cwd=cwd) == here
    by_variable = placed(home / "v.yaml")
    environ["MVSEP_WATCH_CONFIG"] = str(by_variable)
    assert find(None, environ=environ, cwd=cwd) == by_variable
    named = placed(cwd / "n.yaml")
    assert find(Path("n.yaml"), environ=environ, cwd=cwd) == named


def test_xdg_config_home_moves_the_users_own(home):
    """As the XDG base directory specification has it; a relative one does not count."""
    (home / "x/mvsep-watch").mkdir(parents=True)
    own = placed(home / "x/mvsep-watch/config.yaml")

    found = find(None, environ={"XDG_CONFIG_HOME": str(home / "x"), "HOME": "/h"}, cwd=home / "work")

    assert found == own


@pytest.mark.parametrize(
    ("explicit", "environ", "looked_at"),
    [
        (Path("a.yaml"), {}, "{cwd}/a.yaml"),
        (None, {"MVSEP_WATCH_CONFIG": "/no/b.yaml"}, "/no/b.yaml"),
        (
            None,
            {"HOME": "/h", "XDG_CONFIG_HOME": "rel"},
            "{cwd}/mvsep-watch.yaml, /h/.config/mvsep-watch/config.yaml, /etc/mvsep-watch/config.yaml",
        ),
        (None, {}, "{cwd}/mvsep-watch.yaml, /etc/mvsep-watch/config.yaml"),
    ],
)
def test_where_there_is_none_every_place_is_named(home, explicit, environ, looked_at):
    """A place that was named is not replaced by another."""
    cwd = home / "work"

    with pytest.raises(ConfigError) as raised:
        find(explicit, environ=environ, cwd=cwd)

    assert raised.value.message.endswith(f"looked at: {looked_at.format(cwd=cwd)}")


@pytest.mark.parametrize(
    ("config", "state"),
    [
        ("/srv/mvsep-watch.yaml", "/srv/mvsep-watch.state.sqlite3"),
        ("/srv/a.b.yml", "/srv/a.b.state.sqlite3"),
        ("/etc/mvsep-watch/config.yaml", "/var/lib/mvsep-watch/config.state.sqlite3"),
        ("/etc/mvsep-watch/nas.yaml", "/var/lib/mvsep-watch/nas.state.sqlite3"),
        ("/etc/other/config.yaml", "/etc/other/config.state.sqlite3"),
    ],
)
def test_the_state_file_follows_from_the_configurations_path_alone(config, state):
    """Whoever runs the command meets the same memory."""
    assert state_path(Path(config)) == Path(state)


def test_two_ways_to_one_folder_lead_to_one_state_file(tmp_path):
    """A linked folder is the same folder; a linked file counts where the link is."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "elsewhere.yaml").touch()
    (tmp_path / "real/c.yaml").symlink_to("../elsewhere.yaml")

    assert state_path(tmp_path / "link/c.yaml") == tmp_path / "real/c.state.sqlite3"
