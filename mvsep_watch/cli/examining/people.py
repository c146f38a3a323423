"""Who runs the daemon, and what they may do with a file or folder.

For whoever asks, the kernel is asked. For somebody else it is computed from owners, groups and modes; an access list,
which says more than the mode, is given the benefit of the doubt.
"""

from __future__ import annotations

import contextlib
import grp
import itertools
import os
import pwd
import re
import shlex
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mvsep_watch.cli.examining.finding import Finding, problem
from mvsep_watch.errors import UsageError
from mvsep_watch.naming import display

READ = os.R_OK
WRITE = os.W_OK
ENTER = os.X_OK
LETTERS = {READ: "r", WRITE: "w", ENTER: "x"}
WORDS = {READ: "read", WRITE: "written", ENTER: "entered"}
ACL = "system.posix_acl_access"
_GIVES = re.compile(r"(?P<whom>sudo setfacl -m u:[^:]+:)(?P<what>[rwx]+)(?P<where> .+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user of the machine.

    Args:
        groups: The ids of all groups, the first one too.
        is_me: Whether it is who asks.
    """

    name: str
    uid: int
    groups: frozenset[int]
    is_me: bool = False

    def blocked_at(self, path: Path, wanted: int) -> tuple[Path, int] | None:
        """Give what stops this person on the way to a path that is there, and what is wanted of it; None for nothing.

        Args:
            path: What is to be used.
            wanted: READ, WRITE and ENTER, or'ed.
        """
        return next(self.blocks(path, wanted), None)

    def blocks(self, path: Path, wanted: int) -> Iterator[tuple[Path, int]]:
        """Give everything that stops this person; behind the first what is told to others may be a guess."""
        real = Path(os.path.realpath(path))
        for folder in reversed(real.parents):
            if not self._may(folder, ENTER):
                yield folder, ENTER
        if not self._may(real, wanted):
            yield real, wanted

    def _may(self, path: Path, wanted: int) -> bool:
        if self.is_me:
            return os.access(path, wanted, effective_ids=os.access in os.supports_effective_ids)
        if self.uid == 0:
            return True
        try:
            found = path.stat()
        except OSError:
            return False
        return _bits(found, self) & wanted == wanted or _has_list(path)


def me() -> Person:
    """Give whoever asks; somebody without an entry among the users is called by number."""
    uid = os.geteuid()
    name = str(uid)
    with contextlib.suppress(KeyError):
        name = pwd.getpwuid(uid).pw_name
    return Person(name=name, uid=uid, groups=frozenset({os.getegid(), *os.getgroups()}), is_me=True)


def named(name: str) -> Person:
    """Find a user by name or number.

    Raises:
        UsageError: There is none.
    """
    try:
        found = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        if name.isdigit():
            return Person(name=name, uid=int(name), groups=frozenset({int(name)}), is_me=int(name) == os.geteuid())
        raise UsageError(f'there is no user "{name}" on this machine', hint="`getent passwd` lists the users") from None
    if found.pw_uid == os.geteuid():
        return me()
    groups = frozenset(os.getgrouplist(found.pw_name, found.pw_gid))
    return Person(name=found.pw_name, uid=found.pw_uid, groups=groups)


def group_name(gid: int) -> str:
    """Give a group's name, or its number."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def refusals(person: Person, path: Path, wanted: int) -> Iterable[Finding]:
    """Say what keeps a person from using a path that is there: all of it, where root asks about somebody else."""
    most = None if os.geteuid() == 0 and not person.is_me else 1
    for where, lacks in itertools.islice(person.blocks(path, wanted), most):
        yield _refusal(person, path, where, lacks)


def _refusal(person: Person, path: Path, where: Path, lacks: int) -> Finding:
    what = " and ".join(word for bit, word in WORDS.items() if lacks & bit)
    whose = "" if where == Path(os.path.realpath(path)) else f" (it is on the way to {display(path)})"
    command = allowing(person, where, lacks)
    lacking = "; setfacl is in the package acl" if "setfacl" in command and not shutil.which("setfacl") else ""
    return problem(
        f"{display(where)} may not be {what} by {person.name}{whose}: {_described(where)}",
        hint=f"give {person.name} the permission{lacking}",
        command=command,
    )


def making(path: Path, *, name: str = "") -> str:
    """Give the command that makes a folder, for another user if that is named."""
    quoted = shlex.quote(str(path))
    return f"sudo install -d -o {shlex.quote(name)} {quoted}" if name else f"mkdir -p {quoted}"


def allowing(person: Person, path: Path, wanted: int) -> str:
    """Give the command that gives a person a permission, besides what they have."""
    has, is_owner = 0, False
    with contextlib.suppress(OSError):
        found = path.stat()
        has, is_owner = _bits(found, person), found.st_uid == person.uid
    if is_owner:
        return f"chmod u+{_letters(wanted)} {shlex.quote(str(path))}"
    return f"sudo setfacl -m u:{person.name}:{_letters(wanted | has)} {shlex.quote(str(path))}"


def _letters(bits: int) -> str:
    return "".join(letter for bit, letter in LETTERS.items() if bits & bit)


def in_one(findings: Sequence[Finding]) -> list[Finding]:
    """Let each command give all that is wanted of a place: the second of two would take what the first gave."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for finding in findings:
        if given := _GIVES.fullmatch(finding.command):
            wanted.setdefault((given["whom"], given["where"]), set()).update(given["what"])

    def whole(given: re.Match[str]) -> str:
        letters = wanted[given["whom"], given["where"]]
        return f"{given['whom']}{''.join(letter for letter in 'rwx' if letter in letters)}{given['where']}"

    return [replace(finding, command=_GIVES.sub(whole, finding.command)) for finding in findings]


def _described(path: Path) -> str:
    try:
        found = path.stat()
    except OSError as error:
        return error.strerror or str(error)
    owner = str(found.st_uid)
    with contextlib.suppress(KeyError):
        owner = pwd.getpwuid(found.st_uid).pw_name
    return f"{stat.filemode(found.st_mode)} {owner}:{group_name(found.st_gid)}"


def _bits(found: os.stat_result, person: Person) -> int:
    """Give READ, WRITE and ENTER as the mode has them for a person: the first class that fits decides."""
    shift = 6 if found.st_uid == person.uid else 3 if found.st_gid in person.groups else 0
    return found.st_mode >> shift & 0o7


def _has_list(path: Path) -> bool:
    try:
        return ACL in os.listxattr(path)
    except OSError:
        return False
