"""Lives at random: drops, renames, faults, kills, requests, other accounts; and what must hold in every one of them.

A state machine of hypothesis: what breaks a promise is cut down to the shortest life that does. `MVSEP_WATCH_LIVES`
says how many lives there are.
"""

import collections
import dataclasses
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mvsep_watch.errors import StateError
from mvsep_watch.model import CreditLimits, InputKind, Limits, Reconcile, Rule
from mvsep_watch.steps.base import Pool
from tests.daemon.effects import SQLITE, Effects, Killed, fails_with, state_fails_with
from tests.daemon.invariants import assert_nothing_is_half, assert_nothing_is_paid_twice, sha256
from tests.daemon.test_inputs import drop_link
from tests.daemon.test_requests import append
from tests.daemon.world import World, write_wav

LIVES = int(os.environ.get("MVSEP_WATCH_LIVES", "16"))

OTHER_TOKEN = "OtherTokenOfThirtyLetters01234"
ACTIONS = {
    "drop": 6, "drop_again": 2, "drop_link": 1, "copy": 3, "rename": 2, "replace": 1, "append": 1, "remove": 1,
    "fault_create": 6, "fault_others": 4, "finish": 8, "fail": 2, "lose": 0.5,
    "cancel": 2, "retry": 2, "redo": 2, "approve": 3, "forget": 0.5,
    "restart": 3, "kill": 5, "keep_back": 2, "go_on": 4, "wait": 10, "wait_long": 1, "jump": 1, "change_account": 1,
    "edit_rule": 1, "fill_disk": 1, "free_disk": 2, "fill_state": 1, "top_up": 1,
}  # fmt: skip
CREATE_FAULTS = [
    "drop_after_made", "drop_before_made", "timeout_after_made", "http_500_after_made", "html_after_made", "429",
    "too_many", "too_many_after_made", "no_credits", "connect_error", "drop_mid_upload", "refused", "premium",
    "bad_token",
]  # fmt: skip
OTHER_FAULTS = {
    "get": ["drop", "http_500", "429"],
    "history": ["drop", "html"],
    "download": ["truncate_download", "html"],
}


