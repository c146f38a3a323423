"""The calls of the quality checker, which measures separations of its own datasets and ranks them.

Source: MVSEP API page, quality_checker, 2025 and 2026; recorded answers to add and delete, 2024.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mvsep_watch.model import LeaderboardPage, QualityAdded, QualityEntry
from mvsep_watch.mvsep.base import Calls
from mvsep_watch.mvsep.form import opened
from mvsep_watch.mvsep.paging import PAGE_ROWS, paged
from mvsep_watch.mvsep.parse_site import (
    read_leaderboard,
    read_quality_added,
    read_quality_entries,
    read_quality_entry,
)
from mvsep_watch.mvsep.refusals import ENTRY_HINT, entry_added_error, entry_error
from mvsep_watch.mvsep.upload import Progress, UploadBody


class Quality(Calls):
    """`quality_checker/*`; only adding needs a token."""

    def quality_queue(self, *, start: int = 0, limit: int | None = None) -> Iterator[QualityEntry]:
        """Walk through the entries, newest first, page by page as far as it is read.

        Args:
            start: How many of the newest to skip.
            limit: How many at most; None goes to the end.
        """
        return paged(
            lambda skipped, rows: read_quality_entries(
                self._public_get("quality_checker/queue", {"start": str(skipped), "limit": str(rows)})
            ),
            key=lambda entry: entry.id,
            start=start,
            limit=limit,
        )

    def quality_leaderboard(
        self, *, dataset_type: int = 0, sort: str = "", name_filter: str = "", start: int = 0, limit: int = PAGE_ROWS
    ) -> LeaderboardPage:
        """Read a page of a dataset's ranking.

        Args:
            dataset_type: 0 Synth, 1 Multisong, 2 Piano, 3 Lead/back vocals, 4 Guitar; up to 12.
            sort: One of the page's `sortables`; empty leaves it to the service.
            name_filter: Part of an algorithm's name.
            start: How many of the best to skip.
            limit: Entries, at most 20.
        """
        params = {
            "dataset_type": str(dataset_type),
            "sort": sort,
            "algo_name_filter": name_filter,
            "start": str(start),
            "limit": str(limit),
        }
        return read_leaderboard(self._public_get("quality_checker/leaderboard", params))

    def quality_entry(self, id_: int) -> QualityEntry:
        """Read one entry.

        Raises:
            NotFoundError: There is none of this number.
        """
        return read_quality_entry(self._public_get("quality_checker/entry", {"id": str(id_)}, refusal=entry_error))

    def quality_add(
        self,
        zip_file: Path,
        *,
        algo_name: str,
        password: str,
        main_text: str = "",
        dataset_type: int = 0,
        is_ensemble: bool = False,
        progress: Progress | None = None,
    ) -> QualityAdded:
        """Have an algorithm's results measured.

        Args:
            zip_file: The separated dataset, read once in constant memory.
            algo_name: What the entry goes by.
            password: Whoever knows it may delete the entry.
            main_text: What to say about the algorithm.
            dataset_type: As in `quality_leaderboard`.
            is_ensemble: Whether several models worked together.
            progress: Given bytes of the file sent and its size.

        Raises:
            RequestRefusedError: The form is refused, in the server's words.
            SourceChangedError: The file is gone or changed its size; nothing was added.
        """
        fields = {
            "api_token": self._token_for("quality_checker/add"),
            "algo_name": algo_name,
            "main_text": main_text,
            "dataset_type": str(dataset_type),
            "ensemble": "1" if is_ensemble else "0",
            "password": password,
        }
        with opened({"zipfile": (zip_file.name, zip_file)}) as files:
            body = UploadBody(fields, files, progress=progress, rate=self.upload_rate)
            answer = self._wire.upload("quality_checker/add", body, hint=ENTRY_HINT, secret=password)
        added = read_quality_added(answer)
        if added is None:
            raise entry_added_error(answer)
        return added

    def quality_delete(self, id_: int, *, password: str) -> str:
        """Delete an entry; gives the server's words.

        Args:
            id_: Its number.
            password: What it was added with.

        Raises:
            NotFoundError: There is none of this number.
            RequestRefusedError: The service says no, in its own words.
        """
        form = {"id": str(id_), "password": password}
        return self._post("quality_checker/delete", form, refusal=entry_error, secret=password).words
