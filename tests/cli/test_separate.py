"""`separate`: what its words mean, what it asks, and what it tells; alone and beside a daemon."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from mvsep_watch import config as configuration
from mvsep_watch.cli import errand, following
from mvsep_watch.cli.following import Standing
from mvsep_watch.daemon import oneoffs
from mvsep_watch.daemon import run as daemon
from mvsep_watch.files import claim as claims
from mvsep_watch.files.lock import StateLock
from mvsep_watch.model import Gate, GateName
from mvsep_watch.mvsep import Client, Pace
from mvsep_watch.steps.base import Pool
from mvsep_watch.store import OneOffRow
from tests.daemon.world import write_wav

URL = "http://127.0.0.1:9/music/Take%20Five.wav?dl=1"


class Desk:
    """Somebody who separates single files, beside a configured daemon that is not running."""

    def __init__(self, run, base, service):
        self._run = run
        self.base, self.service = base, service
        self.song = write_wav(base / "desk" / "song.wav")
        self.out = base / "out"
        self.drop = base / "drop"
        self.drop.mkdir()
        self.config = base / "mvsep-watch.yaml"
        self.say()

    def say(self, limits="", token=None):
        self.config.write_text(
            f"mvsep: {{token: {token or self.service.token}, base_url: '{self.service.base_url}',"
            " poll: {min: 0.02s, max: 0.05s}}\n"
            f"{limits}folders:\n  - {{path: drop, output: stems, sep_type: 40}}\n"
        )
        self.config.chmod(0o600)

    def __call__(self, *words):
        return self._run("-c", self.config, *words)

    def separate(self, *words, what=None, model="40"):
        return self("separate", what or self.song, "--sep-type", model, "-o", self.out, *words)

    def json(self, *words, **changed):
        code, out, err = self.separate(*words, "--json", **changed)
        return code, json.loads(out) if out else err

    def outputs(self, name="song"):
        return sorted(path.name for path in (self.out / name).iterdir())


@pytest.fixture
def desk(run, tmp_path, service, monkeypatch):
    def client(token, **given):
        return Client(token, transport=service.transport(), pace=Pace(sleep=lambda _: None), **given)

    service.auto_finish_after = 1
    monkeypatch.setattr(daemon, "Client", client)
    monkeypatch.setattr(oneoffs, "SETTLE_S", 0.0)
    monkeypatch.setattr(daemon, "GATED_FOR_S", 0.0)
    (tmp_path / "at").mkdir()
    return Desk(run, tmp_path / "at", service)


DEAR = "limits: {credits: {approve_job_above: 0}}\n"

# Alone


def test_a_file_comes_back_as_stems(desk):
    """In a folder of its own, with what it cost."""
    code, out, _ = desk.separate("--format", "wav")

    assert code == 0
    assert desk.outputs() == ["Instrumental.wav", "Vocals.wav", "mvsep-watch.json"]
    first, *listed, last = out.splitlines()
    assert first == f"published: 2 stems in {desk.out / 'song'}"
    assert [line.split()[0] for line in listed] == ["Vocals.wav", "Instrumental.wav"]
    assert last == "1 credit spent, 99 left"


def test_the_same_file_twice_pays_once_and_says_where_the_outputs_are(desk):
    """The second call finds what the first one did."""
    desk.separate()

    code, out, _ = desk.separate()

    assert (code, desk.service.made) == (0, 1)
    assert out.startswith("done before, on ")
    assert f"2 stems in {desk.out / 'song'}\n" in out
    assert out.endswith("nothing was paid\n")


def test_the_outcome_is_told_to_programs_as_once_tells_it(desk):
    """For this one job."""
    code, told = desk.json()

    (published,) = told["published"]
    assert (code, told["exit_code"], told["left"], told["refused"], told["gates"]) == (0, 0, [], [], [])
    assert (published["source"], published["folder"]) == (str(desk.song), str(desk.out / "song"))
    assert told["credits"] == {"spent": 1, "balance": 99}


def test_options_format_and_stems_are_a_rules(desk):
    """By their names; the model too."""
    code, _, _ = desk.separate(
        "--option", "Vocal model type=ver 2024.08", "--option", "add_opt2=8", "--format", "1", "--stems", "Vocals",
        model="bs roformer",
    )  # fmt: skip

    (upload,) = desk.service.uploads
    sent = [upload.fields[name] for name in ("sep_type", "add_opt1", "add_opt2", "output_format")]
    assert (code, sent) == (0, ["40", "29", "8", "1"])
    assert desk.outputs() == ["Vocals.wav", "mvsep-watch.json"]


def test_nothing_is_taken_from_the_watched_folders(desk):
    """Only what was named is done."""
    write_wav(desk.drop / "other.wav", pitch=2)

    desk.separate()

    assert desk.service.made == 1


def test_without_a_configuration_the_state_is_the_users_own(desk, run, service, monkeypatch, tmp_path):
    """And so it is for the commands that look and act."""
    monkeypatch.setenv("MVSEP_API_TOKEN", service.token)
    monkeypatch.setattr(following, "LOOK_AGAIN_S", 0.01)
    words = ["separate", desk.song, "--sep-type", "40", "-o", desk.out]

    code, _, _ = run(*words, "--base-url", service.base_url)
    again = run(*words)
    listed = json.loads(run("jobs", "--json")[1])

    assert (code, again[0], service.made) == (0, 0, 1)
    assert [(job["state"], job["source"]) for job in listed] == [("published", str(desk.song))]
    assert configuration.own_state_path({"HOME": str(tmp_path / "home")}).exists()
    assert run("redo", "1", "--yes")[1].endswith("the same `separate` goes on with it\n")
    assert run("forget", "1")[0] == 0


def test_the_own_state_is_where_such_things_are_kept(tmp_path):
    """XDG's folder where it is set."""
    assert configuration.own_state_path({"XDG_STATE_HOME": "/s", "HOME": "/h"}).parts[:2] == ("/", "s")
    assert str(configuration.own_state_path({"XDG_STATE_HOME": "s", "HOME": "/h"})).startswith("/h/.local/state/")


