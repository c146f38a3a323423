"""What the service says about itself, its users and its quality checker, as frozen values.

`mvsep` reads them from its JSON, where the shapes are documented; times stay the service's own text, whose zone nobody
documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mvsep_watch.model.service import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What `app/login` says: whose account it is, and its token.

    Args:
        token: Never in a repr; None where the service keeps it to itself (recorded in 2024).
    """

    account: Account
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """An entry of `app/news`. `text` is HTML, as the service wrote it."""

    id: int
    title: str
    text: str
    lang: str = ""
    created_at: str = ""
    updated_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """An entry of `app/demo`: a separation that somebody published.

    Args:
        hash: What `get` takes.
        input_url: Where its input is; empty where not said.
        size: Human text; empty where not said.
    """

    hash: str
    date: str = ""
    input_url: str = ""
    sep_type: int | None = None
    algorithm: str = ""
    size: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What `app/queue` says.

    Args:
        counts: Files waiting by plan, and `in_process`.
        plan: The caller's plan in the service's words.
        plan_queue: Files waiting in that plan.
    """

    counts: Mapping[str, int]
    plan: str = ""
    plan_queue: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSummary:
    """What `app/queue/summary` says about this account's next turn; None where it does not say."""

    ahead: int | None = None
    estimated_wait_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityEntry:
    """An entry of the quality checker.

    Args:
        dataset_type: 0 Synth, 1 Multisong, 2 Piano, 3 Lead/back vocals, 4 Guitar; up to 12, the rest undocumented.
        proc: The processing state; its values are undocumented.
        message: "OK" or what went wrong.
        metrics: The measured values as the service wrote them, lines of text.
        sdr: Stem → signal-to-distortion ratio, dB; without what the service marks as broken (0 and -1000).
    """

    id: int
    algo_name: str = ""
    main_text: str = ""
    dataset_type: int | None = None
    dataset_name: str = ""
    date: str = ""
    proc: int | None = None
    message: str = ""
    metrics: str = ""
    sdr: Mapping[str, float] = field(default_factory=dict)
    is_ensemble: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityAdded:
    """The answer to `quality_checker/add`."""

    id: int
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardPage:
    """A page of `quality_checker/leaderboard`, best first by `sort`, one of `sortables`; it can be walked through."""

    entries: tuple[QualityEntry, ...]
    dataset_type: int | None = None
    sort: str = ""
    sortables: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[QualityEntry]:
        """Walk through the entries."""
        return iter(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLink:
    """What `separation/get-remote` says of a link that the service fetches.

    Args:
        status: `waiting`, `processing`, `failed`, `done`, `not_found`, or whatever else the server says.
        hash: The long hash that `get` takes, once `done`; else empty.
        is_early: The service does not know it yet, or says that it is being downloaded: not final in the first minutes.
    """

    status: str
    message: str = ""
    queue_count: int | None = None
    current_order: int | None = None
    hash: str = ""
    is_early: bool = False
