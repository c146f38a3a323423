"""A whole small world for the daemon's fast tests: folders, a fake service, a clock that only tests move."""

from __future__ import annotations

import random
import shutil
import threading
import wave
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path

from mvsep_watch.daemon.engine import Engine
from mvsep_watch.daemon.hands import perform
from mvsep_watch.daemon.hearing import ACCOUNT_EVERY_S
from mvsep_watch.daemon.inbox import Bell, Inbox
from mvsep_watch.daemon.opening import open_for_rebuild, open_state
from mvsep_watch.daemon.rebuilding import BY_A_PERSON, Rebuilding
from mvsep_watch.daemon.rebuilt import Report
from mvsep_watch.errors import NotToldError
from mvsep_watch.model import Config, CreditLimits, Destination, Folder, Limits, Message, Rule, Service, Window
from mvsep_watch.steps.base import TELLING, Pool, Step, Tools
from mvsep_watch.store import SeparationRow, Store
from tests.fakes.service import FakeService


class FakeClock:
    """Both clocks, moved together; `jump` sets the wall clock alone."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.at = start
        self.ahead_s = 0.0

    def now(self) -> float:
        return self.at + self.ahead_s

    def monotonic(self) -> float:
        return self.at - 1_700_000_000.0

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    def jump(self, seconds: float) -> None:
        self.ahead_s += seconds


class InlineHands:
    """Hands that perform a step on the spot; with `hold` they keep steps of a pool until told to go on."""

    def __init__(self, inbox: Inbox, tools: Tools, sizes: Mapping[Pool, int]) -> None:
        self.inbox, self.tools, self.sizes = inbox, tools, dict(sizes)
        self.steps: dict[Hashable, Step] = {}
        self.began_s: dict[Hashable, float] = {}
        self.held: set[Pool] = set()
        self.waiting: list[Step] = []
        self.is_committed = lambda: True

    def give(self, step: Step) -> bool:
        assert step.pool is Pool.ASKING or self.is_committed(), f"{step} was handed out before it was committed"
        if step.key in self.steps:
            return False
        self.steps[step.key] = step
        self.began_s[step.key] = self.tools.monotonic()
        if step.pool in self.held:
            self.waiting.append(step)
        else:
            self.inbox.put(perform(step, self.tools))
        return True

    def go_on(self) -> None:
        waiting, self.waiting = self.waiting, []
        for step in waiting:
            self.inbox.put(perform(step, self.tools))

    def finished(self, step: Step) -> None:
        self.steps.pop(step.key, None)

    def is_busy_with(self, key: Hashable) -> bool:
        return key in self.steps

    def free(self, pool: Pool, *, ahead: int = 0) -> int:
        return max(0, self.sizes[pool] + ahead - sum(step.pool == pool for step in self.steps.values()))

    def resize(self, sizes: Mapping[Pool, int]) -> None:
        self.sizes |= {pool: sizes[pool] for pool in (Pool.UPLOADS, Pool.DOWNLOADS)}

    def in_flight(self) -> tuple[Step, ...]:
        return tuple(self.steps.values())

    def since(self) -> Mapping[Step, float]:
        return {step: self.began_s[key] for key, step in self.steps.items()}


SIZES = {
    Pool.UPLOADS: 2,
    Pool.DOWNLOADS: 4,
    Pool.ASKING: 4,
    Pool.LOOKING: 50,
    Pool.READING: 50,
    Pool.SCANNING: 4,
    Pool.FILING: 4,
    Pool.EYES: 8,
    **dict.fromkeys(TELLING, 1),
}


class Letterbox:
    """Takes notices and pings; those to a name or an address in `refused` it does not take."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, Message]] = []
        self.pings: list[tuple[str, str]] = []
        self.refused: set[str] = set()

    @property
    def titles(self) -> list[str]:
        return [message.title.partition(": ")[2] for _, message in self.notices]

    def tell(self, destination: Destination, message: Message, *, is_stopping: Callable[[], bool]) -> None:
        self._take(destination.name)
        self.notices.append((destination.name, message))

    def ping(self, url: str, *, reason: str = "") -> None:
        self._take(url)
        self.pings.append((url, reason))

    def _take(self, name: str) -> None:
        if name in self.refused:
            raise NotToldError(f"{name} is not there")


