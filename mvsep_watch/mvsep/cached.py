"""The catalogue, kept in a file that commands and the daemon share: asked for once a day, by whoever needs it first.

One file for each host, in a folder of caches. It holds nothing secret and nothing that matters: where it is
missing, damaged, not ours, or cannot be written, the service is asked, and that is all.

The surprise: a kept catalogue is given, whatever its age, where the service cannot be asked. Names last longer than
prices; who reckons with prices asks `has_prices` first.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from mvsep_watch.errors import RetryableError, ServiceError
from mvsep_watch.model import Catalogue, Scope
from mvsep_watch.mvsep.catalogue import read_catalogue
from mvsep_watch.mvsep.client import Client

FRESH_S = 24 * 3600.0
"""Models come and change from week to week. Source: `created_at` and `updated_at` of the list of August 2026."""
CATALOGUE_STALE_S = 3 * 24 * 3600.0
"""Prices change: those of a catalogue that could not be read again for so long are not known."""
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCatalogue:
    """The models as the service listed them.

    Args:
        asked_at: When the service last said that they are these; seconds since 1970.
        etag: What the service knows this list by; empty where it did not say.
    """

    models: Catalogue
    asked_at: float
    etag: str = ""

    def age_s(self, now: float) -> float:
        """Say how old it is; one that was asked for in the future is of any age: a clock was set back."""
        age_s = now - self.asked_at
        return age_s if age_s >= 0 else float("inf")

    def is_fresh(self, now: float) -> bool:
        """True while it need not be asked for again."""
        return self.age_s(now) < FRESH_S

    def has_prices(self, now: float) -> bool:
        """True while its prices are believed."""
        return self.age_s(now) <= CATALOGUE_STALE_S


@dataclass(frozen=True, slots=True)
class CatalogueCache:
    """The kept catalogue of one service.

    Args:
        folder: The folder of caches; None keeps nothing.
        base_url: The service's.
    """

    folder: Path | None
    base_url: str

    def kept(self) -> KnownCatalogue | None:
        """Give what is kept, whatever its age, or None."""
        found = self._read()
        return found[0] if found else None

    def current(self, client: Client, *, now: float, fresh_s: float = FRESH_S) -> KnownCatalogue:
        """Give what is kept while it is fresh, else what the service says now, else what is kept.

        Args:
            client: Of the same base URL.
            now: Seconds since 1970.
            fresh_s: From which age on the service is asked.

        Raises:
            RetryableError: The service cannot be asked, and nothing is kept.
        """
        kept = self.kept()
        if kept is not None and kept.age_s(now) < fresh_s:
            return kept
        try:
            return self.asked(client, now=now)
        except RetryableError:
            if kept is None:
                raise
            return kept

    def asked(self, client: Client, *, now: float) -> KnownCatalogue:
        """Ask the service, and keep what it says; where it knows what is kept, it only says that nothing changed.

        Args:
            client: Of the same base URL.
            now: Seconds since 1970.

        Raises:
            RetryableError: It cannot be asked, or gives no catalogue.
        """
        found = self._read()
        answer = client.algorithms_text(tuple(Scope), etag=found[0].etag if found else "")
        if found and answer.is_unchanged:
            known, text = replace(found[0], asked_at=now), found[1]
        else:
            known, text = KnownCatalogue(models=_models(answer.text), asked_at=now, etag=answer.etag), answer.text
        self._keep(known, text)
        return known

    @property
    def _path(self) -> Path | None:
        """Name the file by the host alone: a sandbox has another port each time, and would leave a file for each."""
        host = re.sub(r"[^a-z0-9.-]+", "-", urlsplit(self.base_url).hostname or "")
        return self.folder / f"catalogue-{host}.json" if self.folder else None

    def _read(self) -> tuple[KnownCatalogue, str] | None:
        """Read the file, and the text in it; None where it is not ours, or holds no catalogue of this service."""
        if self._path is None:
            return None
        try:
            said = json.loads(self._path.read_bytes())
            if (said["format"], said["base_url"]) != (FORMAT, self.base_url):
                return None
            text, asked_at, etag = str(said["text"]), float(said["asked_at"]), str(said["etag"])
            return KnownCatalogue(models=_models(text), asked_at=asked_at, etag=etag), text
        except (OSError, ValueError, LookupError, TypeError, ServiceError):
            return None

    def _keep(self, known: KnownCatalogue, text: str) -> None:
        """Write the file, complete or not at all; where it cannot be written, nothing is kept."""
        if self._path is None:
            return
        about = {"format": FORMAT, "base_url": self.base_url, "asked_at": known.asked_at, "etag": known.etag}
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self._path, json.dumps({**about, "text": text}))


def _models(text: str) -> Catalogue:
    """Read the models.

    Raises:
        ServiceError: There are none.
    """
    if not (models := read_catalogue(text)):
        raise ServiceError("the list of models is empty", hint="asked again by itself")
    return models


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".catalogue-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink()
        raise


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Name the folder of caches: systemd's, else the user's; None without a home.

    Args:
        environ: The environment. Source: systemd.exec(5), CacheDirectory; XDG Base Directory Specification 0.8, which
            has relative paths ignored.
    """
    if of_unit := environ.get("CACHE_DIRECTORY", "").partition(":")[0]:
        return Path(of_unit)
    caches = (Path(environ.get("XDG_CACHE_HOME", "")), Path(environ.get("HOME", "")) / ".cache")
    return next((folder / "mvsep-watch" for folder in caches if folder.is_absolute()), None)
