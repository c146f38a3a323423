"""What must hold in every state of the model, and wherever it comes to rest."""

from mvsep_watch.model import HoldKind, JobState
from mvsep_watch.planner import Ask, Wait
from tests.model.game import CANCELLED, FAILED, INTENDED, LOST, SUBMITTED, Game, decision
from tests.model.world import OVER, World, is_listed, live_jobs, separation, server_balance, unfinished_remotes

SENT_TWICE = "one attempt was sent twice"
PAID_WITHOUT_A_WORD = "a work was paid for again without a person's word"
OVER_BALANCE = "more was spent than the account had"
OVER_SLOTS = "more was unfinished on the server than there are slots"
CANCELLED_WHILE_RUNNING = "a separation is called cancelled, and the server has not cancelled it"
CANCELLED_UNDER_A_JOB = "a separation is to be cancelled, and a job needs it"
FAILED_BESIDE_A_RESULT = "an attempt is called failed, and the service has its result"
RESULT_LOST = "a paid result is lost, and nothing says so"
TAKEN_FOR_ANOTHER = "a separation was taken for another"
NOT_SAID_WHY = "a job is at rest, and nothing says why"


def broken_promise(game: Game, world: World) -> str | None:
    """Name a promise that does not hold in this state."""
    return (
        _paid_twice(game, world)
        or _over_the_limits(game, world)
        or _cancelled_and_running(world)
        or _cancelled_under_a_job(world)
        or _failed_beside_a_result(world)
        or _taken_for_another(world)
    )


def _paid_twice(game: Game, world: World) -> str | None:
    uploads = [remote for remote in world.remotes if not remote.is_double]
    keys = [remote.key for remote in uploads]
    if len(set(keys)) < len(keys):
        return SENT_TWICE
    for work in {remote.work for remote in uploads}:
        asked = sum(key[0] == work and key[1] > 0 for key in world.words)
        paid = sum(remote.work == work and remote.status != "failed" for remote in uploads)
        sent = sum(remote.work == work for remote in uploads)
        if paid > 1 + asked or sent > game.setting.attempts + asked:
            return PAID_WITHOUT_A_WORD
    return None


def _over_the_limits(game: Game, world: World) -> str | None:
    if server_balance(game.setting, world) < 0:
        return OVER_BALANCE
    if unfinished_remotes(world) > game.setting.slots and not world.words:
        return OVER_SLOTS
    return None


def _cancelled_and_running(world: World) -> str | None:
    for row in world.state.separations:
        if row.state == CANCELLED and row.remote is not None and world.remotes[row.remote].status != "cancelled":
            return CANCELLED_WHILE_RUNNING
    return None


def _cancelled_under_a_job(world: World) -> str | None:
    if any(row.cancel_wanted and live_jobs(world, row.key) for row in world.state.separations):
        return CANCELLED_UNDER_A_JOB
    return None


def _failed_beside_a_result(world: World) -> str | None:
    for row in world.state.separations:
        if row.state == FAILED and any(remote.key == row.key and remote.status == "done" for remote in world.remotes):
            return FAILED_BESIDE_A_RESULT
    return None


def _taken_for_another(world: World) -> str | None:
    for row in world.state.separations:
        if row.remote is not None and world.remotes[row.remote].key != row.key:
            return TAKEN_FOR_ANOTHER
    return None


def broken_at_rest(game: Game, world: World) -> str | None:
    """Name a promise that does not hold where nothing more happens by itself."""
    for job in world.state.jobs:
        if job.state not in OVER and not _says_why(game, world, job):
            return NOT_SAID_WHY
    for remote in world.remotes:
        if remote.status == "done" and not _is_accounted_for(game, world, remote):
            return RESULT_LOST
    return None


def _says_why(game, world, job) -> bool:
    """A job at rest is held, or waits for something that `status` shows."""
    if job.state == JobState.HELD:
        return True
    row = separation(world, job.key)
    if job.state != JobState.QUEUED or (row is not None and row.state != INTENDED):
        return False
    return isinstance(decision(game, world, own=row), Wait | Ask)


def _is_accounted_for(game, world, remote) -> bool:
    """A result is published, or a person ended its work, or a job waits and the result can be found."""
    jobs = [job for job in world.state.jobs if job.work == remote.work]
    if any(job.state in (JobState.PUBLISHED, JobState.CANCELLED) for job in jobs):
        return True
    row = separation(world, remote.key)
    if row is not None and row.state in (SUBMITTED, LOST):
        return True
    could_be_found = game.setting.is_tagged and is_listed(game.setting, remote)
    overlooked = could_be_found and any(job.hold == HoldKind.UNKNOWN for job in jobs)
    return any(job.state not in OVER for job in jobs) and not overlooked
