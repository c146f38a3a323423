"""The desk that has questions about disks answered, and begins again what asked them.

Work that needs to know something of a disk runs in one transaction. Where an answer is missing it is taken back whole,
the question is handed out, and the work is begun again with the answer. Questions about one folder or root go one hand
at a time, so that a disk which does not answer keeps no more than that one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.eyes import Eyes, UnseenError
from mvsep_watch.steps.looking import Failed, LookThere, Question

AT_ONCE = 100
"""Questions per step: a disk answers for few at a time."""


@dataclass(slots=True)
class _Work:
    """Work that needs to see something."""

    run: Callable[[Eyes], None]
    failed: Callable[[Exception], None] | None
    known: dict[Question, Any] = field(default_factory=dict)
    asked: dict[Question, None] = field(default_factory=dict)


class Looking:
    """The desk that has questions answered."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._wanted: dict[Path, dict[Question, list[Callable[[Any], None]]]] = {}

    def attempt(
        self,
        run: Callable[[Eyes], None],
        *,
        failed: Callable[[Exception], None] | None = None,
        ahead: Collection[Question] = (),
    ) -> None:
        """Do some work in one transaction, as soon as everything that it asks for is known.

        Args:
            run: The work; may be begun several times, and comes to its end once.
            failed: What is to be done about a bug in it.
            ahead: What it is going to ask, as far as that can be told: it need not be begun in vain.
        """
        self._go_on(_Work(run=run, failed=failed, asked=dict.fromkeys(ahead)))

    def _go_on(self, work: _Work) -> None:
        """Begin it once nothing more is asked for it."""
        if work.asked:
            asked, work.asked = work.asked, {}
            self._ask(work, asked)
            return
        eyes = Eyes(known=work.known)
        with self._context.surviving(then=work.failed):
            try:
                with self._context.store.transaction():
                    work.run(eyes)
            except UnseenError as unseen:
                self._ask(work, {unseen.question: None})
            else:
                self._context.tell(eyes)

    def _ask(self, work: _Work, questions: dict[Question, None]) -> None:
        """Have questions answered, and go on with the last of the answers."""
        left = set(questions)

        def then(question: Question, answer: Any) -> None:
            work.known[question] = answer
            left.discard(question)
            if not left:
                self._go_on(work)

        for question in questions:
            self.want(question, partial(then, question))

    def want(self, question: Question, then: Callable[[Any], None]) -> None:
        """Have a question answered."""
        self._wanted.setdefault(self._group(question.path), {}).setdefault(question, []).append(then)

    def _group(self, path: Path) -> Path:
        """Say with what else a path stops answering: the watched folder or the output root that it is in."""
        folders = self._context.config.folders
        known = [place for folder in folders for place in (folder.path, folder.output) if path.is_relative_to(place)]
        return max(known, key=lambda place: len(place.parts), default=path.parent)

    def work(self) -> None:
        """Hand out what is asked."""
        for group, questions in self._wanted.items():
            if not self._context.hands.is_busy_with(("look", group)):
                self._context.hands.give(LookThere(group=group, questions=tuple(questions)[:AT_ONCE]))

    def looked(self, step: LookThere, answers: tuple[Any, ...] | None, error: Exception | None) -> None:
        """Take answers to whoever asked."""
        failed = Failed(error or RuntimeError("nothing came back"))
        wanted = self._wanted.get(step.group, {})
        found = answers if answers is not None else (failed,) * len(step.questions)
        asking = [(wanted.pop(question, []), answer) for question, answer in zip(step.questions, found, strict=True)]
        if not wanted:
            self._wanted.pop(step.group, None)
        for askers, answer in asking:
            for then in askers:
                then(answer)
