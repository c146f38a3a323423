"""What the fake service remembers: accounts, uploads, separations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tests.fakes.results import duration_of_wav


@dataclass(slots=True)
class FakeAccount:
    """Whose money it is. `credits` is the balance; `enabled` is `premium_enabled`."""

    email: str
    credits: int
    enabled: bool
    name: str = ""
    password: str = ""
    long_filenames: bool = False

    @property
    def pays(self) -> bool:
        return self.enabled and self.credits > 0


@dataclass(slots=True)
class FakeUpload:
    """One form that came whole, whatever was then made of it.

    `name`, `sha256` and `size_bytes` are those of the first file, or empty; `names` has every file's, by field.
    """

    fields: dict[str, str]
    name: str
    sha256: str
    size_bytes: int
    duration_s: float
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, fields: dict[str, str], files: dict[str, tuple[str, bytes]], *, default_s: float) -> FakeUpload:
        """Take note of a form; what has no length is as long as `default_s`."""
        name, content = next(iter(files.values()), ("", b""))
        return cls(
            fields=fields,
            name=name,
            sha256=hashlib.sha256(content).hexdigest() if files else "",
            size_bytes=len(content),
            duration_s=duration_of_wav(content) or default_s,
            names={key: file_name for key, (file_name, _) in files.items()},
        )

    @property
    def scope(self) -> str:
        """What kind of input came, in the words of the catalogue."""
        if {"target_audiofile", "reference_audiofile"} <= set(self.names):
            return "matchering_upload"
        return "single_upload" if "audiofile" in self.names or self.fields.get("url") else "no_upload"


@dataclass(slots=True)
class FakeJob:
    """One separation. `charged` is what was paid and not given back; `short` is a link's first hash."""

    id: int
    hash: str
    host: str
    token: str
    upload: FakeUpload
    created_s: float
    charged: int
    short: str = ""
    status: str = "waiting"
    message: str = ""
    gets: int = 0
    extra: dict[str, int] = field(default_factory=dict)
    reads_until_listed: float = 0
    empty_polls: int = 0
    polls_until_fetched: int = 0
    exists: bool = True
    mirrored: int = 0

    @property
    def is_unfinished(self) -> bool:
        return self.exists and self.status not in {"done", "failed"}
