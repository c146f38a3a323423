"""Sees what is in the watched folders: `scan` is the truth, `events` make it happen sooner.

Both only look; they open no file, decide nothing, and remember nothing of what was done. Paths are plain strings with
undecodable bytes as surrogate escapes: a hundred thousand `Path` objects would cost more than the scan itself.
"""

from mvsep_watch.watcher.advice import advice, ample
from mvsep_watch.watcher.events import FolderHealth, Mode, Trouble, Watcher
from mvsep_watch.watcher.scan import Aside, Directories, Found, Listed, Unreadable, scan

__all__ = [
    "Aside",
    "Directories",
    "FolderHealth",
    "Found",
    "Listed",
    "Mode",
    "Trouble",
    "Unreadable",
    "Watcher",
    "advice",
    "ample",
    "scan",
]