def test_without_a_configuration_and_a_state_the_places_are_told(run, nowhere):
    """As ever."""
    code, _, err = run("jobs")

    assert (code, "there is no configuration file" in err) == (4, True)


def test_a_configuration_that_is_named_must_be_there(run, nowhere, tmp_path):
    """The own state is for those who named none."""
    code, _, err = run("-c", tmp_path / "none.yaml", "separate", "x.wav", "--sep-type", "40")

    assert (code, "none.yaml" in err) == (4, True)


# What the words mean


def test_a_link_is_fetched_by_the_service(desk):
    """The folder is called as its last part; the same link again is the same file."""
    first = desk.separate("--yes", what=URL)
    again = desk.separate(what=URL)

    assert (first[0], again[0], desk.service.made) == (0, 0, 1)
    assert desk.service.uploads[0].fields["url"] == URL
    assert "Vocals.mp3" in desk.outputs("Take Five")
    assert again[1].startswith("done before")


@pytest.mark.parametrize("name", ["song.url", "song.txt"])
def test_a_file_that_holds_a_link_is_one(desk, name):
    """As if it had been dropped."""
    path = desk.base / name
    path.write_text(f"[InternetShortcut]\nURL={URL}\n")

    code, _, _ = desk.separate("--yes", what=path)

    assert (code, desk.service.uploads[0].fields["url"]) == (0, URL)


def test_a_text_is_the_prompt_of_a_model_without_audio(desk):
    """A `.txt`, by the model's scope."""
    path = desk.base / "words.txt"
    path.write_text("Hello")

    code, _, _ = desk.separate("--yes", what=path, model="vibevoice")

    assert (code, desk.service.uploads[0].fields["add_opt1"]) == (0, "Hello")


def test_a_reference_makes_it_a_pair(desk):
    """Both files are sent."""
    reference = write_wav(desk.base / "reference.wav", pitch=7)

    code, _, _ = desk.separate("--reference", reference, model="68")

    assert (code, sorted(desk.service.uploads[0].names)) == (0, ["reference_audiofile", "target_audiofile"])


@pytest.mark.parametrize(
    ("words", "changed", "said"),
    [
        ((), {"what": "nothing.wav"}, "nothing.wav is not there"),
        (("--reference", "nothing.wav"), {"model": "68"}, "nothing.wav is not there"),
        (("--reference", "nothing.wav"), {"what": URL}, "this is a link"),
        ((), {"what": "http://"}, "none that the service could fetch"),
        ((), {"what": "https://a b"}, "none that the service could fetch"),
        (("--option", "add_opt1"), {}, "--option takes KEY=VALUE"),
        (("--option", "add_opt1=nonsense"), {}, "nonsense"),
        ((), {"model": "4000"}, "4000"),
        ((), {"model": "68"}, "model 68"),
        (("--base-url", "http://127.0.0.1:1"), {}, "the configuration says which service it is"),
        (("--format", "ogg"), {}, "ogg"),
    ],
)
def test_words_that_do_not_fit_are_refused_at_once(desk, words, changed, said):
    """With exit code 2, and nothing written down."""
    code, _, err = desk.separate(*words, **changed)

    assert (code, said in err, desk.service.made) == (2, True, 0)
    assert not desk.config.with_name("mvsep-watch.state.sqlite3").exists()


