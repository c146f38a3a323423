"""What is heard of a folder, and what of it is no news."""

from mvsep_watch.naming import NEW_NOTE_NAME, note_name
from mvsep_watch.watcher.events import _Watched
from tests.test_wanted import folder_of


def test_our_own_notes_are_no_news():
    """They would wake the daemon that wrote them."""
    heard = []
    watched = _Watched(folder_of(), lambda _, path: heard.append(path), lambda *_: None)

    for name in (note_name("song.wav"), NEW_NOTE_NAME, "song.wav"):
        watched.heard(f"/drop/{name}")

    assert heard == ["/drop/song.wav"]
