"""The desk that keeps a watching service quiet for as long as all is well: `health` says whether it is.

Success is said once an interval, and only after every folder was looked through since it was said last; illness once it
has lasted for a minute, and once an interval from then on. Nothing is said while nothing is known. A ping that did not
arrive is tried again.
"""

from __future__ import annotations

from mvsep_watch import bundling, health, log
from mvsep_watch.daemon.context import Context
from mvsep_watch.daemon.hands import stuck
from mvsep_watch.daemon.hearing import ACCOUNT_EVERY_S
from mvsep_watch.daemon.scans import Scans
from mvsep_watch.daemon.service import Service
from mvsep_watch.daemon.sight import Sight
from mvsep_watch.health import Ill, Signs, Unsure, Verdict, Well
from mvsep_watch.model import Ping
from mvsep_watch.naming import display
from mvsep_watch.retry import PROBE_S, words
from mvsep_watch.steps.telling import FAIL, START, SUCCESS, SendPing

NEVER = float("-inf")


class Pinging:
    """The desk of pings; it begins with the daemon, and stays silent in what only runs once."""

    def __init__(self, context: Context, *, scans: Scans, service: Service, sight: Sight) -> None:
        self._context = context
        self._scans = scans
        self._service = service
        self._sight = sight
        self._has_begun = False
        self._ping: Ping | None = None
        self._said = ""
        self._well_s = NEVER
        self._ill_s: float | None = None
        self._due_s = NEVER
        self._failures = 0
        self._trouble = ""

    def begin(self) -> None:
        """Ping from now on, where it is configured."""
        self._has_begun = True

    def work(self) -> None:
        """Say how it is, when that is due."""
        ping = self._context.config.ping
        if ping is None or not self._has_begun or self._context.stopping:
            return
        if ping != self._ping:
            self._begin(ping)
        now_s = self._context.clock.monotonic()
        found = self._found(ping, now_s)
        if isinstance(found, Unsure):
            return
        is_news = not self._failures and self._said != (SUCCESS if isinstance(found, Well) else FAIL)
        if now_s < self._due_s and not is_news:
            return
        if isinstance(found, Well):
            is_sent = self._send(SUCCESS, ping.success, now_s)
        else:
            is_sent = self._send(FAIL, ping.fail, now_s, reason=log.redact(display(found.reason)))
        if is_sent:
            self._due_s = now_s + ping.interval_s

    def _send(self, what: str, url: str, now_s: float, *, reason: str = "") -> bool:
        """Hand a ping out; False while another is on its way. What has no address is kept silent about."""
        if url:
            return self._context.hands.give(SendPing(what=what, url=url, reason=reason, begun_s=now_s))
        self._taken(what, now_s)
        return True

    def _begin(self, ping: Ping) -> None:
        """Say that it starts, to an address that has heard nothing yet."""
        self._ping, self._said, self._well_s, self._due_s, self._failures = ping, "", NEVER, NEVER, 0
        self._send(START, ping.start, NEVER)

    def _found(self, ping: Ping, now_s: float) -> Verdict:
        """Say how it is; an illness that has not lasted yet is nothing that is known."""
        answered_since_s = now_s - max(ping.interval_s, ACCOUNT_EVERY_S) - PROBE_S
        found = health.verdict(self._signs(now_s), since_s=self._well_s, answered_since_s=answered_since_s)
        if not isinstance(found, Ill):
            self._ill_s = None
            return found
        self._ill_s = now_s if self._ill_s is None else self._ill_s
        return found if now_s - self._ill_s >= health.LASTS_S else Unsure()

    def _signs(self, now_s: float) -> Signs:
        step = stuck(self._context.hands, now_s=now_s)
        return Signs(
            looked_s={folder.name: self._scans.looked_s.get(folder.name) for folder in self._context.config.folders},
            unseen=self._sight.deaf_folders | self._scans.troubled_folders,
            gates=self._context.gates(),
            stuck=str(step.key) if step else "",
            answered_s=self._service.answered_s,
        )

    def sent(self, step: SendPing, error: Exception | None) -> None:
        """Take what came of a ping."""
        now_s = self._context.clock.monotonic()
        if error is None:
            self._failures = 0
            if self._trouble:
                self._context.log.info("ping_taken")
            self._trouble = ""
            self._taken(step.what, step.begun_s)
            return
        self._failures += 1
        self._due_s = min(self._due_s, now_s + bundling.pause_s(self._failures))
        reason, hint = words(error)
        if reason != self._trouble:
            self._trouble = reason
            self._context.log.warning("ping_not_taken", reason=reason, hint=hint)

    def _taken(self, what: str, begun_s: float) -> None:
        """Take note of what is known now to whoever watches."""
        self._said = what
        if what == SUCCESS:
            self._well_s = begun_s
