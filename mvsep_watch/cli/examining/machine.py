"""The machine as far as it says something of itself: its environment, mounts, kernel limits, and where units lie."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mvsep_watch.files.mounts import MOUNT_TABLE, Mount, mount_of

FSTAB = Path("/etc/fstab")
UNIT_FOLDERS = tuple(Path(f"{place}/systemd") for place in ("/usr/lib", "/lib", "/usr/local/lib", "/run", "/etc"))
"""Where units lie, the strongest last. Source: systemd.unit(5), 2024."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine.

    Args:
        environ: The environment.
        mounts: The text of the mount table; None reads the real one.
        fstab: The text of /etc/fstab.
        proc: Where the kernel tells of itself.
        zones: Where the time zones are.
        units: Where units lie, the strongest last.
        now: Seconds since 1970.
    """

    now: float
    environ: Mapping[str, str] = field(default_factory=dict)
    mounts: str | None = None
    fstab: str = ""
    proc: Path = Path("/proc")
    zones: Path = Path("/usr/share/zoneinfo")
    units: tuple[Path, ...] = UNIT_FOLDERS

    @classmethod
    def here(cls, *, environ: Mapping[str, str], now: float) -> Machine:
        """Give this machine."""
        return cls(now=now, environ=environ, mounts=_text(MOUNT_TABLE) or None, fstab=_text(FSTAB))

    def mount(self, path: Path) -> Mount:
        """Say what a path lies on, or would lie on."""
        return mount_of(path, table=self.mounts)

    def missing_mount(self, path: Path) -> str | None:
        """Give the mount point above a path that /etc/fstab names and that nothing is mounted on, if there is one."""
        lines = (line.partition("#")[0].split() for line in self.fstab.splitlines())
        points = (Path(fields[1].replace("\\040", " ")) for fields in lines if len(fields) > 1)
        above = [point for point in points if len(point.parts) > 1 and path.is_relative_to(point)]
        deepest = max(above, key=lambda point: len(point.parts), default=None)
        if deepest is None:
            return None
        mounted = Path(self.mount(path).point or "/")
        return None if mounted.is_relative_to(deepest) else str(deepest)

    def kernel_number(self, name: str) -> int | None:
        """Read a number of the kernel's, such as `fs/inotify/max_user_watches`; None where it does not tell."""
        text = _text(self.proc / "sys" / name).strip()
        return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text("utf-8", "surrogateescape")
    return ""
