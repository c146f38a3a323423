import sys
from pathlib import Path

import pytest

from mvsep_watch.config import as_yaml, in_force, load
from mvsep_watch.model import Destination, Metrics, Notify, Ping, Subject

CANARY = "c4nary-addr3ss"
FOLDERS = "folders: [{path: /music/drop, sep_type: 40}]\n"
ENVIRON = {"MVSEP_API_TOKEN": "t0ken", "HOME": "/home/u", "WHO": CANARY, "URL": f"ntfys://{CANARY}.example/x"}
PLAIN = f"ntfys://{CANARY}.example/x"


def loaded(config, text, **kwargs):
    return config.load(f"{config.mvsep}{text}\n{FOLDERS}", **{"environ": ENVIRON, **kwargs})


def problem(config, text, **kwargs):
    return config.problem(f"{config.mvsep}{text}\n{FOLDERS}", **{"environ": ENVIRON, **kwargs})


@pytest.mark.parametrize("text", ["", "notify: {}\nping: {}\nmetrics: {}", "notify:\nping:\nmetrics:"])
def test_nobody_is_told_unless_somebody_is_named(config, text):
    """All of it is off by default."""
    found = loaded(config, text)

    assert (found.notify, found.ping, found.metrics) == (None, None, None)


def test_every_key_of_a_notice_arrives(config):
    """Addresses first, then the program; the time is a minute."""
    found = loaded(
        config,
        "notify: {urls: ['ntfys://${WHO}/t', '${URL}'], command: [~/tell, '${WHO}'], about: [held, summary],"
        ' summary: "21:05"}',
    ).notify

    assert found == Notify(
        destinations=(
            Destination(name="urls[0]", url=f"ntfys://{CANARY}/t"),
            Destination(name="urls[1]", url=ENVIRON["URL"]),
            Destination(name="command", command=("/home/u/tell", CANARY)),
        ),
        about=frozenset({Subject.HELD, Subject.SUMMARY}),
        summary_minute=21 * 60 + 5,
    )


def test_a_ping_is_one_address_with_others_below_or_one_for_each(config):
    """What comes after a question mark stays behind the path."""
    one = loaded(config, "ping: {url: 'https://hc.example/u/?k=v', interval: 90}\nschedule: {rescan: 60}").ping
    each = loaded(config, "ping: {success: https://up.example/s, fail: http://127.0.0.1:1/f}").ping

    assert one == Ping(
        success="https://hc.example/u/?k=v",
        start="https://hc.example/u/start?k=v",
        fail="https://hc.example/u/fail?k=v",
        interval_s=90,
    )
    assert each == Ping(success="https://up.example/s", fail="http://127.0.0.1:1/f", interval_s=300.0)


def test_numbers_go_to_a_file_or_are_served(config):
    """Paths start at the file's folder; an IPv6 address has its brackets off."""
    found = loaded(config, "metrics: {file: m.prom, listen: '[::1]:9464'}").metrics

    assert found == Metrics(file=config.path.parent / "m.prom", listen=("::1", 9464))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("notify: {urls: [nonsense]}", "notify.urls[0]: it is no address; allowed: what Apprise understands"),
        ("notify: {urls: ['x://${NOBODY}']}", "notify.urls[0]: the environment variable NOBODY is not set"),
        ("notify: {command: mail}", 'found "mail"; allowed: a list of words'),
        ("notify: {command: [bin/tell]}", "the program is named by its whole path"),
        ("notify: {about: [hold]}", 'held, failed, gate, published, or summary; did you mean "held"?'),
        ('notify: {summary: "8:00"}', 'found "8:00"; allowed: a time of the day such as "08:00", in quotes'),
        ("ping: {url: http://hc.example/u}", "ping.url: plain http is for this machine only"),
        ("ping: {url: hc.example/u}", "ping.url: it is no address; allowed: https://HOST/..."),
        ("ping: {url: 'https://hc.example:x/'}", "ping.url: it is no address"),
        ("ping: {url: 'https://a.b/', fail: 'https://a.b/f'}", "ping.fail: both url and addresses of their own"),
        ("ping: {fail: 'https://a.b/f'}", "ping.fail: without success it would never say that all is well"),
        ("ping: {interval: 0}", "ping.interval: found 0; allowed: more than 0"),
        ("metrics: {listen: ':9464'}", 'found ":9464"; allowed: a host and a port such as 127.0.0.1:9464'),
        ("metrics: {listen: 127.0.0.1:99999}", "allowed: a host and a port"),
        ("metrics: {file: m.txt}", "metrics.file: node_exporter reads no m.txt; end its name in .prom"),
        ("notify: {command: [mail, true]}", "notify.command: found true in the list; allowed: a list of words"),
        ("metrics: {file: '$x'}", "metrics.file: the path cannot be used: found a dollar by itself"),
    ],
)  # fmt: skip
def test_what_could_not_work_is_a_problem(config, text, said):
    """With the place and what is allowed."""
    assert said in problem(config, text)


