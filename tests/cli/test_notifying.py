"""`notify` and `doctor` say before it matters whether a notice would arrive."""

import json

import pytest

FOLDERS = "folders:\n  - {path: drop, sep_type: 40}\n"
CANARY = "c4nary-addr3ss"


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "tell"
    path.write_text(f"#!/bin/sh\ncat > {tmp_path}/told\n")
    path.chmod(0o700)
    return path


def levels(out, title):
    sections = json.loads(out)["sections"]
    return [
        (found["level"], found["what"]) for part in sections if part["title"] == title for found in part["findings"]
    ]


def test_a_notice_is_sent_and_said_to_be(run, write_config, program, tmp_path):
    """By the program itself."""
    code, out, _ = run("notify", "-c", write_config(f"notify: {{command: [{program}]}}\n{FOLDERS}"))

    assert (code, out) == (0, "notify.command: sent\n")
    assert ": a test\n\nNotices arrive here." in (tmp_path / "told").read_text()


def test_what_is_not_taken_is_told_with_what_to_do(run, write_config, program):
    """The exit code says that a person must act; no address is shown."""
    config = write_config(f"notify: {{urls: ['nothing-known://{CANARY}'], command: [{program}]}}\n{FOLDERS}")

    code, out, _ = run("notify", "-c", config)
    as_json = run("notify", "-c", config, "--json")[1]

    assert code == 4
    assert out.splitlines()[0] == "notify.urls[0]: not sent: notify.urls[0] is no address that Apprise understands"
    assert out.splitlines()[-1] == "notify.command: sent"
    assert [(each["to"], each["sent"]) for each in json.loads(as_json)] == [("urls[0]", False), ("command", True)]
    assert CANARY not in out + as_json


def test_without_anybody_to_tell_it_says_how_to_name_one(run, write_config):
    """It is no success that nothing failed."""
    code, _, err = run("notify", "-c", write_config())

    assert code == 4
    assert "names nobody who is to be told" in err
    assert "`notify`" in err


def test_doctor_examines_what_telling_needs(run, write_config, program, nowhere, tmp_path):
    """Without sending anything."""
    (tmp_path / "drop").mkdir()
    sections = (
        f"notify: {{urls: ['json://127.0.0.1:9/{CANARY}', 'nothing-known://{CANARY}'], command: [{program}]}}\n"
        f"ping: {{url: 'https://hc.example/{CANARY}', interval: 90}}\n"
        "metrics: {file: numbers/m.prom, listen: '127.0.0.1:9464'}\n"
    )
    config = write_config(sections + FOLDERS)
    out = run("doctor", "--offline", "-c", config, "--json")[1]

    assert levels(out, "telling") == [
        (
            "ok",
            "notify.urls[0] is an address that Apprise understands; `mvsep-watch notify` tries whether notices arrive",
        ),
        ("problem", "notify.urls[1] is no address that Apprise understands"),
        ("ok", "notify.command is a program that is there; `mvsep-watch notify` tries whether notices arrive"),
        ("ok", "hc.example is told every 90 s while all is well"),
        ("ok", "numbers are served at 127.0.0.1, port 9464, while the daemon runs"),
        ("problem", f"metrics.file: there is no folder {tmp_path}/numbers"),
    ]
    assert not (tmp_path / "told").exists()
    assert CANARY not in out


def test_doctor_looks_where_the_numbers_are_written(run, write_config, nowhere, tmp_path):
    """The folder is there."""
    out = run("doctor", "--offline", "-c", write_config(f"metrics: {{file: m.prom}}\n{FOLDERS}"), "--json")[1]

    assert levels(out, "telling") == [("ok", f"numbers can be written to {tmp_path}/m.prom")]


def test_doctor_says_nothing_of_telling_where_nobody_is_told(run, write_config, nowhere):
    """What is off is no finding."""
    assert levels(run("doctor", "--offline", "-c", write_config(), "--json")[1], "telling") == []
