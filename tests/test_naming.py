"""Every name that is given, and how a path is shown."""

import os
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvsep_watch.model import Folder, Rule, Settings, Work, tag_in_hash
from mvsep_watch.naming import (
    FLAT_ROOM_BYTES,
    NOTE_SUFFIX,
    OutputPlace,
    chosen,
    display,
    escape_path,
    is_sidecar,
    job_folder,
    note_name,
    output_names,
    slug,
    unescape_path,
    unknown_stems,
    upload_name,
)

TAG = Work(realm="mvsep", input_key="sha256:00", settings=Settings(sep_type=40)).tag(1)
RULE = Rule(name="vocals", sep_type=40)
FOLDER = Folder(name="drop", path=Path("/drop"), output=Path("/stems"), layout="{rel}/{name}", rules=(RULE,))
SHA256 = "0123456789abcdef" * 4

linux_names = st.binary(min_size=1, max_size=255).map(os.fsdecode).filter(lambda name: not set(name) & {"/", "\0"})


# Uploads


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Take Five.wav", "take-five.wav"),
        ("Ænima & Más  (Live)_2.FLAC", "aenima-mas-live-2.flac"),
        ("Übergrößenträger.mp3", "ubergrossentrager.mp3"),
        ("a.b.c.ogg", "a-b-c.ogg"),
        ("🎵🎵.wav", "audio.wav"),
        ("line\nbreak.wav", "line-break.wav"),
        ("-rf $(x).wav", "rf-x.wav"),
        ("caf\udce9.wav", "caf.wav"),
        ("日本語.mp3", "audio.mp3"),
        ("no extension", "no-extension.wav"),
        ("odd.ex\ntension", "odd-ex-tension.wav"),
        (".wav", "wav.wav"),
    ],
)
def test_an_upload_is_named_by_the_tag_and_a_slug(source, expected):
    """Whatever the source is called, what leaves is plain ASCII."""
    assert upload_name(TAG, source) == f"{TAG}-{expected}"


@given(linux_names)
def test_every_upload_name_is_short_plain_and_leads_back_to_its_tag(source):
    """The server's hash holds the slug of it; the tag is found there."""
    name = upload_name(TAG, source)

    assert re.fullmatch(r"[a-z0-9-]+\.[a-z0-9]+", name)
    assert len(name) <= 80
    assert tag_in_hash(f"20260101120000-0123456789-{name}") == TAG


@pytest.mark.parametrize(
    ("text", "expected"), [("Back vocals", "back-vocals"), (" __A--b! ", "a-b"), ("ﬁn", "fin"), ("…", "")]
)
def test_a_slug_is_ascii_words_joined_by_dashes(text, expected):
    """Or nothing at all."""
    assert slug(text) == expected


# Notes


@given(linux_names)
def test_every_note_has_a_name_that_linux_takes(source):
    """And that says what it is, whatever the source is called."""
    name = note_name(source)

    assert len(os.fsencode(name)) <= 255
    assert name.endswith(NOTE_SUFFIX)


def test_a_note_is_named_after_its_source():
    """Two long names that begin alike have two."""
    names = [note_name(source) for source in ("song.wav", "漢" * 83 + "a.wav", "漢" * 83 + "b.wav")]

    assert (names[0], len({*names})) == ("song.wav.mvsep-watch.txt", 3)


# Folders of jobs


def folder_of(layout, relative, taken=(), *, is_portable=False):
    return str(
        job_folder(
            layout,
            relative=PurePosixPath(relative),
            rule=RULE,
            folder=FOLDER,
            sha256=SHA256,
            taken=lambda path: str(path) in taken,
            is_portable=is_portable,
        )
    )


