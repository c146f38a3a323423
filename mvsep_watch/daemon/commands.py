"""The desk that does what people ask for in other processes, and takes up the files that they name one by one."""

from __future__ import annotations

import functools

from mvsep_watch.daemon import oneoffs
from mvsep_watch.daemon.candidates import Candidates
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.eyes import Eyes
from mvsep_watch.daemon.looking import Looking
from mvsep_watch.daemon.requesting import apply_open
from mvsep_watch.steps.looking import Question
from mvsep_watch.store import EXPLAIN

_NEVER_LOOKED = -1


class Commands:
    """The desk of what is asked for; what it needs to know of a disk is looked up first."""

    def __init__(self, context: Context, candidates: Candidates, looking: Looking) -> None:
        self._context = context
        self._candidates = candidates
        self._looking = looking
        self._foreign_writes = _NEVER_LOOKED
        self._seen: dict[Question, object] = {}
        self._asked: set[Question] = set()

    def begin(self) -> None:
        """Take up the one-offs that the last process had not read."""
        for name in filter(self._context.serves, oneoffs.waiting(self._context.store)):
            self._take_up(name)

    def look_again(self) -> None:
        """Look for requests at the next turn, whether or not anybody has written any."""
        self._foreign_writes = _NEVER_LOOKED

    def work(self) -> None:
        """Apply what is asked for; looking costs nothing while no other process has written."""
        context = self._context
        if (writes := context.store.foreign_writes()) == self._foreign_writes:
            return
        self._foreign_writes = writes
        eyes = Eyes(known=self._seen)
        applied = apply_open(
            context.store,
            config=context.config,
            now=context.clock.now(),
            doubt=functools.partial(context.doubts, eyes=eyes),
            eyes=eyes,
            unseen=self._look_up,
            waits=self._candidates.waits_of,
        )
        context.tell(eyes)
        if not self._asked:
            self._seen.clear()
        for request, answer in applied:
            if request.command == EXPLAIN:
                continue
            told = {key: value for key, value in answer.items() if value}
            context.log.info("request_applied", command=request.command, **told)
            for source_id in answer.get("sources", []):
                self._candidates.forget(str(context.store.sources.get(source_id).path))
            if one_off := answer.get("folder"):
                self._take_up(one_off)

    def _look_up(self, question: Question) -> None:
        """Have something looked up that a request needs; it is applied once that is known."""
        if question in self._asked:
            return

        def then(answer: object) -> None:
            self._seen[question] = answer
            self._asked.discard(question)
            self.look_again()

        self._asked.add(question)
        self._looking.want(question, then)

    def _take_up(self, name: str) -> None:
        """Have a one-off read; whoever asks for one while only another is served is served as well."""
        context = self._context
        context.config, source = oneoffs.with_one_off(context.config, context.store, name)
        if context.only:
            context.only.add(name)
        self._candidates.look_again(source, name)
