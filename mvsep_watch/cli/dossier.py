"""What `show` tells: one job's whole past, or which rules want a file, or why none does, with all its jobs.

Reads the state and looks at the file itself; changes nothing and asks nobody else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mvsep_watch.cli import asking
from mvsep_watch.cli.describing import Describer
from mvsep_watch.cli.rendering import full_path, instant
from mvsep_watch.cli.selecting import is_running, meanings, no_match, select
from mvsep_watch.errors import UsageError
from mvsep_watch.model import Config, FileStat, JobState, Settings
from mvsep_watch.naming import display, escape_path
from mvsep_watch.store import JobRow, SeparationRow, SourceRow
from mvsep_watch.store.views import JobView, LedgerEntry, Transition, Views
from mvsep_watch.wanted import wanted, why_not


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One job with everything that happened to it.

    Args:
        as_listed: What `jobs --json` says of it.
        others: Other attempts at its work, the first attempt first.
    """

    view: JobView
    as_listed: dict[str, Any]
    transitions: tuple[Transition, ...]
    ledger: tuple[LedgerEntry, ...]
    others: tuple[SeparationRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What a watched folder wants with a file: rules by name, or in a sentence why none."""

    folder: str
    rules: tuple[str, ...]
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything about a file, or about one job.

    Args:
        verdict: Of a file: what becomes of it, in a sentence. Empty where its jobs say it all.
        wants: Of a file: one for each watched folder that it lies in.
        waits: Why the running daemon does not take it yet: `reason`, `hint`, `since`; None where that is not so.
    """

    path: Path
    source: SourceRow | None
    verdict: str
    wants: tuple[Want, ...]
    jobs: tuple[Past, ...]
    waits: Mapping[str, Any] | None = None


def found(views: Views | None, word: str, config: Config, *, now: float) -> Dossier:
    """Find everything about what a word names; `now` is seconds since 1970.

    Raises:
        UsageError: It names no job and no file, or several files.
    """
    running = is_running(config)
    try:
        selection = select(views, [word], config=config) if views else None
    except UsageError:
        selection = None
    if views is None or selection is None:
        return _of_file(None, (), _path_of(word, config), config, running=running)
    describer = Describer(views, config, running=running, now=now)
    sources = sorted({job.source_id for job in selection.jobs} | set(selection.sources))
    if len(sources) > 1:
        hint = f'`mvsep-watch jobs "{display(word)}"` lists their jobs'
        raise UsageError(f'"{display(word)}" names {len(sources)} files', hint=hint)
    source = views.sources.get(sources[0])
    pasts = tuple(_past(views, describer, job) for job in selection.jobs)
    if not selection.sources:
        return Dossier(path=source.path, source=source, verdict="", wants=(), jobs=pasts)
    dossier = _of_file(source, pasts, source.path, config, running=running)
    return replace(dossier, verdict=dossier.verdict or _known_from(views, source, pasts))


def _path_of(word: str, config: Config) -> Path:
    """Say which file a word means that the state does not know."""
    path = next((path for path in meanings(word, config) if os.path.lexists(path)), None)
    if path is None:
        raise no_match([word])
    return Path(path)


def _past(views: Views, describer: Describer, job: JobRow) -> Past:
    view = views.views([job])[0]
    attempts = views.separations.of_work(view.separation.work) if view.separation else []
    return Past(
        view=view,
        as_listed=describer.as_json(view),
        transitions=tuple(views.transitions(job=job.id, separations=[row.id for row in attempts])),
        others=tuple(row for row in attempts if row.id != job.separation_id),
        ledger=tuple(views.ledger(job.separation_id)) if job.separation_id else (),
    )


def _of_file(
    source: SourceRow | None, pasts: tuple[Past, ...], path: Path, config: Config, *, running: bool
) -> Dossier:
    wants = tuple(_wants(path, config))
    verdict = _how_seen(source) if source else _why_not_seen(path, config, wants, running=running)
    may_wait = running and any(want.rules for want in wants) and (source is None or _has_changed(source))
    waits = asking.explained(config, escape_path(path)) if may_wait else None
    return Dossier(path=path, source=source, verdict=verdict, wants=wants, jobs=pasts, waits=waits)


def _wants(path: Path, config: Config) -> Iterator[Want]:
    for folder in config.folders:
        if path.is_relative_to(folder.path) and path != folder.path:
            relative = os.path.relpath(path, folder.path)
            rules = tuple(rule.name for rule in wanted(folder, relative))
            yield Want(folder=folder.name, rules=rules, why_not=why_not(folder, relative))


def _how_seen(source: SourceRow) -> str:
    """Say how a file was last seen, where that is not all of it."""
    if source.state == "ignored":
        return "It was forgotten, and is ignored; `retry` on one of its jobs takes it back."
    if _has_changed(source):
        return "It has changed since it was last seen, and is looked at anew."
    return "" if source.state == "known" else f"It is {source.state}: {source.reason} {source.hint}".strip()


def _known_from(views: Views, source: SourceRow, pasts: tuple[Past, ...]) -> str:
    """Say of what was done before, under whatever name, that it was, where none of the file's own jobs says so."""
    if source.state != "known" or any(past.view.job.bytes_key == source.bytes_key for past in pasts):
        return ""
    done = [job for job in views.jobs.on_bytes(source.bytes_key or "") if job.state == JobState.PUBLISHED]
    if not done:
        return ""
    there, before = display(done[-1].place.mark), display(views.sources.get(done[-1].source_id).path)
    return f"It holds what {before} did when job {done[-1].id} was done, and is not paid for again: {there}"


def _why_not_seen(path: Path, config: Config, wants: tuple[Want, ...], *, running: bool) -> str:
    """Say why the state does not know a file."""
    for folder in config.folders:
        if path.is_relative_to(folder.output):
            return f"It lies in the output folder {display(folder.output)}; nothing is taken from there."
    if not wants:
        return "It lies in no watched folder."
    if not path.is_file():
        return "It is no regular file."
    if not any(want.rules for want in wants):
        return ""
    if not path.stat().st_size:
        return "It is empty, and is taken once there is something in it."
    return "It is taken once it has stopped changing." if running else "It is taken once a daemon runs."


def _has_changed(source: SourceRow) -> bool:
    try:
        return FileStat.of(source.path.lstat()) != source.stat
    except OSError:
        return False


def as_json(dossier: Dossier) -> dict[str, Any]:
    """Give it for programs."""
    source = dossier.source
    return {
        "path": full_path(dossier.path),
        "verdict": dossier.verdict,
        "waits": None if dossier.waits is None else {**dossier.waits, "since": instant(dossier.waits["since"])},
        "wanted_by": [
            {"folder": want.folder, "rules": list(want.rules), "why_not": want.why_not} for want in dossier.wants
        ],
        "source": None if source is None else _source_json(source),
        "jobs": [_past_json(past) for past in dossier.jobs],
    }


def _source_json(source: SourceRow) -> dict[str, Any]:
    return {
        "state": source.state,
        "reason": source.reason,
        "hint": source.hint,
        "size": source.size_bytes,
        "sha256": source.sha256 or None,
        "duration_s": source.duration_s,
    }


def _past_json(past: Past) -> dict[str, Any]:
    row = past.view.separation
    return {
        **past.as_listed,
        "sidecar": _sidecar(past),
        "separation": None if row is None else _separation_json(row),
        "other_attempts": [_separation_json(other) for other in past.others],
        "ledger": [
            {"at": instant(entry.at), "day": entry.day, "entry": entry.entry, "credits": entry.credits}
            for entry in past.ledger
        ],
        "transitions": [
            {
                "at": instant(step.at),
                "subject": step.subject,
                "from": step.from_state,
                "to": step.to_state,
                "reason": step.reason,
            }
            for step in past.transitions
        ],
    }


def _sidecar(past: Past) -> str | None:
    return full_path(past.view.job.place.sidecar) if past.view.outputs else None


def _separation_json(row: SeparationRow) -> dict[str, Any]:
    settings = Settings.from_canonical(row.settings)
    return {
        "id": row.id,
        "state": str(row.state),
        "attempt": row.attempt,
        "hash": row.hash,
        "tag": row.tag,
        "realm": row.realm,
        "host": row.host,
        "account": row.account,
        "algorithm": row.algorithm,
        "sep_type": settings.sep_type,
        "options": dict(settings.options),
        "output_format": settings.output_format,
        "sends": row.releases,
        "polls": row.asked,
        "intended_at": instant(row.intended_at),
        "submitted_at": instant(row.submitted_at),
        "ended_at": instant(row.ended_at),
    }
