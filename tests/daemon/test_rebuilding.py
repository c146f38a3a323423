"""A state that was lost, restored from a backup, or damaged heals from its outputs, and nothing is paid twice."""

import contextlib
import json
import shutil

import pytest

from mvsep_watch.daemon.rebuilding import is_under_way
from mvsep_watch.errors import OutputRootError, SourceBusyError
from mvsep_watch.files import claim, sidecar
from mvsep_watch.model import Rule
from mvsep_watch.store import Db
from tests.daemon.test_kills import Killed
from tests.daemon.world import write_wav


def gates(world):
    return [str(gate.name) for gate in world.engine.context.gates()]


def songs(world, count=3):
    """Let so many songs be published."""
    for pitch in range(1, count + 1):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.start()
    world.finish()
    assert world.states() == ["published"] * count


def approve_all(world):
    held = [job.id for job in world.jobs() if job.state == "held"]
    world.store.requests.append("approve", {"jobs": [{"id": job} for job in held]}, now=world.clock.now())
    world.engine.desks.commands.look_again()
    world.turn()
    return held


def sidecar_of(world, name):
    return world.stems / name / "mvsep-watch.json"


def rewrite(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_lost_state_is_rebuilt_and_pays_nothing_again(world):
    """Everything is found published, and the gate is open."""
    songs(world)
    before = world.tree()
    world.lose_state()

    report = world.rebuild()
    world.start()
    world.pass_time(300)

    assert (report.sidecars, report.jobs, report.separations, report.gone, report.is_whole) == (3, 3, 3, 0, True)
    assert (world.states(), gates(world)) == (["published"] * 3, [])
    assert (world.service.count("create"), world.tree()) == (3, before)


def test_what_was_queued_before_a_rebuild_goes_beside_the_outputs_that_it_makes_known(world):
    """Both had the same place; the state knows whose the outputs there are, and its gate stays open."""
    songs(world, count=1)
    world.lose_state()
    write_wav(world.drop / "1.wav", pitch=9)
    world.start()
    world.pass_time(30)
    assert gates(world) == ["state"]

    world.rebuild()
    world.start()
    world.pass_time(30)
    approve_all(world)
    world.finish()
    world.pass_time(120)

    assert (sorted(world.states()), gates(world)) == (["published", "published"], [])
    assert "1 (2)/Vocals.wav" in world.tree()


def test_a_rebuilt_job_is_what_it_was(world):
    """Folder, rule, place, outputs, hash, tag, credits and account."""
    songs(world, count=1)

    def facts():
        job = world.jobs()[0]
        row = world.store.separations.get(job.separation_id)
        source = world.store.sources.get(job.source_id)
        return (
            (job.folder, job.rule, job.final, job.output_root, job.bytes_key, job.input_key, job.settings),
            (job.queued_at, job.fetched_at),
            world.store.jobs.outputs(job.id),
            (row.realm, row.host, row.account, row.attempt, row.state, row.hash, row.tag, row.algorithm),
            (row.credits_estimated, row.credits_charged, row.reserved_day, row.submitted_at),
            (source.path, source.bytes_key),
            [tuple(row) for row in world.store.db.all("SELECT day, sum(credits) FROM ledger GROUP BY day")],
        )

    before = facts()
    world.lose_state()
    world.rebuild()
    world.start()

    assert facts() == before


def test_what_is_new_after_a_rebuild_waits_for_one_approve(world):
    """Whatever the limits say; then it is done, and what comes later is ordinary again."""
    songs(world, count=1)
    world.lose_state()
    for pitch in (8, 9):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)

    world.rebuild()
    world.start()
    world.pass_time(60)
    made = world.service.made
    held = approve_all(world)
    write_wav(world.drop / "later.wav", pitch=10)
    world.rescan()
    world.finish()

    assert (made, len(held)) == (1, 2)
    assert (world.states(), world.service.made) == (["published"] * 4, 4)