def test_a_link_is_kept_beside_the_state(desk):
    """A small file, written once."""
    desk.separate(what=URL)
    (kept,) = desk.base.glob("mvsep-watch.state.sqlite3.links/*/*")
    before = kept.stat()
    desk.separate(what=URL)

    assert (kept.name, kept.stat()) == ("Take Five.url", before)


# Its price


def test_without_a_terminal_a_dear_one_is_held(desk):
    """Exit code 3, with what agrees to it."""
    desk.say(DEAR)

    code, out, err = desk.separate()

    assert (code, desk.service.made) == (3, 0)
    assert "hint: `approve 1` or --yes agrees to the price" in out
    assert "BS Roformer" in err
    assert "1 credit" in err


def test_yes_agrees_to_the_price(desk):
    """Without a question."""
    desk.say(DEAR)

    code, _, _ = desk.separate("--yes")

    assert (code, desk.service.made) == (0, 1)


@pytest.mark.parametrize(("answer", "expected"), [("y\n", (0, 1)), ("n\n", (3, 0))])
def test_at_a_terminal_the_price_is_asked(desk, typed, answer, expected):
    """And the answer is what counts."""
    desk.say(DEAR)
    typed(answer, at_terminal=True)

    code, _, _ = desk.separate()

    assert (code, desk.service.made) == expected


def test_an_approval_lets_the_same_words_go_on(desk):
    """The job is the one that was held."""
    desk.say(DEAR)
    desk.separate()
    desk("approve", "1", "--yes")

    code, _, _ = desk.separate()

    assert (code, desk.service.made) == (0, 1)


# What went wrong


def test_a_foreign_claim_is_refused(desk):
    """Exit code 3, with the reason and what to do; nothing was sent."""
    desk.out.mkdir()
    claims.write(desk.out, claims.Claim(state_id="other", generation=1, realm="mvsep", host="", account=""))

    code, told = desk.json()

    assert (code, desk.service.made) == (3, 0)
    assert [(item["state"], item["hint"]) for item in told["refused"]] == [
        ("refused", "choose another folder with -o DIR")
    ]


def test_no_audio_is_refused(desk):
    """Exit code 3."""
    desk.song.write_text("no audio")

    code, out, _ = desk.separate()

    assert (code, "0 published, 1 refused" in out) == (3, True)


def test_a_token_that_is_refused_needs_a_person(desk):
    """Exit code 4, as `once` has it."""
    desk.say(token="AnotherTokenThatNobodyKnows01")

    code, out, _ = desk.separate()

    assert (code, "gate token is closed" in out) == (4, True)


def test_outputs_that_are_gone_are_said_to_be(desk):
    """With what fetches them again without paying."""
    desk.separate()
    (desk.out / "song").rename(desk.base / "gone")

    code, out, _ = desk.separate()

    assert (code, desk.service.made) == (3, 1)
    assert "hint: `retry 1` fetches them again" in out


def test_one_output_that_is_gone_is_named(desk):
    """Nobody is told that all is there."""
    desk.separate("--format", "wav")
    (desk.out / "song" / "Vocals.wav").unlink()

    code, out, _ = desk.separate("--format", "wav")

    assert (code, "any more: Vocals.wav" in out, "`retry 1` fetches" in out) == (3, True, True)


def test_a_cancelled_one_stays_so(desk):
    """Until a person takes that back."""
    desk.say(DEAR)
    desk.separate()
    desk("cancel", "1")

    code, out, _ = desk.separate()

    assert (code, "hint: `retry 1` queues it again" in out) == (3, True)


def test_what_was_cancelled_goes_on_after_a_retry(desk):
    """By the same words."""
    desk.say(DEAR)
    desk.separate()
    desk("cancel", "1")
    desk("retry", "1")

    code, _, _ = desk.separate("--yes")

    assert (code, desk.service.made) == (0, 1)


def test_a_redo_is_made_by_the_same_words(desk):
    """Without a daemon as well; its outputs are the ones that are told from then on."""
    desk.separate()
    redone = desk("redo", "1", "--yes")

    code, told = desk.json()

    assert (redone[0], code, desk.service.made) == (0, 0, 2)
    assert told["published"][0]["folder"] == str(desk.out / "song (2)")