class Life:
    """A world, and a chance that does things to it."""

    def __init__(self, base, chance):
        self.chance = chance
        self.world = world = World(base, credits=self.chance.choice([1000, 1000, 8]))
        self.effects = Effects(world)
        self.disk_is_full, self.commits_left, self.state_fails = False, 0, ""
        self.effects.fails = self.fails
        world.service.history_lag_s = self.chance.choice([0, 0, 20])
        world.service_options = {"reconcile": Reconcile(window_s=60, interval_s=10)}
        world.limits = Limits(
            attempts=self.chance.choice([1, 1, 2]),
            separations=self.chance.choice([1, 2, "auto"]),
            credits=CreditLimits(
                approve_batch_above=self.chance.choice([None, None, 2]),
                approve_job_above=self.chance.choice([None, None, 0]),
                per_day=self.chance.choice([None, None, 6]),
                reserve=self.chance.choice([0, 0, 3]),
            ),
        )
        first = Rule(name="a", sep_type=40, output_format=1)
        others = [(), (dataclasses.replace(first, name="b"),), (dataclasses.replace(first, name="b", output_format=4),)]
        world.rules = (first, *self.chance.choice(others), Rule(name="links", sep_type=40, input=InputKind.LINK))
        self.source = self.chance.choice(["keep", "keep", "delete", base / "moved"])
        world.folder_options = {"include": ("*",), "layout": "{rel}/{name}/{rule}", "source": self.source}
        self.names = 0
        self.day_of: dict[str, str] = {}
        self.before: set[str] = set()

    def name(self):
        self.names += 1
        return self.world.drop / f"{self.names}.wav"

    def fails(self, effect):
        """Have the disk of the outputs full while it is, and one commit fail when it is its turn."""
        if effect.startswith("commit"):
            self.commits_left -= 1
            return state_fails_with(self.state_fails) if self.state_fails and self.commits_left == 0 else None
        if effect == "request create served":
            self._note_days()
        takes_room = effect.startswith(("file create stems", "file write stems", "file mkdir stems"))
        return fails_with("ENOSPC") if self.disk_is_full and takes_room else None

    def _note_days(self):
        """Note on which day, by this machine's clock, each separation was made."""
        today = self.world.engine.context.today()
        for hash_ in self.world.service.jobs:
            self.day_of.setdefault(hash_, today)

    def contents(self):
        """Give what is in the files of the dropped and the moved, wherever a disposal has put them."""
        roots = (self.world.drop, self.world.base / "moved")
        return {sha256(path) for root in roots for path in root.rglob("*") if path.is_file()}

    def act(self, kind):
        """Do one thing, and let the daemon deal with it."""
        self.before = self.contents()
        try:
            getattr(self, f"_{kind}")()
            self.world.settle()
        except (Killed, StateError):
            self._restart()

    def _drop(self):
        write_wav(self.name(), pitch=self.chance.randint(1, 6))
        self.world.rescan()

    def _drop_again(self):
        name = f"{self.chance.randint(1, self.names)}.wav" if self.names else self.name().name
        write_wav(self.world.drop / name, pitch=self.chance.randint(1, 3))
        self.before = self.contents()
        self.world.rescan()

    def _drop_link(self):
        number = self.chance.randint(1, 2)
        drop_link(self.world, f"{number}.url", f"http://127.0.0.1:9/music/{number}.wav")
        self.world.rescan()

    def _song(self):
        songs = sorted(self.world.drop.glob("*.wav"))
        return self.chance.choice(songs) if songs else write_wav(self.name())

    def _copy(self):
        shutil.copy(self._song(), self.name())
        self.world.rescan()

    def _rename(self):
        self._song().rename(self.name())
        self.world.rescan()

    def _replace(self):
        write_wav(self._song(), pitch=self.chance.randint(1, 9))
        self.before = self.contents()
        self.world.rescan()

    def _append(self):
        with self._song().open("ab") as song:
            song.write(b"LIST\4\0\0\0abcd")
        self.before = self.contents()
        self.world.rescan()

    def _remove(self):
        self._song().unlink()
        self.before = self.contents()

    def _fault_create(self):
        self.world.service.fault("create", self.chance.choice(CREATE_FAULTS))

    def _fault_others(self):
        endpoint = self.chance.choice(list(OTHER_FAULTS))
        self.world.service.fault(endpoint, *[self.chance.choice(OTHER_FAULTS[endpoint])] * self.chance.randint(1, 3))

    def _end(self, end):
        if unfinished := self.world.service.unfinished:
            end(self.chance.choice(unfinished).hash)

    def _finish(self):
        self._end(self.world.service.finish)

    def _fail(self):
        self._end(lambda hash_: self.world.service.finish(hash_, status="failed", message="Job failed"))

    def _lose(self):
        self._end(self.world.service.remove)

    def _ask(self, command):
        if jobs := self.world.jobs():
            job = self.chance.choice(jobs)
            rows = self.world.store.separations._rows("input_key = ? AND settings = ?", (job.input_key, job.settings))
            append(
                self.world, command,
                {
                    "id": job.id, "price": 100, "settings": job.settings, "replace": self.chance.random() < 0.4,
                    "attempt": max((row.attempt for row in rows), default=0) + 1,
                },
            )  # fmt: skip

    def _cancel(self):
        self._ask("cancel")

    def _retry(self):
        self._ask("retry")

    def _redo(self):
        self._ask("redo")

    def _approve(self):
        self._ask("approve")

    def _forget(self):
        self._ask("forget")

    def _restart(self):
        """Start another process, and once more if that one dies of its state file."""
        self.effects.revive()
        try:
            self.world.restart()
        except StateError:
            self.world.restart()

    def _kill(self):
        self.effects.kill_after(self.chance.randrange(1, 120))

    def _edit_rule(self):
        first, *others = self.world.rules
        self.world.rules = (dataclasses.replace(first, output_format=self.chance.choice([1, 4])), *others)
        self._restart()

    def _fill_disk(self):
        self.disk_is_full = True

    def _free_disk(self):
        self.disk_is_full = False

    def _fill_state(self):
        """Let a commit fail soon; what ends the process has a service manager start it again."""
        self.state_fails, self.commits_left = self.chance.choice(list(SQLITE)), self.chance.randrange(1, 12)

    def _top_up(self):
        self.world.service.account.credits += 5

    def _keep_back(self):
        self.world.hands.held = {self.chance.choice([Pool.UPLOADS, Pool.DOWNLOADS, Pool.FILING, Pool.ASKING])}

    def _go_on(self):
        self.world.hands.held = set()
        self.world.hands.go_on()

    def _wait(self):
        self.world.pass_time(self.chance.uniform(5, 120))

    def _wait_long(self):
        self.world.pass_time(self.chance.uniform(600, 4000), step_s=30)

    def _jump(self):
        self.world.clock.jump(self.chance.choice([-86_400, -3_600, -60, 60, 3_600, 86_400]))

    def _change_account(self):
        self.world.service.add_account(OTHER_TOKEN, email="other@example.com", credits=1000, premium=True)
        if self.world.service_options.pop("token", None) is None:
            self.world.service_options["token"] = OTHER_TOKEN
        self._restart()

    def calm_down(self):
        """Let everything that can come to an end do so, on either account."""
        world = self.world
        world.service._faults.clear()
        self.effects.revive()
        self.state_fails, self.disk_is_full = "", False
        for options in ({"token": OTHER_TOKEN}, {}) if OTHER_TOKEN in world.service.accounts else ({},):
            world.service_options = {"reconcile": world.service_options["reconcile"], **options}
            world.restart()
            for _ in range(40):
                world.pass_time(60, step_s=20)
                world.service.finish_all()
        world.restart()
        world.pass_time(300, step_s=10)


