"""`quality`: the quality checker's queue, leaderboard and entries."""

import json

import pytest

from tests.fakes.service import TOKEN

PASSWORD = "canary-of-a-password"
KEYS = {
    "id", "name", "text", "dataset_type", "dataset", "date", "proc", "message", "metrics", "sdr", "ensemble",
}  # fmt: skip


@pytest.fixture
def stems(nowhere):
    """A ZIP to be measured."""
    path = nowhere / "stems.zip"
    path.write_bytes(b"PK" + bytes(5000))
    return path


@pytest.fixture
def add(run, service, stems, typed, monkeypatch):
    """Add an entry: (exit code, stdout, stderr)."""
    monkeypatch.setenv("MVSEP_API_TOKEN", TOKEN)

    def add(name, *words):
        typed(f"{PASSWORD}\n")
        return run("quality", "add", stems, "--name", name, "--password-stdin", *words)

    return add


def test_an_entry_is_added_and_shown(run, add):
    """With its text, its dataset and what was measured."""
    code, out, err = add("My Model", "--text", "made\nby me", "--dataset-type", 1, "--ensemble")
    _, shown, _ = run("quality", "entry", 7772)

    assert (code, err) == (0, "uploaded stems.zip, 5.0 kB\n")
    assert out.startswith("added: entry 7772; see it with: ")
    assert shown.splitlines()[0] == "7772  My Model"
    assert "dataset  Dataset 1\n" in shown
    assert "ensemble yes\n" in shown
    assert "SDR      vocals 10.10\n" in shown
    assert shown.endswith("\nmade\nby me\n\nMetric sdr for vocals: 10.1\n")


def test_json_has_every_key(run, add):
    """In lists and alone."""
    added = json.loads(add("My Model", "--json")[1])

    entry = json.loads(run("quality", "entry", added["id"], "--json")[1])
    queue = json.loads(run("quality", "queue", "--json")[1])
    board = json.loads(run("quality", "leaderboard", "--json")[1])

    assert (set(added), set(entry), queue) == ({"id", "link"}, KEYS, [entry])
    assert (set(board), board["entries"]) == ({"dataset_type", "sort", "sortables", "entries"}, [entry])
    assert entry["sdr"] == {"vocals": 10.1}


def test_the_leaderboard_says_what_it_can_be_sorted_by(run, add):
    """Only the entries of the dataset and the name that were asked for."""
    for name, dataset in (("Alpha", 0), ("Beta", 0), ("Gamma", 1)):
        add(name, "--dataset-type", dataset)

    _, out, _ = run("quality", "leaderboard", "--filter", "Al", "--sort", "sdr_vocals")

    assert [name for name in ("Alpha", "Beta", "Gamma") if name in out] == ["Alpha"]
    assert out.endswith("sorted by sdr_vocals; --sort takes sdr_vocals, sdr_instrum\n")


def test_the_queue_has_pages(run, add):
    """The newest first."""
    for name in ("Alpha", "Beta", "Gamma"):
        add(name)

    told = json.loads(run("quality", "queue", "--start", 1, "--limit", 1, "--json")[1])

    assert [entry["name"] for entry in told] == ["Beta"]
    assert run("quality", "queue", "--start", 9)[1] == "no entries\n"


def test_an_entry_is_deleted_with_its_password(run, add, typed):
    """And with no other."""
    add("My Model")
    typed(f"wrong\n{PASSWORD}\n")

    refused = run("quality", "delete", 7772, "--password-stdin")
    deleted = run("quality", "delete", 7772, "--password-stdin")

    assert (refused[0], "Wrong password" in refused[2]) == (4, True)
    assert deleted == (0, "entry 7772: successfully deleted\n", "")


def test_an_entry_that_is_not_there_is_told(run, service):
    """Exit code 4."""
    code, out, err = run("quality", "entry", 1)

    assert (code, out, "Job not found" in err) == (4, "", True)


def test_adding_needs_a_token(run, service, stems, typed):
    """Which is said before a password is asked for."""
    typed("", at_terminal=True)

    code, _, err = run("quality", "add", stems, "--name", "x")

    assert (code, err.splitlines()[0]) == (4, "error: there is no token to ask mvsep.com with")


@pytest.mark.parametrize("words", [("add", "none.zip", "--name", "x"), ("leaderboard", "--dataset-type", "13")])
def test_words_that_do_not_fit_are_refused(run, service, words):
    """Before anything is asked."""
    assert (run("quality", *words)[0], service.requests) == (2, [])
