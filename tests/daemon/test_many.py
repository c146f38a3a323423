"""Many at once: under the announced rate, and nobody starved."""

from collections import defaultdict
from pathlib import Path

from mvsep_watch.model import CreditLimits, Limits
from mvsep_watch.mvsep import Client, Pace
from mvsep_watch.mvsep.pace import Patience
from mvsep_watch.steps.base import Pool
from tests.daemon.world import write_wav

LIMIT, MANY = 120, 100


def paced(world):
    """Give the world's client a pace by the world's clock; note when each kind of turn was asked for and came."""
    waits = defaultdict(list)

    class Noting(Pace):
        def take(self, patience=Patience.UPLOAD):
            asked_s = world.clock.monotonic()
            super().take(patience)
            waits[patience].append(world.clock.monotonic() - asked_s)

    def sleep(seconds):
        world.clock.sleep(seconds)
        return False

    def client(*, token, base_url):
        pace = Noting(clock=world.clock.monotonic, sleep=sleep, jitter=lambda: 0.0)
        return Client(token, base_url=base_url, transport=world.service.transport(), pace=pace)

    world.service.client = client
    return waits


def times_of_requests(world):
    """Note when every request came, and when each separation was asked for."""
    times, asked = [], defaultdict(list)
    answer = world.service.answer

    def note(request):
        if request.url.path.startswith("/api/"):
            times.append(world.clock.now())
        if request.url.path == "/api/separation/get":
            asked[request.url.params["hash"]].append(world.clock.now())
        return answer(request)

    world.service.answer = note
    return times, asked


def turn_for(world, seconds):
    """Turn the crank for so long; what waits for the pace takes its time, and what is due then is not waited for."""
    end = world.clock.now() + seconds
    while world.clock.now() < end:
        world.turn()
        world.clock.sleep(0.2)


def most_in_a_minute(times):
    return max(sum(start <= at < start + 60 for at in times) for start in times)


def test_a_hundred_separations_in_flight_keep_to_the_rate_and_none_is_starved(world):
    """A hundred and twenty requests a minute; uploads do not stand in line behind polls."""
    world.limits = Limits(separations=MANY + 10, credits=CreditLimits(approve_batch_above=None))
    world.service.rate_limit = LIMIT
    for number in range(MANY):
        write_wav(world.drop / f"{number:03}.wav", seconds=0.5, pitch=number + 1)
    waits = paced(world)
    times, asked = times_of_requests(world)
    world.start()
    while world.service.made < MANY:
        turn_for(world, 5.0)
    began_at, uploads = world.clock.now(), len(waits[Patience.UPLOAD])

    for number in range(MANY, MANY + 10):
        write_wav(world.drop / f"{number:03}.wav", seconds=0.5, pitch=number + 1)
        world.engine.desks.scans.want_scan("drop")
        turn_for(world, 30.0)

    longest_s = max(
        later - sooner
        for ages in asked.values()
        for sooner, later in zip(ages, [*ages[1:], world.clock.now()], strict=True)
        if later > began_at
    )
    assert world.service.made == MANY + 10
    assert most_in_a_minute(times) <= LIMIT
    assert max(waits[Patience.UPLOAD][uploads:]) < 1.0
    assert longest_s <= 60 + MANY / (LIMIT * 0.75 / 60) + 30


def test_what_costs_nothing_does_not_wait_behind_what_cannot_start(world):
    """What was done for another folder is shared, however many wait for the next day before it."""
    other = world.base / "other"
    world.extra_folders = (world.another_folder("other", other, world.base / "other-stems"),)
    done = write_wav(other / "done.wav", seconds=0.5, pitch=777)
    world.limits = Limits(per_day_jobs=1, credits=CreditLimits(approve_batch_above=None))
    world.start()
    world.finish()
    for number in range(150):
        write_wav(world.drop / f"{number:03}.wav", seconds=0.05, pitch=number + 1)
    world.rescan()
    world.pass_time(10.0)
    (world.drop / "copy.wav").write_bytes(done.read_bytes())
    world.rescan()

    world.pass_time(30.0)

    published = [str(job.final.relative_to(world.base)) for job in world.jobs() if job.state == "published"]
    assert published == ["other-stems/done", "stems/copy"]
    assert world.states().count("queued") == 150


def test_a_folder_of_thousands_does_not_starve_a_folder_of_one(world):
    """The folder with the fewest under way is next, however many wait elsewhere."""
    other = world.base / "other"
    other.mkdir()
    world.extra_folders = (world.another_folder("other", other, world.base / "other-stems"),)
    for number in range(300):
        write_wav(world.drop / f"{number:03}.wav", seconds=0.05, pitch=number + 1)
    world.limits = Limits(separations=2, credits=CreditLimits(approve_batch_above=None))
    world.start()
    world.pass_time(30.0)
    write_wav(other / "one.wav", seconds=0.5, pitch=999)
    world.rescan()
    world.pass_time(10.0)

    for _ in range(3):
        world.service.finish_all()
        world.pass_time(20.0)

    states = {(job.folder, str(job.state)) for job in world.jobs()}
    assert ("other", "published") in states
    assert ("drop", "queued") in states


def test_a_folder_of_thousands_that_are_to_be_read_does_not_keep_another_waiting(world):
    """Reading 5,000 files takes a while; the one file of another folder is read after a few of them."""
    other = world.base / "other"
    other.mkdir()
    world.extra_folders = (world.another_folder("other", other, world.base / "other-stems"),)
    for number in range(5000):
        (world.drop / f"{number:04}.wav").write_bytes(b"RIFF")
    world.start()
    world.hands.held, world.hands.sizes[Pool.READING] = {Pool.READING}, 2
    world.pass_time(10.0)
    write_wav(other / "one.wav")
    world.rescan()
    world.pass_time(10.0)

    world.hands.go_on()
    world.turn()

    assert [Path(step.files[0].path).parent for step in world.hands.waiting] == [world.drop, other, world.drop]
