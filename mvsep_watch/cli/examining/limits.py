"""What the kernel grants: watches for events, and open files."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

from mvsep_watch.cli.examining.finding import Finding, ok, problem, warning
from mvsep_watch.cli.examining.machine import Machine
from mvsep_watch.watcher import ample

INOTIFY = "fs/inotify"
SETTINGS_FILE = "/etc/sysctl.d/60-mvsep-watch.conf"
LEAST_QUEUE = 16_384
"""The kernel's own default; a burst that does not fit costs a scan."""
LEAST_FILES = 256
"""Connections, files on their way, libraries: a busy daemon was seen with about 60."""
FEW_FILES = 64


def watches(needed: int, *, used: int, machine: Machine) -> Iterator[Finding]:
    """Say whether all directories can be heard.

    Args:
        needed: How many there are below the folders that are heard by events.
        used: How many watches others of this user hold.
        machine: What grants them.
    """
    name = "max_user_watches"
    granted = machine.kernel_number(f"{INOTIFY}/{name}")
    if granted is None:
        yield warning(f"this kernel does not tell fs.inotify.{name}", hint="without events folders are still scanned")
        return
    wanted = ample(name, value=granted, needed=needed + used)
    words = f"{needed} directories are to be heard, others hold {used} watches, and fs.inotify.{name} is {granted}"
    if needed + used > granted:
        hint = "raise it; what is not heard is found by the scans only"
        yield problem(words, hint=hint, command=setting(name, wanted))
    elif 4 * (needed + used) > 3 * granted:
        yield warning(words, hint="raise it before the folders grow", command=setting(name, wanted))
    else:
        yield ok(words)


def instances(used: int, *, machine: Machine) -> Iterator[Finding]:
    """Say whether one more program of this user may listen for events."""
    name = "max_user_instances"
    granted = machine.kernel_number(f"{INOTIFY}/{name}")
    if granted is None:
        return
    words = f"this user's programs hold {used} of {granted} inotify instances (fs.inotify.{name})"
    if used >= granted:
        hint = "raise it, or end what holds them: without one more nothing is heard"
        yield problem(words, hint=hint, command=setting(name, ample(name, value=granted)))
    else:
        yield ok(words)


def queue(*, machine: Machine) -> Iterator[Finding]:
    """Say whether a burst of events fits."""
    name = "max_queued_events"
    granted = machine.kernel_number(f"{INOTIFY}/{name}")
    if granted is None:
        return
    if granted < LEAST_QUEUE:
        yield warning(
            f"fs.inotify.{name} is {granted}: a burst that does not fit is dropped, and costs a scan",
            hint="raise it; the kernel's own default is more",
            command=setting(name, ample(name, value=granted)),
        )
    else:
        yield ok(f"fs.inotify.{name} is {granted}")


def files(soft: int | None = None) -> Finding:
    """Say whether enough files may be open at once; `soft` is the limit, by default this process's own."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if soft is None else soft
    words = f"{'any number of' if limit == resource.RLIM_INFINITY else limit} files may be open at once"
    if limit == resource.RLIM_INFINITY or limit >= LEAST_FILES:
        return ok(words)
    told = "LimitNOFILE=1024 in the unit, or in the shell that starts it"
    make = problem if limit < FEW_FILES else warning
    return make(f"only {words}", hint=f"raise the limit: {told}", command="ulimit -n 1024")


def setting(name: str, number: int) -> str:
    """Give the command that sets a number of the kernel's, also for the next start."""
    return f"echo fs.inotify.{name}={number} | sudo tee -a {SETTINGS_FILE} && sudo sysctl -p {SETTINGS_FILE}"


def held_by(uid: int, *, but: int, proc: Path) -> tuple[int, int]:
    """Count the inotify instances and watches of a user's processes, as far as they can be looked at.

    Args:
        uid: The user.
        but: The process that is left out: the daemon's own are no other's.
        proc: Where the kernel tells of processes.
    """
    instances_held = watches_held = 0
    for process in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.stat().st_uid != uid or process.name == str(but):
                continue
            for link in (process / "fd").iterdir():
                if str(link.readlink()) == "anon_inode:inotify":
                    instances_held += 1
                    watches_held += (process / "fdinfo" / link.name).read_text().count("inotify wd:")
    return instances_held, watches_held
