"""`run` and `once`: what is shown while they work, what came of it, and how they end."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from mvsep_watch.cli import outcome
from mvsep_watch.cli.context import Options
from mvsep_watch.cli.course import Course, Run
from mvsep_watch.cli.outcome import Item, Outcome
from mvsep_watch.cli.progress import Ended, Progress, Snapshot, Task, look
from mvsep_watch.cli.rendering import said
from mvsep_watch.cli.running import BEGINS_ANEW, _say_what_fresh_means
from mvsep_watch.cli.views import LineView, LiveView, view_on
from mvsep_watch.files.lock import StateLock
from mvsep_watch.model import CreditLimits, Gate, GateName, JobState, Limits, Rule
from mvsep_watch.steps.base import Pool
from tests.daemon.world import write_wav

NOTHING = Outcome(finished=(), left=(), refused=(), gates=(), spent=0, balance=None, interrupted=False)


def item(state, *, job=1, name="song.wav", reason="", hint=""):
    return Item(job=job, name=name, source=f"/drop/{name}", state=state, reason=reason, hint=hint, final="/stems/song")


def outcome_of(**changed):
    return Outcome(**{field: changed.get(field, getattr(NOTHING, field)) for field in NOTHING.__slots__})


def shown(came_of_it):
    console = Console(file=io.StringIO(), width=200)
    outcome.show(came_of_it, console)
    return console.file.getvalue()


def snapshot(*tasks, ended=(), gates=(), **counts):
    return Snapshot(
        counts={state: counts.get(str(state), 0) for state in JobState}, tasks=tasks, ended=ended, gates=gates
    )


def gate(name):
    return Gate(name=name, reason="it is so", hint="do that")


@pytest.mark.parametrize(
    ("server_says", "words"),
    [
        ({}, "submitted"),
        ({"status": "waiting"}, "in the queue"),
        ({"status": "waiting", "current_order": 3}, "in the queue, place 3"),
        ({"status": "waiting", "current_order": 3, "queue_count": 14}, "in the queue, place 3 of 14"),
        ({"status": "processing"}, "being separated"),
        ({"status": "distributing", "finished_chunks": 2, "all_chunks": 9}, "being separated, 2 of 9 chunks"),
        ({"status": "merging"}, "being put together"),
        ({"status": "sleeping"}, "sleeping"),
    ],
)
def test_what_the_server_says_is_put_into_words(server_says, words):
    """Its seven statuses, and whatever else it may say one day."""
    assert said(server_says) == words


def test_an_upload_is_shown_as_one(world):
    """While a hand sends it."""
    write_wav(world.drop / "a" / "song.wav")
    world.start()
    world.hands.held.add(Pool.UPLOADS)

    world.pass_time(30)

    assert look(world.engine).tasks == (Task(name="a/song.wav", doing="uploading", job=1),)


def test_how_much_of_an_upload_has_left_is_shown(world):
    """On a slow line it is what a person wants to know."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.hands.held.add(Pool.UPLOADS)
    world.pass_time(30)
    (upload,) = world.hands.waiting

    upload.meter.count(12_345, upload.stat.size_bytes)

    assert look(world.engine).tasks[0].amount == "12.3 kB of 48.0 kB"