def test_an_older_backup_is_kept_and_brought_up_to_date(world):
    """Its rows stay, and what was published since is added."""
    songs(world, count=1)
    world.back_up()
    write_wav(world.drop / "two.wav", pitch=22)
    world.start()
    world.finish()
    before = [job.queued_at for job in world.jobs()]
    world.restore()
    was = claim.read(world.stems)

    report = world.rebuild()
    world.start()
    world.pass_time(120)

    now = claim.read(world.stems)
    assert (report.jobs, world.states(), world.service.made) == (1, ["published"] * 2, 2)
    assert [job.queued_at for job in world.jobs()] == before
    assert now.generation > was.generation
    assert now.state_id == world.store.memory.state_id != was.state_id
    assert gates(world) == []


@pytest.mark.parametrize("until", ["queued", "intended", "released", "submitted", "done", "fetched"])
def test_a_backup_taken_in_the_middle_of_the_work_is_brought_to_its_end(world, until):
    """Whatever it says of the separation, the sidecar says done; nothing of it is sent or published again."""
    songs(world, count=1)
    write_wav(world.drop / "two.wav", pitch=22)
    world.restart()
    if until == "queued":
        world.hands.sizes["uploads"] = 0
    elif until == "intended":
        world.hands.held = {"uploads"}
    elif until == "released":
        world.service.history_lag_s = 60.0
        world.service.fault("create", "drop_after_made")
    world.pass_time(20)
    if until in ("done", "fetched"):
        world.hands.held = {"downloads" if until == "done" else "filing"}
        world.service.finish_all()
        world.pass_time(10)
    row, job = world.store.separations._rows("1 ORDER BY id")[-1], world.jobs()[-1]
    reached = job.state if until in ("queued", "fetched") else row.state
    world.back_up()
    world.start()
    world.pass_time(120)
    world.finish()
    assert world.states() == ["published"] * 2
    before, made = world.tree(), world.service.made
    world.restore()

    world.rebuild()
    world.start()
    world.pass_time(200)

    assert reached == until
    assert (world.states(), world.service.made, gates(world)) == (["published"] * 2, made, [])
    assert world.tree() == before


def test_a_state_that_ran_at_the_closed_gate_is_rebuilt_too(world):
    """What it had queued turns out to be published."""
    songs(world)
    world.lose_state()
    world.start()
    world.pass_time(60)
    waiting = (world.states(), gates(world))

    world.rebuild()
    world.start()
    world.pass_time(60)

    assert waiting == (["queued"] * 3, ["state"])
    assert (world.states(), world.service.made) == (["published"] * 3, 3)


def test_a_source_that_was_renamed_since_is_known(world):
    """Its bytes are recognised, and its job follows."""
    songs(world, count=1)
    world.lose_state()
    (world.drop / "1.wav").rename(world.drop / "renamed.wav")

    report = world.rebuild()
    world.start()
    world.pass_time(60)

    source = world.store.sources.get(world.jobs()[0].source_id)
    assert (report.gone, source.path.name) == (1, "renamed.wav")
    assert (world.states(), world.service.made) == (["published"], 1)


def test_bytes_that_come_back_after_a_rebuild_are_known(world):
    """The source was deleted since; a copy of it is dropped again."""
    songs(world, count=1)
    content = (world.drop / "1.wav").read_bytes()
    (world.drop / "1.wav").unlink()
    world.lose_state()
    world.rebuild()
    world.start()
    world.pass_time(30)

    (world.drop / "again.wav").write_bytes(content)
    world.rescan()
    world.pass_time(60)

    assert (world.states(), world.service.made) == (["published"], 1)


