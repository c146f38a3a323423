"""Anything may fail once: the same scenario with its first effect failing, then its second, and so on to its end.

Three songs and a link by two rules, the songs deleted or moved at the end. `MVSEP_WATCH_ANOMALIES=all` lets every
effect fail in every way that the adapters know; otherwise the failures are dealt out among the effects.
"""

import collections
import itertools
import os
import random
import re

import httpx
import pytest
import structlog
import structlog.testing

from mvsep_watch.errors import StateError
from mvsep_watch.model import HoldKind, InputKind, Rule
from mvsep_watch.mvsep.trouble import TROUBLE
from tests.daemon.effects import SQLITE, Effects, fails_with, state_fails_with
from tests.daemon.invariants import (
    assert_no_source_is_harmed,
    assert_nothing_is_half,
    assert_nothing_is_left,
    assert_nothing_is_paid_twice,
    sha256,
)
from tests.daemon.test_inputs import drop_link
from tests.daemon.test_requests import append
from tests.daemon.world import World, write_wav
from tests.fakes.answers import TOO_MANY, answer_json, html, refusal

PARTS = 4
"""So many tests share the effects among them."""
IS_WHOLE = os.environ.get("MVSEP_WATCH_ANOMALIES") == "all"
EACH = 4
"""Of each kind of effect about so many fail; in the whole run all of them."""

ERRNOS = ("ENOSPC", "EIO", "EACCES", "EROFS", "ENAMETOOLONG", "ESTALE", "EMFILE")
NEED_A_PERSON = {"EACCES", "EROFS", "ENAMETOOLONG"}
"""What the system says for good: a job that runs into it is held."""


def breaks_with(kind):
    def fail():
        request = httpx.Request("GET", "https://mvsep.com/api")
        if kind is httpx.HTTPStatusError:
            raise kind("no", request=request, response=httpx.Response(500, request=request))
        if issubclass(kind, httpx.RequestError):
            raise kind("broke", request=request)
        raise kind() if issubclass(kind, httpx.StreamError) and kind is not httpx.StreamError else kind("broke")

    return fail


def answers(make, **headers):
    def answer():
        response = make()
        response.headers.update(headers)
        return response

    return answer


def too_many_requests():
    return answer_json({"message": "Too Many Attempts."}, status=429)


FILE = {name: fails_with(name) for name in ERRNOS}
COMMIT = {name: state_fails_with(name) for name in SQLITE}
REFUSED = {
    "429": answers(too_many_requests),
    "429 for a second": answers(too_many_requests, **{"Retry-After": "1"}),
    "429 until a date": answers(
        too_many_requests, **{"Retry-After": "Fri, 15 Jan 2027 08:01:00 GMT", "Date": "Fri, 15 Jan 2027 08:00:59 GMT"}
    ),
    "too many": answers(lambda: refusal(TOO_MANY)),
}
GARBLED = {
    "500": answers(lambda: html(500)),
    "503 as JSON": answers(lambda: answer_json({"success": False, "errors": ["Server Error"]}, status=503)),
    "a page": answers(lambda: html(200)),
    "short JSON": answers(lambda: httpx.Response(200, content=b'{"success": true, "da')),
    "nothing": answers(lambda: httpx.Response(200, content=b"")),
}
BROKEN = {kind.__name__: breaks_with(kind) for kind in TROUBLE if kind is not UnicodeError}
BROKEN_READING = {
    kind.__name__: breaks_with(kind) for kind in (httpx.RemoteProtocolError, httpx.ReadError, httpx.ReadTimeout)
}
BROKEN_SENDING = {kind.__name__: breaks_with(kind) for kind in (httpx.WriteError, httpx.WriteTimeout)}


def failures_of(effect):
    """Give the ways in which an effect can fail, by name."""
    if effect.startswith("file"):
        return FILE
    if effect.startswith("commit"):
        return COMMIT
    if effect.endswith("begun"):
        return BROKEN | REFUSED
    if effect.endswith("served"):
        return BROKEN_READING | GARBLED
    return BROKEN_SENDING if effect.endswith("sent") else BROKEN_READING


