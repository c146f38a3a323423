"""Content that the service keeps failing on: paid for a few times, and then no more by itself."""

from dataclasses import replace

from mvsep_watch.model import HoldKind, Rule
from tests.daemon.test_requests import ask
from tests.daemon.world import World, write_wav


def test_content_that_keeps_failing_is_not_paid_for_under_yet_another_rule_or_name(tmp_path):
    """Keyed by content, across restarts and renames; a person may let it go."""
    world = World(tmp_path)
    world.rules = tuple(Rule(name=f"r{number}", sep_type=40, output_format=number) for number in (3, 2, 0, 1))
    world.limits = replace(world.limits, separations=1)
    song = write_wav(world.drop / "song.wav")
    world.start()
    for _ in range(3):
        world.pass_time(60)
        world.service.finish(world.service.unfinished[0].hash, status="failed", message="Job failed")
    world.pass_time(120)
    song.rename(world.drop / "renamed.wav")
    world.restart()
    world.pass_time(120)

    held = [job for job in world.jobs() if job.hold == HoldKind.PRICE]
    assert (len(held), world.service.made) == (1, 3)
    assert "failed on this content 3 times" in held[0].reason

    ask(world, "approve", {"id": held[0].id})
    world.finish()
    assert (world.store.jobs.get(held[0].id).state, world.service.made) == ("published", 4)
    world.stop()
