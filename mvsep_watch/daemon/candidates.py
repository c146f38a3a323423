"""The paths that may become sources, why each of them waits, and who is told of it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, ItemsView, Iterator
from pathlib import Path
from typing import Any

from mvsep_watch import settle
from mvsep_watch.daemon.candidate import Candidate
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.counting import Counting
from mvsep_watch.daemon.queueing import rules_for
from mvsep_watch.model import FileStat, Folder
from mvsep_watch.naming import display, unescape_path
from mvsep_watch.retry import backoff_s

LONG_S = 900.0
"""A file that could not be taken for so long is told of: its writer may be gone."""
TOLD_OF = 20


class Candidates:
    """Remembers candidates by path."""

    def __init__(self, context: Context, counting: Counting) -> None:
        self._context = context
        self._counting = counting
        self._by_path: dict[str, Candidate] = {}
        self._told: dict[str, None] = {}
        self.news_s: dict[str, float] = {}
        """When something last came in a folder, by its name, monotonic."""

    def __contains__(self, path: object) -> bool:
        return path in self._by_path

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_path)

    def get(self, path: str) -> Candidate | None:
        """Give what is known of a path, or None."""
        return self._by_path.get(path)

    def all(self) -> ItemsView[str, Candidate]:
        """Give every path with what is known of it."""
        return self._by_path.items()

    @property
    def not_taken(self) -> dict[str, str]:
        """The files that cannot be taken as they are, by path, with the reason."""
        return {path: candidate.reason for path, candidate in self._by_path.items() if candidate.reason}

    @property
    def waits_long(self) -> dict[str, tuple[str, float]]:
        """Some files that have waited for long to be taken, by path: the reason, and since when, monotonic."""
        return {path: self._by_path[path].waits for path in itertools.islice(self._told, TOLD_OF)}

    def waits_of(self, path: str) -> dict[str, Any] | None:
        """Say why a path (escaped) waits to be taken, with `hint` and `since`; None where it does not."""
        candidate = self._by_path.get(unescape_path(path))
        if candidate is None:
            return None
        reason, hint = candidate.explained
        since = self._context.clock.now() - (self._context.clock.monotonic() - candidate.since_s)
        return {"reason": reason, "hint": hint, "since": since}

    def look_again(self, path: Path | str, folder_name: str) -> None:
        """Send a path to settle, again or as the file of a one-off."""
        if folder := self._context.config.folder(folder_name):
            one_offs = {folder_name} & self._context.config.one_offs.keys()
            self.add(str(path), folder, counted_in=None, one_offs=one_offs)

    def add(
        self,
        path: str,
        folder: Folder,
        *,
        counted_in: str | None,
        stat: FileStat | None = None,
        one_offs: Collection[str] = (),
    ) -> None:
        """Have a path looked at until it has settled, from the beginning if it was looked at before.

        Args:
            path: The file's.
            folder: The watched folder or one-off that it is taken for.
            counted_in: The folder whose scan's batch waits for it, or None.
            stat: What a scan saw of it; None where it was not looked at.
            one_offs: The one-offs that it is the file of, by name.
        """
        now_s = self._context.clock.monotonic()
        names = frozenset(one_offs)
        self.news_s[folder.name] = now_s
        since_s = now_s
        if before := self._by_path.get(path):
            counted_in = counted_in or before.counted_in  # the scan that counts it must still hear that it is done
            names |= before.one_offs
            since_s = before.since_s
        candidate = Candidate(folder=folder, due_s=now_s, since_s=since_s, counted_in=counted_in, one_offs=names)
        if stat is not None:
            candidate.seen, decision = settle.observe(
                None, stat, now_s=now_s, settle_s=folder.settle_s, earned_s=self.earned_s(path, stat)
            )
            candidate.due_s = decision.until_s if isinstance(decision, settle.Wait) else now_s
        self._by_path[path] = candidate
        if counted_in:
            self._counting.add(counted_in, path)
        if candidate.takes_its_time:
            self.uncount(path, candidate)

    def folder_of(self, path: str, candidate: Candidate) -> Folder | None:
        """Give the folder that a candidate belongs to now: its own, another that wants it, or a one-off."""
        names = [folder.name for folder, _ in rules_for(self._context.config, path)] + sorted(candidate.one_offs)
        if candidate.folder.name in names:
            return self._context.config.folder(candidate.folder.name)
        return self._context.config.folder(names[0]) if names else None

    def earned_s(self, path: str, stat: FileStat) -> float:
        """Say how long a file must rest that was taken before and has grown since."""
        store = self._context.store
        before = store.sources.at(path)
        if before is None or before.state != "known" or not 0 < before.size_bytes < stat.size_bytes:
            return 0.0
        now, was = self._context.clock.now(), before.stat
        return settle.earned_quiet_s(
            away_s=now - min(before.seen_at, max(was.mtime_ns, was.ctime_ns) / 1e9),
            times=len({before.bytes_key, *(job.bytes_key for job in store.jobs.of_source(before.id))}),
            rested_s=now - max(stat.mtime_ns, stat.ctime_ns) / 1e9,
        )

    def in_trouble(self, path: str, candidate: Candidate, reason: str) -> None:
        """Look again later; whoever waits for the file is told, and its batch does not wait."""
        self.uncount(path, candidate)
        candidate.failures += 1
        candidate.due_s = self._context.clock.monotonic() + backoff_s(candidate.failures)
        candidate.reason = reason
        self.tell_waits(path, candidate)
        self.tell_one_offs(candidate)

    def tell_waits(self, path: str, candidate: Candidate) -> None:
        """Say once that a file has waited for long."""
        if path not in self._told and self._context.clock.monotonic() - candidate.since_s > LONG_S:
            self._told[path] = None
            self._context.log.warning("source_waits", path=display(path), reason=candidate.reason, hint=candidate.hint)

    def tell_one_offs(self, candidate: Candidate) -> None:
        """Write down for whoever asked why a file cannot be taken yet."""
        for name in candidate.one_offs:
            self._context.store.one_offs.keep_waiting(name, candidate.reason)

    def refuse_one_offs(self, candidate: Candidate, reason: str, hint: str) -> None:
        """Write down for whoever asked that a file is not taken."""
        for name in candidate.one_offs:
            self._context.store.one_offs.refuse(name, reason=reason, hint=hint)

    def uncount(self, path: str, candidate: Candidate) -> None:
        """Let the batch not wait for a file that takes its time."""
        if candidate.counted_in:
            self._counting.leave_out(candidate.counted_in, path)
        candidate.counted_in = None

    def forget(self, path: str) -> None:
        """Look at a path no longer; its batch does not wait for it."""
        candidate = self._by_path.pop(path, None)
        self._told.pop(path, None)
        if candidate:
            self.uncount(path, candidate)
