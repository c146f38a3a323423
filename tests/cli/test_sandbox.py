"""`sandbox`: what it says before it serves."""

import json

from mvsep_watch.sandbox import all_quirks


def test_the_quirks_are_listed(run):
    """A line each, and nothing is served."""
    code, out, _ = run("sandbox", "--quirk", "list")
    _, told, _ = run("sandbox", "--json", "--quirk", "list")

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(all_quirks())
    assert json.loads(told) == all_quirks()


def test_an_unknown_quirk_is_a_usage_error_that_names_the_nearest(run):
    """Before anything is served."""
    code, _, err = run("sandbox", "--quirk", "lost_creat")

    assert code == 2
    assert "did you mean lost_create?" in err