@pytest.mark.parametrize(
    ("layout", "relative", "expected"),
    [
        ("{rel}/{name}", "song.wav", "song"),
        ("{rel}/{name}", "Album/CD 1/song.wav", "Album/CD 1/song"),
        ("{rel}/{name}/{rule}", "a/song.wav", "a/song/vocals"),
        ("{folder}/{ext}/{name} [{sha8}]", "a/song.FLAC", "drop/FLAC/song [01234567]"),
        ("x{rel}x/{name}", "a/b/song.wav", "xa/bx/song"),
        ("/{rel}//{name}/", "song.wav", "song"),
        ("{name}", "{rule}.wav", "{rule}"),
        ("{rel}/{name}", "caf\udce9/li\nne.wav", "caf\udce9/li\nne"),
        ("{rel}/{name}", "../../etc/passwd.wav", "__/__/etc/passwd"),
        ("{rel}/{name}", "...wav", "__"),
        ("../{name}", "song.wav", "__/song"),
        ("{rel}/{name}", "song.part.wav", "song.part_"),
        ("{ext}", "song", "01234567"),
    ],
)
def test_a_layout_is_filled_in_below_the_output_root(layout, relative, expected):
    """Relative paths are kept; nothing climbs out, and nothing looks like staging."""
    assert folder_of(layout, relative) == expected


@pytest.mark.parametrize(
    ("relative", "expected"),
    [
        ('Who?/what: a "why".wav', "Who_/what_ a _why_"),
        ("caf\udce9/li\nne\\.wav", "caf_/li_ne_"),
        ("etc. /the end...wav", "etc__/the end__"),
        ("con/Aux.live.wav", "_con/_Aux.live"),
        ("../contra/Ünï - 漢.wav", "__/contra/Ünï - 漢"),
        ("song.part.wav", "song.part_"),
    ],
)
def test_where_not_every_name_is_taken_a_folder_gets_a_plain_one(relative, expected):
    """Nothing that Windows refuses or reserves, and what is plain stays as it is."""
    assert folder_of("{rel}/{name}", relative, is_portable=True) == expected


def test_a_taken_folder_gets_a_number():
    """The first that is free."""
    assert folder_of("{rel}/{name}", "a/song.wav", taken={"a/song"}) == "a/song (2)"
    assert folder_of("{rel}/{name}", "a/song.wav", taken={"a/song", "a/song (2)"}) == "a/song (3)"


def test_two_forms_of_one_visible_name_are_two_folders():
    """Composed and decomposed umlauts are different files on Linux; their bytes are kept."""
    assert folder_of("{rel}/{name}", "\u00fc.wav") != folder_of("{rel}/{name}", "u\u0308.wav")


@given(
    st.lists(linux_names, min_size=1, max_size=4),
    st.sampled_from(["{rel}/{name}", "{rel}/{name}/{rule}", "{name}.{ext}"]),
)
def test_every_job_folder_is_one_that_linux_takes(parts, layout):
    """Relative, no empty part, no "..", at most 255 bytes a part, room for a number at the end."""
    path = job_folder(
        layout, relative=PurePosixPath(*parts), rule=RULE, folder=FOLDER, sha256=SHA256, taken=lambda _: False
    )

    assert not path.is_absolute()
    assert path.parts
    assert ".." not in path.parts
    assert max(len(os.fsencode(part)) for part in path.parts) <= 255
    assert len(os.fsencode(path.name)) <= 247
    assert not [part for part in path.parts if part.lower().endswith(".part")]


def test_a_path_that_is_too_long_loses_its_outermost_folders():
    """Before anything is spent: what is made in the folder and in its staging still fits as well."""
    parts = [f"{number:02}{'ü' * 100}" for number in range(25)]
    path = folder_of("{rel}/{name}", "/".join([*parts, "song.wav"]))

    assert path == "/".join([*parts[-18:], "song"])
    assert len(os.fsencode(FOLDER.output / path)) <= 4095 - 320


def test_the_last_part_of_a_path_is_kept_however_long_the_output_root_is():
    """No folder of a job is ever the root itself."""
    folder = replace(FOLDER, output=Path("/" + "/".join(["n" * 200] * 19)))
    path = job_folder(
        "{rel}/{name}", relative=PurePosixPath("a/song.wav"), rule=RULE, folder=folder, sha256=SHA256,
        taken=lambda _: False,
    )  # fmt: skip

    assert str(path) == "song"


# Places


FLAT = OutputPlace(Path("/stems/So What (2)"), is_flat=True)


def test_a_place_says_where_everything_is():
    """In a folder, or side by side."""
    folder = OutputPlace(Path("/stems/So What"))

    assert (folder.folder, folder.mark, folder.file("Vocals.wav")) == (
        Path("/stems/So What"),
        Path("/stems/So What"),
        Path("/stems/So What/Vocals.wav"),
    )
    assert (FLAT.folder, FLAT.mark, FLAT.file("Vocals.wav")) == (
        Path("/stems"),
        Path("/stems/So What (2).mvsep-watch.json"),
        Path("/stems/So What (2) (Vocals).wav"),
    )


