"""One-offs: what a person has separated by itself, by the same engine and the same memory as everything else.

A one-off is a folder that nobody watches, with one rule and one source. Its name is derived from all that was asked
for, so that the same words name the same one-off and find the job that did it. It is written down before anything is
read, so that it outlives the command, and the daemon finds the rule of its job again. Nothing here closes a gate: what
is wrong with a one-off is the answer to whoever asked for it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from mvsep_watch.daemon.context import is_strange
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.roots import root_key
from mvsep_watch.errors import MvsepWatchError, NeedsUserError, StateError
from mvsep_watch.model import Config, Folder, InputKind, Rule
from mvsep_watch.naming import OutputPlace, display, job_folder
from mvsep_watch.steps.looking import ELSEWHERE, MayTake
from mvsep_watch.store import Store

PREFIX = "separate/"
"""No configured folder's name has a slash."""
VERSION = 1
SETTLE_S = 1.0
"""The person who names a file believes that it is whole; a copy that still runs is noticed all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOff:
    """What was asked for.

    Args:
        source: The file, a real path.
        output: Where the folder with the outputs is made, a real path.
        rule: What is to be done with it.
    """

    source: Path
    output: Path
    rule: Rule

    @property
    def name(self) -> str:
        """The name that follows from all of it."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return PREFIX + hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def folder(self) -> Folder:
        """The folder that it is to everybody else."""
        return Folder(
            name=self.name,
            path=self.source.parent,
            output=self.output,
            layout="{name}",
            rules=(self.rule,),
            recursive=False,
            settle_s=SETTLE_S,
        )

    def as_json(self) -> dict[str, Any]:
        """Give it as a request and the state have it."""
        rule = self.rule
        return {
            "v": VERSION,
            "source": str(self.source),
            "output": str(self.output),
            "sep_type": rule.sep_type,
            "options": sorted(list(option) for option in rule.options),
            "format": rule.output_format,
            "stems": None if rule.stems is None else sorted(rule.stems),
            "input": str(rule.input),
            "reference": None if rule.reference is None else str(rule.reference),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> OneOff:
        """Read what `as_json` gave."""
        rule = Rule(
            sep_type=value["sep_type"],
            options=tuple((key, chosen) for key, chosen in value["options"]),
            output_format=value["format"],
            stems=None if value["stems"] is None else tuple(value["stems"]),
            input=InputKind(value["input"]),
            reference=None if value["reference"] is None else Path(value["reference"]),
        )
        return cls(source=Path(value["source"]), output=Path(value["output"]), rule=rule)


def with_one_offs(config: Config, store: Store) -> Config:
    """Give a configuration with every one-off that the state remembers."""
    known = (OneOff.from_json(json.loads(row.spec)) for row in store.one_offs.all())
    return replace(config, one_offs={one_off.name: one_off.folder for one_off in known})


def with_one_off(config: Config, store: Store, name: str) -> tuple[Config, Path]:
    """Give a configuration with one more one-off, and that one's source."""
    row = store.one_offs.get(name)
    assert row is not None
    one_off = OneOff.from_json(json.loads(row.spec))
    return replace(config, one_offs={**config.one_offs, name: one_off.folder}), one_off.source


def waiting(store: Store) -> list[str]:
    """Give the names of those that are still to be read."""
    return [row.name for row in store.one_offs.all() if row.job_id is None and not row.is_refused]


def ask(one_off: OneOff, store: Store, config: Config, *, now: float, eyes: Eyes) -> None:
    """Write a one-off down, so that whoever has the state reads it next.

    Raises:
        MvsepWatchError: Nothing of it can be done, and nothing was written.
    """
    _require_files(one_off, eyes)
    _require_output(one_off, store, config, eyes)
    store.one_offs.ask(one_off.name, json.dumps(one_off.as_json()), now=now)


def _require_files(one_off: OneOff, eyes: Eyes) -> None:
    for path in (one_off.source, one_off.rule.reference):
        if path is not None and not eyes.is_file(path):
            raise NeedsUserError(f"{display(path)} is not there, or no file", hint="name a file, or a link")


def _require_output(one_off: OneOff, store: Store, config: Config, eyes: Eyes) -> None:
    """Require that outputs may go there: that nobody takes them for new files, and nothing of others is in the way."""
    root = one_off.output
    for folder in config.folders:
        if root.is_relative_to(folder.path):
            raise NeedsUserError(
                f"{display(root)} is in the watched folder {folder.name}, where outputs would be taken for new files",
                hint=ELSEWHERE,
            )
    mine, was_used = store.memory, store.memory.meta(root_key(root)) is not None
    trouble = eyes.look(MayTake(path=root, was_used=was_used, state_id=mine.state_id, generation=mine.generation))
    if trouble is not None:
        raise trouble
    relative = PurePosixPath(one_off.source.name)
    folder, rule = one_off.folder, one_off.rule
    named = job_folder(folder.layout, relative=relative, rule=rule, folder=folder, sha256="", taken=lambda _: False)
    if not store.jobs.is_reserved(root / named) and is_strange(store, OutputPlace(root / named), eyes):
        raise StateError(f"{display(root / named)} holds outputs that this state does not know", hint=ELSEWHERE)


def refusal(error: MvsepWatchError) -> dict[str, Any]:
    """Give an error as an answer has it."""
    return {"id": None, "reason": error.message, "hint": error.hint}