class World:
    """Start it, drop files, let time pass, look."""

    def __init__(self, base: Path, **service: object) -> None:
        self.base = base
        self.clock = FakeClock()
        self.service = FakeService(**{"credits": 1000, "premium": True, "clock": lambda: self.clock.at, **service})
        self.drop = base / "drop"
        self.stems = base / "stems"
        self.drop.mkdir()
        self.rules: tuple[Rule, ...] = (Rule(sep_type=40, output_format=1),)
        self.folder_options: dict[str, object] = {}
        self.extra_folders: tuple[Folder, ...] = ()
        self.hours: tuple[Window, ...] = ()
        self.limits = Limits(credits=CreditLimits(approve_batch_above=None))
        self.service_options: dict[str, object] = {}
        self.telling: dict[str, object] = {}
        self.letterbox = Letterbox()
        self.caches: Path | None = None
        self.store: Store | None = None

    def config(self) -> Config:
        layout = "{rel}/{name}" if len(self.rules) == 1 else "{rel}/{name}/{rule}"
        options = {"settle_s": 5.0, "layout": layout, **self.folder_options}
        folder = Folder(name="drop", path=self.drop, output=self.stems, rules=self.rules, **options)
        base_url = self.service.base_url
        return Config(
            path=self.base / "mvsep-watch.yaml",
            state=self.base / "state.sqlite3",
            service=Service(**{"token": self.service.token, "base_url": base_url, **self.service_options}),
            folders=(folder, *self.extra_folders),
            limits=self.limits,
            hours=self.hours,
            **self.telling,
        )

    def another_folder(self, name: str, path: Path, output: Path) -> Folder:
        """Give a second watched folder with the same rules."""
        return Folder(name=name, path=path, output=output, layout="{rel}/{name}", rules=self.rules)

    def start(self, *, fresh: bool = False, only: str = "") -> None:
        config = self.config()
        self.store = open_state(config, now=self.clock.now())
        self.client = self.service.client(token=config.service.token, base_url=config.service.base_url)

        def make_hands(inbox: Inbox, tools: Tools) -> InlineHands:
            inline = Tools(
                client=tools.client,
                ask_release=lambda *question: self.engine.desks.intents.release(*question),  # noqa: PLW0108 - made later
                found=lambda *found: self.engine.desks.intake.found(*found),  # noqa: PLW0108 - made later
                stopping=tools.stopping,
                now=tools.now,
                monotonic=tools.monotonic,
                version=tools.version,
                teller=self.letterbox,
            )
            return InlineHands(inbox, inline, SIZES)

        self.engine = Engine(
            config,
            self.store,
            self.client,
            only=only,
            clock=self.clock,
            make_hands=make_hands,
            caches=self.caches,
        )
        self.engine.context._rng = random.Random(0)
        self.hands: InlineHands = self.engine.context.hands
        self.hands.is_committed = lambda: not self.store.db._connection.in_transaction
        self.engine.begin(fresh=fresh)

    def stop(self) -> None:
        """End as a kill would: nothing is committed that was not before."""
        if self.store is not None:
            self.store.close()
            self.client.close()
            self.store = None

    def rebuild(self, *, verify: bool = False, online: bool = True) -> Report:
        """End, and have the state rebuilt, as the command does."""
        self.stop()
        config = self.config()
        self.client = self.service.client(token=config.service.token, base_url=config.service.base_url)
        self.store, report = open_for_rebuild(config, now=self.clock.now(), begun_by=BY_A_PERSON)
        rebuilding = Rebuilding(self.store, config, report, now=self.clock.now(), verify=verify)
        rebuilding.perform(self.client if online else None)
        self.stop()
        return report

    def back_up(self) -> None:
        """End, and keep a copy of the state."""
        self.stop()
        shutil.copy(self.base / "state.sqlite3", self.base / "backup")

    def restore(self) -> None:
        """End, and put the copy in the place of the state."""
        self.lose_state()
        shutil.copy(self.base / "backup", self.base / "state.sqlite3")

    def lose_state(self) -> None:
        """End, and lose all memory."""
        self.stop()
        for path in self.base.glob("state.sqlite3*"):
            if path.is_file():
                path.unlink()

    def restart(self, **options: bool | str) -> None:
        self.stop()
        self.start(**options)

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.engine.turn(longest_nap_s=0)

    def settle(self) -> None:
        """Turn until nothing is left to be done just now."""
        for _ in range(500):
            before = self.store.db.value("SELECT total_changes()")
            self.turn()
            quiet = self.store.db.value("SELECT total_changes()") == before
            if quiet and self.engine.inbox.is_empty:
                return
        raise AssertionError("the daemon never came to rest")

    def pass_time(self, seconds: float, *, step_s: float = 5.0) -> None:
        """Let time go by in steps, with turns in between."""
        end = self.clock.at + seconds
        while self.clock.at < end:
            before = self.clock.at
            self.clock.at = min(end, before + step_s)
            if int(before / ACCOUNT_EVERY_S) != int(self.clock.at / ACCOUNT_EVERY_S):
                self.engine.inbox.put(Bell("account"))
            self.settle()

    def finish(self, *, rounds: int = 60) -> None:
        """Let everything dropped become published, or come to rest: the server finishes whatever it has."""
        for _ in range(rounds):
            self.pass_time(5.0)
            self.service.finish_all()
            if self.jobs() and not self.engine.context.gates() and self.engine.is_at_rest(gated_for_s=0.0):
                return

    def rescan(self) -> None:
        for folder in self.engine.context.config.folders:
            self.engine.desks.scans.want_scan(folder.name)
        self.settle()

    def jobs(self) -> list:
        return self.store.jobs._rows("1 ORDER BY id")

    def states(self) -> list[str]:
        return [str(job.state) for job in self.jobs()]

    def tree(self, root: Path | None = None) -> list[str]:
        root = root or self.stems
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def write_wav(path: Path, *, seconds: float = 3.0, pitch: int = 1) -> Path:
    """Write a valid little WAV whose bytes depend on `pitch`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    period = b"".join(((n * pitch % 200 - 100) * 100).to_bytes(2, "little", signed=True) for n in range(200))
    length = 2 * int(seconds * 8000)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((period * (length // len(period) + 1))[:length])
    return path


def threads_named(prefix: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(prefix)]


def limited(world: World, **credits_: int) -> None:
    """Set limits of credits, and none on a batch unless that is one of them."""
    world.limits = Limits(credits=CreditLimits(**{"approve_batch_above": None, **credits_}))


def be_prompt(world: World) -> None:
    """Let one song through, so that the history has been seen to list unfinished work."""
    write_wav(world.drop / "first.wav", pitch=50)
    world.start()
    world.pass_time(30)
    world.finish()


def lose_all_memory(world: World) -> None:
    """Lose state, claim and sidecars: only the service's history is left."""
    world.lose_state()
    shutil.rmtree(world.stems)


def rows(world: World) -> list[SeparationRow]:
    """Give all separations, the oldest first."""
    return world.store.separations._rows("1 ORDER BY id")


def gates(world: World) -> list[tuple[str, str]]:
    """Give the closed gates, each with what it is about."""
    return [(str(gate.name), gate.scope) for gate in world.engine.context.gates()]
