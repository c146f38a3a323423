"""Tells systemd how the service is: ready, what it does, alive. Source: sd_notify(3), 2024.

Nothing happens where there is no `NOTIFY_SOCKET`; nothing here can fail the daemon.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """Sends states to the socket that systemd named."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._watchdog_us = int(environ.get("WATCHDOG_USEC", "0") or 0)
        self._status = ""

    @property
    def watchdog_s(self) -> float | None:
        """How often a ping is due: half of what systemd allows; None where it expects none."""
        return self._watchdog_us / 2e6 if self._watchdog_us else None

    def ready(self) -> None:
        """The first scan is done, and everything is watched."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Another configuration is being taken; `ready` says when it is in force."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Told to stop."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Say what is going on, when it changes."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def alive(self) -> None:
        """Everything makes progress."""
        self._send("WATCHDOG=1")

    def more_time(self, seconds: float) -> None:
        """Ask for more time to start."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.settimeout(1.0)
            to.connect(name)
            to.send(message.encode())