def test_a_home_that_cannot_be_written_is_told(run, service, nowhere, monkeypatch):
    """Exit code 4, with what to do."""
    (nowhere / "file").write_text("")
    (nowhere / "song.wav").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(nowhere / "file"))
    monkeypatch.setenv("MVSEP_API_TOKEN", service.token)

    code, _, err = run("separate", "song.wav", "--sep-type", "40")

    assert (code, "set XDG_STATE_HOME" in err) == (4, True)


# Beside a daemon


def beside_a_daemon(desk, world, *words):
    """Type the command while the daemon turns and time passes for it."""
    with StateLock(world.store.path), ThreadPoolExecutor(1) as threads:
        typed = threads.submit(desk.separate, *words)
        while not typed.done():
            world.pass_time(1.0)
            world.service.finish_all()
    return typed.result()


@pytest.fixture
def beside(desk, world, monkeypatch):
    """A daemon on the desk's configuration."""
    desk.config.write_text(
        f"mvsep: {{token: {world.service.token}, base_url: '{world.service.base_url}',"
        " poll: {min: 0.02s, max: 0.05s}}\n"
        f"state: {world.base}/state.sqlite3\n"
        f"folders:\n  - {{path: '{world.drop}', output: '{world.stems}', sep_type: 40}}\n"
    )
    monkeypatch.setattr(following, "LOOK_AGAIN_S", 0.01)
    world.start()
    return world


def test_a_running_daemon_does_it(desk, beside):
    """The command waits for its outputs."""
    code, out, _ = beside_a_daemon(desk, beside)

    assert (code, beside.service.made, beside.states()) == (0, 1, ["published"])
    assert out.splitlines()[-4].startswith("published: 2 stems in")


def test_a_daemon_that_ends_leaves_it_to_the_command(desk, monkeypatch):
    """Which does the rest itself."""
    is_there = iter([True])
    monkeypatch.setattr(errand, "is_running", lambda _: next(is_there, False))
    monkeypatch.setattr(errand, "follow", lambda *_: False)

    code, _, _ = desk.separate()

    assert (code, desk.service.made) == (0, 1)


def test_ctrl_c_leaves_the_daemon_working(desk, beside, monkeypatch):
    """It says so, and the job goes on."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(errand, "follow", interrupted)
    beside.hands.held = {Pool.UPLOADS}

    code, _, err = beside_a_daemon(desk, beside)
    beside.hands.held = set()
    beside.hands.go_on()
    for _ in range(10):
        beside.pass_time(5.0)
        beside.service.finish_all()

    assert (code, "the daemon goes on with it" in err, beside.states()) == (130, True, ["published"])


def standing_of(view=None, gates=(), **row):
    said = {"name": "n", "spec": "{}", "asked_at": 0.0, "job_id": None, "is_refused": False, "reason": "", "hint": ""}
    return Standing(row=OneOffRow(**said | row), view=view, why=("", ""), gates=gates)


def test_a_file_that_cannot_be_taken_is_waited_for_a_while(desk):
    """Then it is told why; the daemon looks on."""
    empty = standing_of(reason="empty")

    assert not empty.is_over(now=0.0, waited_s=5.0)
    assert empty.is_over(now=0.0, waited_s=60.0)
    assert not standing_of().is_over(now=0.0, waited_s=60.0)


def test_a_gate_that_stays_closed_ends_the_waiting(desk, beside):
    """The service's after two minutes; the others as soon as they were probed."""
    beside.hands.held.add(Pool.UPLOADS)
    wish = oneoffs.OneOff(source=desk.song, output=desk.out, rule=beside.rules[0])
    beside.store.requests.append("separate", wish.as_json(), now=0.0)
    beside.engine.desks.commands.look_again()
    beside.pass_time(20.0)
    (view,) = following.Views(beside.store.db).views(beside.jobs())
    view = type(view)(**{name: getattr(view, name) for name in view.__slots__} | {"separation": None})
    paused, away = Gate(name=GateName.PAUSED, reason=""), Gate(name=GateName.SERVICE, reason="", since=100.0)

    assert standing_of(view, (paused,)).is_over(now=100.0, waited_s=10.0)
    assert not standing_of(view, (paused,)).is_over(now=100.0, waited_s=1.0)
    assert not standing_of(view, (away,)).is_over(now=150.0, waited_s=10.0)
