import random
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from mvsep_watch.daemon import reloading, told
from mvsep_watch.daemon.hands import Threads
from mvsep_watch.daemon.inbox import Inbox
from mvsep_watch.daemon.reloading import ConfigurationFile
from mvsep_watch.errors import ConfigError
from mvsep_watch.model import CreditLimits, GateName, Limits, Rule
from mvsep_watch.steps.base import Pool
from mvsep_watch.steps.configuring import ReadConfiguration
from tests.daemon.world import threads_named, write_wav

VOCALS = Rule(sep_type=40, output_format=1)


def reload(world):
    world.engine.reload(world.config())
    world.settle()


def without_the_folder(world):
    """Give a configuration that watches something else."""
    path = world.base / "elsewhere"
    path.mkdir()
    return replace(world.config(), folders=(world.another_folder("elsewhere", path, world.base / "elsewhere-stems"),))


def names(world):
    return sorted(path.name for path in world.drop.rglob("*.wav"))


def published(world):
    return sorted(world.store.sources.get(job.source_id).path.name for job in world.jobs() if job.state == "published")


def test_fifty_reloads_lose_no_file_and_pay_for_none_twice(world, tmp_path):
    """Folders come, go and change their rules while a writer drops one file after the other."""
    dice = random.Random(1)
    world.start()
    for number in range(50):
        write_wav(world.drop / f"{number:02}.wav", pitch=number + 1)
        world.folder_options = {"settle_s": dice.choice([2.0, 5.0, 8.0]), "recursive": dice.random() < 0.8}
        world.rules = (replace(VOCALS, priority=dice.randrange(3), name=dice.choice(["default", "default", "other"])),)
        other = world.another_folder("more", tmp_path / "more", tmp_path / "more-stems")
        world.extra_folders = (other,) if dice.random() < 0.5 else ()
        world.engine.reload(world.config())
        world.pass_time(dice.choice([0.5, 3.0, 7.0]), step_s=0.5)
        world.service.finish_all()
    world.rules = (VOCALS, replace(VOCALS, name="other"))
    world.folder_options = {}
    reload(world)

    world.finish()

    assert sorted(set(published(world))) == names(world)
    assert world.service.made == 50


def test_a_folder_that_is_added_is_looked_through_at_once(world, tmp_path):
    """What lies in it already is taken, without a restart."""
    write_wav(tmp_path / "more" / "b.wav")
    world.start()
    world.pass_time(10)

    world.extra_folders = (world.another_folder("more", tmp_path / "more", tmp_path / "more-stems"),)
    reload(world)
    world.finish()

    assert published(world) == ["b.wav"]
    assert (tmp_path / "more-stems" / "b").is_dir()


def test_jobs_of_a_folder_that_is_gone_wait_with_that_reason_and_go_on_when_it_is_back(world):
    """Nothing is given up that somebody may have taken out by mistake."""
    world.limits = replace(world.limits, per_day_jobs=0)
    world.start()
    write_wav(world.drop / "a.wav")
    world.pass_time(10)

    world.limits = replace(world.limits, per_day_jobs=None)
    world.engine.reload(without_the_folder(world))
    world.pass_time(10)

    assert [(job.state, job.reason) for job in world.jobs()] == [
        ("queued", "the configuration has no rule default in a folder drop any more")
    ]

    reload(world)
    world.finish()

    assert published(world) == ["a.wav"]


def test_what_is_with_the_service_when_its_folder_goes_is_fetched_and_published(world):
    """It is paid for; its place is reserved."""
    world.start()
    write_wav(world.drop / "a.wav")
    world.pass_time(20)
    assert world.states() == ["submitted"]

    world.engine.reload(without_the_folder(world))
    world.finish()

    assert world.states() == ["published"]
    assert (world.stems / "a").is_dir()
    assert (world.drop / "a.wav").is_file()


def test_a_file_that_is_still_settling_when_its_folder_goes_is_not_taken(world):
    """And it is taken when the folder is back."""
    world.start()
    write_wav(world.drop / "a.wav")
    world.rescan()

    world.engine.reload(without_the_folder(world))
    world.pass_time(20)

    assert world.jobs() == []

    reload(world)
    world.finish()

    assert published(world) == ["a.wav"]


def test_a_renamed_folder_goes_on_with_the_file_that_is_settling(world):
    """The file is taken under the name that the folder has when it is whole."""
    world.start()
    write_wav(world.drop / "a.wav")
    world.rescan()

    world.engine.reload(replace(world.config(), folders=(replace(world.config().folders[0], name="renamed"),)))
    world.pass_time(10)

    assert [job.folder for job in world.jobs()] == ["renamed"]