def test_what_the_server_works_on_is_shown_with_its_place(world):
    """As the last poll heard it."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(30)

    tasks = look(world.engine).tasks

    assert tasks == (Task(name="song.wav", doing="in the queue", amount="place 1 of 1", job=1),)


def test_the_rule_is_named_where_a_folder_has_several(world):
    """Else two lines would look the same."""
    world.rules = (Rule(name="voc", sep_type=40, output_format=1), Rule(name="mp3", sep_type=40, output_format=0))
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(30)

    assert {task.name for task in look(world.engine).tasks} == {"song.wav [voc]", "song.wav [mp3]"}


def test_a_job_that_was_under_way_is_told_of_once_when_it_ends(world):
    """With the number of its stems and where they are."""
    console = Console(file=io.StringIO(), width=500)
    write_wav(world.drop / "song.wav")
    world.start()
    progress = Progress(LineView(console), every_s=0)
    world.pass_time(30)
    progress(world.engine)
    world.finish()

    progress(world.engine)
    progress(world.engine)

    lines = console.file.getvalue().splitlines()
    assert lines[-1] == f"published  song.wav, 2 stems in {world.stems}/song"
    assert len([line for line in lines if line.startswith("published")]) == 1


def test_lines_are_printed_only_for_news():
    """A pipe or a log gets no repetitions."""
    console = Console(file=io.StringIO(), width=500)
    view = LineView(console)
    task = Task(name="song.wav", doing="being separated", job=1)

    for _ in range(3):
        view.show(snapshot(task, gates=(gate(GateName.SERVICE),)))

    assert console.file.getvalue() == "song.wav: being separated\ngate service closed: it is so (do that)\n"


def test_a_place_in_the_queue_is_no_news_without_a_terminal():
    """It changes all the time."""
    console = Console(file=io.StringIO(), width=500)
    view = LineView(console)

    for place in (3, 2, 1):
        view.show(snapshot(Task(name="song.wav", doing="in the queue", amount=f"place {place}", job=1)))

    assert console.file.getvalue() == "song.wav: in the queue\n"


def test_without_steps_only_what_is_published_is_a_line(tmp_path):
    """The summary tells the rest, and a mail is read to its end."""
    console = Console(file=io.StringIO(), width=500)
    ended = [
        Ended(name=f"{state}.wav", state=state, reason="so", final=tmp_path, stems=2)
        for state in (JobState.PUBLISHED, JobState.HELD, JobState.FAILED)
    ]

    LineView(console, steps=False).show(snapshot(Task(name="a", doing="uploading", job=1), ended=ended))

    assert console.file.getvalue() == f"published  published.wav, 2 stems in {tmp_path}\n"


@pytest.mark.parametrize(("term", "kind"), [("xterm", LiveView), ("dumb", LineView)])
def test_a_terminal_that_cannot_be_drawn_on_gets_lines(monkeypatch, term, kind):
    """As a pipe does."""
    monkeypatch.setenv("TERM", term)

    view = view_on(Console(file=io.StringIO(), force_terminal=True))

    assert isinstance(view, kind)


def test_a_run_says_how_far_it_is(world):
    """Files done of all, bytes up and down, credits, and when the rest will be done, by the pace of the others."""
    write_wav(world.drop / "before.wav", pitch=99)
    world.start()
    world.finish()
    for number in range(5):
        write_wav(world.drop / f"{number}.wav", pitch=number + 1)
    world.engine.desks.scans.want_scan("drop")
    course, began_s = Course(world.engine), world.clock.monotonic()
    began = course.look()
    world.finish()
    write_wav(world.drop / "last.wav", pitch=50)
    world.rescan()
    world.pass_time(10)
    run = course.look()

    took_s = world.clock.monotonic() - began_s
    assert (began.done, began.total, began.credits, began.left_s) == (0, 0, 0, None)
    assert (run.done, run.total, run.credits) == (5, 6, 6)
    assert run.left_s == pytest.approx(took_s / 5)
    assert (run.up_bytes > began.up_bytes, run.down_bytes > began.down_bytes) == (True, True)


def test_what_is_left_ends_when_its_like_did(world):
    """As learned from the first, once the service works on the second."""
    separate_for(world, 95.0, pitch=1)
    course = separate_for(world, 50.0, pitch=2, finish=False)

    left_s = course.look().left_s

    assert left_s == pytest.approx(58.0, abs=3.0)


def separate_for(world, seconds, *, pitch, finish=True):
    """Have a song of three minutes worked on for so long."""
    write_wav(world.drop / f"{pitch}.wav", seconds=180, pitch=pitch)
    world.rescan() if world.store else world.start()
    course = Course(world.engine)
    while not (unfinished := [job for job in world.service.jobs.values() if job.is_unfinished]):
        world.pass_time(1.0, step_s=1.0)
    world.service.set_status(unfinished[0].hash, "processing")
    world.pass_time(seconds, step_s=1.0)
    if finish:
        world.finish()
    return course


def test_a_run_is_told_in_two_lines():
    """Within eighty columns."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, legacy_windows=False, color_system=None)
    view = LiveView(console)
    run = Run(
        done=12, total=200, up_bytes=45_300_000, down_bytes=120_000_000, up_per_s=3.2e6, down_per_s=0.0, credits=12,
        left_s=190.0,
    )  # fmt: skip
    view.show(replace(snapshot(queued=178, submitted=10, held=2), run=run))

    lines = ["".join(s.text for s in line).strip() for line in console.render_lines(view._drawn(), pad=False)]

    assert lines[0].endswith("12 of 200 done, 10 under way, 178 waiting, 2 held")
    assert lines[1] == "up 45.3 MB at 3.2 MB/s; down 120 MB; 12 credits; about 3 min left"


def test_the_live_view_fits_a_narrow_terminal():
    """Long names are cut, many tasks are counted, and nothing wraps."""
    console = Console(file=io.StringIO(), width=30, height=20, force_terminal=True, legacy_windows=False)
    view = LiveView(console)
    view.show(snapshot(*(Task(name="x" * 60, doing="uploading", job=n) for n in range(12)), queued=3, published=4))

    drawn = console.render_lines(view._drawn(), pad=False)

    lines = ["".join(segment.text for segment in line).strip() for line in drawn]
    assert "4 published, 3 waiting" in lines[0]
    assert (len(lines), lines[-1]) == (10, "and 4 more")
    assert lines[1] == "xxxxxxxxxxxxxxxx…: uploading"
    assert max(len(line) for line in lines) <= 30


