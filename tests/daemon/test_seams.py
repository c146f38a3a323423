"""Where features meet: what one of them keeps, another must neither lose nor pay for once more."""

import shutil
from dataclasses import replace

import pytest

from mvsep_watch.cli.dropping import link_file
from mvsep_watch.files import spool
from mvsep_watch.model import GateName, HoldKind, InputKind, Rule
from mvsep_watch.steps.base import Pool
from tests.daemon.test_inputs import LINKS, TEXTS, URL, ask, drop_link, drop_text
from tests.daemon.test_one_offs import one_off, refusal, separate
from tests.daemon.test_roots import swap, swap_back, swap_with_results_ready
from tests.daemon.test_spooling import DAY_S, away, no_reserve, spooled  # noqa: F401 - a fixture
from tests.daemon.world import write_wav

PUBLISHED = ["song/Instrumental.wav", "song/Vocals.wav", "song/mvsep-watch.json"]


def published(world):
    """Give the outputs that are shown, and what happened to the money."""
    shown = [name for name in world.tree() if not name.endswith("claim.json")]
    return world.states(), shown, world.service.count("create")


def everything_spooled(world):
    return world.tree(spool.place_of(world.base / "state.sqlite3"))


def kept_for_days(world):
    """Have results in the spool that the service has forgotten."""
    away(world)
    world.pass_time(1200, step_s=60)
    world.pass_time(4 * DAY_S, step_s=3600)


# The spool and the memory


@pytest.mark.parametrize("is_back", [True, False])
def test_a_rebuild_loses_nothing_that_is_in_the_spool(world, is_back):
    """Whether the root comes back before it or after: the state has another id by then."""
    kept_for_days(world)
    if is_back:
        swap_back(world)
    world.rebuild()
    world.start()
    world.pass_time(60)
    if not is_back:
        swap_back(world)
    world.finish()

    assert published(world) == (["published"], PUBLISHED, 1)
    assert everything_spooled(world) == []


def test_results_in_the_spool_of_a_lost_state_are_published(world):
    """They were paid for, and nobody else has them any more."""
    kept_for_days(world)
    swap_back(world)
    world.lose_state()
    report = world.rebuild()
    world.start()
    world.finish()

    assert (report.separations, report.damaged) == (1, [])
    assert published(world) == (["published"], PUBLISHED, 1)


@pytest.mark.parametrize("is_all_there", [True, False])
def test_each_rule_gets_what_the_spool_of_a_lost_state_kept_for_it_or_says_so(world, is_all_there):
    """A part of it is never shown as the whole."""
    vocals = Rule(name="a", sep_type=40, output_format=1, stems=("vocals",))
    world.rules = (vocals, Rule(name="b", sep_type=40, output_format=1))
    away(world)
    world.pass_time(2400, step_s=60)
    world.pass_time(4 * DAY_S, step_s=3600)
    swap_back(world)
    world.lose_state()
    if not is_all_there:
        (whole,) = spool.place_of(world.base / "state.sqlite3").glob("*/Instrumental.wav")
        shutil.rmtree(whole.parent)
    world.rebuild()
    world.start()
    world.finish()
    world.pass_time(3600, step_s=60)

    other = (None, ["Instrumental.wav", "Vocals.wav"]) if is_all_there else (HoldKind.OUTPUTS_GONE, [])
    found = [(job.hold, sorted(path.name for path in job.final.glob("*.wav"))) for job in world.jobs()]
    assert found == [(None, ["Vocals.wav"]), other]
    assert world.service.made == 1


def test_what_the_spool_kept_for_a_job_that_is_not_known_goes_to_who_asks_for_it(world):
    """It is told meanwhile and never removed by itself; once it is published, the spool has its room again."""
    kept_for_days(world)
    swap_back(world)
    world.lose_state()
    song = (world.drop / "song.wav").read_bytes()
    (world.drop / "song.wav").unlink()
    report = world.rebuild()
    world.start()
    world.pass_time(1200, step_s=60)
    kept = everything_spooled(world)
    (world.drop / "song.wav").write_bytes(song)
    world.rescan()
    world.finish()
    world.pass_time(60)

    assert [orphan.said.source_name for orphan in report.orphans] == ["song.wav"]
    assert len(kept) == 3
    assert published(world) == (["published"], PUBLISHED, 1)
    assert everything_spooled(world) == []