def test_what_a_scan_of_the_old_folder_finds_is_not_taken(world, tmp_path):
    """The scan was begun with globs, or a path, that are not in force any more."""
    world.start()
    world.settle()
    write_wav(world.drop / "a.wav")
    world.hands.held = {Pool.SCANNING}
    world.engine.desks.scans.want_scan("drop")
    world.turn()
    (tmp_path / "other").mkdir()
    world.drop = tmp_path / "other"

    world.engine.reload(world.config())
    world.hands.held = set()
    world.hands.go_on()
    world.pass_time(30)

    assert world.jobs() == []
    assert world.store.sources.at(tmp_path / "drop" / "a.wav") is None


def test_a_changed_rule_counts_for_what_waits_and_not_for_what_is_on_its_way(world):
    """After the intent the recorded settings count."""
    world.limits = replace(world.limits, separations=1)
    world.start()
    write_wav(world.drop / "a.wav", pitch=1)
    write_wav(world.drop / "b.wav", pitch=2)
    world.pass_time(20)
    assert sorted(world.states()) == ["queued", "submitted"]

    world.rules = (replace(VOCALS, demo=True),)
    reload(world)
    world.finish()

    assert [row.work.settings.is_demo for row in rows(world)] == [False, True]
    assert world.states() == ["published", "published"]


def rows(world):
    return [world.store.separations.get(job.separation_id) for job in world.jobs()]


def test_a_changed_priority_counts_for_what_waits(world, tmp_path):
    """The folder that became urgent goes first."""
    world.limits = replace(world.limits, per_day_jobs=0)
    write_wav(tmp_path / "more" / "b.wav", pitch=2)
    write_wav(world.drop / "a.wav", pitch=1)
    world.extra_folders = (world.another_folder("more", tmp_path / "more", tmp_path / "more-stems"),)
    world.start()
    world.pass_time(20)

    world.limits = Limits(separations=1, credits=CreditLimits(approve_batch_above=None))
    world.extra_folders = (replace(world.extra_folders[0], rules=(replace(VOCALS, priority=9),)),)
    reload(world)

    assert {job.folder: str(job.state) for job in world.jobs()} == {"drop": "queued", "more": "submitted"}


def test_changed_limits_hold_for_the_next_start(world):
    """Lower ones and higher ones, the hands for uploads and the hours among them."""
    world.limits = replace(world.limits, per_day_jobs=0)
    world.start()
    write_wav(world.drop / "a.wav")
    world.pass_time(10)
    assert world.states() == ["queued"]

    world.limits = replace(world.limits, per_day_jobs=None, uploads=7)
    reload(world)

    assert world.states() == ["submitted"]
    assert world.hands.sizes[Pool.UPLOADS] == 7


def test_a_batch_is_summed_up_by_the_rules_in_force(world):
    """What its rules cost before says nothing."""
    world.limits = replace(world.limits, credits=CreditLimits(approve_batch_above=50), per_day_jobs=0)
    world.start()
    write_wav(world.drop / "a.wav")
    world.pass_time(10)

    world.limits = Limits(credits=CreditLimits(approve_batch_above=0))
    reload(world)

    assert [(job.state, job.hold) for job in world.jobs()] == [("held", "batch")]


def test_a_doubt_about_an_output_folder_goes_with_the_folder(world, tmp_path):
    """The gate opens once nothing of the configuration is in doubt any more."""
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / ".mvsep-watch-claim.json").write_text(
        '{"version": 1, "state_id": "somebody", "generation": 3, "realm": "mvsep", "host": "", "account": ""}'
    )
    (tmp_path / "more").mkdir()
    world.extra_folders = (world.another_folder("more", tmp_path / "more", tmp_path / "strange"),)
    world.start()
    world.settle()
    assert [gate.name for gate in world.engine.context.gates()] == [GateName.STATE]

    world.extra_folders = ()
    reload(world)

    assert world.engine.context.gates() == ()


@pytest.mark.parametrize("restarts", [False, True])
def test_a_name_that_moves_to_another_folder_sees_that_folder_for_the_first_time(world, tmp_path, restarts):
    """What lies there is skipped if existing files are to be, as if the folder had got a name of its own."""
    world.folder_options = {"existing": "skip"}
    world.start()
    world.pass_time(10)
    write_wav(tmp_path / "other" / "old.wav", pitch=1)
    world.drop = tmp_path / "other"

    if restarts:
        world.restart()
    else:
        reload(world)
    world.pass_time(10)
    write_wav(world.drop / "new.wav", pitch=2)
    world.rescan()
    world.finish()

    assert published(world) == ["new.wav"]


class Stuck:
    """A step that ends when it is told to."""

    pool = Pool.UPLOADS

    def __init__(self, key):
        self.key = key
        self.goes_on = threading.Event()

    def perform(self, tools):
        self.goes_on.wait(10)


