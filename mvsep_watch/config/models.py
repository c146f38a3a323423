"""The shape of the configuration file: every key, what it may hold, and one line on what it is for.

Nothing here reads a file or looks at more than one key at a time; what keys mean together is decided in `folders` and
`crosscheck`. The JSON Schema for editors comes from these models, so the lines are written for the one who edits.

A rule's keys are a class of their own because they may stand in three places: in a rule, straight on a folder that has
one rule, and in `defaults`. Which of them were written is read from `model_fields_set`, not from the values.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from mvsep_watch.config.fields import (
    BaseUrl,
    Duration,
    FolderName,
    Globs,
    Hours,
    Input,
    Layout,
    Listen,
    OutputFormatNumber,
    Owner,
    Rate,
    RuleName,
    SepType,
    Size,
    SizeOrZero,
    SomeGlobs,
    Source,
    Stems,
    TimeOfDay,
    Umask,
    Words,
    blank_to_none,
)
from mvsep_watch.model import InputKind

Text = Annotated[str, StringConstraints(min_length=1)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
PositiveDuration = Annotated[Duration, Field(gt=0)]
Interval = Annotated[Duration, Field(ge=0.01)]
Timeout = Annotated[Duration, Field(ge=0.1)]
Rescan = Annotated[Duration, Field(ge=1)]
PositiveSize = Annotated[Size, Field(gt=0)]
Auto = Literal["auto"]


class Section(BaseModel):
    """What all sections share: unknown keys are errors, and no value is bent into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class PollSection(Section):
    """How often an unfinished separation is asked for."""

    min: Interval = Field(
        default=5.0,
        description="at most so often is an unfinished separation asked for; in between, by how long its like took",
    )
    max: PositiveDuration = Field(default=60.0, description="at least so often is it asked for")


class ReconcileSection(Section):
    """How an upload with an unknown outcome is looked for in the account's history."""

    window: PositiveDuration = Field(
        default=120.0, description="for so long is an upload without an answer looked for before it counts as not made"
    )
    interval: PositiveDuration = Field(default=15.0, description="so often is it looked for")


class MvsepSection(Section):
    """The service and the token for it."""

    token: Text | None = Field(
        default=None,
        description="the API token, best as `${VARIABLE}`; in plain words only its owner may read the file",
    )
    token_file: Text | None = Field(
        default=None,
        description="a file with the token alone, for its owner only; with neither, systemd's credential `mvsep-token`",
    )
    base_url: BaseUrl = Field(
        default="https://mvsep.com",
        description="the service, a mirror of it, or a sandbox; plain `http` only on this machine",
    )
    timeout: Timeout = Field(
        default=60.0, description="to connect, and between two reads; an upload as a whole has no limit"
    )
    poll: Annotated[PollSection | None, BeforeValidator(blank_to_none)] = None
    reconcile: Annotated[ReconcileSection | None, BeforeValidator(blank_to_none)] = None


class CreditsSection(Section):
    """What may be spent."""

    reserve: Count = Field(default=0, description="credits that always stay on the account")
    per_day: Count | None = Field(
        default=None, description="credits a day, by the machine's time zone; null is no limit"
    )
    per_month: Count | None = Field(
        default=None, description="credits a month, by the machine's time zone; null is no limit"
    )
    approve_job_above: Count | None = Field(
        default=None, description="a job that would cost more credits waits for `approve`; null is no limit"
    )
    approve_batch_above: Count | None = Field(default=50, description="so does a batch that would; null is no limit")