@pytest.mark.parametrize("lost", ["all", "some"])
def test_a_source_that_was_to_go_goes_after_a_rebuild(world, lost):
    """Its work is published, and it is still what was read."""
    songs(world, count=1)
    write_wav(world.drop / "2.wav", pitch=2)
    world.restart()
    world.pass_time(20)
    world.back_up()
    world.start()
    world.finish()
    world.folder_options = {"source": "delete"}
    world.lose_state() if lost == "all" else world.restore()

    world.rebuild()
    world.start()
    world.pass_time(120)

    assert [path.name for path in world.drop.iterdir()] == ([] if lost == "all" else ["1.wav"])
    assert (world.states(), world.service.made) == (["published"] * 2, 2)


def test_other_bytes_under_the_old_name_are_news(world):
    """They wait for the approve, and the old work stays known."""
    songs(world, count=1)
    world.lose_state()
    write_wav(world.drop / "1.wav", pitch=77)

    world.rebuild()
    world.start()
    world.pass_time(60)

    assert (world.states(), world.service.made) == (["published", "held"], 1)


def test_outputs_that_were_edited_are_told_and_stay_paid_for(world):
    """By their sizes, or with a look at every byte."""
    songs(world, count=2)
    with (world.stems / "1" / "Vocals.wav").open("ab") as file:
        file.write(b"more")
    edited = world.stems / "2" / "Vocals.wav"
    content = edited.read_bytes()
    edited.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    world.lose_state()

    by_size = world.rebuild()
    by_bytes = world.rebuild(verify=True)
    world.start()
    world.pass_time(60)

    assert by_size.changed == [(world.stems / "1", ("Vocals.wav",))]
    assert [folder.name for folder, _ in by_bytes.changed] == ["1", "2"]
    assert (world.states(), world.service.made) == (["published"] * 2, 2)


def test_a_sidecar_of_a_sandbox_never_counts_for_the_service(world):
    """It is restored as what it is; the work is asked about, and beside it done again."""
    songs(world, count=1)
    world.lose_state()
    rewrite(sidecar_of(world, "1"), realm="sandbox", host="http://127.0.0.1:8642")

    report = world.rebuild()
    world.start()
    world.pass_time(60)
    made = world.service.made
    approve_all(world)
    world.finish()

    assert (report.foreign, made) == (1, 1)
    assert [(job.realm, str(job.state)) for job in world.jobs()] == [("sandbox", "published"), ("mvsep", "published")]
    assert world.jobs()[1].final.name == "1 (2)"


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": "{}"},
        {"settings": "[1]"},
        {"attempt": 0},
        {"hash": ""},
        {"input_key": "tape:1"},
        {"source_sha256": "abc"},
        {"source_name": "../../outside.wav"},
        {"source_name": "/etc/passwd"},
        {"source_name": "a\0b"},
        {"folder": "../up"},
        {"queued_at": "yesterday"},
        {"source_size_bytes": -1},
        {"credits_charged": 1 << 70},
        {"realm": 5},
        {"outputs": 7},
    ],
    ids=str,
)
def test_a_damaged_sidecar_is_told_and_stops_no_other(world, changes):
    """With its path and what is wrong with it."""
    songs(world, count=2)
    world.lose_state()
    rewrite(sidecar_of(world, "1"), **changes)

    report = world.rebuild()

    assert [path for path, _ in report.damaged] == [sidecar_of(world, "1")]
    assert (report.jobs, report.is_whole) == (1, False)


def test_outputs_that_cannot_be_read_are_told_and_stop_no_other(world, monkeypatch):
    """A bad sector under one stem."""
    songs(world, count=2)
    world.lose_state()
    verify = sidecar.verify

    def fails_for_the_first(place, outputs):
        if place.base.name == "1":
            raise SourceBusyError("Input/output error")
        return verify(place, outputs)

    monkeypatch.setattr(sidecar, "verify", fails_for_the_first)
    report = world.rebuild(verify=True)

    assert ([path.name for path, _ in report.missing], report.jobs, report.changed) == (["1"], 2, [])


