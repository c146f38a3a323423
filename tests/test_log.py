"""The log: one line an event, and no secret in any of them."""

import io
import json
import logging
import os
import re
import sys
import threading

import pytest
import structlog

from mvsep_watch import log

CANARY = "canary-0123456789-abcdef"


@pytest.fixture(autouse=True)
def _process_as_before(monkeypatch):
    """Each test has its own secrets, and leaves no handler and no configuration."""
    monkeypatch.setattr(log, "_secrets", log._Secrets())
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in log.QUIET_LIBRARIES}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def stream():
    return io.StringIO()


def fail(message):
    raise ValueError(message)


def log_line(stream, **configuration):
    """Configure, and give what writes one event and returns what came of it."""
    log.configure(stream=stream, **configuration)
    return log.get_logger()


def test_a_person_reads_time_level_event_and_keys(stream):
    """In this order, texts quoted only where they need it."""
    log_line(stream).info("job_published", job=12, stems=("a", "b"), source="/a b.wav", note="", hash=None)

    date, time, rest = stream.getvalue().split(" ", 2)
    assert rest == 'info     job_published job=12 stems=["a", "b"] source="/a b.wav" note="" hash=null\n'
    assert (len(date), len(time)) == (10, 8)


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_shows_levels_and_events_in_colour(stream, monkeypatch, environ, coloured):
    """Unless it cannot, or somebody would rather not."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.setenv(name, environ.get(name, ""))
    stream.isatty = lambda: True

    log_line(stream).warning("job_held", job=12)

    rest = stream.getvalue().split(" ", 2)[2]
    assert ("\x1b[33mwarning" in rest, "\x1b[1mjob_held" in rest) == (coloured, coloured)
    assert re.sub(r"\x1b\[\d*m", "", rest) == "warning  job_held job=12\n"


def test_the_journal_gets_a_priority_and_no_time(stream):
    """It has a clock of its own."""
    logger = log_line(stream, journal=True, level="debug")

    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, level)("event_happened", n=1)

    assert stream.getvalue().splitlines() == [f"<{n}>event_happened n=1" for n in (7, 6, 4, 3, 2)]


def test_json_is_one_object_a_line(stream):
    """With the same keys, and a time in UTC."""
    log_line(stream, json=True).warning("job_held", job=12, reason="line\nbreak\u2028")

    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "job_held", "level": "warning", "job": 12, "reason": "line\nbreak\u2028"}


def test_json_in_the_journal_has_a_priority_and_no_time(stream):
    """Both were asked for."""
    log_line(stream, json=True, journal=True).info("job_held")

    assert stream.getvalue() == '<6>{"event": "job_held", "level": "info"}\n'


def test_a_level_below_the_asked_one_is_not_written(stream):
    """The usual meaning."""
    logger = log_line(stream, level="warning")

    logger.info("file_seen")
    logger.warning("job_held")

    assert "file_seen" not in stream.getvalue()
    assert "job_held" in stream.getvalue()


@pytest.mark.parametrize("configuration", [{}, {"journal": True}, {"json": True}])
def test_a_name_of_any_bytes_is_one_line_of_valid_text(stream, configuration):
    """Newlines, tabs, undecodable bytes, marks that turn the direction."""
    log_line(stream, **configuration).info("file_seen", path="/a\nb\r\tc\udce9\u202e\x1b[31m.wav")

    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()
    assert line.encode()


def test_a_bug_has_its_traceback(stream):
    """Each of its lines with a priority in the journal."""
    logger = log_line(stream, journal=True)
    try:
        fail("of ours")
    except ValueError:
        logger.exception("step_failed", job=1)

    lines = stream.getvalue().splitlines()
    assert lines[0] == "<3>step_failed job=1"
    assert lines[1] == "<3>Traceback (most recent call last):"
    assert lines[-1] == "<3>ValueError: of ours"


def as_value(logger):
    logger.info("event", url=f"https://x/?api_token={CANARY}")


def as_key_of_a_mapping(logger):
    logger.info("event", form={CANARY: [1, {"deep": (CANARY,)}]})


def as_event(logger):
    logger.info(CANARY)


def as_object(logger):
    logger.info("event", error=ValueError(CANARY))


def as_traceback(logger):
    try:
        fail(CANARY)
    except ValueError:
        logger.exception("event")


def as_a_librarys_record(_logger):
    logging.getLogger("httpx").warning("GET https://x/?api_token=%s", CANARY)


def as_a_librarys_traceback(_logger):
    try:
        fail(CANARY)
    except ValueError:
        logging.getLogger("apscheduler.executors").exception("Job raised")


@pytest.mark.parametrize("configuration", [{}, {"journal": True}, {"json": True}])
@pytest.mark.parametrize(
    "write",
    [as_value, as_key_of_a_mapping, as_event, as_object, as_traceback, as_a_librarys_record, as_a_librarys_traceback],
)
def test_a_hidden_secret_is_never_written(stream, write, configuration):
    """Wherever it comes from."""
    log.hide(CANARY)

    write(log_line(stream, level="debug", **configuration))

    assert CANARY not in stream.getvalue()
    assert log.REDACTED in stream.getvalue()


@pytest.mark.parametrize("secret", ["to ken/with+odd&chars", 'quo"ted\\secret', "zwölf\nnachts"])
@pytest.mark.parametrize(
    "spell", [str, repr, json.dumps, lambda text: str(__import__("httpx").QueryParams({"t": text}))]
)
def test_a_secret_is_known_in_every_spelling(secret, spell):
    """In a URL, in a repr, in JSON."""
    log.hide(secret)

    redacted = log.redact(f"before {spell(secret)} after")

    assert log.REDACTED in redacted
    assert "secret" not in redacted
    assert not {"token", "odd", "nachts"} & set(redacted.replace("+", " ").replace("%", " ").split())


def test_a_short_secret_leaves_longer_words_alone():
    """A token of a sandbox may be called "a"."""
    log.hide("a")

    assert log.redact("a cat has a token=a") == "[hidden] cat has [hidden] token=[hidden]"


def test_nothing_is_hidden_by_an_empty_secret():
    """An account may have no token yet."""
    log.hide("")
    log.hide(" ")

    assert log.redact("a b") == "a b"


def test_libraries_say_warnings_and_nothing_less(stream):
    """Also where we are asked for everything: httpx writes whole URLs at INFO."""
    log_line(stream, level="debug")

    for name in (*log.QUIET_LIBRARIES, "other"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble in %s", name)

    assert "chatter" not in stream.getvalue()
    assert [line.rpartition("library_said ")[2] for line in stream.getvalue().splitlines()] == [
        f'logger={name} message="trouble in {name}"' for name in (*log.QUIET_LIBRARIES, "other")
    ]


def test_lost_events_are_told_once(stream):
    """By the daemon, which says what to do about them."""
    log_line(stream)

    logging.getLogger("watchdog.observers.inotify").warning("Inotify queue overflowed; events were lost below %r", b"/")

    assert "library_said" not in stream.getvalue()


def test_a_librarys_broken_record_is_written_all_the_same(stream):
    """Its format does not fit its arguments; nobody is stopped by that."""
    log_line(stream)

    (router,) = [handler for handler in logging.getLogger().handlers if isinstance(handler, log._Router)]
    router.handle(logging.makeLogRecord({"msg": "%d and %d", "args": ("one",), "levelno": logging.WARNING}))
    router.handle(logging.makeLogRecord({"msg": "an odd level", "levelno": 35}))

    assert '"%d and %d"' in stream.getvalue()
    assert "an odd level" in stream.getvalue()


def test_configuring_twice_writes_each_line_once(stream):
    """And the newest configuration counts, for loggers made before it too."""
    logger = log_line(io.StringIO())
    log_line(stream)

    logger.info("once_ours")
    logging.getLogger("other").warning("once theirs")

    assert stream.getvalue().count("once") == 2


def test_a_log_that_cannot_be_written_stops_nobody():
    """A full disk, a closed terminal."""

    class Broken(io.StringIO):
        def write(self, _text):
            raise OSError(28, "No space left on device")

    log_line(Broken()).info("event")
    closed = io.StringIO()
    closed.close()
    log_line(closed).info("event")


def test_threads_do_not_mix_their_lines(stream):
    """Each line is whole."""
    logger = log_line(stream, journal=True)

    def write(n):
        for _ in range(200):
            logger.info("event_happened", thread=str(n) * 50)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(stream.getvalue().splitlines()) == {f"<6>event_happened thread={str(n) * 50}" for n in range(4)}
    assert len(stream.getvalue().splitlines()) == 800


def test_the_journal_is_known_by_the_stream_it_gave(tmp_path, monkeypatch):
    """The variable is inherited by children whose stderr goes elsewhere."""
    with (tmp_path / "stderr").open("w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        stat = os.fstat(stderr.fileno())

        assert log.is_journal({"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"})
        assert not log.is_journal({"JOURNAL_STREAM": "1:2"})
        assert not log.is_journal({})


def test_a_stderr_without_a_file_is_no_journal(monkeypatch):
    """As in some test runners."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    assert not log.is_journal({"JOURNAL_STREAM": "1:2"})
