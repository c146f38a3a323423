"""What was sent once and is certainly not made waits without being sent in vain, and keeps no slot for ever."""

import httpx

from mvsep_watch.model import GateName, Limits
from tests.daemon.world import write_wav

REFUSED = {"success": False, "errors": ["You already have unprocessed file in queue."]}


def refused_once(world):
    """Have an upload answered with 429, so that it is intended again though it was sent."""
    write_wav(world.drop / "song.wav")
    world.service.fault("create", "429")
    world.start()
    world.pass_time(6, step_s=1.0)


def test_nothing_is_sent_while_a_gate_is_closed(world):
    """An upload that was refused once waits for the service; its body does not leave again and again in vain."""
    refused_once(world)
    world.engine.context.close_gate(GateName.PAUSED, "told to pause", "")
    before = world.service.count("create")

    world.pass_time(300)

    assert world.service.count("create") == before
    assert world.states() == ["queued"]


def test_it_goes_on_as_soon_as_the_gate_opens(world):
    """A short pause is not followed by a minute of waiting."""
    refused_once(world)
    world.engine.context.close_gate(GateName.PAUSED, "told to pause", "")
    world.pass_time(30)
    world.engine.context.open_gate(GateName.PAUSED)

    world.pass_time(5)

    assert world.states() == ["submitted"]


def test_a_cancelled_upload_that_is_refused_after_all_keeps_no_slot(world):
    """A person cancelled while its last chunk was out, and the service did not take it: nothing is left of it."""

    def refuse_while_cancelled(request, service):
        store = world.store
        job = world.jobs()[0]
        store.jobs.move(job, "cancelled", now=world.clock.now(), reason="by a person")
        store.separations.set(job.separation_id, cancel_wanted=1)
        return httpx.Response(400, json=REFUSED)

    write_wav(world.drop / "song.wav")
    world.service.fault("create", refuse_while_cancelled)
    world.start()

    world.pass_time(120)

    assert world.store.separations.unfinished() == []
    assert world.service.count("create") == 1


def test_a_source_that_is_gone_after_a_refusal_keeps_no_slot(world):
    """Where one slot is all there is, the next song takes it."""
    world.limits = Limits(separations=1, credits=world.limits.credits)
    refused_once(world)
    (world.drop / "song.wav").unlink()
    write_wav(world.drop / "next.wav", pitch=2)
    world.rescan()

    world.pass_time(300)
    world.finish()

    assert world.states() == ["cancelled", "published"]
