"""A world's configuration as a file, for commands that look at its state or change it."""

import json
import re

from mvsep_watch.model import CreditLimits, Limits

LOGGED = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[.*\n", re.MULTILINE)
"""What the world logs, which is not the command's."""


def write_config(world, *, rule="sep_type: 40, format: wav", folder=""):
    """Write the configuration that says of the world's folders what the world itself says."""
    path = world.base / "mvsep-watch.yaml"
    path.write_text(
        f"mvsep: {{token: {world.service.token}, base_url: '{world.service.base_url}'}}\n"
        f"state: {world.base}/state.sqlite3\n"
        "limits: {credits: {approve_job_above: 2, approve_batch_above: null}}\n"
        f"folders:\n  - {{path: '{world.drop}', output: '{world.stems}', {rule}{folder}}}\n"
    )
    path.chmod(0o600)
    return path


def limit(world):
    """Let the world ask about whatever costs more than two credits, as the file says."""
    world.limits = Limits(credits=CreditLimits(approve_job_above=2, approve_batch_above=None))


class Person:
    """Types commands about a world."""

    def __init__(self, run, world, capsys):
        self._run = run
        self._capsys = capsys
        self.config = write_config(world)

    def __call__(self, *words):
        self._capsys.readouterr()
        code, out, err = self._run("-c", self.config, *words)
        return code, LOGGED.sub("", out), err

    def json(self, *words):
        code, out, err = self(*words, "--json")
        return code, json.loads(out) if out else err