class LimitsSection(Section):
    """What is never exceeded."""

    separations: Positive | Auto = Field(
        default="auto", description="unfinished at the service at once; auto: 1 without premium, 10 with"
    )
    uploads: Positive = Field(default=2, description="uploads at once")
    downloads: Positive = Field(default=4, description="downloads at once")
    upload_rate: Rate | None = Field(default=None, description="all uploads together, such as 2MB/s; null is no limit")
    download_rate: Rate | None = Field(
        default=None, description="all downloads together, such as 2MB/s; null is no limit"
    )
    attempts: Positive = Field(
        default=1, description="paid attempts on the same work, where the service says that it failed"
    )
    per_day_jobs: Count | Auto | None = Field(
        default="auto", description="separations a day; auto: 50 without premium, no limit with; null is no limit"
    )
    max_size: PositiveSize | Auto | None = Field(
        default="auto", description="the largest file; auto: 100MB without premium, 1000MB with; null is no limit"
    )
    max_duration: PositiveDuration | Auto | None = Field(
        default="auto", description="the longest file; auto: 10m without premium, 100m with; null is no limit"
    )
    spool: SizeOrZero = Field(
        default=20 * 10**9,
        description="results kept beside the state file while the folder that they belong to is away; 0 keeps none",
    )
    credits: Annotated[CreditsSection | None, BeforeValidator(blank_to_none)] = None


class ScheduleSection(Section):
    """When things happen."""

    rescan: Rescan = Field(
        default=300.0, description="how often every folder is looked through, whatever the events say"
    )
    hours: Hours = Field(
        default=None,
        description='when uploads may begin, such as "22:00-07:00" or "sat,sun 00:00-24:00"; null is always',
    )


class NotifySection(Section):
    """Who is told when a person is needed."""

    urls: list[Text] = Field(
        default=[], description="addresses that Apprise understands, each a secret, best as `${VARIABLE}`"
    )
    command: Words | None = Field(
        default=None, description="a program with its words, which gets each notice on its standard input"
    )
    about: list[Literal["held", "failed", "gate", "published", "summary"]] = Field(
        default=["held", "failed", "gate"], description="what is told of; also `published` and `summary`"
    )
    summary: TimeOfDay = Field(
        default="08:00", description="when the daily summary is due, by the machine's time zone, where `about` has it"
    )


class PingSection(Section):
    """A service that raises the alarm when it is asked no more."""

    url: Text | None = Field(
        default=None, description="asked while all is well, with `/start` and `/fail` below it for those"
    )
    success: Text | None = Field(default=None, description="instead of `url`: asked while all is well")
    start: Text | None = Field(default=None, description="with `success`: asked when the daemon starts")
    fail: Text | None = Field(default=None, description="with `success`: asked when all is not well, with the reason")
    interval: PositiveDuration | None = Field(
        default=None, description="how often one of them is asked; null is as `schedule.rescan`"
    )


class MetricsSection(Section):
    """Numbers for Prometheus."""

    file: Text | None = Field(
        default=None, description="a text file for Prometheus' node_exporter, whose name ends in `.prom`"
    )
    listen: Listen | None = Field(
        default=None, description="`HOST:PORT` to serve `/metrics` at, such as `127.0.0.1:9464`"
    )


class RuleKeys(Section):
    """What is to be done with a file."""

    match: SomeGlobs = Field(
        default=["*"], description="globs: the files that the rule is for; every rule that matches applies"
    )
    sep_type: SepType | None = Field(
        default=None, description="needed: the model's number, or its name or a part of it that fits no other model"
    )
    options: dict[str, str | int] = Field(
        default={}, description="by `add_optN` or the field's label; values by key or by label"
    )
    format: OutputFormatNumber = Field(
        default=0, description="`mp3`, `wav`, `flac`, `m4a`, `wav32`, `flac24`, or 0 to 5; the last two need premium"
    )
    stems: Stems = Field(default="all", description="all, or a list of those to publish, such as `[vocals]`")
    input: Input = Field(
        default=InputKind.FILE, description="what is sent: the `file`, a `link` or a `text` in it, or a `pair`"
    )
    reference: Text | None = Field(
        default=None, description="with `input: pair`: the file that the sources are to sound like"
    )
    priority: int = Field(default=0, description="higher goes first")
    demo: bool = Field(default=False, description="true publishes the result on the site's demo page")
    delete_remote: bool = Field(
        default=False,
        description="true has the service delete a separation once every stem of it is published, and its charge known",
    )


class RuleSection(RuleKeys):
    """A rule of a folder."""

    name: RuleName = Field(default="default", description="unique in its folder; letters, digits, `-` and `_`")