@pytest.mark.parametrize(
    "text",
    [f"notify: {{urls: ['{PLAIN}']}}", f"ping: {{url: 'https://hc.example/{CANARY}'}}"],
    ids=["notify", "ping"],
)
def test_an_address_in_plain_words_needs_a_private_file(config, text):
    """Whoever knows it can speak as this machine."""
    said = problem(config, text, mode=0o644)

    assert "everybody can read the address in" in said
    assert CANARY not in said
    assert loaded(config, text, mode=0o600)


@pytest.mark.parametrize(
    "text",
    [
        f"notify: {PLAIN}",
        f"notify: {{urls: ['{PLAIN}'], about: ['{PLAIN}']}}",
        f"ping: https://hc.example/{CANARY}",
        f"ping: {{url: 'https://hc.example/u', interval: 'https://hc.example/{CANARY}'}}",
    ],
)
def test_an_address_in_the_wrong_place_is_not_shown(config, text):
    """What is wrong with a file goes to the log of a running daemon, and lies in its state."""
    said = problem(config, text)

    assert "found a value; allowed: " in said
    assert CANARY not in said


def test_addresses_need_their_library(config, monkeypatch):
    """The problem holds the command that installs it; a program needs none."""
    monkeypatch.setitem(sys.modules, "apprise", None)

    said = problem(config, "notify: {urls: ['${URL}'], command: [mail]}")

    assert "pip install 'mvsep-watch[notify]'" in said


def test_a_command_that_only_looks_needs_no_address(config):
    """Whoever looks is not always who runs it."""
    path = config.write(f"notify: {{urls: ['${{NOBODY}}']}}\n{FOLDERS}")

    assert load(path, environ={}, needs_token=False).folders


def test_no_address_is_shown(config):
    """In no repr, and among nothing that `config show` prints; a variable stands in its place."""
    text = (
        f"notify: {{urls: ['${{URL}}', '{PLAIN}', 'x://${{WHO}}'], command: [/bin/mail]}}\n"
        f"ping: {{success: 'https://hc.example/{CANARY}'}}\nmetrics: {{file: m.prom}}"
    )
    found = loaded(config, text)
    shown = in_force(config.path, environ=ENVIRON)
    values = {value.keys: value for value in shown}

    assert CANARY not in repr(found) + as_yaml(shown)
    assert values["notify", "urls"].value == ["${URL}", "${MVSEP_WATCH_ADDRESS_2}", "${MVSEP_WATCH_ADDRESS_3}"]
    assert values["ping", "success"].value == "${MVSEP_WATCH_ADDRESS}"
    assert values["metrics", "file"].value == str(Path(config.path.parent) / "m.prom")
    assert found.secrets[1:] == (ENVIRON["URL"], PLAIN, f"x://{CANARY}", f"https://hc.example/{CANARY}")
