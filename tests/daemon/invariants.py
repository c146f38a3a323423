"""What must hold at every moment of a daemon's life, and what once it has come to rest."""

from __future__ import annotations

import collections
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from mvsep_watch.model import tag_in_hash
from mvsep_watch.naming import SIDECAR_NAME


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def visible_folders(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Give every folder that is shown below an output root, with the names of its files."""
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if Path(place) != root:
            yield Path(place), names


def assert_nothing_is_half(world) -> None:
    """What is shown below the output root are whole folders: their sidecar, and exactly the outputs that it lists."""
    for folder, names in visible_folders(world.stems):
        if names:
            told = json.loads((folder / SIDECAR_NAME).read_text())["outputs"]
            shown = {name: sha256(folder / name) for name in names if name != SIDECAR_NAME}
            assert shown == {output["name"]: output["sha256"] for output in told}, folder


def assert_no_source_is_harmed(world, dropped: set[str]) -> None:
    """Every content that was dropped is in a file below the dropped or the moved ones, whatever name it has."""
    kept = {sha256(path) for root in (world.drop, world.base / "moved") for path in root.rglob("*") if path.is_file()}
    assert dropped <= kept


def assert_nothing_is_paid_twice(world) -> None:
    """One separation for each attempt at a work: an attempt's tag is in no two hashes."""
    tags = collections.Counter(tag_in_hash(hash_) for hash_, job in world.service.jobs.items() if not job.short)
    assert set(tags.values()) <= {1}


def assert_nothing_is_left(world) -> None:
    """No staging, no probe, no source set aside, no unfinished copy."""
    hidden = [
        str(path.relative_to(world.base))
        for root in (world.drop, world.stems, world.base / "moved")
        for path in root.rglob(".*")
    ]
    assert hidden == ["stems/.mvsep-watch-claim.json"]


def assert_the_books_agree(world) -> None:
    """The ledger, the separations and the service tell the same sum, and nothing is reserved any more."""
    charged = sum(job.charged for job in world.service.jobs.values())
    ledger = world.store.db.value("SELECT coalesce(sum(credits), 0) FROM ledger")
    assert (ledger, world.store.separations.reserved_against_balance()) == (charged, 0)
