"""Lives at random: drops, renames, faults, kills, requests, other accounts; and what must hold in every one of them."""

import collections
import dataclasses
import random
import shutil

import pytest

from mvsep_watch.model import CreditLimits, Limits, Reconcile, Rule, tag_in_hash
from mvsep_watch.steps.base import Pool
from tests.daemon.test_kills import Killed, kill_at
from tests.daemon.test_requests import append
from tests.daemon.world import World, write_wav

OTHER_TOKEN = "OtherTokenOfThirtyLetters01234"
ACTIONS = {
    "drop": 6, "copy": 3, "rename": 2, "replace": 1, "remove": 1,
    "fault_create": 6, "fault_others": 4, "finish": 8, "fail": 2, "forget": 0.5,
    "cancel": 2, "retry": 2, "redo": 2, "approve": 3,
    "restart": 3, "kill": 5, "keep_back": 2, "go_on": 4, "wait": 10, "wait_long": 1, "change_account": 1,
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

    def __init__(self, base, seed):
        self.chance = random.Random(seed)
        self.world = world = World(base)
        world.service.history_lag_s = self.chance.choice([0, 0, 20])
        world.service_options = {"reconcile": Reconcile(window_s=60, interval_s=10)}
        world.limits = Limits(
            attempts=self.chance.choice([1, 1, 2]),
            separations=self.chance.choice([1, 2, "auto"]),
            credits=CreditLimits(
                approve_batch_above=self.chance.choice([None, None, 2]),
                approve_job_above=self.chance.choice([None, None, 0]),
            ),
        )
        rule = Rule(name="a", sep_type=40, output_format=1)
        others = [(), (dataclasses.replace(rule, name="b"),), (dataclasses.replace(rule, name="b", output_format=4),)]
        world.rules = (rule, *self.chance.choice(others))
        source = self.chance.choice(["keep", "keep", "delete", base / "moved"])
        world.folder_options = {"layout": "{rel}/{name}/{rule}", "source": source}
        self.names = 0

    def name(self):
        self.names += 1
        return self.world.drop / f"{self.names}.wav"

    def act(self):
        """Do one thing, and let the daemon deal with it."""
        kind = self.chance.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        try:
            getattr(self, f"_{kind}")()
            self.world.settle()
        except Killed:
            self.world.restart()

    def _drop(self):
        write_wav(self.name(), pitch=self.chance.randint(1, 6))
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
        self.world.rescan()

    def _remove(self):
        self._song().unlink()

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

    def _forget(self):
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

    def _restart(self):
        self.world.restart()

    def _kill(self):
        kill_at(self.world, commit=self.chance.randrange(1, 25), before=self.chance.random() < 0.5)

    def _keep_back(self):
        self.world.hands.held = {self.chance.choice([Pool.UPLOADS, Pool.DOWNLOADS, Pool.FILING, Pool.ASKING])}

    def _go_on(self):
        self.world.hands.held = set()
        self.world.hands.go_on()

    def _wait(self):
        self.world.pass_time(self.chance.uniform(5, 120))

    def _wait_long(self):
        self.world.pass_time(self.chance.uniform(600, 4000), step_s=30)

    def _change_account(self):
        self.world.service.add_account(OTHER_TOKEN, email="other@example.com", credits=1000, premium=True)
        if self.world.service_options.pop("token", None) is None:
            self.world.service_options["token"] = OTHER_TOKEN
        self.world.restart()

    def calm_down(self):
        """Let everything that can come to an end do so, on either account."""
        world = self.world
        world.service._faults.clear()
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
    tags = collections.Counter(tag_in_hash(hash_) for hash_ in world.service.jobs)
    assert set(tags.values()) <= {1}
    redone = collections.Counter(job.input_key for job in world.jobs() if job.redo_of is not None)
    made = collections.defaultdict(list)
    for job in world.service.jobs.values():
        made[job.upload.sha256, job.upload.fields["output_format"]].append(job.status)
    for (sha256, _), statuses in made.items():
        again = statuses.count("failed") if world.limits.attempts == 2 else 0
        assert len(statuses) <= 1 + redone[f"sha256:{sha256}"] + again


def assert_nothing_is_half(world):
    """Every folder that holds outputs holds their sidecar."""
    for path in world.stems.rglob("*.wav") if world.stems.exists() else ():
        assert ".mvsep-watch-" in str(path) or (path.parent / "mvsep-watch.json").exists()


def assert_nothing_is_stuck(world):
    """Every job has ended, or says what it waits for; nothing is reserved that is not under way; `once` would end."""
    unfinished = world.store.separations.unfinished()
    assert all(job.state in ("published", "failed", "held", "cancelled") or job.reason for job in world.jobs())
    assert {job.state for row in unfinished for job in world.store.jobs.of_separation(row.id)} <= {"held"}
    assert world.store.separations.reserved_against_balance() == sum(row.credits_estimated for row in unfinished)
    assert world.engine.context.gates() == ()
    assert world.engine.is_at_rest(gated_for_s=0)


@pytest.mark.parametrize("seed", range(16))
def test_no_life_pays_twice_shows_half_or_gets_stuck(tmp_path, seed):
    """Forty things happen in any order; then all faults are over."""
    life = Life(tmp_path, seed)
    life.world.start()

    for _ in range(40):
        life.act()
        assert_nothing_was_paid_twice(life.world)
        assert_nothing_is_half(life.world)
    life.calm_down()

    assert_nothing_was_paid_twice(life.world)
    assert_nothing_is_stuck(life.world)
    life.world.stop()
