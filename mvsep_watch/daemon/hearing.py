"""What the daemon hears: events of the folders that make any, and bells for everything regular.

Both only put messages on the inbox. The folders are watched by the bells' own threads, one at a time, since a dead
mount can hold whoever looks at it; a folder that is heard from here on is scanned afterwards, so that nothing falls
between the scan and the watch. A symbolic link in the path of a folder that leads elsewhere by now makes it another
folder: the configuration is to be read again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from mvsep_watch.daemon.inbox import Bell, Heard, HeardFolder, Inbox, Trouble
from mvsep_watch.files.mounts import mount_of, mounts_below, needs_polling
from mvsep_watch.model import Config, Folder
from mvsep_watch.naming import display
from mvsep_watch.watcher import FolderHealth, Watcher, advice
from mvsep_watch.watcher import Trouble as Deaf

log = structlog.get_logger()
ACCOUNT_EVERY_S = 300.0
WAITED_FOR_S = 1.0
HEARD_WITHIN_S = 10.0
"""How long the start waits for all folders to be watched; a large tree takes a second or two."""


class Hearing:
    """Events and bells of one configuration after the other.

    Args:
        inbox: Takes what is heard.
        reread: Has the configuration read again; called from another thread.
    """

    def __init__(self, inbox: Inbox, *, reread: Callable[[], None] = lambda: None) -> None:
        self._inbox = inbox
        self._reread = reread
        self._led: dict[Path, Path] = {}
        self._bells = BackgroundScheduler(daemon=True, job_defaults={"misfire_grace_time": None, "coalesce": True})
        self._watcher = Watcher(inbox.path_touched, self._on_trouble)
        self._lock = threading.Lock()
        self._folders: tuple[Folder, ...] = ()
        self._watched: dict[str, Folder] = {}

    def begin(self, config: Config) -> None:
        """Hear the folders of a configuration, and ring for what is regular; a dead mount is not waited for."""
        self._folders = config.folders
        self._hang(config)
        first = threading.Thread(target=self._look, name="first-look", daemon=True)
        first.start()
        first.join(HEARD_WITHIN_S)
        self._bells.start()

    def change(self, config: Config) -> None:
        """Hear what another configuration says from now on; what it leaves as it was is heard without a gap."""
        self._folders = config.folders
        self._bells.remove_all_jobs()
        self._hang(config)
        self._bells.add_job(self._look)

    def stop(self) -> None:
        """Hear nothing more."""
        self._folders = ()
        if self._bells.running:
            self._bells.shutdown(wait=False)
        if self._lock.acquire(timeout=WAITED_FOR_S):  # else a dead mount holds it, and the process ends without
            self._watcher.stop()
            self._lock.release()

    def _on_trouble(self, name: str, trouble: str) -> None:
        self._inbox.put(Trouble(name, str(trouble), advice(Deaf(trouble))))

    def _look(self) -> None:
        """See what the folders lie on, hear what can be heard, and say how well; what is heard anew is scanned."""
        with self._lock:
            folders = self._folders
            grounds = {folder.name: ground_of(folder) for folder in folders}
            news = self._watch({each.name: each for each in folders if _is_to_be_heard(each, grounds[each.name])})
            self._watcher.check()
            health = self._watcher.health()
            heard = {name: _with_health(ground, health.get(name)) for name, ground in grounds.items()}
        self._inbox.put(Heard(heard))
        for name in news:
            self._inbox.put(Bell("scan", name))
        self._follow_links(folders)

    def _follow_links(self, folders: Iterable[Folder]) -> None:
        """Have the configuration read again, once, where a link in it leads to another folder than when it was read.

        One that leads nowhere is being replaced, or its disk is away: it counts as it was.
        """
        led = {path: self._led.get(path, place) for folder in folders for path, place in folder.links}
        leads = {path: Path(os.path.realpath(path)) for path in led}
        self._led = led | {path: place for path, place in leads.items() if place.is_dir()}
        moved = [path for path, place in self._led.items() if place != led[path]]
        for path in moved:
            log.info("link_leads_elsewhere", path=display(path), to=display(self._led[path]))
        if moved:
            self._reread()

    def _watch(self, wanted: dict[str, Folder]) -> list[str]:
        """Watch what is wanted, and no longer what is not; give the names of those that were not heard so before."""
        before, self._watched = self._watched, wanted
        for name in before.keys() - wanted.keys():
            self._watcher.unwatch(name)
        news = [name for name, folder in wanted.items() if _heard(before.get(name)) != _heard(folder)]
        for name in news:
            self._watcher.watch(wanted[name])
        return news

    def _hang(self, config: Config) -> None:
        """Have everything regular rung for."""
        self._bells.add_job(self._look, "interval", seconds=config.rescan_s)
        self._ring(Bell("rescan"), config.rescan_s)
        self._ring(Bell("account"), ACCOUNT_EVERY_S)

    def _ring(self, bell: Bell, every_s: float) -> None:
        self._bells.add_job(self._inbox.put, "interval", [bell], seconds=every_s)


def ground_of(folder: Folder) -> HeardFolder:
    """Say what a folder lies on, and what of it must be looked through because not everything there makes an event.

    Decided by the types of file systems and never by a trial: what this machine writes on a share does make one.
    """
    mount = mount_of(folder.path)
    if folder.watch != "auto":
        return HeardFolder(mount=mount, is_polled=folder.watch == "poll")
    if needs_polling(mount.fs_type):
        return HeardFolder(mount=mount, is_polled=True)
    real = os.path.realpath(folder.path)
    below = mounts_below(folder.path) if folder.recursive else ()
    parts = ((os.fspath(folder.path / os.path.relpath(each.point, real)), each) for each in below)
    return HeardFolder(
        mount=mount, is_polled=False, parts=tuple((path, each) for path, each in parts if needs_polling(each.fs_type))
    )


def _is_to_be_heard(folder: Folder, ground: HeardFolder) -> bool:
    return folder.watch == "events" or not ground.is_polled


def _with_health(ground: HeardFolder, health: FolderHealth | None) -> HeardFolder:
    hint = advice(health.trouble) if health and health.trouble else ""
    return replace(ground, health=health, hint=hint)


def _heard(folder: Folder | None) -> tuple[object, ...]:
    """Give what of a folder decides which events are heard."""
    return (folder.path, folder.recursive) if folder else ()
