"""What desks tell each other: said to `News`, which knows who is to hear it. No desk knows another by name."""

from __future__ import annotations

from typing import Protocol

from mvsep_watch.model import Created
from mvsep_watch.steps.standing import AwayError
from mvsep_watch.store import SeparationRow


class News(Protocol):
    """One method for each thing that more than one desk must hear."""

    def submitted(self, row: SeparationRow, created: Created) -> None:
        """The server has it, under this hash."""
        ...

    def hash_learned(self, row: SeparationRow) -> None:
        """The hash is committed: it is looked for in the history at once."""
        ...

    def outcome_unknown(self, row: SeparationRow) -> None:
        """The last chunk may have left and no answer came; the connection is closed."""
        ...

    def unknown_held(self) -> None:
        """An unknown waits for a person, and keeps its slot until the account's queue is seen empty."""
        ...

    def listed_unfinished(self, row: SeparationRow) -> None:
        """The history listed it, and a later `get` still said unfinished."""
        ...

    def about_to_end(self) -> None:
        """Something is called failed or lost unless the history knows better."""
        ...

    def separation_ended(self, row: SeparationRow) -> None:
        """It is done, failed, lost or cancelled, and that is committed."""
        ...

    def intent_fell_through(self, row: SeparationRow, reason: str) -> None:
        """It cannot be sent as it was intended."""
        ...

    def source_changed(self, path: str) -> None:
        """A source is no longer what was read."""
        ...

    def folder_away(self, error: AwayError) -> None:
        """A source was missed, and the watched folder that it was in is away."""
        ...

    def slots_refused(self, reason: str) -> None:
        """The service takes no further separation now."""
        ...

    def gate_met(self) -> None:
        """An upload was refused for what the account is asked about: its credits, or its token."""
        ...

    def work_refused(self) -> None:
        """The service does not take a work that fits the catalogue in force."""
        ...

    def service_trouble(self, error: Exception) -> None:
        """A request went wrong."""
        ...

    def queue_is_empty(self) -> None:
        """The account's current queue was seen empty."""
        ...

    def history_read(self, begun_s: float) -> None:
        """A complete look at the history was dealt with."""
        ...

    def history_unreadable(self, error: Exception) -> None:
        """The history could not be read, more than once: nothing may be started without it."""
        ...
