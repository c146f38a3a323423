"""What a configuration says, as frozen values: folders, rules, limits.

Nothing here reads a file; `config` does, and checks it. Durations are seconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mvsep_watch.model.telling import Metrics, Notify, Ping
from mvsep_watch.model.words import InputKind

Asking = tuple[InputKind, Path | None]
"""What is sent of a source: how it is taken, and a pair's reference."""
Auto = Literal["auto"]
AUTO: Auto = "auto"
"""The value follows the account's plan; see `planner.limits`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is to be done with a file.

    Args:
        sep_type: The model's number, or its name as it was written.
        options: Pairs as written: (`add_optN` or the field's label, the option's key or its label).
        stems: Labels or slugs to publish, lower case; None publishes all.
        reference: What a pair's source is to sound like: a file, absolute; None for the other inputs.
        delete_remote: Whether the service is told to forget a separation once everything of it is published.
    """

    name: str = "default"
    match: tuple[str, ...] = ("*",)
    sep_type: int | str
    options: tuple[tuple[str, str], ...] = ()
    output_format: int = 0
    stems: tuple[str, ...] | None = None
    priority: int = 0
    demo: bool = False
    input: InputKind = InputKind.FILE
    reference: Path | None = None
    delete_remote: bool = False

    @property
    def asking(self) -> Asking:
        """Give what the rule sends of a source."""
        return (self.input, self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may use what is made for a folder, and whose it is; None is as the process makes it."""

    umask: int | None = None
    user: int | None = None
    group: int | None = None

    @property
    def is_plain(self) -> bool:
        """True where everything is as the process makes it."""
        return (self.umask, self.user, self.group) == (None, None, None)


AS_MADE = Access()


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A watched folder with its rules.

    Args:
        path: Absolute, `~` and variables expanded, symbolic links resolved where it exists.
        output: Absolute; the output root, which carries the claim.
        layout: The pattern of a job's folder below `output`, or of what its outputs' names begin with; of {rel} {name}
            {rule} {ext} {folder} {sha8}.
        publish: Whether each job's outputs have a folder of their own, or lie flat in that of all.
        source: `keep`, `delete`, or the absolute folder that a source is moved to (keeping its relative path).
        notes: Whether a note beside a source says why it is held, failed or refused.
        links: Its paths that go over symbolic links, absolute, each with the place to which it led.
    """

    name: str
    path: Path
    output: Path
    layout: str
    rules: tuple[Rule, ...]
    recursive: bool = True
    include: tuple[str, ...] = ("audio",)
    exclude: tuple[str, ...] = ()
    settle_s: float = 5.0
    watch: Literal["auto", "events", "poll"] = "auto"
    existing: Literal["process", "skip"] = "process"
    publish: Literal["folder", "flat"] = "folder"
    access: Access = AS_MADE
    tags: bool = True
    source: Literal["keep", "delete"] | Path = "keep"
    notes: bool = False
    links: tuple[tuple[Path, Path], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """How often an unfinished separation is asked for, seconds."""

    min_s: float = 5.0
    max_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """How long and how often the history is read for an unknown outcome, seconds."""

    window_s: float = 120.0
    interval_s: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The section `mvsep`. `token` never appears in a repr."""

    token: str = field(repr=False)
    base_url: str = "https://mvsep.com"
    timeout_s: float = 60.0
    poll: Poll = Poll()
    reconcile: Reconcile = Reconcile()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLimits:
    """The section `limits.credits`, in credits; None is no limit."""

    reserve: int = 0
    per_day: int | None = None
    per_month: int | None = None
    approve_job_above: int | None = None
    approve_batch_above: int | None = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The section `limits`. `auto` follows the account's plan; None is no limit; 0 switches the spool off."""

    separations: int | Auto = AUTO
    uploads: int = 2
    downloads: int = 4
    upload_bytes_per_s: int | None = None
    download_bytes_per_s: int | None = None
    attempts: int = 1
    per_day_jobs: int | Auto | None = AUTO
    max_size_bytes: int | Auto | None = AUTO
    max_duration_s: float | Auto | None = AUTO
    spool_bytes: int = 20 * 10**9
    credits: CreditLimits = CreditLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of the day in which uploads may begin.

    Args:
        days: Those on which it begins; 0 is Monday.
        start_minute: Of the day.
        end_minute: Of the same day; above 1440 it is on the next.
    """

    days: frozenset[int]
    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration, checked.

    Args:
        path: The configuration file, absolute.
        state: The state file, absolute.
        token_file: The file that the token was read from, absolute; None where it is not in a file of its own.
        folders: The watched folders.
        hours: When uploads may begin; empty is always.
        notify: Whom notices go to; None tells nobody, and likewise for `ping` and `metrics`.
        one_offs: By name what is separated by itself, outside of the configuration: a folder that nobody watches.
    """

    path: Path
    state: Path
    service: Service
    folders: tuple[Folder, ...]
    limits: Limits = Limits()
    rescan_s: float = 300.0
    hours: tuple[Window, ...] = ()
    token_file: Path | None = None
    notify: Notify | None = None
    ping: Ping | None = None
    metrics: Metrics | None = None
    one_offs: Mapping[str, Folder] = field(default_factory=dict, hash=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token, and every address that lets whoever knows it speak as this machine."""
        urls = [destination.url for destination in self.notify.destinations] if self.notify else []
        pings = [self.ping.success, self.ping.start, self.ping.fail] if self.ping else []
        return tuple(filter(None, (self.service.token, *urls, *pings)))

    def folder(self, name: str) -> Folder | None:
        """Find a folder, or a one-off, by its name."""
        return self.one_offs.get(name) or next((folder for folder in self.folders if folder.name == name), None)

    def rule(self, folder_name: str, rule_name: str) -> Rule | None:
        """Find a rule by its folder's name and its own."""
        folder = self.folder(folder_name)
        return next((rule for rule in folder.rules if rule.name == rule_name), None) if folder else None

    def access_of(self, folder_name: str) -> Access:
        """Give how what is made for a folder is to be; as it is made for one that is gone."""
        folder = self.folder(folder_name)
        return folder.access if folder else AS_MADE

    def access_at(self, root: Path) -> tuple[Access, ...]:
        """Give how what is made below an output root is to be, for each of its folders."""
        return tuple(dict.fromkeys(folder.access for folder in self.folders if folder.output == root)) or (AS_MADE,)

    def is_output(self, root: Path) -> bool:
        """Say whether a folder of the configuration has this output root."""
        return any(root == folder.output for folder in self.folders)