class Anomaly:
    """The scenario in a world of its own, with some effects that fail."""

    def __init__(self, base, failures=None, *, source="keep"):
        base.mkdir()
        self.world = world = World(base)
        world.rules = (
            Rule(name="songs", sep_type=40, output_format=1),
            Rule(name="links", sep_type=40, input=InputKind.LINK),
        )
        world.folder_options = {"include": ("*",), "source": base / "moved" if source == "moved" else source}
        songs = [write_wav(world.drop / f"{pitch}.wav", pitch=pitch, seconds=1.0) for pitch in (1, 2, 3)]
        self.dropped = set() if source == "delete" else {sha256(path) for path in songs}
        drop_link(world)
        self.effects = Effects(world, failures=failures, looks=True)

    def live(self, *, rounds=40):
        """Live through it; what ends the process has a service manager start it again."""
        world = self.world
        with structlog.testing.capture_logs() as logs, self.effects.watched():
            for _ in range(5):
                try:
                    world.restart()
                    world.engine.context._rng = random.Random(1)
                    world.finish(rounds=rounds)
                    break
                except StateError:
                    world.stop()
        assert [line for line in logs if line["event"] == "bug_met"] == []
        self.check()

    def check(self):
        assert_nothing_is_half(self.world)
        assert_nothing_is_paid_twice(self.world)
        assert_no_source_is_harmed(self.world, self.dropped)

    def go_on(self):
        """Let it come to an end by itself; another song shows that what is absent from the history is absent."""
        world = self.world
        write_wav(world.drop / "later.wav", pitch=4, seconds=1.0)
        world.restart()
        for _ in range(20):
            world.pass_time(60, step_s=10)
            world.service.finish_all()
            if world.engine.is_at_rest(gated_for_s=0.0) and not world.engine.context.gates():
                break

    def help(self):
        """Do what a person would: `retry`, or say which row is the link, or have it done again where there is none."""
        world = self.world
        links = [job.hash for job in world.service.jobs.values() if job.short]
        for job in world.jobs():
            if job.hold == HoldKind.UNKNOWN and not links:
                append(world, "redo", {"id": job.id, "price": None, "settings": job.settings, "attempt": 2})
            elif job.state == "held":
                append(world, "retry", {"id": job.id, **({"hash": links[0]} if job.hold == HoldKind.UNKNOWN else {})})
        world.finish()

    def held(self):
        assert all(job.reason and job.hint for job in self.world.jobs() if job.state == "held")
        return {str(job.hold) for job in self.world.jobs() if job.state == "held"}


def survive(base, number, name, effect, failure):
    """Let one effect fail; say which holds a person had to look at."""
    anomaly = Anomaly(base, {number: failure}, source=SOURCES[number % len(SOURCES)])
    try:
        anomaly.live()
        anomaly.go_on()
        anomaly.check()
        held = anomaly.held()
        anomaly.help()
        anomaly.check()
        assert set(anomaly.world.states()) - {"cancelled"} == {"published"}
        assert anomaly.world.service.made == 5
        assert_nothing_is_left(anomaly.world)
    except BaseException as error:
        error.add_note(f"at {number}, {effect}: {name}")
        raise
    finally:
        anomaly.world.stop()
    return held


SOURCES = ("keep", "delete", "moved")
"""What becomes of the sources in turn: an effect's number says which."""


@pytest.fixture(scope="module")
def clean(folders):
    """What happens in each scenario if nothing fails."""
    found = {}
    for source in SOURCES:
        anomaly = Anomaly(folders / f"clean-{source}", source=source)
        anomaly.live()
        found[source] = anomaly.effects.names
        anomaly.world.stop()
    return found


def effects_of(clean):
    """Give every effect by its number, as it is in the scenario that this number has."""
    for number in range(1, max(map(len, clean.values())) + 1):
        names = clean[SOURCES[number % len(SOURCES)]]
        if number <= len(names):
            yield number, names[number - 1]


def dealt(clean):
    """Give effects with a failure each: every one of them, or of each kind of effect some, with failures in turn."""
    kinds = collections.defaultdict(list)
    for number, effect in effects_of(clean):
        kinds[tuple(failures_of(effect))].append((number, effect))
    for names, effects in kinds.items():
        if IS_WHOLE:
            yield from ((number, effect, name) for number, effect in effects for name in names)
        else:
            some = effects[:: max(1, len(effects) // EACH)]
            yield from ((number, effect, name) for (number, effect), name in zip(some, itertools.cycle(names)))


def needing_a_person(effect, name):
    """Say for what a person may be asked: the system says no for good, or nobody can tell whether a link was sent."""
    if name in NEED_A_PERSON:
        return {"trouble"}
    return {"unknown"} if "create" in effect or "commit" in effect else set()


@pytest.mark.parametrize("part", range(PARTS))
def test_one_failure_anywhere_costs_nothing_and_loses_nothing(tmp_path, clean, part):
    """Whatever it is, all is published in the end, and each work is paid for once."""
    for count, (number, effect, name) in enumerate(dealt(clean)):
        if count % PARTS == part:
            held = survive(tmp_path / f"{count}", number, name, effect, failures_of(effect)[name])
            assert held <= needing_a_person(effect, name), f"at {number}, {effect}: {name}"


@pytest.mark.parametrize("name", ["EIO", "ESTALE", "EACCES"])
def test_a_staging_that_cannot_be_listed_is_no_bug(tmp_path, clean, name):
    """The disk is in trouble, not the program: it is tried again."""
    number, effect = next(each for each in effects_of(clean) if re.search(r"listdir stems/.*\.part$", each[1]))

    assert survive(tmp_path / "world", number, name, effect, FILE[name]) == set()