def assert_nothing_was_paid_twice(world):
    """One payment for a work, one more for every redo, and for what failed where that is allowed."""
    assert_nothing_is_paid_twice(world)
    redone = collections.Counter(job.input_key for job in world.jobs() if job.redo_of is not None)
    made = collections.defaultdict(list)
    for job in world.service.jobs.values():
        url = job.upload.fields.get("url")
        key = f"link:{url}" if url else f"sha256:{job.upload.sha256}"
        made[key, job.upload.fields["output_format"]].append(job.status)
    for (key, _), statuses in made.items():
        again = statuses.count("failed") if world.limits.attempts == 2 else 0
        assert len(statuses) <= 1 + redone[key] + again


def assert_no_budget_is_exceeded(life):
    """Neither more in a day than allowed, nor below what is to stay on the account."""
    limits, service = life.world.limits.credits, life.world.service
    days = collections.Counter()
    for hash_, day in life.day_of.items():
        days[day] += service.jobs[hash_].charged
    assert limits.per_day is None or max(days.values(), default=0) <= limits.per_day
    assert all(account.credits >= limits.reserve for account in service.accounts.values())


def assert_no_content_is_lost(life):
    """What was in the folder is there still, or moved; deleted is only what was published, and only if asked to."""
    for content in life.before - life.contents():
        jobs = [job for job in life.world.jobs() if job.bytes_key.endswith(content)]
        assert life.source == "delete"
        assert "published" in {job.state for job in jobs}


def assert_everything_is_explained(world):
    """Every file that is there was taken, or it is said why not."""
    for path in world.drop.iterdir():
        row = world.store.db.one("SELECT * FROM sources WHERE path = ?", (os.fsencode(path),))
        assert row is not None, path
        assert row["state"] in {"known", "ignored"} or (row["reason"] and row["hint"]), path
        if row["state"] == "known":
            assert world.store.db.value("SELECT count(*) FROM jobs WHERE bytes_key = ?", (row["bytes_key"],)), path


def assert_nothing_is_stuck(world):
    """Every job has ended, or says what it waits for; nothing is reserved that is not under way; `once` would end."""
    unfinished = world.store.separations.unfinished()
    assert all(job.state in ("published", "failed", "held", "cancelled") or job.reason for job in world.jobs())
    assert {job.state for row in unfinished for job in world.store.jobs.of_separation(row.id)} <= {"held"}
    assert world.store.separations.reserved_against_balance() == sum(row.credits_estimated for row in unfinished)
    assert world.engine.context.gates() == ()
    assert world.engine.is_at_rest(gated_for_s=0)


@pytest.fixture(autouse=True)
def in_memory(monkeypatch, folders):
    """A life has no fixtures of its own, and is lived where other fast tests write."""
    monkeypatch.setattr(tempfile, "tempdir", str(folders))


class AnyLife(RuleBasedStateMachine):
    """Forty things happen in any order; then all faults are over."""

    @initialize(chance=st.randoms(use_true_random=True))
    def begin(self, chance):
        self.stack = ExitStack()
        self.life = Life(Path(self.stack.enter_context(tempfile.TemporaryDirectory())), chance)
        self.stack.callback(self.life.world.stop)
        self.stack.enter_context(self.life.effects.watched())
        self.life.world.start()

    @rule(kind=st.sampled_from([kind for kind, weight in ACTIONS.items() for _ in range(int(2 * weight))]))
    def act(self, kind):
        self.life.act(kind)

    @invariant()
    def promises_hold(self):
        assert_nothing_was_paid_twice(self.life.world)
        assert_no_budget_is_exceeded(self.life)
        assert_nothing_is_half(self.life.world)
        assert_no_content_is_lost(self.life)

    def teardown(self):
        with self.stack:
            self.life.calm_down()
            self.promises_hold()
            assert_nothing_is_stuck(self.life.world)
            assert_everything_is_explained(self.life.world)


test_no_life_pays_twice_shows_half_or_gets_stuck = AnyLife.TestCase
test_no_life_pays_twice_shows_half_or_gets_stuck.settings = settings(
    max_examples=LIVES,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
