"""`plan`: what it would cost, before anything is paid, with and without a state."""

import pytest

from mvsep_watch.files.lock import StateLock
from mvsep_watch.model import CreditLimits, Limits, Rule
from mvsep_watch.mvsep import Client, Pace
from tests.cli.settled import Person
from tests.daemon.world import write_wav


@pytest.fixture
def person(run, world, capsys, monkeypatch):
    """A person whose commands reach the world's own service."""
    from mvsep_watch.cli import reaching  # noqa: PLC0415 - what is replaced

    def client(token, **given):
        return Client(token, transport=world.service.transport(), pace=Pace(sleep=lambda _: None), **given)

    monkeypatch.setattr(reaching, "Client", client)
    return Person(run, world, capsys)


def configure(person, world, *, credits_="", folders=None):
    """Write a configuration with these limits on credits and these folders."""
    folders = folders or f"  - {{path: '{world.drop}', output: '{world.stems}', sep_type: 40}}\n"
    person.config.write_text(
        f"mvsep: {{token: {world.service.token}, base_url: '{world.service.base_url}'}}\n"
        f"state: {world.base}/state.sqlite3\n"
        f"limits: {{credits: {{approve_batch_above: null{credits_}}}}}\n"
        f"folders:\n{folders}"
    )


def tree(world):
    return sorted((str(path), path.stat().st_mtime_ns) for path in world.base.rglob("*"))


def test_before_the_first_run_it_tells_the_price_of_what_is_there(person, world):
    """No state is made, and nothing is changed or sent."""
    configure(person, world)
    write_wav(world.drop / "a.wav", seconds=130)
    write_wav(world.drop / "b" / "b.wav", seconds=50, pitch=2)
    before = tree(world)

    code, found = person.json("plan")

    assert (code, tree(world), world.service.made) == (0, before, 0)
    numbers = {"waiting": 0, "new": 2, "minutes": 3.0, "credits": 3, "unknown": 0, "shared": 0}
    assert found["lines"] == [{"folder": "drop", "rule": "default", **numbers}]
    assert (found["account"]["credits"], found["may_spend"], found["prices_unknown_because"]) == (1000, 1000, "")


def test_what_a_person_must_mend_first_is_counted(person, world):
    """That nothing is to be done would be half of the truth."""
    configure(person, world)
    write_wav(world.drop / "a.wav")
    world.rules = (Rule(sep_type=9999, output_format=1),)
    world.start()
    world.pass_time(30)

    _, out, _ = person("plan")

    assert "nothing is to be done\n" in out
    assert "held: 1 job for another reason than a price; `status` says why" in out


def test_totals_are_the_sums_of_the_lines(person, world):
    """Over folders and rules, with shared and unknown ones."""
    (world.base / "other").mkdir()
    rules = "rules: [{name: a, sep_type: 40}, {name: b, sep_type: 40}, {name: c, sep_type: 40, format: flac}]"
    configure(
        person, world,
        folders=f"  - {{path: '{world.drop}', output: '{world.stems}', {rules}}}\n"
        f"  - {{path: '{world.base}/other', output: '{world.base}/o', input: link, sep_type: 40}}\n",
    )  # fmt: skip
    write_wav(world.drop / "a.wav", seconds=200)
    (world.base / "other" / "song.url").write_text("[InternetShortcut]\nURL=https://example.com/a.wav\n")

    _, found = person.json("plan")

    for key, total in found["total"].items():
        assert total == pytest.approx(sum(line[key] for line in found["lines"])), key
    assert [(line["rule"], line["credits"], line["shared"], line["unknown"]) for line in found["lines"]] == [
        ("a", 3, 0, 0), ("b", 0, 1, 0), ("c", 3, 0, 0), ("default", 0, 0, 1),
    ]  # fmt: skip


def test_what_is_done_and_what_waits_is_told_apart(person, world):
    """Beside a running daemon: done files are not counted, jobs that wait and new files are."""
    world.limits = Limits(credits=CreditLimits(approve_batch_above=None, approve_job_above=2))
    configure(person, world, credits_=", approve_job_above: 2")
    write_wav(world.drop / "done.wav")
    write_wav(world.drop / "dear.wav", seconds=200, pitch=2)
    world.start()
    world.finish()
    assert sorted(world.states()) == ["held", "published"]
    write_wav(world.drop / "new.wav", seconds=70, pitch=3)
    before = world.store.db.value("SELECT total_changes()")

    with StateLock(world.store.path):
        _, found = person.json("plan")

    total = found["total"]
    assert (total["waiting"], total["new"], total["credits"]) == (1, 1, 4)
    assert found["asks"] == ["dear.wav held for 3 credits already"]
    assert world.store.db.value("SELECT total_changes()") == before