@pytest.mark.parametrize("place", [FLAT, OutputPlace(Path("/stems/So What"))])
def test_a_sidecar_tells_its_place(place):
    """By its own name; and no other file's name looks like one."""
    assert OutputPlace.of_sidecar(place.sidecar) == place
    assert is_sidecar(place.sidecar.name)
    assert not is_sidecar("mvsep-watch.json.wav")
    assert not is_sidecar(".mvsep-watch-claim.json")


@pytest.mark.parametrize(
    "name", ["Vocals.wav", "Vox (2).wav", "Lead (wet) x.flac", "a.b.mid", ").(.wav", f"{'V' * 80}.wav"]
)
@pytest.mark.parametrize("base", ["song", "song (live)", "song (2)", "a) (b", "live (" * 30, "ü" * 95, "caf\udce9 (3)"])
def test_an_outputs_name_is_found_again_in_that_of_its_file(base, name):
    """Whatever is in either of them."""
    place = OutputPlace(Path("/stems") / base, is_flat=True)

    assert place.name_of(place.file(name).name) == name
    assert OutputPlace(Path("/stems")).name_of(name) == name
    assert place.name_of("cover.jpg") == "cover.jpg"


@pytest.mark.parametrize("number", ["", " (2)", " (31)"])
def test_a_name_that_is_too_long_is_cut_in_its_base(number):
    """Never in the stem, the extension or the number, so that two that begin alike stay two."""
    place = OutputPlace(Path("/stems") / ("ü" * 90 + number), is_flat=True)
    name = place.file("L" * 120 + ".flac").name

    assert len(os.fsencode(name)) in {254, 255}
    assert name.endswith(f"ü{number} ({'L' * 120}).flac")


def test_what_flat_names_begin_with_leaves_room_for_the_stem():
    """And for the sidecar."""
    relative = PurePosixPath("x" * 250 + ".wav")
    flat = replace(FOLDER, publish="flat")
    path = job_folder("{name}", relative=relative, rule=RULE, folder=flat, sha256=SHA256, taken=lambda _: False)

    assert len(path.name) == 255 - 8 - FLAT_ROOM_BYTES


# Outputs


def names_of(*labels):
    return output_names(labels, lambda _: "flac")


def test_outputs_are_named_by_their_labels():
    """As the server wrote them, where that is a file's name."""
    assert names_of("Vocals", "Drums: hi-hat", "Instrumental + back vocals (v2)") == (
        "Vocals.flac",
        "Drums_ hi-hat.flac",
        "Instrumental + back vocals (v2).flac",
    )


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("../../x", "x"),
        ("/etc/passwd", "etc_passwd"),
        ("..\\..\\x", "x"),
        ("a\0b\nc", "abc"),
        ("con", "_con"),
        ("CON.wav", "_CON.wav"),
        ("nul .x", "_nul .x"),
        ("Lpt1", "_Lpt1"),
        ("", "output"),
        ("...", "output"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("trailing. .", "trailing"),
        ("Voc\u202eslaC", "VocslaC"),
        ("z\u200bero", "zero"),
        ("lone \udcff\ud800 surrogate", "lone  surrogate"),
        ("u\u0308", "\u00fc"),
        ("Türkçe 日本 🎵", "Türkçe 日本 🎵"),
    ],
)
def test_a_hostile_label_becomes_a_plain_name(label, expected):
    """No path, no control, no disguise, no name that Windows keeps for itself."""
    assert names_of(label) == (f"{expected}.flac",)


def test_a_long_label_is_cut_between_characters():
    """At most 200 bytes."""
    (name,) = names_of("é" * 300)

    assert name == "é" * 100 + ".flac"


def test_repeated_labels_get_numbers():
    """In any case, and also where a label looks like a number that was given."""
    assert names_of("Other", "other", "Other (2)", "OTHER") == (
        "Other.flac",
        "other (2).flac",
        "Other (2) (2).flac",
        "OTHER (3).flac",
    )


