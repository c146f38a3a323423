"""What passes between watchdog and the kernel is overheard."""

import errno

import pytest
from watchdog.observers.inotify_c import InotifyEvent

from mvsep_watch.watcher.inotify import Line

EVENT = InotifyEvent(1, 0x100, 0, b"a.wav")


class Kernel:
    """Stands in for the `InotifyFD`: answers with prepared watch descriptors or errors, and keeps what is watched."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.callbacks = []

    def add_callback(self, path, mask, callback, id_):
        answer = self._answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        self.callbacks.append((answer, id_))
        return answer

    def remove_callbacks(self, callbacks):
        for callback in callbacks:
            self.callbacks.remove(callback)


class Listener:
    def __init__(self):
        self.said = []

    def refused(self, path, error):
        self.said.append((path, error.errno))

    def overflowed(self):
        self.said.append("overflowed")

    def broke(self):
        self.said.append("broke")


class Watches:
    """Stands in for watchdog's book-keeping; raises where it is told to."""

    def __init__(self, error=None):
        self._error = error
        self.calls = []

    def _called(self, what):
        self.calls.append(what)
        if self._error:
            raise self._error

    def on_event(self, event):
        self._called(event)

    def on_watch_deleted(self, wd):
        self._called(wd)

    def on_queue_overflow(self):
        self._called("overflow")


def line_to(kernel, watches=None, paths=(b"/drop",)):
    listener = Listener()
    line = Line(kernel, listener)
    for path in paths:
        line.add_callback(path, 0, watches or Watches(), 1)
    return line, listener


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ENOMEM, errno.EACCES])
def test_a_refused_watch_is_told_and_still_raised(number):
    """watchdog swallows it below the root, and must hear of it at the root."""
    line, listener = line_to(Kernel(OSError(number, "no")), paths=())

    with pytest.raises(OSError, match="no"):
        line.add_callback(b"/drop/a", 0, Watches(), 1)

    assert listener.said == [(b"/drop/a", number)]


def test_a_directory_that_is_gone_again_was_not_refused():
    """People tidy up while watches are laid."""
    line, listener = line_to(Kernel(OSError(errno.ENOENT, "gone")), paths=())

    with pytest.raises(OSError, match="gone"):
        line.add_callback(b"/drop/a", 0, Watches(), 1)

    assert listener.said == []


def test_a_watch_that_is_none_counts_as_not_permitted():
    """watchdog 7.1 returns -1 for it, and would book a callback under that."""
    kernel = Kernel(-1)
    line, listener = line_to(kernel, paths=())

    with pytest.raises(PermissionError):
        line.add_callback(b"/drop/a", 0, Watches(), 1)

    assert listener.said == [(b"/drop/a", errno.EACCES)]
    assert kernel.callbacks == []


def test_a_directory_that_is_watched_twice_calls_back_once():
    """`mkdir -p` makes watchdog ask twice; one removal ends it."""
    kernel = Kernel(1, 1, 2)
    line, _ = line_to(kernel, paths=(b"/drop", b"/drop", b"/drop/a"))

    assert [wd for wd, _ in kernel.callbacks] == [1, 2]

    line.remove_callbacks([(1, 99), (7, 99)])

    assert [wd for wd, _ in kernel.callbacks] == [2]


def test_what_the_kernel_says_is_passed_on():
    """And an overflow is told besides."""
    watches = Watches()
    line, listener = line_to(Kernel(1), watches)

    line.on_event(EVENT)
    line.on_watch_deleted(1)
    line.on_queue_overflow()

    assert watches.calls == [EVENT, 1, "overflow"]
    assert listener.said == ["overflowed"]


def test_a_bug_in_the_book_keeping_is_told_and_ends_no_thread():
    """The thread that calls this reads for all folders."""
    line, listener = line_to(Kernel(1), Watches(RuntimeError("dictionary changed size during iteration")))

    line.on_event(EVENT)
    line.on_watch_deleted(1)
    line.on_queue_overflow()

    assert listener.said == ["broke", "broke", "broke", "overflowed"]
