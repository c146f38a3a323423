"""What tests of the doctor share: a machine that is told, and findings in few words."""

from pathlib import Path

from mvsep_watch.cli.examining.finding import Level
from mvsep_watch.cli.examining.machine import Machine
from mvsep_watch.cli.examining.people import Person, me
from mvsep_watch.cli.examining.subject import Subject
from mvsep_watch.model import Config, Folder, Rule, Service

MOUNTS = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
NOW = 1_800_000_000.0


def machine(**given):
    """A machine with one disk and nothing else."""
    return Machine(**{"now": NOW, "mounts": MOUNTS, "units": (), "proc": Path("/nonexistent"), **given})


def mounted(point, kind):
    """The mount table with one more mount."""
    return f"{MOUNTS}2 1 0:9 / {point} rw - {kind} what rw\n"


def stranger(**given):
    """Somebody who owns nothing here; their permissions are computed, whoever runs the tests."""
    return Person(**{"name": "anna", "uid": 54321, "groups": frozenset({54321}), **given})


def subject(**given):
    return Subject(**{"machine": machine(), "person": me(), **given})


def config(base, **folder):
    """A configuration of one folder."""
    made = Folder(
        **{
            "name": "drop",
            "path": base / "drop",
            "output": base / "stems",
            "layout": "{rel}/{name}",
            "rules": (Rule(sep_type=40),),
            **folder,
        }
    )
    return Config(path=base / "c.yaml", state=base / "c.state.sqlite3", service=Service(token=""), folders=(made,))


def troubles(findings):
    """The findings that are not all right, with their levels."""
    return [(str(each.level), each.what) for each in findings if each.level is not Level.OK]


def commands(findings):
    return [each.command for each in findings if each.command]
