"""All that a daemon does to the outside, numbered and named: it can be killed after any of it, and any of it can fail.

Commits, requests (begun, each part sent, served, answer read), and calls that change files below the world's folder.
What the state file's library does by itself is its own business. After a kill nothing has effects any more, not even
what cleans up on the way out, as with kill -9.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path
from unittest import mock

import httpx

from mvsep_watch.files import arriving, renaming
from mvsep_watch.model import JobState, SeparationState
from mvsep_watch.store import connection
from mvsep_watch.store.connection import Db
from tests.fakes.answers import Chunks
from tests.fakes.service import ENDPOINTS

CHANGES = ("fsync", "rename", "replace", "unlink", "link", "mkdir", "rmdir", "ftruncate")
LOOKS = ("scandir", "listdir")
SQLITE = {
    "SQLITE_FULL": "database or disk is full",
    "SQLITE_IOERR": "disk I/O error",
    "SQLITE_BUSY": "database is locked",
}
STATES = {str(state) for kind in (JobState, SeparationState) for state in kind}
Failure = Callable[[], object]
"""Raises what happens instead of an effect; to a request it may give an answer: a refusal before it is served."""


def fails_with(name: str) -> Failure:
    """Give the failure of a system call, by the name of its errno."""

    def fail() -> None:
        number = getattr(errno, name)
        raise OSError(number, os.strerror(number))

    return fail


def state_fails_with(name: str) -> Failure:
    """Give the failure of a commit, by SQLite's name of the error."""

    def fail() -> None:
        error = sqlite3.OperationalError(SQLITE[name])
        error.sqlite_errorname = name
        raise connection._translated(error, Path("state.sqlite3")) from error

    return fail


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


