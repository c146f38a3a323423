"""What the owner sees of disks: answers that hands have brought, and never the disk itself.

Work that asks for what is not known yet is taken back and begun again later. So whatever it tells others, the log or
the gates, is kept here until it has come to its end. Who has no work but this, a command beside no daemon, looks for
itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mvsep_watch.errors import MvsepWatchError
from mvsep_watch.files.watched import FolderNote
from mvsep_watch.naming import OutputPlace
from mvsep_watch.steps.looking import (
    Failed,
    IsFile,
    IsThere,
    Question,
    Said,
    SaidAt,
    TakesAnyName,
    TroubleWith,
    WhichAreGone,
)


class UnseenError(Exception):
    """Nobody has looked there yet; caught by whoever hands the question out."""

    def __init__(self, question: Question) -> None:
        super().__init__(f"{question} is not answered yet")
        self.question = question


@dataclass(slots=True)
class Eyes:
    """Answers by question.

    Args:
        known: What was answered.
        doubted: Places with outputs that the state does not know: to be told once the work has ended.
        told: Events with their facts, for the log, likewise.
    """

    known: dict[Question, Any] = field(default_factory=dict)
    doubted: list[OutputPlace] = field(default_factory=list)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def look(self, question: Question) -> Any:
        """Give an answer.

        Raises:
            UnseenError: There is none yet.
        """
        if question not in self.known:
            raise UnseenError(question)
        answer = self.known[question]
        if isinstance(answer, Failed):
            raise answer.error
        return answer

    def is_there(self, path: Path) -> bool:
        """Say whether anything is at a path."""
        return bool(self.look(IsThere(path)))

    def is_file(self, path: Path) -> bool:
        """Say whether a file is at a path."""
        return bool(self.look(IsFile(path)))

    def gone_of(self, paths: tuple[Path, ...]) -> frozenset[Path]:
        """Give those of some paths at which nothing is; where it cannot be looked, something may be."""
        gone: frozenset[Path] = self.look(WhichAreGone(paths)) if paths else frozenset()
        return gone

    def takes_any_name(self, root: Path) -> bool:
        """Say whether any name that Linux allows may be given below a folder."""
        return bool(self.look(TakesAnyName(root)))

    def said_at(self, place: OutputPlace) -> Said:
        """Give what the sidecar of a place says."""
        said: Said = self.look(SaidAt(place))
        return said

    def trouble_with(self, folder: Path, note: FolderNote | None, *, at: Path) -> MvsepWatchError | None:
        """Say why what is missing at a place in a watched folder is not known to be gone."""
        trouble: MvsepWatchError | None = self.look(TroubleWith(folder, note, at))
        return trouble

    def tell(self, event: str, **facts: Any) -> None:
        """Have the log told."""
        self.told.append((event, facts))


class OpenEyes(Eyes):
    """Looks for itself, and waits for as long as that takes."""

    def look(self, question: Question) -> Any:
        """Look."""
        return question.look()
