"""Decides whether the folders get along: names, and paths that must not lie in each other. Pure; paths are resolved.

An output inside a watched folder would come back as a source, and be paid for; that is what most of this is about. One
watched folder inside another is fine.
"""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path

from mvsep_watch.config.folders import Placed
from mvsep_watch.config.problems import Report
from mvsep_watch.wanted import wanted


def check(folders: list[Placed], report: Report) -> None:
    """Report folders that are in each other's way."""
    for first, second in combinations(folders, 2):
        _refuse_same(first, second, report)
    for one, other in product(folders, repeat=2):
        _refuse_output_inside(one, other, report)
        _refuse_watched_inside(one, other, report)
        _refuse_move_inside(one, other, report)
        _refuse_watched_reference(one, other, report)


def _refuse_same(first: Placed, second: Placed, report: Report) -> None:
    if first.folder.name == second.folder.name:
        text = f'the name "{second.folder.name}" is taken by the folder {first.folder.path}; give each its own name'
        report.add(second.origin("name"), text)
    if first.folder.path == second.folder.path:
        text = f"{second.folder.path} is watched already, by {_called(first)}; put the rules of both into one folder"
        report.add(second.origin("path"), text)


def _refuse_output_inside(one: Placed, watched: Placed, report: Report) -> None:
    if _is_inside(one.folder.output, watched.folder.path):
        text = (
            f"the output {one.folder.output} is inside the watched folder {watched.folder.path}, "
            f"and stems would be separated again; choose an output outside"
        )
        report.add(one.origin("output"), text, breaks=False)


def _refuse_watched_inside(one: Placed, writing: Placed, report: Report) -> None:
    if one.folder.path != writing.folder.output and _is_inside(one.folder.path, writing.folder.output):
        text = (
            f"the watched folder {one.folder.path} is inside {writing.folder.output}, "
            f"the output of {_called(writing)}; choose another place for one of them"
        )
        report.add(one.origin("path"), text, breaks=False)


def _refuse_move_inside(one: Placed, other: Placed, report: Report) -> None:
    if not isinstance(one.folder.source, Path):
        return
    for path, what in ((other.folder.path, "the watched folder"), (other.folder.output, "the output")):
        if _is_inside(one.folder.source, path):
            text = f"sources would be moved to {one.folder.source}, inside {what} {path}; choose a place outside"
            report.add(one.origin("source"), text, breaks=False)


def _refuse_watched_reference(one: Placed, watched: Placed, report: Report) -> None:
    for rule in one.folder.rules:
        reference, path = rule.reference, watched.folder.path
        if reference and _is_inside(reference, path) and wanted(watched.folder, reference.relative_to(path).as_posix()):
            text = (
                f"the reference {reference} of the rule {rule.name} is itself a source of {_called(watched)}; "
                f"exclude it there, or keep it elsewhere"
            )
            report.add(one.origin("path"), text, breaks=False)


def _is_inside(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def _called(placed: Placed) -> str:
    return f'the folder "{placed.folder.name}"'