def test_systemd_is_asked_for_more_time(world, monkeypatch):
    """A start that mends the state takes as long as there are outputs."""
    songs(world, count=2)
    world.lose_state()
    asked = []
    monkeypatch.setattr("mvsep_watch.daemon.rereading.AT_ONCE", 1)
    monkeypatch.setattr("mvsep_watch.daemon.systemd.Notifier.more_time", lambda _, seconds: asked.append(seconds))

    world.rebuild()

    assert asked == [120.0, 120.0]


def test_a_claim_that_cannot_be_understood_is_told_and_written_anew(world):
    """A rebuild is a person's word."""
    songs(world, count=1)
    world.lose_state()
    (world.stems / claim.CLAIM_NAME).write_bytes(b"?")

    report = world.rebuild()
    world.start()
    world.pass_time(60)

    assert [path.name for path, _ in report.damaged] == [claim.CLAIM_NAME]
    assert (gates(world), claim.read(world.stems).state_id) == ([], world.store.memory.state_id)


def test_an_output_root_that_is_away_is_told_and_left_alone(world):
    """The others are rebuilt; once it is back, its claim closes the gate until it is rebuilt as well."""
    songs(world, count=1)
    world.lose_state()
    world.stems.rename(world.base / "unmounted")

    report = world.rebuild()
    (world.base / "unmounted").rename(world.stems)
    world.start()
    world.pass_time(120)
    closed = gates(world)
    again = world.rebuild()
    world.start()
    world.pass_time(60)

    assert ([path for path, _ in report.missing], closed) == ([world.stems], ["state"])
    assert (again.jobs, world.states(), world.service.made) == (1, ["published"], 1)


def test_the_bare_mount_point_of_an_output_root_is_not_taken_for_it(world):
    """Its disk is away: it is told, and gets no claim; nor does a folder that was emptied."""
    songs(world, count=1)
    world.stop()
    world.stems.rename(world.base / "unmounted")
    world.stems.mkdir()

    report = world.rebuild()

    assert [path for path, _ in report.missing] == [world.stems]
    assert list(world.stems.iterdir()) == []


def test_a_root_that_lost_nothing_but_its_claim_gets_another(world):
    """Its outputs are there."""
    songs(world, count=1)
    world.stop()
    (world.stems / claim.CLAIM_NAME).unlink()

    report = world.rebuild()
    world.start()
    world.pass_time(60)

    assert (report.is_whole, gates(world), world.states()) == (True, [], ["published"])
    assert claim.read(world.stems).state_id == world.store.memory.state_id


def test_a_copy_of_an_output_folder_is_one_job(world):
    """It has the same sidecar; the second time as well as the first."""
    songs(world, count=1)
    shutil.copytree(world.stems / "1", world.stems / "a copy")
    world.lose_state()

    reports = [world.rebuild(), world.rebuild()]
    world.start()

    assert [report.jobs for report in reports] == [1, 0]
    assert world.states() == ["published"]


def test_what_two_states_have_both_paid_for_is_kept_as_two(world):
    """One attempt with two hashes: after a new beginning that a person approved."""
    songs(world, count=1)
    folder = world.stems / "1 (2)"
    shutil.copytree(world.stems / "1", folder)
    rewrite(folder / "mvsep-watch.json", state_id="other", hash="20260101000000-aaaaaaaaaa-song.wav")
    world.lose_state()

    reports = [world.rebuild(), world.rebuild()]
    world.start()

    rows = world.store.separations._rows("1 ORDER BY attempt")
    assert ([row.attempt for row in rows], len({row.hash for row in rows})) == ([1, 2], 2)
    assert [(report.jobs, report.separations) for report in reports] == [(2, 2), (0, 0)]


