"""Tells one thing to one destination, once, within a time limit."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence

from mvsep_watch.errors import NotToldError
from mvsep_watch.model import Destination, Message
from mvsep_watch.telling import pinging, processes
from mvsep_watch.telling.apprised import Came

LIMIT_S = 30.0
SHORT_SECRET = 7
FACTS_VARIABLE = "MVSEP_WATCH_NOTICE"
_APPRISED = (sys.executable, "-P", "-m", "mvsep_watch.telling.apprised")


class Teller:
    """Sends notices and pings.

    Args:
        secrets: What no program is given in its environment.
        environ: The environment that programs get the rest of.
    """

    def __init__(self, secrets: Sequence[str] = (), environ: Mapping[str, str] = os.environ) -> None:
        self._environ = {name: value for name, value in environ.items() if not _gives_away(value, secrets)}

    def tell(self, destination: Destination, message: Message, *, is_stopping: Callable[[], bool]) -> None:
        """Send a notice.

        Raises:
            NotToldError: It was not taken.
        """
        if destination.command:
            self._run(destination, message, is_stopping)
        else:
            said = {"url": destination.url, "title": message.title, "text": message.text}
            self._apprise(destination, said, is_stopping)

    def examine(self, destination: Destination) -> None:
        """Find out whether a notice could be sent, without sending one.

        Raises:
            NotToldError: It could not.
        """
        if destination.command:
            self._program(destination)
        else:
            self._apprise(destination, {"url": destination.url}, lambda: False)

    def ping(self, url: str, *, reason: str = "") -> None:
        """Ask an address.

        Raises:
            NotToldError: It gave no success.
        """
        pinging.ask(url, reason=reason)

    def _apprise(self, destination: Destination, said: Mapping[str, str], is_stopping: Callable[[], bool]) -> None:
        match self._ended(destination, _APPRISED, json.dumps(said), is_stopping):
            case Came.SENT:
                return
            case Came.NOT_UNDERSTOOD:
                raise NotToldError(
                    f"notify.{destination.name} is no address that Apprise understands",
                    hint="compare it with Apprise's list of services",
                )
            case _:
                raise NotToldError(
                    f"notify.{destination.name} was not taken by whom it is for",
                    hint="`apprise -vv -b test ADDRESS` says why",
                )

    def _run(self, destination: Destination, message: Message, is_stopping: Callable[[], bool]) -> None:
        words = (self._program(destination), *destination.command[1:])
        said = f"{message.title}\n\n{message.text}\n"
        if code := self._ended(destination, words, said, is_stopping, facts=message.facts):
            raise NotToldError(f"{words[0]} ended with {code}", hint="run it by hand with a text on its standard input")

    def _ended(
        self,
        destination: Destination,
        words: Sequence[str],
        given: str,
        is_stopping: Callable[[], bool],
        *,
        facts: str = "",
    ) -> int:
        """Run a program to its end and give its exit code."""
        environ = {**self._environ, FACTS_VARIABLE: facts} if facts else self._environ
        try:
            code = processes.run(words, given=given, environ=environ, limit_s=LIMIT_S, is_stopping=is_stopping)
        except OSError as exc:
            raise NotToldError(f"{words[0]} cannot be started: {exc.strerror}", hint="look at the program") from exc
        if code is None:
            raise NotToldError(
                f"notify.{destination.name} was ended: it took longer than {LIMIT_S:g} s, or the daemon stopped",
                hint="it is tried again",
            )
        return code

    def _program(self, destination: Destination) -> str:
        """Find the program; a folder of PATH that is not named from the root is not looked at."""
        folders = [each for each in self._environ.get("PATH", os.defpath).split(os.pathsep) if each.startswith("/")]
        found = shutil.which(destination.command[0], path=os.pathsep.join(folders))
        if found is None:
            raise NotToldError(
                f"there is no program {destination.command[0]}", hint="name it in notify.command by its whole path"
            )
        return found


def _gives_away(value: str, secrets: Sequence[str]) -> bool:
    """Say whether a variable holds a secret; a very short one is part of many innocent words."""
    return any(value == secret or (len(secret) > SHORT_SECRET and secret in value) for secret in secrets)
