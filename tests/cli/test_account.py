"""`account`: whose it is, what it has and did, its switches, and its doors."""

import json
import stat

import pytest

from mvsep_watch import log
from mvsep_watch.model import Settings
from tests.daemon.world import write_wav
from tests.fakes.service import TOKEN

PASSWORD = "canary-of-a-password"


@pytest.fixture
def account(service, monkeypatch):
    """An account whose token is in the environment."""
    monkeypatch.setenv("MVSEP_API_TOKEN", TOKEN)
    service.account.password = PASSWORD
    return service.account


def submit(service, tmp_path, name="song.wav"):
    write_wav(tmp_path / name, seconds=125)
    with service.client() as client:
        return client.create(tmp_path / name, Settings(sep_type=40)).hash


def test_the_account_is_told_in_words(run, account, service, tmp_path):
    """Identity, balance, premium, the limits that follow, what is under way; never the token."""
    hash_ = submit(service, tmp_path)

    code, out, err = run("account")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "account     someone@example.com, someone",
        "credits     98",
        "premium     on: separations are paid with credits",
        "limits      10 at once, up to 1.0 GB, up to 1 h 40 min",
        "long names  off",
        "under way   1 separation",
        f"            {hash_}",
    ]


@pytest.mark.parametrize(
    ("enabled", "credits_", "words"),
    [
        (False, 7, "off: separations are free, one at a time, and credits are kept"),
        (False, 0, "off: separations are free, one at a time"),
        (True, 0, "on, but no credits are left: separations are free, one at a time"),
    ],
)
def test_an_account_without_premium_has_the_limits_of_one(run, account, enabled, credits_, words):
    """Whether it is off, or the credits are used up."""
    account.enabled, account.credits = enabled, credits_

    _, out, _ = run("account")

    assert f"premium     {words}\n" in out
    assert "limits      1 at once, 50 a day, up to 100 MB, up to 10 min\n" in out


def test_json_has_every_key(run, account):
    """With the limits in numbers."""
    told = json.loads(run("account", "--json")[1])

    assert set(told) == {
        "identity", "name", "email", "credits", "premium_enabled", "premium", "long_names", "created_at",
        "queue_is_empty", "current_queue", "limits",
    }  # fmt: skip
    assert told["limits"] == {
        "separations": 10, "per_day_jobs": None, "max_size": 1_000_000_000, "max_duration": 6000.0,
    }  # fmt: skip


@pytest.mark.parametrize("words", [("--json", "account"), ("account", "--json")])
def test_options_may_stand_before_any_name_or_after(run, account, words):
    """Before the group's, before the command's."""
    assert json.loads(run(*words, "history")[1]) == json.loads(run("account", "history", "--json")[1]) == []


def test_a_refused_token_is_a_persons_business(run, account, monkeypatch):
    """Exit code 4; the message does not have it."""
    monkeypatch.setenv("MVSEP_API_TOKEN", "WrongCanaryTokenOfTheShell0123")

    code, out, err = run("account")

    assert (code, out) == (4, "")
    assert "Invalid API key" in err
    assert "WrongCanary" not in err


def test_the_history_lists_the_newest_first(run, account, service, tmp_path):
    """With what was charged, and for how long results are kept."""
    hashes = [submit(service, tmp_path, name) for name in ("a.wav", "b.wav", "c.wav")]

    _, out, _ = run("account", "history")
    rows = json.loads(run("account", "history", "--start", 1, "--limit", 1, "--json")[1])

    assert [line.split()[-1] for line in out.splitlines()[2:]] == hashes[::-1]
    assert out.count("BS Roformer (vocals, instrumental)         2   71 h") == 3
    assert [row["hash"] for row in rows] == [hashes[1]]
    assert set(rows[0]) == {"id", "hash", "created_at", "sep_type", "model", "credits", "hours_left", "exists"}


def test_an_empty_history_says_so(run, account):
    """And is an empty list for programs."""
    assert run("account", "history")[1] == "no separations\n"
    assert run("account", "history", "--json")[1] == "[]\n"


@pytest.mark.parametrize(("name", "key"), [("premium", "enabled"), ("long-names", "long_filenames")])
def test_a_switch_is_switched(run, account, name, key):
    """Both ways; the service's words are told."""
    states = []
    for switch in ("off", "on"):
        _, out, _ = run("account", name, switch)
        states.append((getattr(account, key), out))

    assert states == [
        (False, f"{name.replace('-', ' ')} off: successfully disabled\n"),
        (True, f"{name.replace('-', ' ')} on: successfully enabled\n"),
    ]
    assert json.loads(run("account", name, "on", "--json")[1]) == {
        name.replace("-", "_"): True, "message": "successfully enabled",
    }  # fmt: skip


