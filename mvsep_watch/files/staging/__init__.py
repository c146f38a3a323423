"""Outputs in the making: a hidden folder beside their place, so that one rename makes everything visible at once.

Files arrive in a folder of their own within the staging, with records of how far they are, so that a broken download
goes on where it stopped, even after a restart. A file under its own name in the staging is complete, checked and
durable. All of the bookkeeping is gone before the staging becomes the final folder.

Never replaces a stranger's file, never follows a link, and removes only stagings of its own state. The surprise: a
staging belongs to a hash. If it was left by another separation (an older attempt, a restored state), it is emptied,
because its files would pass every check and still be the wrong music.
"""

from mvsep_watch.files.staging.folder import Staging, Written
from mvsep_watch.files.staging.leftovers import FORMER_KEPT_S, Owner, clean, is_over, stagings_below
from mvsep_watch.files.staging.names import WORK_NAME, is_ours, job_of, name_of, owner_of, plain
from mvsep_watch.files.staging.showing import TakenError, discard_left, exchange, is_aside, publish, put_back, supersede

__all__ = [
    "FORMER_KEPT_S",
    "WORK_NAME",
    "Owner",
    "Staging",
    "TakenError",
    "Written",
    "clean",
    "discard_left",
    "exchange",
    "is_aside",
    "is_ours",
    "is_over",
    "job_of",
    "name_of",
    "owner_of",
    "plain",
    "publish",
    "put_back",
    "stagings_below",
    "supersede",
]