def test_the_live_view_keeps_a_line_for_what_has_ended(tmp_path):
    """Also when the terminal is left."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, legacy_windows=False)
    ended = Ended(name="song.wav", state=JobState.HELD, reason="too dear", final=tmp_path, stems=0)

    with LiveView(console) as view:
        view.show(snapshot(ended=(ended,)))

    assert "song.wav: too dear" in console.file.getvalue()


@pytest.mark.parametrize(
    ("came_of_it", "code"),
    [
        (NOTHING, 0),
        (outcome_of(finished=(item("published"),)), 0),
        (outcome_of(finished=(item("cancelled"),)), 0),
        (outcome_of(finished=(item("published"), item("failed"))), 3),
        (outcome_of(left=(item("held"),)), 3),
        (outcome_of(left=(item("queued"),)), 3),
        (outcome_of(refused=(item("refused", job=None),)), 3),
        (outcome_of(gates=(gate(GateName.SERVICE),), left=(item("queued"),)), 3),
        (outcome_of(gates=(gate(GateName.CREDITS),), left=(item("queued"),)), 3),
        (outcome_of(gates=(gate(GateName.TOKEN),)), 4),
        (outcome_of(gates=(gate(GateName.ACCOUNT),)), 4),
        (outcome_of(gates=(gate(GateName.STATE),)), 4),
        (outcome_of(gates=(gate(GateName.DISK),), left=(item("held"),)), 4),
        (outcome_of(interrupted=True, left=(item("held"),)), 130),
    ],
)
def test_the_exit_code_says_what_came_of_it(came_of_it, code):
    """0 all done, 3 some jobs are not, 4 a person must act first, 130 interrupted."""
    assert came_of_it.exit_code == code


def test_what_was_published_and_spent_is_told(world):
    """And what the account has left."""
    write_wav(world.drop / "song.wav")
    world.start()
    began = world.clock.now()
    world.finish()

    told = shown(outcome.found(world.engine, since=began, interrupted=False))

    assert told == "1 published\n1 credit spent, 999 left\n"


def test_a_run_without_work_says_so(world):
    """Nothing from earlier runs is told again."""
    write_wav(world.drop / "song.wav")
    world.start()
    world.finish()
    world.pass_time(30)

    told = shown(outcome.found(world.engine, since=world.clock.now(), interrupted=False))

    assert told == "nothing to do: everything is done\n"


def test_a_held_job_is_told_with_reason_and_hint(world):
    """A person must know what to do."""
    world.limits = Limits(credits=CreditLimits(approve_job_above=0))
    write_wav(world.drop / "song.wav")
    world.start()
    world.pass_time(60)

    came_of_it = outcome.found(world.engine, since=0.0, interrupted=False)

    assert came_of_it.exit_code == 3
    assert "  held song.wav (job 1): " in shown(came_of_it)
    assert "    hint: " in shown(came_of_it)
    assert outcome.as_json(came_of_it)["left"][0]["state"] == "held"


def test_a_refused_file_is_told(world):
    """It never becomes a job, and would be forgotten."""
    (world.drop / "noise.wav").write_bytes(b"not audio at all")
    world.start()
    world.pass_time(60)

    came_of_it = outcome.found(world.engine, since=0.0, interrupted=False)

    assert (came_of_it.exit_code, [item.name for item in came_of_it.refused]) == (3, ["noise.wav"])


def test_many_jobs_with_one_reason_are_told_in_one_line():
    """Five hundred times the same sentence helps nobody."""
    left = tuple(item("held", job=n, name=f"{n}.wav", reason="too dear", hint="approve") for n in range(1, 501))

    told = shown(outcome_of(left=left))

    assert told.splitlines() == [
        "0 published, 500 held",
        "  held 1.wav (job 1), 2.wav (job 2), 3.wav (job 3) and 497 more: too dear",
        "    hint: approve",
    ]


def test_a_name_cannot_break_a_line_or_colour_it():
    """Names of files may hold newlines and what looks like markup."""
    world = outcome_of(left=(item("held", name="a\\n[red]b[/red].wav"),))

    assert "  held a\\n[red]b[/red].wav (job 1)\n" in shown(world)


@pytest.mark.parametrize("command", ["run", "once"])
def test_a_second_instance_names_the_first(run, write_config, tmp_path, command):
    """Exit code 5, and the process to look for."""
    path = write_config()

    with StateLock(tmp_path / "mvsep-watch.state.sqlite3"):
        code, _, err = run(command, "-c", path)

    assert code == 5
    assert "is in use by process " in err


def test_fresh_says_what_it_means(capsys):
    """Nobody takes outputs over without having read it; programs that read JSON are spared."""
    _say_what_fresh_means(Options(), fresh=True)
    _say_what_fresh_means(Options(), fresh=False)
    _say_what_fresh_means(Options(json=True), fresh=True)

    assert capsys.readouterr().err == f"{BEGINS_ANEW}\n"


def test_an_empty_file_and_a_missing_folder_are_told(world):
    """Nobody finds out otherwise; both are looked at again the next time."""
    (world.drop / "empty.wav").touch()
    gone = world.base / "gone"
    world.extra_folders = (world.another_folder("gone", gone, world.base / "gone-stems"),)
    world.start()
    for _ in range(30):
        world.pass_time(5.0)

    came_of_it = outcome.found(world.engine, since=0.0, interrupted=False)

    assert world.engine.is_at_rest(gated_for_s=0.0)
    assert [(item.name, item.state) for item in came_of_it.refused] == [
        ("empty.wav", "not taken"),
        ("gone", "unreadable"),
    ]
    assert came_of_it.exit_code == 3