def test_logging_in_receives_the_token_and_does_not_show_it(run, account, typed):
    """It says how to keep it; no token is needed before."""
    typed(f"{PASSWORD}\n")

    code, out, err = run("account", "login", "someone@example.com", "--password-stdin")

    assert (code, err) == (0, "")
    assert out.startswith("logged in as someone@example.com\nthe token was received; --token-file PATH keeps it")
    assert TOKEN not in out
    assert TOKEN not in log.redact(f"a later message with {TOKEN}")


def test_the_token_is_printed_when_that_is_asked_for(run, account, typed):
    """In words and in JSON."""
    typed(f"{PASSWORD}\n{PASSWORD}\n")
    words = ("account", "login", "someone@example.com", "--password-stdin", "--show-token")

    _, out, _ = run(*words)
    _, told, _ = run(*words, "--json")

    assert out == f"logged in as someone@example.com\n{TOKEN}\n"
    assert json.loads(told)["token"] == TOKEN


def test_the_token_file_is_for_its_owner_alone(run, account, typed, nowhere):
    """And holds the token, ready to be named in a configuration."""
    typed(f"{PASSWORD}\n")

    code, out, _ = run("account", "login", "someone@example.com", "--password-stdin", "--token-file", "token", "--json")

    assert (code, json.loads(out)["token_file"], TOKEN in out) == (0, str(nowhere / "token"), False)
    assert (nowhere / "token").read_text() == f"{TOKEN}\n"
    assert stat.S_IMODE((nowhere / "token").stat().st_mode) == 0o600


def test_a_token_file_is_never_written_over(run, account, service, typed, nowhere):
    """Not even a link that leads nowhere; nothing is asked before."""
    (nowhere / "token").symlink_to("elsewhere")
    typed(f"{PASSWORD}\n")

    code, _, err = run("account", "login", "someone@example.com", "--password-stdin", "--token-file", "token")

    assert (code, err.splitlines()[0]) == (2, "error: token is there already, and is not written over")
    assert (service.requests, (nowhere / "elsewhere").exists()) == ([], False)


def test_a_token_file_that_cannot_be_written_is_told(run, account, typed):
    """Exit code 4."""
    typed(f"{PASSWORD}\n")

    code, _, err = run("account", "login", "someone@example.com", "--password-stdin", "--token-file", "no/such/place")

    assert (code, err.splitlines()[0]) == (4, "error: no/such/place cannot be written: No such file or directory")


def test_a_wrong_password_is_told_in_the_services_words(run, account, typed):
    """The password itself never is."""
    typed("canary-of-a-wrong-one\n")

    code, out, err = run("account", "login", "someone@example.com", "--password-stdin")

    assert (code, out) == (4, "")
    assert "Invalid credentials" in err
    assert "canary" not in err


def test_a_service_that_keeps_the_token_to_itself_is_told(run, account, service, typed):
    """Where the token was to be kept, it is an error."""
    typed(f"{PASSWORD}\n{PASSWORD}\n")
    service.fault("login", *[_without_token] * 2)
    words = ("account", "login", "someone@example.com", "--password-stdin")

    told, refused = run(*words), run(*words, "--show-token")

    assert told[0] == 0
    assert "the service told no token" in told[1]
    assert (refused[0], refused[2].splitlines()[0]) == (4, "error: the service logs in and tells no token")


def _without_token(request, service):
    answer = service.site.login(request, request.read())
    told = json.loads(b"".join(answer.stream))
    told["data"]["api_token"] = None
    return type(answer)(200, json=told)


def test_a_password_is_never_a_word_of_the_command_line(run, account, typed):
    """In a pipe it is read only if that is said; an empty line is none."""
    typed("")
    unasked = run("account", "login", "someone@example.com")
    empty = run("account", "login", "someone@example.com", "--password-stdin")

    assert (unasked[0], unasked[2].splitlines()[-1]) == (2, "hint: --password-stdin reads it from the standard input")
    assert (empty[0], "no password in the first line" in empty[2]) == (2, True)


def test_at_a_terminal_the_password_is_asked_for_unseen(run, account, typed, monkeypatch):
    """So is the e-mail, which may be seen."""
    typed("someone@example.com\n", at_terminal=True)
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: PASSWORD)

    code, out, err = run("account", "login")

    assert (code, out.splitlines()[0]) == (0, "logged in as someone@example.com")
    assert PASSWORD not in out + err


def test_an_account_is_made(run, service, typed):
    """The service's words say what comes next."""
    typed(f"{PASSWORD}\n")

    code, out, _ = run("account", "register", "anna@example.com", "--name", "Anna", "--password-stdin")

    assert (code, out) == (0, "Account verification email sent to anna@example.com\n")


def test_a_refused_form_names_its_fields(run, service, typed):
    """In the service's words."""
    typed(f"{PASSWORD}\n")

    code, _, err = run("account", "register", "someone@example.com", "--name", "Anna", "--password-stdin", "--json")

    assert code == 4
    assert "The email has already been taken." in err