def test_equal_labels_of_different_kinds_keep_their_names():
    """A text beside a sound."""
    extensions = iter(["flac", "txt"])

    assert output_names(["Vocals", "Vocals"], lambda _: next(extensions)) == ("Vocals.flac", "Vocals.txt")


def test_no_output_takes_the_sidecars_name():
    """Even if a server calls a stem so."""
    assert output_names(["mvsep-watch"], lambda _: "json") == ("mvsep-watch (2).json",)


@pytest.mark.parametrize(
    ("extension", "expected"), [("FLAC", "flac"), ("../x", "x"), ("", "bin"), ("a" * 20, "aaaaaaaa")]
)
def test_an_extension_is_plain(extension, expected):
    """Wherever it was read."""
    assert output_names(["Vocals"], lambda _: extension) == (f"Vocals.{expected}",)


@given(st.lists(st.text(max_size=300), max_size=8))
def test_every_set_of_labels_gives_as_many_safe_names(labels):
    """All different on any file system, each one part of a path, in the labels' order."""
    names = names_of(*labels)

    assert len({name.casefold() for name in names}) == len(labels)
    assert all(PurePosixPath(name).name == name and len(name.encode()) <= 220 for name in names)
    assert not [name for name in names if re.search(r'[\x00-\x1f/\\:*?"<>|]', name) or name[0] in ".- "]


# The choice of stems

LABELS = ("Vocals", "Back vocals", "Hi-hat", "低音")
SLUGS = {"vocals": "Vocals", "vocals-back": "Back vocals", "hh": "Hi-hat"}


@pytest.mark.parametrize(
    ("stems", "expected"),
    [
        (None, (0, 1, 2, 3)),
        (("vocals",), (0,)),
        (("VOCALS", "Back vocals"), (0, 1)),
        (("back-vocals",), (1,)),
        (("back_vocals",), (1,)),
        (("hh",), (2,)),
        (("vocals-back", "hi-hat"), (1, 2)),
        (("低音",), (3,)),
        (("drums",), ()),
        ((), ()),
    ],
)
def test_stems_are_chosen_by_label_or_slug(stems, expected):
    """In any case; the catalogue's slugs count as well as those of the labels."""
    assert chosen(stems, LABELS, slugs=SLUGS) == expected


def test_all_outputs_of_one_label_are_chosen_together():
    """A label that comes twice is no reason to lose one."""
    assert chosen(("vocals",), ("Vocals", "Drums", "vocals")) == (0, 2)


def test_stems_that_no_output_is_called_are_named():
    """As they were written, for the message."""
    assert unknown_stems(("vocals", "Drumz", "hh"), LABELS, slugs=SLUGS) == ("Drumz",)
    assert unknown_stems(None, LABELS) == ()


# Paths, shown


@pytest.mark.parametrize(
    ("path", "escaped", "displayed"),
    [
        (Path("/a/b c.wav"), "/a/b c.wav", "/a/b c.wav"),
        ("/ü/🎵.wav", "/ü/🎵.wav", "/ü/🎵.wav"),
        (b"/caf\xe9.wav", r"/caf\xe9.wav", r"/caf\xe9.wav"),
        ("/a\nb\t.wav", "/a\nb\t.wav", r"/a\nb\t.wav"),
        ("/a\\b.wav", "/a\\b.wav", "/a\\b.wav"),
        (r"/caf\xe9.wav", r"/caf\x5cxe9.wav", r"/caf\x5cxe9.wav"),
        ("/a\u202eb", "/a\u202eb", r"/a\u202eb"),
    ],
)
def test_a_path_is_escaped_for_programs_and_shown_on_one_line_to_people(path, escaped, displayed):
    """Undecodable bytes for both; control characters and disguises for people."""
    assert (escape_path(path), display(path)) == (escaped, displayed)


@given(linux_names)
def test_an_escaped_path_is_text_that_leads_back_to_its_bytes(name):
    """Valid UTF-8, and no two names look alike."""
    escaped = escape_path(name)

    unescaped = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), escaped.encode())
    assert unescaped == os.fsencode(name)
    assert unescape_path(escaped) == os.fsdecode(os.fsencode(name))


@given(linux_names)
def test_a_displayed_path_is_one_line(name):
    """Whatever is in it."""
    assert display(name).isprintable()