class FolderKeys(RuleKeys):
    """What a folder may say, and `defaults` for all of them."""

    name: FolderName | None = Field(default=None, description="unique; null is the path's last part")
    recursive: bool = Field(default=True, description="sub-folders too; results keep the relative path")
    include: SomeGlobs | None = Field(
        default=None,
        description="globs; `audio` stands for every usual audio extension; null is what the rules' inputs are",
    )
    exclude: Globs = Field(default=[], description="globs: what is left alone")
    settle: Duration = Field(default=5.0, description="a file is taken when it has not changed for so long")
    watch: Literal["auto", "events", "poll"] = Field(
        default="auto",
        description="`events`, `poll`, or `auto`, which looks every 30 s on network file systems, where no events come",
    )
    existing: Literal["process", "skip"] = Field(
        default="process",
        description="`process` or `skip`: what to do with files that are there when the folder is first seen",
    )
    output: Text | None = Field(
        default=None,
        description="where the results go, never in a watched folder; null is `<path>-stems`, beside the folder",
    )
    layout: Layout | None = Field(
        default=None,
        description="a job's folder; null is `{rel}/{name}`, with several rules `{rel}/{name}/{rule}`; with `publish:"
        " flat` what its files' names begin with, and with several rules `{rel}/{name} [{rule}]`",
    )
    publish: Literal["folder", "flat"] = Field(
        default="folder",
        description="`folder`: a folder for each job's outputs; `flat`: side by side, as `{name} (Vocals).flac`",
    )
    umask: Umask = Field(
        default=None,
        description='what others may not do with what is made here, such as "027"; null is as the process has it',
    )
    owner: Owner = Field(
        default=None,
        description='"user:group" of what is made here, or either half, by name or number; null is the process itself',
    )
    tags: bool = Field(
        default=True,
        description="true gives the outputs the title, with the stem in it, artist, album, … and cover of the source",
    )
    source: Source = Field(
        default="keep", description="`keep`, `delete` or `{move: PATH}`, done when every job on the file is published"
    )
    notes: bool = Field(
        default=False,
        description="true puts `<file name>.mvsep-watch.txt` beside a file that is held, failed or refused, saying why",
    )


class FolderSection(FolderKeys):
    """A watched folder."""

    path: Text = Field(description="needed: the folder to watch")
    rules: Annotated[list[RuleSection], Field(min_length=1)] | None = Field(
        default=None,
        description="every rule that matches applies; the keys of a single rule may stand on the folder instead",
    )


class Document(Section):
    """The configuration of mvsep-watch."""

    model_config = ConfigDict(title="mvsep-watch configuration")

    mvsep: Annotated[MvsepSection | None, BeforeValidator(blank_to_none)] = None
    state: Text | None = Field(
        default=None,
        description="the state file; null is beside this file, or in /var/lib/mvsep-watch for one in /etc/mvsep-watch",
    )
    limits: Annotated[LimitsSection | None, BeforeValidator(blank_to_none)] = None
    schedule: Annotated[ScheduleSection | None, BeforeValidator(blank_to_none)] = None
    notify: Annotated[NotifySection | None, BeforeValidator(blank_to_none)] = None
    ping: Annotated[PingSection | None, BeforeValidator(blank_to_none)] = None
    metrics: Annotated[MetricsSection | None, BeforeValidator(blank_to_none)] = None
    defaults: Annotated[FolderKeys | None, BeforeValidator(blank_to_none)] = None
    folders: Annotated[list[FolderSection], Field(min_length=1)] = Field(description="the watched folders")


SECTIONS: dict[str, type[Section]] = {
    "": Document,
    "mvsep": MvsepSection,
    "poll": PollSection,
    "reconcile": ReconcileSection,
    "limits": LimitsSection,
    "credits": CreditsSection,
    "schedule": ScheduleSection,
    "notify": NotifySection,
    "ping": PingSection,
    "metrics": MetricsSection,
    "defaults": FolderKeys,
    "folders": FolderSection,
    "rules": RuleSection,
}
"""The section under each key that has one; the empty key is the file itself."""


def schema() -> dict[str, Any]:
    """Give the JSON Schema of the configuration file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Document.model_json_schema()}
