"""What the sandbox has seen, for tests to count: requests by endpoint, and every upload that was received.

Only remembers. An upload counts whether it became a job or not; `hash` says if it did.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from mvsep_watch.model.work import TAG_PATTERN
from mvsep_watch.sandbox.jobs import Account, Job, Upload
from mvsep_watch.sandbox.service import Service


@dataclass(slots=True, kw_only=True)
class Received:
    """One create that was received to its end. `hash` is empty and `refused` says why where no job was made."""

    name: str = ""
    link: str = ""
    tag: str = ""
    sha256: str = ""
    size_bytes: int = 0
    hash: str = ""
    refused: str = ""

    @classmethod
    def of(cls, upload: Upload | None, *, link: str) -> Received:
        """Note a file, or a link."""
        if upload is None:
            return cls(link=link)
        tag = TAG_PATTERN.match(upload.name)
        return cls(
            name=upload.name,
            link=link,
            tag=tag.group() if tag else "",
            sha256=upload.sha256,
            size_bytes=upload.size_bytes,
        )


@dataclass(slots=True)
class Record:
    """Everything there is to count."""

    requests: Counter[str] = field(default_factory=Counter)
    received: list[Received] = field(default_factory=list)

    def state(self, service: Service, account: Account) -> dict[str, Any]:
        """Give what `/sandbox/state` shows."""
        made = [each for each in self.received if each.hash]
        return {
            "now": service.now(),
            "credits": account.credits,
            "premium_enabled": account.premium_enabled,
            "requests": dict(self.requests),
            "received": [asdict(each) for each in self.received],
            "creates": {
                "total": len(made),
                "by_tag": dict(Counter(each.tag for each in made)),
                "by_name": dict(Counter(each.name for each in made)),
                "by_link": dict(Counter(each.link for each in made if each.link)),
                "by_sha256": dict(Counter(each.sha256 for each in made)),
            },
            "jobs": [_job(service, job) for job in service.jobs],
        }


def _job(service: Service, job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "hash": job.hash,
        "status": service.progress(job).status,
        "input": job.input_kind,
        "name": job.upload.name if job.inputs else "",
        "sha256": job.upload.sha256 if job.inputs else "",
        "sep_type": job.model.sep_type,
        "options": job.options,
        "output_format": job.output_format,
        "credits": job.charged,
        "files": [result.path.name for result in job.results],
    }
