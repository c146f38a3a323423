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
    OutputFormatNumber,
    Rate,
    RuleName,
    SepType,
    Size,
    SizeOrZero,
    SomeGlobs,
    Source,
    Stems,
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

    min: Interval = Field(default=5.0, description="the shortest interval")
    max: PositiveDuration = Field(default=60.0, description="the longest interval")


class ReconcileSection(Section):
    """How an upload with an unknown outcome is looked for in the account's history."""

    window: PositiveDuration = Field(default=120.0, description="how long to look before it counts as absent")
    interval: PositiveDuration = Field(default=15.0, description="how often to look")


class MvsepSection(Section):
    """The service and the token for it."""

    token: Text | None = Field(default=None, description="the API token, best as ${VARIABLE}")
    token_file: Text | None = Field(default=None, description="a file that holds the API token and nothing else")
    base_url: BaseUrl = Field(default="https://mvsep.com", description="the service, one of its mirrors, or a sandbox")
    timeout: Timeout = Field(default=60.0, description="to connect, and between reads")
    poll: Annotated[PollSection | None, BeforeValidator(blank_to_none)] = None
    reconcile: Annotated[ReconcileSection | None, BeforeValidator(blank_to_none)] = None


class CreditsSection(Section):
    """What may be spent."""

    reserve: Count = Field(default=0, description="always leave this many credits on the account")
    per_day: Count | None = Field(default=None, description="credits a day; null is no limit")
    per_month: Count | None = Field(default=None, description="credits a month; null is no limit")
    approve_job_above: Count | None = Field(default=None, description="a job that costs more waits for `approve`")
    approve_batch_above: Count | None = Field(default=50, description="so does a batch that costs more")


class LimitsSection(Section):
    """What is never exceeded."""

    separations: Positive | Auto = Field(default="auto", description="unfinished on the server at once")
    uploads: Positive = Field(default=2, description="uploads at once")
    downloads: Positive = Field(default=4, description="downloads at once")
    upload_rate: Rate | None = Field(default=None, description="all uploads together; null is no limit")
    download_rate: Rate | None = Field(default=None, description="all downloads together; null is no limit")
    attempts: Positive = Field(default=1, description="paid attempts when the server says failed")
    per_day_jobs: Count | Auto | None = Field(default="auto", description="separations a day; null is no limit")
    max_size: PositiveSize | Auto | None = Field(default="auto", description="the largest file; null is no limit")
    max_duration: PositiveDuration | Auto | None = Field(
        default="auto", description="the longest file; null is no limit"
    )
    spool: SizeOrZero = Field(default=20 * 10**9, description="results kept while their folder is away; 0 keeps none")
    credits: Annotated[CreditsSection | None, BeforeValidator(blank_to_none)] = None


class ScheduleSection(Section):
    """When things happen."""

    rescan: Rescan = Field(default=300.0, description="how often every folder is looked through")
    hours: Hours = Field(default=None, description="when uploads may begin; null is always")


class RuleKeys(Section):
    """What is to be done with a file."""

    match: SomeGlobs = Field(default=["*"], description="globs; the files that the rule is for")
    sep_type: SepType | None = Field(default=None, description="the model: its number, or its name if unambiguous")
    options: dict[str, str | int] = Field(default={}, description="add_optN or label: the option's key or label")
    format: OutputFormatNumber = Field(default=0, description="mp3 wav flac m4a wav32 flac24, or 0 to 5")
    stems: Stems = Field(default="all", description="all, or the labels or slugs of those to publish")
    input: Input = Field(default=InputKind.FILE, description="what is sent: the file, its link, its text, or a pair")
    reference: Text | None = Field(default=None, description="input: pair: the file that it is to sound like")
    priority: int = Field(default=0, description="higher goes first")
    demo: bool = Field(default=False, description="true publishes the result on the site's demo page")
    delete_remote: bool = Field(default=False, description="true has the service delete what is published here")


class RuleSection(RuleKeys):
    """A rule of a folder."""

    name: RuleName = Field(default="default", description="unique in the folder; letters, digits, - and _")


class FolderKeys(RuleKeys):
    """What a folder may say, and `defaults` for all of them."""

    name: FolderName | None = Field(default=None, description="unique; default: the path's last part")
    recursive: bool = Field(default=True, description="whether sub-folders belong to it")
    include: SomeGlobs | None = Field(
        default=None, description='globs; "audio" stands for every usual audio extension; default: what the rules take'
    )
    exclude: Globs = Field(default=[], description="globs; what is left alone")
    settle: Duration = Field(default=5.0, description="how long a file must be unchanged before it is taken")
    watch: Literal["auto", "events", "poll"] = Field(default="auto", description="how new files are noticed")
    existing: Literal["process", "skip"] = Field(default="process", description="files already there at first sight")
    output: Text | None = Field(default=None, description='default: "<path>-stems" beside the folder')
    layout: Layout | None = Field(default=None, description="one folder per job, from {rel} {name} {rule} and others")
    source: Source = Field(default="keep", description="what becomes of the source: keep, delete or {move: PATH}")


class FolderSection(FolderKeys):
    """A watched folder."""

    path: Text = Field(description="the folder to watch")
    rules: Annotated[list[RuleSection], Field(min_length=1)] | None = Field(
        default=None, description="every matching rule applies; a single rule's keys may stand on the folder instead"
    )


class Document(Section):
    """The configuration of mvsep-watch."""

    model_config = ConfigDict(title="mvsep-watch configuration")

    mvsep: Annotated[MvsepSection | None, BeforeValidator(blank_to_none)] = None
    state: Text | None = Field(default=None, description="the state file; default: beside this file")
    limits: Annotated[LimitsSection | None, BeforeValidator(blank_to_none)] = None
    schedule: Annotated[ScheduleSection | None, BeforeValidator(blank_to_none)] = None
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
    "defaults": FolderKeys,
    "folders": FolderSection,
    "rules": RuleSection,
}
"""The section under each key that has one; the empty key is the file itself."""


def schema() -> dict[str, Any]:
    """Give the JSON Schema of the configuration file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Document.model_json_schema()}
