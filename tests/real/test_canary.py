"""Token, addresses and password are nowhere to be read: a life with every kind of trouble, and all that it wrote."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from mvsep_watch.sandbox import Sandbox
from tests.daemon.world import write_wav
from tests.real.helpers import Place, until

TOKEN = "CanaryTokenThatNobodyMayRead01"
ADDRESS = "CanaryAddressThatNobodyMayRead"
"""A part of each address that notices and pings go to, which the environment holds."""
PASSWORD = 'c4nary & "pässword" 100%'
CONFIG = """
mvsep:
  token_file: secrets/token
  base_url: {base_url}
  timeout: 5s
  poll: {{min: 0.2s, max: 0.5s}}
  reconcile: {{window: 2s, interval: 0.4s}}
notify: {{urls: ["${{CANARY_ADDRESS}}", "json://127.0.0.1:9/${{CANARY_PART}}"], about: [held, failed, gate, summary]}}
ping: {{url: "http://127.0.0.1:9/${{CANARY_PART}}", interval: 1s}}
metrics: {{file: numbers.prom}}
folders:
  - {{path: drop, output: stems, settle: 0.2s, sep_type: 40, format: wav, source: {{move: done}}}}
"""
FAULTS = (
    {"kind": "status", "on": "get", "value": 502, "times": 2},
    {"kind": "refuse", "value": f"the token {TOKEN} is tired", "times": 1},
    {"kind": "drop", "on": "create", "when": "after", "times": 1, "skip": 1},
    {"kind": "rate_limit", "on": "get", "value": 1, "times": 1},
    {"kind": "html", "on": "history", "times": 1},
    {"kind": "cut_download", "times": 1},
    {"kind": "hostile_names", "value": [f"{TOKEN}.wav"], "times": 1},
)
LOOKS = (
    "status", "jobs", "show 1", "spend", "plan", "config show", "check --online", "doctor", "account",
    "account history", "get 20260101000000-0123456789-unknown.wav", "notify", "cancel --all --yes",
)  # fmt: skip
SAID = ("job_published", "RuntimeError", "bug_met", "the token *** is tired", "notice_not_sent", "ping_not_taken")
"""What shows that it happened."""
LOOKS_ALL = """
import sys
from mvsep_watch.cli.main import main
for words in sys.stdin:
    main([*sys.argv[1:], *words.split()])
"""
MEETS_A_BUG = """
import sys
from mvsep_watch.cli.main import main
from mvsep_watch.mvsep import Client
def broken(self, *args, **kwargs):
    with open("secrets/token") as file:
        token = file.read().strip()
    raise RuntimeError(f"api_token={{token}} and {{self!r}} with {{args}} {{kwargs}}")
Client.{method} = broken
sys.exit(main(sys.argv[1:]))
"""


class Life(Place):
    """A place where all that is said is kept in one file, and what nobody may see lies in a folder of its own."""

    def __init__(self, base: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.secrets = base / "secrets"
        self.secrets.mkdir(mode=0o700)
        (base / "drop").mkdir()
        token = self.secrets / "token"
        token.write_text(f"{TOKEN}\n")
        token.chmod(0o600)
        super().__init__(base, CONFIG.format(base_url=sandbox.base_url))

    def say(self, command: list[str], *, given: str | None = None, **environment: str) -> int:
        """Run a command to its end and keep what it says."""
        with self.log.open("ab") as log:
            return subprocess.run(
                command, check=False, cwd=self.base, stdout=log, stderr=log, timeout=60,
                env={**os.environ, "XDG_CACHE_HOME": str(self.base / "caches"), **environment},
                **({"input": given.encode()} if given is not None else {"stdin": subprocess.DEVNULL}),
            ).returncode  # fmt: skip

    def command(self, *words: str) -> list[str]:
        return [*super().command(), "--debug", *words]

    def command_of(self, program: str, *words: str) -> list[str]:
        return [sys.executable, "-c", program, *self.command(*words)[3:]]

    def command_with_a_bug(self, method: str, *words: str) -> list[str]:
        return self.command_of(MEETS_A_BUG.format(method=method), *words)

    def written(self) -> dict[str, bytes]:
        """Give all that was written anywhere but among the secrets."""
        paths = [path for path in self.base.rglob("*") if path.is_file() and self.secrets not in path.parents]
        return {str(path.relative_to(self.base)): path.read_bytes() for path in paths}

    def found(self, secret: str) -> set[str]:
        """Name the files that hold a secret, in any of its usual spellings."""
        spellings = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        return {
            name for name, content in self.written().items()
            if any(spelling.encode() in content for spelling in spellings)
        }  # fmt: skip


@pytest.fixture
def life(tmp_path, monkeypatch):
    monkeypatch.setenv("CANARY_PART", ADDRESS)
    monkeypatch.setenv("CANARY_ADDRESS", f"json://127.0.0.1:9/{ADDRESS}/all")
    with Sandbox(token=TOKEN, speed=50, credits=50, rate_limit=6000, faults=FAULTS) as sandbox:
        yield Life(tmp_path, sandbox)


def command_lines() -> str:
    """Give what everybody on the machine can read of its processes."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return "\n".join(lines)


