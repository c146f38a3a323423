"""What the daemon hears: events of the folders that make any, and bells for everything regular.

Both only put messages on the inbox. The folders are watched by the bells' own threads, one at a time, since a dead
mount can hold whoever looks at it; a folder that is heard from here on is scanned afterwards, so that nothing falls
between the scan and the watch.
"""

from __future__ import annotations

import threading

from apscheduler.schedulers.background import BackgroundScheduler

from mvsep_watch.daemon.inbox import Bell, Inbox, Trouble
from mvsep_watch.files.mounts import file_system, needs_polling
from mvsep_watch.model import Config, Folder
from mvsep_watch.watcher import Watcher

POLL_EVERY_S = 30.0
"""How often a folder without events is looked through for what has come."""
ACCOUNT_EVERY_S = 300.0
WAITED_FOR_S = 1.0


class Hearing:
    """Events and bells of one configuration after the other."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._bells = BackgroundScheduler(daemon=True, job_defaults={"misfire_grace_time": None, "coalesce": True})
        self._watcher = Watcher(inbox.path_touched, lambda name, reason: inbox.put(Trouble(name, str(reason))))
        self._lock = threading.Lock()
        self._wanted: dict[str, Folder] = {}
        self._watched: dict[str, Folder] = {}

    def begin(self, config: Config) -> None:
        """Hear the folders of a configuration, and ring for what is regular."""
        self._want(config)
        self._hang(config)
        self._watch()
        self._bells.start()

    def change(self, config: Config) -> None:
        """Hear what another configuration says from now on; what it leaves as it was is heard without a gap."""
        self._want(config)
        self._bells.remove_all_jobs()
        self._hang(config)
        self._bells.add_job(self._watch_and_scan)

    def stop(self) -> None:
        """Hear nothing more."""
        self._wanted = {}
        if self._bells.running:
            self._bells.shutdown(wait=False)
        if self._lock.acquire(timeout=WAITED_FOR_S):  # else a dead mount holds it, and the process ends without
            self._watcher.stop()
            self._lock.release()

    def _want(self, config: Config) -> None:
        self._wanted = {folder.name: folder for folder in config.folders if hears_events(folder)}

    def _watch_and_scan(self) -> None:
        for name in self._watch():
            self._inbox.put(Bell("scan", name))

    def _watch(self) -> list[str]:
        """Watch what is wanted, and no longer what is not; give the names of those that were not heard so before."""
        with self._lock:
            before, self._watched = self._watched, self._wanted
            for name in before.keys() - self._watched.keys():
                self._watcher.unwatch(name)
            news = [name for name, folder in self._watched.items() if _heard(before.get(name)) != _heard(folder)]
            for name in news:
                self._watcher.watch(self._watched[name])
            return news

    def _check(self) -> None:
        with self._lock:
            self._watcher.check()

    def _hang(self, config: Config) -> None:
        """Have everything regular rung for; a folder that cannot be heard is looked through more often."""
        self._bells.add_job(self._check, "interval", seconds=config.rescan_s)
        self._ring(Bell("rescan"), config.rescan_s)
        self._ring(Bell("account"), ACCOUNT_EVERY_S)
        for folder in config.folders:
            if folder.name not in self._wanted:
                self._ring(Bell("look", folder.name), min(POLL_EVERY_S, config.rescan_s))

    def _ring(self, bell: Bell, every_s: float) -> None:
        self._bells.add_job(self._inbox.put, "interval", [bell], seconds=every_s)


def hears_events(folder: Folder) -> bool:
    """Say whether a folder's changes come as events; on network and layered file systems they do not all come."""
    if folder.watch == "auto":
        return not needs_polling(file_system(folder.path))
    return folder.watch == "events"


def _heard(folder: Folder | None) -> tuple[object, ...]:
    """Give what of a folder decides which events are heard."""
    return (folder.path, folder.recursive) if folder else ()