def test_what_would_be_asked_about_is_told(person, world):
    """The batch, the dear file, and what has no price."""
    configure(person, world, credits_=", approve_job_above: 2, reserve: 990")
    person.config.write_text(person.config.read_text().replace("approve_batch_above: null", "approve_batch_above: 3"))
    write_wav(world.drop / "dear.wav", seconds=200)
    write_wav(world.drop / "cheap.wav", pitch=2)

    _, found = person.json("plan")
    _, out, _ = person("plan")

    assert found["asks"] == [
        "drop: a batch for 4 credits: more than limits.credits.approve_batch_above (3)",
        "dear.wav for 3 credits: each more than limits.credits.approve_job_above (2)",
    ]
    assert "left: 10 credits of the account: balance 1000, 0 in use, 990 kept back" in out


def test_what_is_more_than_the_limits_let_through_is_told(person, world):
    """The rest waits, as the daemon would have it."""
    configure(person, world, credits_=", per_day: 2")
    write_wav(world.drop / "a.wav", seconds=300)

    _, out, _ = person("plan")

    assert "left: 2 of 2 credits for this day (limits.credits.per_day)" in out
    assert "short: 3 credits more than may be spent now; the rest waits" in out


def test_without_premium_nothing_costs(person, world):
    """The plan's own limits count instead."""
    world.service.account.enabled = False
    configure(person, world)
    write_wav(world.drop / "a.wav", seconds=700)

    _, found = person.json("plan")

    assert (found["total"]["credits"], found["total"]["unknown"], found["asks"]) == (0, 0, [])
    assert (found["slots"], found["may_spend"], found["may_send"]) == (1, None, 50)
    assert found["waits"] == ["a.wav: longer than limits.max_duration allows (10 min)"]


def test_prices_of_the_list_that_comes_along_are_not_told(person, world):
    """It says why; the lengths are known all the same."""
    configure(person, world)
    write_wav(world.drop / "a.wav", seconds=120)

    _, found = person.json("plan", "--offline")

    assert (found["total"]["credits"], found["total"]["unknown"], found["total"]["minutes"]) == (0, 1, 2.0)
    assert "its prices may be old" in found["prices_unknown_because"]
    assert "with premium" in found["account_note"]


def test_a_service_that_is_away_is_no_failure(person, world):
    """The account is that of the state, with its date."""
    configure(person, world)
    world.start()
    world.pass_time(20)
    world.stop()
    world.service.fault("user", *["drop"] * 5)

    code, found = person.json("plan")

    assert (code, found["account"]["credits"]) == (0, 1000)
    assert "it is as it was at" in found["account_note"]


def test_files_that_are_no_audio_are_told_and_cost_nothing(person, world):
    """So are those that the first look skips."""
    configure(person, world)
    (world.drop / "broken.wav").write_bytes(b"no audio at all, and long enough to be looked at twice....")
    _, found = person.json("plan")
    configure(
        person, world,
        folders=f"  - {{path: '{world.drop}', output: '{world.stems}', sep_type: 40, existing: skip}}\n",
    )  # fmt: skip
    _, skipping = person.json("plan")

    assert ([each["path"] for each in found["refused"]], found["total"]["new"]) == ([f"{world.drop}/broken.wav"], 0)
    assert (skipping["left_alone"], skipping["refused"]) == (1, [])


def test_a_pause_and_closed_hours_are_told(person, world):
    """Nothing is sent before they are over."""
    configure(person, world)
    world.start()
    world.stop()
    person("pause")
    write_wav(world.drop / "a.wav")

    _, out, _ = person("plan")

    assert "gate paused is closed" in out


def test_only_the_named_folders_are_looked_at(person, world):
    """A name that is none is refused."""
    (world.base / "other").mkdir()
    configure(
        person, world,
        folders=f"  - {{path: '{world.drop}', output: '{world.stems}', sep_type: 40}}\n"
        f"  - {{path: '{world.base}/other', output: '{world.base}/o', sep_type: 40}}\n",
    )  # fmt: skip
    write_wav(world.drop / "a.wav")

    _, found = person.json("plan", "other")
    code, _, _ = person("plan", "nowhere")

    assert ([line["folder"] for line in found["lines"]], found["total"]["new"], code) == (["other"], 0, 2)


def test_a_folder_that_is_not_there_is_told(person, world):
    """What can be read is told all the same."""
    configure(person, world)
    world.drop.rmdir()

    code, found = person.json("plan")

    assert (code, len(found["troubles"]), found["total"]["new"]) == (0, 1, 0)


def test_what_a_running_daemon_will_do_costs_what_was_told(person, world):
    """The estimate is the daemon's own price."""
    configure(person, world)
    write_wav(world.drop / "a.wav", seconds=185)
    write_wav(world.drop / "b.wav", seconds=61, pitch=2)
    _, found = person.json("plan")

    world.start()
    world.finish()

    assert sum(row.credits_estimated for row in world.store.separations._rows("1", ())) == found["total"]["credits"]
