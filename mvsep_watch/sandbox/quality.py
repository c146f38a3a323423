"""The endpoints of the quality checker, each a request in and JSON out, and the songs that are to be separated.

Translates between requests and the board. The zip is measured while its sender waits, and dropped; only what was found
is kept.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mvsep_watch.sandbox import reference
from mvsep_watch.sandbox.board import LAST_DATASET, Board
from mvsep_watch.sandbox.measuring import BadZipError, Measured, check_zip, measure
from mvsep_watch.sandbox.orders import TRUE
from mvsep_watch.sandbox.receive import Ask
from mvsep_watch.sandbox.refusals import BAD_PARAMETER, BAD_TOKEN, BadTokenError, Envelope, RefusalError
from mvsep_watch.sandbox.service import Service

MIXTURE = re.compile(r"song_(\d{3})_mixture\.wav")


class Quality:
    """The endpoints below `/quality_checker`.

    Args:
        service: Whose accounts may add entries.
        folder: Where the reference set's songs are written to.
    """

    def __init__(self, service: Service, folder: Path) -> None:
        self._service = service
        self._board = Board(service.now, speed=service.speed)
        self._folder = folder

    def queue(self, ask: Ask) -> Any:
        """List what was submitted."""
        return [self._board.row(entry) for entry in ask.page(self._board.newest())]

    def entry(self, ask: Ask) -> Any:
        """Show one."""
        return {"success": True, "data": self._board.row(self._board.find(ask.fields.get("id", "")))}

    def leaderboard(self, ask: Ask) -> Any:
        """Rank the entries of a dataset."""
        dataset_type = ask.number("dataset_type", 0)
        sortables = self._board.sortables(dataset_type)
        sort = ask.fields.get("sort") or next(iter(reversed(sortables)), "")
        entries = self._board.ranked(dataset_type, sort=sort, name_part=ask.fields.get("algo_name_filter", ""))
        rows = [self._board.row(entry) for entry in ask.page(entries)]
        return {"data": rows, "dataset_type": dataset_type, "sortables": sortables, "sort": sort}

    def add(self, ask: Ask) -> Any:
        """Take a submission."""
        if self._service.accounts.find(ask.token) is None:
            raise BadTokenError(BAD_TOKEN, http_status=401)
        if not ask.fields.get("algo_name"):
            raise RefusalError("The algo_name field is required.", envelope=Envelope.DATA)
        dataset_type = _dataset_type(ask)
        entry = self._board.add(
            ask.fields,
            dataset_type=dataset_type,
            is_ensemble=ask.fields.get("ensemble", "").lower() in TRUE,
            measured=_measured(ask, dataset_type),
        )
        link = f"{ask.base_url}/api/quality_checker/entry?id={entry.id}"
        return {"success": True, "data": {"id": entry.id, "link": link}}

    def delete(self, ask: Ask) -> Any:
        """Remove an entry."""
        self._board.remove(ask.fields.get("id", ""), ask.fields.get("password", ""))
        return {"success": True, "data": {"message": "successfully deleted"}}

    def stored(self, name: str) -> Path | None:
        """Give a song of the reference set, to be separated; it is written when it is first asked for."""
        match = MIXTURE.fullmatch(name)
        if match is None or int(match[1]) >= reference.SONGS:
            return None
        path = self._folder / name
        if not path.exists():
            reference.write_mixture(path, int(match[1]))
        return path


def _dataset_type(ask: Ask) -> int:
    dataset_type = ask.number("dataset_type", 0)
    if dataset_type > LAST_DATASET:
        raise RefusalError(f"{BAD_PARAMETER}: dataset_type", envelope=Envelope.DATA)
    return dataset_type


def _measured(ask: Ask, dataset_type: int) -> Measured:
    upload = ask.uploads.get("zipfile")
    if upload is None:
        raise RefusalError("The zipfile field is required.", envelope=Envelope.DATA)
    try:
        check_zip(upload.path)
    except BadZipError as error:
        raise RefusalError(str(error), envelope=Envelope.DATA) from error
    return measure(upload.path, dataset_type)
