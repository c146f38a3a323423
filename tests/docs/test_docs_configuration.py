"""What the documents show of the configuration is what the program takes."""

from __future__ import annotations

import re

import pytest

from mvsep_watch import config
from mvsep_watch.config.models import SECTIONS
from mvsep_watch.data import algorithms_json
from mvsep_watch.mvsep import read_catalogue

KEYS = sorted({key for section in SECTIONS.values() for key in section.model_fields})
TOKEN = "a-token-of-nobody"


@pytest.fixture
def environ(tmp_path):
    """A home folder, and the token in each way that the documents speak of; an address."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "mvsep-token").write_text(f"{TOKEN}\n")
    return {
        "HOME": str(tmp_path),
        "MVSEP_API_TOKEN": TOKEN,
        "CREDENTIALS_DIRECTORY": str(credentials),
        "MY_PING_URL": "https://watching.example/abc",
    }


def problems_of(path, environ):
    """What `check` would say; a configuration that does not load raises."""
    loaded = config.load(path, environ=environ)
    return config.check_models(loaded, read_catalogue(algorithms_json()))


def test_the_example_is_without_a_problem(repo, environ):
    """It loads as it is, and every model, option and stem in it exists."""
    assert problems_of(repo / "config.example.yaml", environ) == ()


@pytest.mark.parametrize("key", KEYS)
def test_the_example_mentions_every_key(repo, key):
    """A key that it does not mention would not be found by anybody."""
    example = (repo / "config.example.yaml").read_text(encoding="utf-8")

    assert re.search(rf"^[ #-]*{key}:", example, re.MULTILINE)


def test_every_configuration_in_the_manual_is_without_a_problem(manual, environ, tmp_path):
    """Each can be copied as it stands."""
    path = tmp_path / "mvsep-watch.yaml"
    for block in [block for page in manual.values() for block in page.blocks("yaml")]:
        path.write_text(block, encoding="utf-8")

        assert problems_of(path, environ) == (), block


def test_the_first_configuration_has_twelve_lines(readme):
    """As the line above it says."""
    assert len(readme.blocks("yaml")[0].splitlines()) == 12


def test_the_reference_has_every_key(manual):
    """In a row of its own, with what it is for; a section is told by its keys."""
    told = re.findall(r"^\| `(?:[\w\[\]]+\.)*(\w+)` \|.*\| \S.* \|$", manual["configuration.md"].text, re.MULTILINE)

    assert set(KEYS) - set(told) <= SECTIONS.keys()