def take(inbox, count):
    """Give the steps of so many outcomes, as they come."""
    outcomes = []
    while len(outcomes) < count:
        outcomes += inbox.take(10.0)[0]
    return [outcome.step for outcome in outcomes]


def test_hands_that_are_too_many_end_and_new_ones_begin():
    """After the step that they perform, which is not disturbed."""
    inbox, others = Inbox(), threads_named("uploads-")
    hands = Threads(inbox, SimpleNamespace(monotonic=time.monotonic), dict.fromkeys(Pool, 3))
    steps = [Stuck(number) for number in range(3)]
    for step in steps:
        hands.give(step)
    threads = [thread for thread in threads_named("uploads-") if thread not in others]

    hands.resize(dict.fromkeys(Pool, 1))
    for step in steps:
        step.goes_on.set()
    for step in take(inbox, 3):
        hands.finished(step)
    end_s = time.monotonic() + 10
    while sum(thread.is_alive() for thread in threads) > 1 and time.monotonic() < end_s:
        threads[0].join(0.02)

    assert [len(threads), sum(thread.is_alive() for thread in threads)] == [3, 1]
    assert hands.free(Pool.UPLOADS) == 1

    hands.resize(dict.fromkeys(Pool, 2))
    more = [Stuck("a"), Stuck("b")]
    for step in more:
        hands.give(step)
    for step in more:
        step.goes_on.set()

    assert set(take(inbox, 2)) == set(more)


# The file


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mvsep-watch.yaml"
    path.write_text("one")
    return path


def due(file, *, at_s):
    """Say at which of some seconds the file is to be read."""
    return [second for second in at_s if file.is_due(second)]


def test_the_file_is_read_once_after_the_start_and_then_when_it_changes(file):
    """Once after the start, since it may have changed while the state was opened."""
    watched = ConfigurationFile(file)

    assert due(watched, at_s=range(10)) == [2]

    file.write_text("two!")

    assert due(watched, at_s=range(10, 20)) == [12]


def test_a_save_in_several_writes_is_read_when_it_is_whole(file):
    """Not a moment earlier, however long it takes."""
    watched = ConfigurationFile(file)
    due(watched, at_s=range(5))
    seen = []

    for second in range(5, 15):
        with file.open("a") as half:
            half.write("more")
        seen.append(watched.is_due(second))

    assert not any(seen)
    assert due(watched, at_s=range(15, 20)) == [16]


def test_a_rename_over_the_file_and_another_target_of_a_link_are_changes(file, tmp_path):
    """As editors save, and as configuration managers deploy."""
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    watched = ConfigurationFile(link)
    due(watched, at_s=range(5))

    (tmp_path / "saved").write_text("two")
    (tmp_path / "saved").rename(file)

    assert due(watched, at_s=range(5, 10)) == [7]

    (tmp_path / "other.yaml").write_text("new")
    (tmp_path / "swapped").symlink_to(tmp_path / "other.yaml")
    (tmp_path / "swapped").rename(link)

    assert due(watched, at_s=range(10, 15)) == [12]


def test_a_file_that_is_gone_for_a_moment_is_not_reported(file):
    """Some editors remove it before they write it anew; what stays away is."""
    watched = ConfigurationFile(file)
    due(watched, at_s=range(5))
    content = file.read_text()
    file.unlink()
    assert due(watched, at_s=[5]) == []
    file.write_text(content + "!")

    assert due(watched, at_s=range(6, 10)) == [8]

    file.unlink()

    assert due(watched, at_s=range(10, 15)) == [12]


def test_another_token_in_its_file_is_a_change(file, tmp_path):
    """And so is a file that is named only later."""
    token = tmp_path / "token"
    token.write_text("one")
    watched = ConfigurationFile(file, token_file=token)
    due(watched, at_s=range(5))
    token.write_text("another")

    assert due(watched, at_s=range(5, 10)) == [7]

    watched.token_file = None

    assert due(watched, at_s=range(10, 15)) == [12]


def test_whoever_asks_has_it_read_at_once(file):
    """Changed or not, and once."""
    watched = ConfigurationFile(file)
    due(watched, at_s=range(5))
    watched.ask()

    assert due(watched, at_s=[5.1, 5.2, 6, 7, 8, 9]) == [5.1]


FOLDER = "folders: [{path: drop, sep_type: 40}]\n"
TOKEN = "TokenOfAReload012345678901234"


def written(world, text):
    path = world.config().path
    path.write_text(text)
    path.chmod(0o600)


STATE = "state: state.sqlite3\n"


