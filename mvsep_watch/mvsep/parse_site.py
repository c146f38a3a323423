"""What the service says about itself, read into the model's values: news, demos, queues, the quality checker.

As everywhere, unknown keys are let through and what is missing is unknown. A row that cannot be told from another is
an error, or a list would look complete that is not.

The surprise: most of these answers have no envelope; a list is a list, and the queue an object of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvsep_watch.errors import ServiceError
from mvsep_watch.model import Demo, LeaderboardPage, NewsItem, QualityAdded, QualityEntry, Queue, QueueSummary
from mvsep_watch.mvsep.envelope import Answer, is_true, one_line
from mvsep_watch.mvsep.parse import number, object_of, rows_of, text, whole

BROKEN_SDR = frozenset({0.0, -1000.0})
"""What stands for a measurement that went wrong. Source: MVSEP API page, quality_checker, 2025."""


def read_news(answer: Answer) -> tuple[NewsItem, ...]:
    """Read a page of `app/news`. Source: recorded, 2024."""
    return tuple(_news_item(object_of(row), answer.host) for row in rows_of(answer, "the news"))


def read_demos(answer: Answer) -> tuple[Demo, ...]:
    """Read a page of `app/demo`. Source: recorded, 2024; `size` is documented and was not there."""
    return tuple(_demo(object_of(row), answer.host) for row in rows_of(answer, "the demos"))


def read_queue(answer: Answer) -> Queue:
    """Read the answer to `app/queue`, which has no envelope.

    Source: MVSEP API page, 2026: {"queue": {"in_process": 25, …}, "plan": {"plan": "free", "queue": 800}}
    """
    counts = answer.object.get("queue")
    if not isinstance(counts, Mapping):
        raise ServiceError(f"{answer.host} gave no queue", hint="asked again by itself")
    of_plan = object_of(answer.object.get("plan"))
    numbers = {str(key): whole(value) for key, value in counts.items()}
    return Queue(
        counts={key: number for key, number in numbers.items() if number is not None},
        plan=text(of_plan.get("plan")),
        plan_queue=whole(of_plan.get("queue")),
    )


def read_queue_summary(answer: Answer) -> QueueSummary:
    """Read the answer to `app/queue/summary`, with its keys under `data` or on top. Source: public clients, 2026."""
    if not answer.object:
        raise ServiceError(f"{answer.host} gave no summary of the queue", hint="asked again by itself")
    values = answer.data or answer.object
    return QueueSummary(ahead=whole(values.get("ahead")), estimated_wait_s=number(values.get("estimated_wait_seconds")))


def read_quality_entries(answer: Answer) -> tuple[QualityEntry, ...]:
    """Read a page of `quality_checker/queue` or the entries of a leaderboard."""
    return tuple(
        _quality_entry(object_of(row), answer.host) for row in rows_of(answer, "the quality checker's entries")
    )


def read_quality_entry(answer: Answer) -> QualityEntry:
    """Read the answer to `quality_checker/entry`. Source: public client, 2025."""
    return _quality_entry(answer.data or answer.object, answer.host)


def read_leaderboard(answer: Answer) -> LeaderboardPage:
    """Read a page of `quality_checker/leaderboard`. Source: MVSEP API page, 2025."""
    sortables = answer.object.get("sortables")
    return LeaderboardPage(
        entries=read_quality_entries(answer),
        dataset_type=whole(answer.object.get("dataset_type")),
        sort=text(answer.object.get("sort")),
        sortables=tuple(filter(None, map(text, sortables))) if isinstance(sortables, list) else (),
    )


def read_quality_added(answer: Answer) -> QualityAdded | None:
    """Read the answer to `quality_checker/add`; None where it gives no number. Source: recorded, 2024."""
    id_ = whole(answer.data.get("id"))
    if not (answer.is_ok and answer.succeeded and id_ is not None):
        return None
    return QualityAdded(id=id_, link=text(answer.data.get("link")))


def _news_item(row: Mapping[str, Any], host: str) -> NewsItem:
    return NewsItem(
        id=_id(row, host, "news"),
        title=one_line(text(row.get("title"))),
        text=text(row.get("text")),
        lang=text(row.get("lang")),
        created_at=text(row.get("created_at")),
        updated_at=text(row.get("updated_at")),
    )


def _demo(row: Mapping[str, Any], host: str) -> Demo:
    hash_, algorithm = text(row.get("hash")), object_of(row.get("algorithm"))
    if not hash_:
        raise ServiceError(f"{host} lists a demo without its hash", hint="asked again by itself")
    return Demo(
        hash=hash_,
        date=text(row.get("date")),
        input_url=text(row.get("input_audio")),
        sep_type=whole(algorithm.get("render_id")),
        algorithm=one_line(text(algorithm.get("name"))),
        size=text(row.get("size")),
    )


def _quality_entry(row: Mapping[str, Any], host: str) -> QualityEntry:
    return QualityEntry(
        id=_id(row, host, "the quality checker"),
        algo_name=one_line(text(row.get("algo_name"))),
        main_text=text(row.get("main_text")),
        dataset_type=whole(row.get("dataset_type")),
        dataset_name=one_line(text(row.get("dataset_name"))),
        date=text(row.get("date")),
        proc=whole(row.get("proc")),
        message=one_line(text(row.get("msg"))),
        metrics=text(row.get("metrics")),
        sdr=_sdr(row),
        is_ensemble=is_true(row.get("is_ensemble")),
    )


def _sdr(row: Mapping[str, Any]) -> dict[str, float]:
    """Read `sdr_<stem>`; what is broken or no number is left out."""
    values = {key.removeprefix("sdr_"): number(value) for key, value in row.items() if key.startswith("sdr_")}
    return {stem: value for stem, value in values.items() if value is not None and value not in BROKEN_SDR}


def _id(row: Mapping[str, Any], host: str, what: str) -> int:
    id_ = whole(row.get("id"))
    if id_ is None:
        raise ServiceError(f"{host} gave an entry of {what} without its id", hint="asked again by itself")
    return id_