def test_jobs_of_folders_and_rules_that_are_gone_keep_their_names(world):
    """Nothing of the configuration is needed to remember what was done."""
    world.rules = (Rule(name="old", sep_type=40, output_format=1),)
    songs(world, count=1)
    rewrite(sidecar_of(world, "1"), folder="elsewhere")
    (world.drop / "1.wav").unlink()
    world.lose_state()
    world.rules = (Rule(name="new", sep_type=41, output_format=1),)

    world.rebuild()
    world.start()
    world.pass_time(60)

    job = world.jobs()[0]
    assert (job.folder, job.rule, str(job.state)) == ("elsewhere", "old", "published")
    assert world.store.sources.get(job.source_id).path == world.base / "elsewhere" / "1.wav"
    assert world.service.made == 1


def test_paid_work_without_outputs_is_found_in_the_history_after_a_rebuild(world):
    """It is taken over by its tag; the rebuild says how much of the history it cannot explain."""
    songs(world, count=2)
    shutil.rmtree(world.stems / "2")
    world.lose_state()

    report = world.rebuild()
    world.start()
    world.pass_time(60)
    world.finish()

    assert (report.history.tagged, report.history.unexplained) == (2, 1)
    assert (world.states(), world.service.made) == (["published"] * 2, 2)


def test_a_service_that_does_not_answer_is_told_and_holds_nothing_up(world):
    """Nothing can be sent before the history was read in any case."""
    songs(world, count=1)
    world.lose_state()
    world.service.fault("user", *["http_503"] * 5)

    report = world.rebuild()

    assert (report.jobs, bool(report.history.trouble), report.is_whole) == (1, True, False)


def test_a_claim_that_cannot_be_written_leaves_the_gate_closed(world, monkeypatch):
    """Until it can be, and the rebuild is begun again."""
    songs(world, count=1)
    world.lose_state()

    def refuses(*_, **__):
        raise OutputRootError("read-only")

    with monkeypatch.context() as patch:
        patch.setattr(claim, "write", refuses)
        with pytest.raises(OutputRootError):
            world.rebuild()
    world.stop()
    write_wav(world.drop / "new.wav", pitch=9)
    world.start()
    world.pass_time(120)
    closed = gates(world)
    world.rebuild()
    world.start()
    world.pass_time(60)

    assert (closed, gates(world), world.service.made) == (["state"], [], 1)


def kill_rebuild_at(monkeypatch, *, commit, before):
    """End the process at the n-th commit of a rebuild, just before or just after it is durable."""
    left = commit
    run = Db.run

    def counted(self, sql, params=()):
        nonlocal left
        if sql != "COMMIT":
            return run(self, sql, params)
        left -= 1
        if left == 0 and before:
            raise Killed
        result = run(self, sql, params)
        if left == 0:
            raise Killed
        return result

    monkeypatch.setattr(Db, "run", counted)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("lost", ["all", "some"])
@pytest.mark.parametrize("commit", range(1, 12))
def test_a_rebuild_killed_at_any_commit_is_finished_by_the_next(world, monkeypatch, commit, before, lost):
    """In between the gate is closed; nothing is paid again."""
    monkeypatch.setattr("mvsep_watch.daemon.rereading.AT_ONCE", 1)
    songs(world, count=1)
    world.back_up()
    for pitch in (2, 3):
        write_wav(world.drop / f"{pitch}.wav", pitch=pitch)
    world.start()
    world.finish()
    if lost == "all":
        world.lose_state()
    else:
        world.restore()
    write_wav(world.drop / "new.wav", pitch=9)

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        kill_rebuild_at(patch, commit=commit, before=before)
        world.rebuild()
    world.start()
    is_finished = not is_under_way(world.store) and claim.read(world.stems).state_id == world.store.memory.state_id
    is_up_to_date = claim.read(world.stems).generation == world.store.memory.generation
    world.pass_time(120)
    between = gates(world)
    world.rebuild()
    world.start()
    world.pass_time(60)

    assert between == ([] if is_finished and is_up_to_date else ["state"])
    assert sorted(world.states()) == ["held", "published", "published", "published"]
    assert (gates(world), world.service.made) == ([], 3)
