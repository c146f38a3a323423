"""The demo's folder: its configuration, its song, and what an earlier demo left there.

Writes below that folder only. Nothing is thrown away: a configuration keeps all changes but the base URL, and what an
interrupted demo left with a sandbox that is gone is moved aside.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from mvsep_watch import config as configuration
from mvsep_watch import log
from mvsep_watch import sandbox as local_mvsep
from mvsep_watch.errors import ConfigError, UsageError
from mvsep_watch.files.lock import StateLock
from mvsep_watch.model import Config, JobState, SeparationState
from mvsep_watch.store import Store

SONG = "Paper Boats.wav"
SONG_S = 20.0
HEADER = "# Written by `mvsep-watch demo`."

CONFIG = """\
{header} A real configuration: change it as you like, the next demo keeps it.
# For real work nothing but the token and the base_url differ.

mvsep:
  token: {token}  # made up for the sandbox; yours is on the pages of your MVSEP account
  base_url: {base_url}  # the demo's sandbox, which is gone when the demo ends; the service is https://mvsep.com
  poll: {{min: 0.5s, max: 2s}}  # a sandbox may be asked often; leave this out with the service

limits:
  credits:
    reserve: 0  # credits that always stay on the account
    approve_batch_above: 50  # what would cost more at once waits for `mvsep-watch approve`

folders:
  - path: drop  # put audio files in here, in folders of any depth
    output: stems  # and find the stems here, in the same folders
    settle: 1s  # a file is taken when it has not changed for so long
    source: keep  # or delete, or {{move: PATH}}, once everything asked for is there
    rules:
      - name: band
        sep_type: 63  # BS Roformer SW: vocals, bass, drums, guitar, piano, other, instrumental
        format: flac
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the demo keeps its things."""

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.folder / "mvsep-watch.yaml"

    @property
    def song(self) -> Path:
        """The generated song, in the watched folder."""
        return self.folder / "drop" / SONG

    @property
    def stems(self) -> Path:
        """The output root."""
        return self.folder / "stems"


def written(path: Path) -> tuple[str, int]:
    """Read the token and the port of an earlier demo.

    Raises:
        UsageError: The configuration there is not the demo's.
    """
    try:
        is_ours = path.read_text(encoding="utf-8").startswith(HEADER)
    except (OSError, UnicodeDecodeError):
        is_ours = False
    if not is_ours:
        raise UsageError(f"{path} is there, and no demo wrote it", hint="choose another folder with --dir")
    service = configuration.load(path, environ=os.environ).service
    port = re.fullmatch(r"http://127\.0\.0\.1:(\d+)", service.base_url)
    if port is None:
        raise UsageError(
            f"{path} is for {service.base_url} now, and no longer for a demo", hint="choose another folder with --dir"
        )
    return service.token, int(port[1])


def prepare(places: Places, server: local_mvsep.Sandbox) -> Config:
    """Write what is missing: the configuration and the song; put aside what an interrupted demo left."""
    log.hide(server.token)
    try:
        places.song.parent.mkdir(parents=True, exist_ok=True)
        write_config(places.config, server)
        if not places.song.exists():
            part = places.song.with_suffix(".tmp")
            local_mvsep.write_song(part, SONG_S)
            part.rename(places.song)
    except OSError as error:
        raise ConfigError(
            f"{places.folder} cannot be written: {error.strerror}", hint="choose another folder with --dir"
        ) from error
    config = configuration.load(places.config, environ=os.environ)
    put_aside_interrupted(config, places)
    return config


def write_config(path: Path, server: local_mvsep.Sandbox) -> None:
    """Write the configuration, or only the new base URL into the one that is there. The token is nobody else's."""
    if path.exists():
        before = path.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^(\s*base_url:\s*)\S+", rf"\g<1>{server.base_url}", before, count=1)
    else:
        before = ""
        text = CONFIG.format(header=HEADER, token=json.dumps(server.token), base_url=server.base_url)
    if text != before:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - the mode comes from the descriptor
            file.write(text)


def put_aside_interrupted(config: Config, places: Places) -> None:
    """Move state and stems aside if work is left that was with an earlier sandbox: nobody has its results any more."""
    with StateLock(config.state):
        if not config.state.exists() or not _was_interrupted(config.state):
            return
        aside = next(path for n in range(1, 10_000) if not (path := places.folder / f"interrupted-{n}").exists())
        aside.mkdir()
        for path in (config.state, *config.state.parent.glob(f"{config.state.name}-*"), places.stems):
            if path.exists():
                path.rename(aside / path.name)


def _was_interrupted(state: Path) -> bool:
    store = Store(state)
    try:
        with_server = (SeparationState.RELEASED, SeparationState.SUBMITTED)
        left = any(row.state in with_server for row in store.separations.unfinished())
        return left or store.jobs.counts()[JobState.SEPARATED] > 0
    finally:
        store.close()