def test_what_the_spool_kept_beyond_what_is_published_stays(world):
    """It is paid for: another rule may publish it."""
    kept_for_days(world)
    swap_back(world)
    world.lose_state()
    world.rules = (Rule(sep_type=40, output_format=1, stems=("vocals",)),)
    world.rebuild()
    world.start()
    world.finish()
    world.pass_time(60)

    assert (world.states(), len(everything_spooled(world))) == (["published"], 3)


def test_a_spool_with_a_hostile_sidecar_holds_no_rebuild_up(world):
    """What it says of its source is checked like any other."""
    kept_for_days(world)
    swap_back(world)
    world.stop()
    (folder,) = spool.place_of(world.base / "state.sqlite3").iterdir()
    said = folder / "mvsep-watch.json"
    said.write_text(said.read_text().replace('"song.wav"', '"../../song.wav"'))
    report = world.rebuild()

    assert (report.separations, [path for path, _ in report.damaged]) == (0, [folder])


def test_a_restored_backup_removes_nothing_from_the_spool(world):
    """The jobs that it counts are others: what was kept since is published after a rebuild."""
    world.start()
    world.back_up()
    kept_for_days(world)
    kept = everything_spooled(world)
    world.restore()
    world.start()
    world.pass_time(1200, step_s=60)
    held, left = world.states(), everything_spooled(world)
    swap_back(world)
    world.rebuild()
    world.start()
    world.finish()

    assert (held, left, len(kept)) == (["held"], kept, 3)
    assert published(world) == (["published"], PUBLISHED, 1)


def another_job_with_its_number(world):
    """Have results in the spool, and the state restored from a backup that knows nothing of their job."""
    world.start()
    world.back_up()
    kept_for_days(world)
    kept = everything_spooled(world)
    world.restore()
    (world.drop / "song.wav").unlink()
    write_wav(world.drop / "other.wav", pitch=5)
    swap_back(world)
    world.stop()
    (world.stems / ".mvsep-watch-claim.json").unlink()
    world.start(fresh=True)
    world.pass_time(30)
    ask(world, "approve", {"id": 1})
    return kept


def test_a_number_that_stands_for_another_job_is_kept_beside_what_it_stood_for(world):
    """The root goes again before the next file's results are fetched, and another process finds both."""
    kept = another_job_with_its_number(world)
    swap_with_results_ready(world)
    world.restart()
    world.pass_time(1200, step_s=60)
    both = everything_spooled(world)
    world.pass_time(4 * DAY_S, step_s=3600)
    swap_back(world)
    world.finish()

    assert (len(both), world.states()) == (2 * len(kept), ["published"])


def test_a_number_that_stands_for_another_job_removes_nothing_from_the_spool(world):
    """A restored state gives the same number to the next file, and publishes it."""
    kept = another_job_with_its_number(world)
    world.finish()
    world.pass_time(60)

    assert [(job.id, str(job.state), job.final.name) for job in world.jobs()] == [(1, "published", "other")]
    assert everything_spooled(world) == kept


def test_a_number_that_stands_for_another_job_has_room_in_the_spool(world):
    """Both are kept, and each is found by its separation."""
    kept = another_job_with_its_number(world)
    world.pass_time(10)
    swap(world)
    world.service.finish_all()
    world.pass_time(1200, step_s=60)
    both = everything_spooled(world)
    world.pass_time(4 * DAY_S, step_s=3600)
    swap_back(world)
    world.finish()

    assert (len(both), set(kept) <= set(both)) == (6, True)
    assert world.states() == ["published"]
    assert [path.partition("/")[2] for path in everything_spooled(world)] == [path.partition("/")[2] for path in kept]


# A source that is no file to send


def links(world, *names):
    """Watch for links, and have some dropped."""
    world.rules = (LINKS,)
    world.folder_options = {"include": ("*",)}
    world.limits = replace(world.limits, separations=5)
    for name in names:
        drop_link(world, f"{name}.url", f"{URL}?{name}")