def test_a_whole_life_with_failures_shows_the_token_nowhere(life):
    """At DEBUG: a kill, a stop, refusals, pages, lost answers, cut downloads, a refused token, and two bugs."""
    for number in range(2):
        write_wav(life.base / "drop" / f"{number}.wav", pitch=number + 1)
    process = life.start()
    until(lambda: life.sandbox.service.jobs, within_s=30, tell=life.last_words)
    shown = command_lines()
    process.kill()
    process.wait()
    life.sandbox.faults.add({"kind": "drop", "on": "user", "times": 1})

    codes = [life.say(life.command("once"))]
    life.sandbox.account.token = "AnotherTokenThatIsNotKnown0123"
    codes.append(life.say(life.command("account")))
    life.sandbox.account.token = TOKEN
    write_wav(life.base / "drop" / "bug.wav", pitch=9)
    life.say(life.command_with_a_bug("download", "once"))
    codes.append(life.say(life.command_with_a_bug("user", "account")))
    looks = "\n".join(LOOKS)
    for more in ({}, {"JOURNAL_STREAM": "8:1"}):
        life.say(life.command_of(LOOKS_ALL, *(["--json"] if more else [])), given=looks, **more)

    said = life.log.read_text(errors="replace")
    assert codes in ([0, 4, 1], [3, 4, 1])
    assert [words for words in SAID if words not in said] == []
    assert {"mvsep-watch.state.sqlite3", "stems/.mvsep-watch-claim.json"} <= set(life.written())
    assert str(life.config) in shown
    assert {TOKEN in shown + command_lines(), ADDRESS in shown + command_lines()} == {False}
    assert (life.found(TOKEN), life.found(ADDRESS)) == (set(), set())


def test_a_password_is_shown_nowhere(life):
    """Right or wrong, refused, unanswered, or met by a bug; and the token that it gives goes only where it is sent."""
    life.sandbox.account.password = PASSWORD
    login = ["account", "login", "sandbox@localhost", "--password-stdin"]
    life.sandbox.faults.clear()

    codes = [life.say(life.command(*login, "--token-file", "secrets/new"), given=f"{PASSWORD}\n")]
    codes.append(life.say(life.command(*login, "--json"), given=f"{PASSWORD} but wrong\n"))
    life.sandbox.faults.add({"kind": "html", "on": "login", "times": 1})
    codes.append(life.say(life.command(*login), given=f"{PASSWORD}\n"))
    codes.append(life.say(life.command_with_a_bug("login", *login), given=f"{PASSWORD}\n"))

    assert (codes[0], codes[-1]) == (0, 1)
    assert 0 not in codes[1:]
    assert (life.secrets / "new").read_text().strip() == TOKEN
    assert re.search("RuntimeError", life.log.read_text())
    assert (life.found(PASSWORD), life.found(TOKEN)) == (set(), set())
