"""Which files are sources, and by which rules."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvsep_watch.model import Folder, InputKind, Rule
from mvsep_watch.wanted import AUDIO_EXTENSIONS, DEBRIS_NAMES, is_pruned_dir, selection, wanted, why_not


def folder_of(*rules, **changes):
    values = {"name": "drop", "path": Path("/drop"), "output": Path("/stems"), "layout": "{rel}/{name}"}
    return Folder(rules=rules or (Rule(sep_type=40),), **(values | changes))


def is_wanted(relative, **changes):
    return bool(wanted(folder_of(**changes), relative))


@pytest.mark.parametrize(
    "name",
    [
        "a.wav",
        "A.WAV",
        "a.b.Flac",
        "-rf.mp3",
        "li\nne.wav",
        "caf\udce9.ogg",
        "🎵.opus",
        "a .m4a",
        "a/b/c.aiff",
        " .wav",
    ],
)
def test_audio_is_wanted_by_default(name):
    """In any case, at any depth, under any name."""
    assert is_wanted(name)
    assert is_wanted(PurePosixPath(name))
    assert why_not(folder_of(), name) == ""


@pytest.mark.parametrize("name", ["cover.jpg", "wav", "awav", "a.wav.txt", "notes", "mvsep-watch.json", "a.wav "])
def test_other_files_are_not_wanted(name):
    """An extension is what follows the last dot."""
    assert not is_wanted(name)


@pytest.mark.parametrize("extension", ["wav", "flac", "mp3", "ogg", "m4a", "mp4", "aac", "aiff", "opus", "wma", "webm"])
def test_what_the_service_is_known_to_take_is_audio(extension):
    """Source: clients of the service, 2026."""
    assert extension in AUDIO_EXTENSIONS


@pytest.mark.parametrize(
    "name",
    [
        "a.wav.part",
        "a.wav.crdownload",
        "a.wav.filepart",
        "a.wav~",
        "a.wav.!ut",
        "a.wav.tmp",
        "a.WAV.TMP",
        ".syncthing.a.wav.tmp",
        "~syncthing~a.wav.tmp",
        "a.wav.partial",
        "a.wav.aria2",
        "a.wav.download",
        ".fuse_hidden0000",
        "song.wav.mvsep-watch.txt",
        ".nfs000001",
        ".a.wav.x8dK2",
        "~$a.wav",
    ],
)
def test_a_temporary_name_is_never_wanted(name):
    """Not even where everything is included; it gets its final name when it is complete."""
    assert not is_wanted(name, include=("*",))
    assert why_not(folder_of(include=("*",)), name).startswith("It is left out")


@pytest.mark.parametrize(
    "name",
    [
        "._a.wav",
        ".DS_Store",
        "Thumbs.db",
        "desktop.ini",
        "Icon\r",
        "a.wav@SynoEAStream",
        "@eaDir/a.wav",
        "x/@eaDir/a.wav/SYNOAUDIO_01.wav",
        "#recycle/a.wav",
        "$RECYCLE.BIN/a.wav",
        "System Volume Information/a.wav",
        "lost+found/a.wav",
        "__MACOSX/a.wav",
        ".Trash-1000/files/a.wav",
        "album.download/a.wav",
        "_UNPACK_album/a.wav",
        "x/.mvsep-watch-1-2.part/Vocals.wav",
        ".mvsep-watch-claim.json",
        "mvsep-watch.json",
    ],
)
def test_debris_is_never_wanted(name):
    """Of network storage, desktops, browsers, and of our own."""
    assert not is_wanted(name, include=("*",))
    assert why_not(folder_of(include=("*",)), name)


def test_the_table_of_debris_is_in_lower_case():
    """Names are compared in lower case; another key would never be met."""
    assert [name for name in DEBRIS_NAMES if name != name.lower()] == []


@pytest.mark.parametrize(
    ("name", "pruned"),
    [
        ("@eaDir", True),
        (".git", True),
        ("Lost+Found", True),
        ("a.part", True),
        ("Album", False),
        ("a.wav", False),
        ("~", True),
    ],
)
def test_a_scan_leaves_out_folders_of_debris(name, pruned):
    """The same table as for files."""
    assert is_pruned_dir(name) is pruned


@pytest.mark.parametrize(
    ("glob", "relative", "fits"),
    [
        ("*.wav", "a/b/X.WAV", True),
        ("*.WAV", "x.wav", True),
        ("mix*", "a/Mix 1.wav", True),
        ("mix*", "mix/a.wav", False),
        ("?.wav", "a.wav", True),
        ("[ab].wav", "b.wav", True),
        ("[!ab].wav", "b.wav", False),
        ("[.wav", "[.wav", True),
        ("a/*", "a/x.wav", True),
        ("a/*", "a/b/x.wav", False),
        ("a/*", "b/a/x.wav", False),
        ("A/*.wav", "a/x.WAV", True),
        ("a/**", "a/b/c/x.wav", True),
        ("**/live/*", "live/x.wav", True),
        ("**/live/*", "a/b/live/x.wav", True),
        ("**/live/*", "a/live/b/x.wav", False),
        ("a/**/x.wav", "a/x.wav", True),
        ("a/**/x.wav", "a/b/c/x.wav", True),
        ("a/**/x.wav", "b/x.wav", False),
        ("live/", "live/a/x.wav", True),
        ("/x.wav", "x.wav", True),
        ("/x.wav", "a/x.wav", False),
        ("*", "a/li\nne.wav", True),
        ("li*ne.wav", "li\nne.wav", True),
        ("\u00fcbung*", "u\u0308bung.wav", True),
        ("u\u0308b/*", "\u00fcb/x.wav", True),
        ("audio", "a/x.FLAC", True),
        ("audio", "x.pdf", False),
    ],
)
def test_globs_go_by_the_name_or_by_the_whole_path(glob, relative, fits):
    """In `include`, `exclude` and `match` alike."""
    by_match = folder_of(Rule(sep_type=40, match=(glob,)), include=("*",))

    assert is_wanted(relative, include=(glob,)) is fits
    assert is_wanted(relative, include=("*",), exclude=(glob,)) is not fits
    assert bool(wanted(by_match, relative)) is fits


def test_every_matching_rule_applies_in_the_order_of_the_folder():
    """One file, several rules."""
    rules = (
        Rule(name="all", sep_type=1),
        Rule(name="flac", sep_type=2, match=("*.flac",)),
        Rule(name="live", sep_type=3, match=("live/**", "x*")),
    )

    named = [rule.name for rule in wanted(folder_of(*rules), "live/a.wav")]

    assert named == ["all", "live"]


def test_sub_folders_count_only_where_the_folder_is_recursive():
    """Direct children always do."""
    assert [is_wanted(name, recursive=False) for name in ("a.wav", "b/a.wav")] == [True, False]


@pytest.mark.parametrize(
    ("relative", "changes", "reason"),
    [
        ("@eaDir/a.wav", {}, "It lies in a folder that is left out: '@eaDir' is debris of Synology."),
        ("._a.wav", {}, "It is left out: '._a.wav' is hidden."),
        ("a.wav.part", {}, "It is left out: 'a.wav.part' is the name of something unfinished."),
        ("b/a.wav", {"recursive": False}, "It lies in a sub-folder, and the watched folder is not recursive."),
        ("a.txt", {}, "It matches nothing in `include` (audio)."),
        ("a.wav", {"exclude": ("a*", "b*")}, "It matches something in `exclude` (a*, b*)."),
        ("a.wav", {"rules": (Rule(sep_type=1, match=("*.mp3",)),)}, "No rule's `match` fits the file."),
    ],
)
def test_a_file_that_is_not_wanted_has_a_reason(relative, changes, reason):
    """The sentence that `show PATH` prints."""
    rules = changes.pop("rules", ())

    assert why_not(folder_of(*rules, **changes), relative) == reason


@given(
    st.lists(st.sampled_from(["a", "B", ".x", "@eaDir", "x.part", "live", "ü"]), max_size=3),
    st.sampled_from(["a.wav", "b.MP3", "c.txt", ".d.wav", "e.flac.tmp", "Thumbs.db"]),
    st.sampled_from([("audio",), ("*",), ("live/**", "a.*"), ("*.mp3",)]),
    st.sampled_from([(), ("b*",), ("a/**",)]),
    st.sampled_from([("*",), ("*.wav",), ("live/*", "c*")]),
)
def test_a_scan_accepts_exactly_what_is_wanted(parents, name, include, exclude, match):
    """The quick question of a scan and the full one agree, wherever a scan would come."""
    folder = folder_of(Rule(sep_type=1, match=match), include=include, exclude=exclude)
    relative = "/".join([*parents, name])

    is_reached = not any(is_pruned_dir(part) for part in parents)
    assert bool(wanted(folder, relative)) is (is_reached and selection(folder).accepts(relative, name))
    assert bool(wanted(folder, relative)) is not bool(why_not(folder, relative))


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        (InputKind.FILE, ["a.wav", "a.pdf"]),
        (InputKind.PAIR, ["a.wav", "a.pdf"]),
        (InputKind.LINK, ["a.URL", "a.webloc", "a.desktop", "a.txt"]),
        (InputKind.TEXT, ["a.txt"]),
    ],
)
def test_a_rule_takes_what_its_input_is_dropped_as(kind, taken):
    """Whatever the globs say: a link is not sent as if it were audio."""
    names = ["a.wav", "a.pdf", "a.URL", "a.webloc", "a.desktop", "a.txt"]
    folder = folder_of(Rule(sep_type=40, input=kind), include=("*",))

    assert [name for name in names if wanted(folder, name)] == taken
    assert [name for name in names if selection(folder).accepts(name, name)] == taken
    assert why_not(folder, "a.pdf") == ("" if "a.pdf" in taken else "No rule's `input` is a file of this kind.")