def before_it_is_sent(world, change):
    """Have something happen to a source when its upload is about to begin."""
    world.start()
    world.hands.held = {Pool.UPLOADS}
    world.pass_time(20)
    change()
    world.hands.held = set()
    world.hands.go_on()
    world.finish()


def test_a_link_that_was_taken_away_before_it_was_sent_is_not_paid_for(world):
    """Like any file that is gone: the person has thought better of it."""
    links(world, "a")
    before_it_is_sent(world, (world.drop / "a.url").unlink)

    assert (world.states(), world.service.made) == (["cancelled"], 0)


@pytest.mark.parametrize("content", ["[InternetShortcut]\nURL=http://127.0.0.1:9/b.wav\n", "no link at all", ""])
def test_a_link_that_was_changed_before_it_was_sent_is_not_sent_as_it_was(world, content):
    """What is sent is what the file holds, and nothing if it holds no link."""
    links(world, "a")
    before_it_is_sent(world, lambda: (world.drop / "a.url").write_text(content))

    sent = [upload.fields["url"] for upload in world.service.uploads]
    assert sent == (["http://127.0.0.1:9/b.wav"] if "URL" in content else [])


def test_a_text_that_was_emptied_before_it_was_sent_is_not_sent(world):
    """It is looked at again, and fails nobody's rule."""
    world.rules = (TEXTS,)
    world.folder_options = {"include": ("*",)}
    words = drop_text(world)
    before_it_is_sent(world, lambda: words.write_text(""))

    assert (world.states(), world.service.uploads) == (["cancelled"], [])


@pytest.mark.parametrize(("before", "after"), [("pair", "file"), ("file", "pair"), ("file", "link"), ("pair", "link")])
def test_a_rule_that_takes_another_kind_of_input_takes_what_waits_anew(world, tmp_path, before, after):
    """Nothing is sent as the rule took it before, nor as a mixture of both."""
    kinds = {
        "file": Rule(sep_type=40, output_format=1),
        "pair": Rule(sep_type=68, output_format=1, input=InputKind.PAIR, reference=write_wav(tmp_path / "ref.wav")),
        "link": LINKS,
    }
    write_wav(world.drop / "song.wav", pitch=4)
    world.rules = (kinds[before],)
    world.start()
    world.engine.context.close_gate(GateName.PAUSED, "a person said so")
    world.pass_time(20)
    world.rules = (kinds[after],)
    world.engine.reload(world.config())
    world.engine.context.open_gate(GateName.PAUSED)
    world.finish()

    done = [(str(job.state), job.input_key.partition(":")[0]) for job in world.jobs()]
    old, new = (("sha256" if kind == "file" else kind) for kind in (before, after))
    assert done == [("cancelled", old)] + [("published", new)] * (after != "link")
    assert world.service.made == (after != "link")


# Links that are one


def two_links_to_one_separation(world):
    """Have the service recognise that two links lead to the same, once it has fetched them."""
    links(world, "a")
    world.start()
    world.pass_time(40)
    links(world, "b")
    world.rescan()
    world.pass_time(20)
    first, second = world.service.jobs.values()
    world.service.links[second.short] = first
    del world.service.jobs[second.hash]
    world.pass_time(60)


def test_cancelling_one_of_two_links_to_one_separation_leaves_it_to_the_other(world):
    """The service has it once, and the other job has paid for it."""
    two_links_to_one_separation(world)
    ask(world, "cancel", {"id": 2})
    world.finish()

    assert (world.states(), world.service.count("cancel")) == (["published", "cancelled"], 0)


def test_of_two_links_to_one_separation_none_is_deleted_before_both_are_published(world):
    """The second may be fetched later."""
    two_links_to_one_separation(world)
    world.rules = (replace(LINKS, delete_remote=True),)
    world.engine.reload(world.config())
    world.hands.held = {Pool.DOWNLOADS}
    world.service.finish_all()
    world.pass_time(60)
    one, other = world.hands.waiting
    world.hands.waiting = [one]
    world.hands.go_on()
    world.pass_time(7200, step_s=60)
    deleted = world.service.count("delete")
    world.hands.waiting.append(other)
    world.hands.held = set()
    world.hands.go_on()
    world.finish()

    assert (deleted, world.states()) == (0, ["published", "published"])


