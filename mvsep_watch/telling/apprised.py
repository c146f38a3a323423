"""A process of its own that sends one notice with Apprise: the library is large, and what hangs in it can be killed.

The address comes on the standard input, since everybody on the machine can read a command line. Nothing is printed,
since what the library says about trouble may hold the address.
"""

from __future__ import annotations

import json
import logging
import sys
from enum import IntEnum


class Came(IntEnum):
    """What came of it, as the process's exit code."""

    SENT = 0
    NOT_UNDERSTOOD = 10
    NOT_TAKEN = 11


def main() -> Came:
    """Send what the standard input says; without a title the address is only looked at."""
    import apprise  # noqa: PLC0415 - an extra, and whoever imports this module for its words does without

    logging.disable(logging.CRITICAL)
    said = json.load(sys.stdin)
    box = apprise.Apprise(asset=apprise.AppriseAsset(app_id="mvsep-watch", app_desc="mvsep-watch", async_mode=False))
    if not box.add(said["url"]):
        return Came.NOT_UNDERSTOOD
    if "title" not in said or box.notify(title=said["title"], body=said["text"]):
        return Came.SENT
    return Came.NOT_TAKEN


if __name__ == "__main__":
    sys.exit(main())