class Effects:
    """Counts the effects of a world's daemon while it is `watched`.

    Args:
        kills: The numbers of the effects after which the process ends; the next one goes on counting.
        failures: What happens instead of an effect, by its number.
        looks: Count what only reads files as well.
        elsewhere: A folder that is on another file system, as far as renames go.

    `fails` is asked for every effect, by its name, what happens instead.
    """

    def __init__(self, world, *, kills=(), failures=None, looks=False, elsewhere: Path | None = None) -> None:
        self.world = world
        self.kills = set(kills)
        self.failures: dict[int, Failure] = failures or {}
        self.fails: Callable[[str], Failure | None] = lambda _: None
        self.looks = looks
        self.elsewhere = elsewhere
        self.names: list[str] = []
        self._died_after = ""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count, kill and fail; ends with the process."""
        self._died_after = ""
        with ExitStack() as stack:
            for target, name, replacement in self._replacements():
                stack.enter_context(mock.patch.object(target, name, replacement))
            yield

    def _replacements(self) -> Iterator[tuple[object, str, object]]:
        yield Db, "run", self._counted_run()
        yield self.world.service, "answer", self._counted_answer()
        yield renaming, "_renameat2", self._counted_rename()
        yield arriving, "FileIO", self._counted_file()
        yield os, "open", self._counted_open()
        for name in CHANGES + (LOOKS if self.looks else ()):
            yield os, name, self._counted_call(name, getattr(os, name))

    def kill_after(self, count: int) -> None:
        """End the process after so many effects from now."""
        self.kills.add(len(self.names) + count)

    def revive(self) -> None:
        """Let the next process live until it is killed anew."""
        self.kills.clear()
        self._died_after = ""

    def happens(self, name: str, effect: Callable[[], object] = lambda: None) -> object:
        """Let an effect happen, or what is to happen instead; afterwards the process may be over."""
        if self._died_after:
            raise Killed(self._died_after)
        self.names.append(name)
        number = len(self.names)
        try:
            return (self.failures.get(number) or self.fails(name) or effect)()
        finally:
            if number in self.kills:
                self._died_after = f"{number}, {name}"
                raise Killed(self._died_after)

    # Commits

    def _counted_run(self):
        run, notes, before = Db.run, [], 0

        def counted(db, sql, params=()):
            nonlocal before
            verb, connection = sql.split(None, 1)[0], db._connection
            writes = verb in {"INSERT", "UPDATE", "DELETE"} or "user_version =" in sql
            if verb == "BEGIN":
                notes.clear()
                before = connection.total_changes
            elif verb == "COMMIT" and (connection.total_changes > before or any("pragma" in note for note in notes)):
                return self.happens("commit " + "; ".join(dict.fromkeys(notes)), lambda: run(db, sql, params))
            elif writes and connection.in_transaction:
                notes.append(_note_of(sql, params))
            elif writes:
                return self.happens(f"commit {_note_of(sql, params)}", lambda: run(db, sql, params))
            return run(db, sql, params)

        return counted

    # Requests

    def _counted_answer(self):
        answer = self.world.service.answer

        def counted(request):
            endpoint = ENDPOINTS.get(request.url.path, "download")
            refusal = self.happens(f"request {endpoint} begun")
            if request.method == "POST":
                request.stream = _Parts(request.stream, lambda: self.happens(f"request {endpoint} part sent"))
            if refusal is not None:
                b"".join(request.stream)
                return refusal
            response = answer(request)
            other = self.happens(f"request {endpoint} served", lambda: response)
            return self._counted_response(other, endpoint)

        return counted

    def _counted_response(self, response: httpx.Response, endpoint: str) -> httpx.Response:
        content = response.content if hasattr(response, "_content") else b"".join(response.stream)
        stream = _Answer(content, lambda: self.happens(f"request {endpoint} answer read"))
        return httpx.Response(response.status_code, headers=response.headers, stream=stream)

    # Files

    def _is_counted(self, path: str) -> bool:
        return path.startswith(f"{self.world.base}/") and "state.sqlite3" not in path

    def _named(self, what: str, path: str) -> str:
        return f"file {what} {os.path.relpath(path, self.world.base)}"

    def _counted_call(self, what: str, call: Callable) -> Callable:
        def counted(target=".", *args, **kwargs):
            path = _path_of(target, kwargs.get("dir_fd"))
            is_nothing = not self.looks and os.path.lexists(path) == (what == "mkdir") and what in {"mkdir", "unlink"}
            if is_nothing or not self._is_counted(path):
                return call(target, *args, **kwargs)
            return self.happens(self._named(what, path), lambda: call(target, *args, **kwargs))

        return counted

    def _counted_open(self) -> Callable:
        call = os.open

        def counted(target, flags, *args, **kwargs):
            path = _path_of(target, kwargs.get("dir_fd"))
            creates = flags & os.O_CREAT
            if not self._is_counted(path) or not (creates or self.looks):
                return call(target, flags, *args, **kwargs)
            name = self._named("create" if creates else "open", path)
            return self.happens(name, lambda: call(target, flags, *args, **kwargs))

        return counted

    def _counted_rename(self) -> Callable:
        call = renaming._renameat2

        def rename(source, target, flags):
            if self.elsewhere and source.is_relative_to(self.elsewhere) != target.is_relative_to(self.elsewhere):
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            call(source, target, flags)

        def counted(source, target, flags):
            name = f"{self._named('rename', str(source))} to {os.path.relpath(target, self.world.base)}"
            self.happens(name, lambda: rename(source, target, flags))

        return counted

    def _counted_file(self) -> type[FileIO]:
        effects = self

        class CountedFile(FileIO):
            def write(self, content):
                write = super().write
                return effects.happens(effects._named("write", str(self.name)), lambda: write(content))

        return CountedFile


class _Parts(httpx.SyncByteStream):
    """A request's body: a part counts as sent when the other side asks for the next."""

    def __init__(self, stream, sent: Callable[[], object]) -> None:
        self._stream = stream
        self._sent = sent

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            yield part
            self._sent()


class _Answer(Chunks):
    """An answer's body, which counts when it has been read."""

    def __init__(self, content: bytes, read: Callable[[], object]) -> None:
        super().__init__(content)
        self._read = read

    def __iter__(self) -> Iterator[bytes]:
        pieces = list(super().__iter__())
        yield from pieces[:-1]
        self._read()
        yield from pieces[-1:]


def _note_of(sql: str, params) -> str:
    """Say in a few words what a statement writes: the table, and the state where there is one."""
    if sql.startswith("PRAGMA"):
        return sql.lower()
    words = sql.replace("INTO ", "").replace("FROM ", "").split()
    values = params if isinstance(params, list | tuple) else ()
    states = [str(value) for value in values if isinstance(value, str) and value in STATES]
    literal = [word for word in ("released",) if f"'{word}'" in sql.partition("WHERE")[0]]
    return " ".join([words[0].lower(), words[1], *(states[-1:] or literal)])


def _path_of(target: object, folder: int | None) -> str:
    """Say which path a call is about: one that is given, an open file's, or one below an open folder's."""
    if isinstance(target, int):
        return str(Path(f"/proc/self/fd/{target}").readlink())
    path = os.fsdecode(target)
    return path if folder is None else str(Path(f"/proc/self/fd/{folder}").readlink() / path)