def test_a_link_that_was_refused_waits_until_the_history_is_explained(world):
    """A row may be another link's, which has no hash of its own before the service has fetched it."""
    links(world, "a", "b")
    world.service.slots, world.service.link_polls = 1, 8
    world.start()
    world.finish(rounds=120)

    assert (world.states(), world.service.made) == (["published", "published"], 2)


# One-offs and the memory


def test_a_rebuilt_state_goes_on_where_its_one_offs_went(world, tmp_path):
    """Its claims there bear its other id; those of others are left alone."""
    song = write_wav(tmp_path / "desk" / "song.wav")
    world.start()
    separate(world, one_off(song))
    separate(world, one_off(song, tmp_path / "shared"))
    theirs = tmp_path / "shared" / ".mvsep-watch-claim.json"
    theirs.write_text(theirs.read_text().replace(world.store.memory.state_id, "somebody"))
    world.rebuild()
    world.start()
    answer = separate(world, one_off(song))

    assert answer["refused"] == []
    assert "belongs to another state" in refusal(world, one_off(song, tmp_path / "shared"))
    assert world.service.made == 1


def test_a_one_off_under_way_outlives_a_rebuild(world, tmp_path):
    """It was paid for, and its folder is still its own."""
    world.start()
    song = one_off(write_wav(tmp_path / "desk" / "song.wav"))
    world.store.requests.append("separate", song.as_json(), now=world.clock.now())
    world.pass_time(10)
    sent = world.states()
    world.rebuild()
    world.start()
    for _ in range(10):
        world.pass_time(5)
        world.service.finish_all()

    assert (sent, world.states(), world.service.made) == (["submitted"], ["published"], 1)


def test_a_link_of_the_command_line_is_nobody_elses_source(world, tmp_path):
    """Its file lies beside the state, which may lie in a watched folder."""
    world.rules = (LINKS,)
    around = world.another_folder("around", tmp_path, tmp_path / "out")
    world.extra_folders = (replace(around, include=("*",), exclude=("drop/*",)),)
    path = link_file(URL, world.config().state)
    world.start()
    world.pass_time(60)
    world.engine.inbox.path_touched("around", str(path))
    world.pass_time(60)

    assert world.jobs() == []


def test_a_refused_link_is_not_called_unpaid_because_its_folder_is_anothers(world, tmp_path):
    """The refusal may have been about itself: it waits for the folder, and then for the history."""
    source = drop_link(world, "elsewhere.txt")
    link = one_off(source, tmp_path / "here", input=InputKind.LINK)
    world.start()
    world.service.fault("create", "too_many_after_made")
    world.store.requests.append("separate", link.as_json(), now=world.clock.now())
    world.pass_time(10)
    claim = tmp_path / "here" / ".mvsep-watch-claim.json"
    own = claim.read_text()
    claim.write_text(own.replace(world.store.memory.state_id, "somebody"))
    world.engine.desks.outputs.reloaded()
    world.pass_time(10)
    held = [job.hold for job in world.jobs()]
    claim.write_text(own)
    world.pass_time(120)
    ask(world, "retry", {"id": 1})
    world.pass_time(1200, step_s=20)

    assert (held, [job.hold for job in world.jobs()]) == ([HoldKind.TROUBLE], [HoldKind.UNKNOWN])
    assert world.service.count("create") == 1


@pytest.mark.parametrize("is_link", [True, False])
def test_what_another_account_may_have_taken_is_not_sent_by_this_one(world, is_link):
    """It was refused as one too many, perhaps because of itself, and its own history can no longer be asked."""
    if is_link:
        links(world, "a")
    else:
        write_wav(world.drop / "a.wav")
    world.start()
    world.service.fault("create", "too_many_after_made")
    world.pass_time(20)
    world.stop()
    other = "AnotherTokenOfThirtyLetters012"
    world.service.add_account(other, email="other@example.com", credits=100, premium=True)
    world.service_options = {"token": other}
    world.start()
    world.pass_time(60)
    waiting = [job.hold for job in world.jobs()]
    world.pass_time(80 * 3600, step_s=1800)

    assert (waiting, [job.hold for job in world.jobs()]) == ([HoldKind.ELSEWHERE], [HoldKind.ENDED])
    assert world.service.count("create") == 1