def read_again(world):
    """Have the file read as it is, and give what comes of it."""
    world.engine.desks.reloading.want()
    world.settle()
    return world.engine.desks.reloading.take()


def test_a_good_file_is_read(world):
    """Its token is hidden from every log from then on."""
    world.start()
    written(world, f"mvsep: {{token: {TOKEN}}}\n{STATE}{FOLDER}")

    found = read_again(world).found

    assert (found.service.token, [folder.name for folder in found.folders]) == (TOKEN, ["drop"])
    assert TOKEN not in reloading.log.redact(f"a line with {TOKEN}")


def test_the_file_of_the_token_is_told_even_where_it_cannot_be_used(world):
    """It is looked at until it can."""
    world.start()
    written(world, f"mvsep: {{token_file: t}}\n{STATE}{FOLDER}")

    reading = read_again(world)

    assert (reading.found, reading.token_file) == (None, world.config().path.parent / "t")


def test_another_state_file_needs_a_restart_and_says_so(world):
    """The lock, and all memory, are those of the one in use."""
    world.start()
    written(world, f"mvsep: {{token: {TOKEN}}}\nstate: other.sqlite3\n{FOLDER}")

    reading = read_again(world)

    refused = told.refused(world.store.memory)
    assert reading.found is None
    assert "names another state file" in refused.reason
    assert "restart the daemon" in refused.hint


def test_a_configuration_at_a_disk_that_hangs_holds_nothing_up_and_is_told(world):
    """A hand reads it; the song goes its way, what is in force stays, and `status` says what is waited for."""
    world.start()
    written(world, f"mvsep: {{token: {TOKEN}}}\n{STATE}{FOLDER}")
    world.hands.held = {Pool.EYES}
    write_wav(world.drop / "song.wav")

    reading = read_again(world)
    world.hands.held, hanging = set(), list(world.hands.waiting)
    world.pass_time(20, step_s=1)
    refused = told.refused(world.store.memory)
    world.finish()

    assert (reading, [type(step) for step in hanging]) == (None, [ReadConfiguration])
    assert "does not answer" in refused.reason
    assert [job.state for job in world.jobs()] == ["published"]

    world.hands.go_on()
    world.settle()

    assert world.engine.desks.reloading.take().found.service.token == TOKEN
    assert told.refused(world.store.memory) is None


def test_each_problem_is_a_line_of_the_log(world):
    """However many there are, the log has a few of them, and what lists all; systemd's status says that there are."""
    world.start()
    written(world, f"{STATE}{FOLDER}" + "".join(f"key{number}: 1\n" for number in range(9)))

    with capture_logs() as logged:
        read_again(world)

    assert [line["event"] for line in logged] == ["configuration_refused"] + ["configuration_problem"] * 6
    assert "check" in logged[-1]["hint"]
    assert max(len(str(line)) for line in logged) < 400
    assert "configuration not taken" in world.engine.summary()


def test_what_is_saved_while_a_reading_hangs_is_read_as_well_and_counts(world):
    """It may be what leaves the dead disk out; what the one before it says in the end is of no use any more."""
    world.start()
    world.hands.held = {Pool.EYES}
    written(world, "nonsense: 1\n")
    read_again(world)
    hanging, world.hands.waiting, world.hands.held = world.hands.waiting, [], set()
    written(world, f"mvsep: {{token: {TOKEN}}}\n{STATE}{FOLDER}")

    reading = read_again(world)
    written(world, "nonsense: 1\n")
    world.hands.waiting = hanging
    world.hands.go_on()
    world.settle()

    assert reading.found.service.token == TOKEN
    assert world.engine.desks.reloading.take() is None
    assert told.refused(world.store.memory) is None


def test_readings_that_hang_keep_few_hands(world):
    """However often somebody asks; the last word is read once a hand comes back."""
    world.start()
    written(world, f"mvsep: {{token: {TOKEN}}}\n{STATE}{FOLDER}")
    world.hands.held = {Pool.EYES}
    for _ in range(10):
        read_again(world)
    hanging = len(world.hands.waiting)
    world.hands.held = set()
    world.hands.go_on()
    world.settle()

    assert (hanging, world.engine.desks.reloading.take().found is None) == (reloading.AT_ONCE, False)


def test_what_is_refused_is_kept_for_status_until_something_is_taken(world):
    """With every problem, and since when."""
    world.start()

    reloading.refuse(world.engine.context, ConfigError("it has 1 problem", hint="mend it", problems=("f:1:1: bad",)))

    assert told.refused(world.store.memory) == told.Refused(
        since=world.clock.now(), reason="it has 1 problem", hint="mend it", problems=("f:1:1: bad",)
    )

    reloading.accept(world.engine.context)

    assert told.refused(world.store.memory) is None
