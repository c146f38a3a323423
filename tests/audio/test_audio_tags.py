"""What a song says of itself, in the words of every container."""

import base64
import hashlib
import io

import av
import mutagen
import numpy as np
import pytest
from mutagen.flac import FLAC, Picture
from mutagen.id3 import COMM, TALB, TCON, TDRC, TIT2, TPE1, TRCK, TXXX
from mutagen.mp4 import MP4, MP4Cover

from mvsep_watch import audio
from mvsep_watch.audio import tags as rooms
from mvsep_watch.audio.tags import UntaggableError, read_tags, write_tags
from mvsep_watch.model import Tags

JPEG = b"\xff\xd8\xff\xe0" + bytes(2000)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)
TAGS = Tags(
    texts=(
        ("title", ("So What",)),
        ("artist", ("Miles Davis", "Bill Evans")),
        ("album", ("Kind of Blue",)),
        ("albumartist", ("Miles Davis",)),
        ("tracknumber", ("1/5",)),
        ("discnumber", ("1",)),
        ("date", ("1959-08-17",)),
        ("genre", ("Jazz",)),
        ("composer", ("Miles Davis",)),
    ),
    cover=JPEG,
)
FORMATS = {"mp3": 0, "wav": 1, "flac": 2, "m4a": 3}


@pytest.fixture(params=FORMATS)
def stem(request, encode, wav):
    """An output in each of the containers."""
    return wav("Vocals.wav") if request.param == "wav" else encode(f"Vocals.{request.param}")


def tags_of(path):
    with path.open("rb") as file:
        return read_tags(file)


def sound_of(path):
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]).tobytes()


def test_every_container_keeps_what_a_song_says(stem):
    """Read again it is the same; the sound is the same to the last bit, and the file passes for a whole output."""
    before = sound_of(stem)
    write_tags(stem, TAGS)

    assert tags_of(stem) == TAGS
    assert sound_of(stem) == before
    assert audio.check_output(stem, format_number=FORMATS[stem.suffix[1:]], source_duration_s=3.0)


def test_the_same_tags_make_the_same_bytes(stem):
    """An output that is fetched again is the one that its sidecar tells of; and twice is as good as once."""
    other = stem.with_name(f"other{stem.suffix}")
    other.write_bytes(stem.read_bytes())
    write_tags(stem, TAGS)
    write_tags(other, TAGS)
    once = hashlib.sha256(other.read_bytes()).digest()
    write_tags(other, TAGS)

    assert hashlib.sha256(stem.read_bytes()).digest() == once
    assert tags_of(other) == TAGS


def test_what_an_output_says_besides_stays(encode):
    """It is the service's."""
    path = encode("Vocals.flac")
    flac = FLAC(path)
    flac["encoder_settings"] = "best"
    flac["title"] = "result"
    flac.save()
    write_tags(path, Tags(texts=(("title", ("So What",)), ("tracknumber", ("3/12",)))))

    found = FLAC(path)
    assert (found["encoder_settings"], found["title"]) == (["best"], ["So What"])
    assert (found["tracknumber"], found["tracktotal"]) == (["3"], ["12"])


def test_comments_stay_behind(encode):
    """And lyrics, and whatever else."""
    path = encode("song.mp3")
    song = mutagen.File(path)
    for frame in (TIT2(text="So What"), COMM(lang="eng", desc="", text="ripped by me"), TXXX(desc="x", text="y")):
        song.tags.add(frame)
    song.save()

    assert tags_of(path) == Tags(texts=(("title", ("So What",)),))


def test_id3_numbers_and_genres_are_read_as_words(encode):
    """An old tag says (8), and means Jazz; empty texts say nothing."""
    path = encode("song.mp3")
    song = mutagen.File(path)
    for frame in (TCON(text="(8)"), TRCK(text="3/12"), TDRC(text="1959"), TALB(text=" "), TPE1(text=["a", ""])):
        song.tags.add(frame)
    song.save()

    assert dict(tags_of(path).texts) == {
        "artist": ("a",),
        "tracknumber": ("3/12",),
        "date": ("1959",),
        "genre": ("Jazz",),
    }


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        (
            "song.ogg",
            {"TRACKNUMBER": "3", "TOTALTRACKS": "12", "YEAR": "1959"},
            {"tracknumber": "3/12", "date": "1959"},
        ),
        ("song.opus", {"title": "So What", "album artist": "Miles"}, {"title": "So What", "albumartist": "Miles"}),
        ("song.wma", {"Title": "So What", "WM/AlbumTitle": "Blue"}, {"title": "So What", "album": "Blue"}),
        ("song.wv", {"Title": "So What", "Track": "1/5"}, {"title": "So What", "tracknumber": "1/5"}),
    ],
)
def test_other_sources_have_their_own_words(encode, name, said, expected):
    """Which are understood as well."""
    path = encode(name)
    song = mutagen.File(path)
    if song.tags is None:
        song.add_tags()
    for key, text in said.items():
        song.tags[key] = text
    song.save()

    assert {key: texts[0] for key, texts in tags_of(path).texts} == expected


def test_the_front_cover_is_taken_of_several_pictures(encode):
    """The first that is of a known kind and not too large; none of them is no trouble."""
    path = encode("song.flac")
    flac = FLAC(path)
    flac["title"] = "So What"
    for kind, data in ((4, PNG), (3, b"GIF89a"), (3, JPEG + bytes(rooms.LARGEST_COVER_BYTES)), (3, JPEG)):
        picture = Picture()
        picture.type, picture.data = kind, data
        flac.add_picture(picture)
    flac.save()
    front = tags_of(path).cover
    flac.clear_pictures()
    flac.save()

    assert (front, tags_of(path).cover) == (JPEG, None)


def test_pictures_of_other_containers_are_found(encode):
    """PNG in MP4; the picture of an Ogg file is in its comments."""
    m4a, ogg = encode("song.m4a"), encode("song.ogg")
    song = MP4(m4a)
    song["\xa9nam"], song["covr"] = ["So What"], [MP4Cover(PNG, imageformat=MP4Cover.FORMAT_PNG)]
    song["trkn"], song["disk"] = [(0, 0)], [(2, 3)]
    song.save()
    other = mutagen.File(ogg)
    picture = Picture()
    picture.type, picture.data = 3, JPEG
    encoded = base64.b64encode(picture.write()).decode()
    other["title"], other["metadata_block_picture"] = "So What", ["no picture", encoded]
    other.save()
    stem = encode("Vocals.m4a")
    write_tags(stem, tags_of(m4a))

    assert tags_of(m4a) == Tags(texts=(("title", ("So What",)), ("discnumber", ("2/3",))), cover=PNG)
    assert (tags_of(ogg).cover, tags_of(stem)) == (JPEG, tags_of(m4a))


@pytest.mark.parametrize("name", ["song.flac", "song.m4a", "song.ogg", "song.mp3", "song.wav"])
def test_no_more_is_read_of_a_source_than_tags_can_be(encode, wav, monkeypatch, name):
    """Whoever hides a film among the pictures of a song gets no tags, and fills no memory."""
    path = wav(name) if name == "song.wav" else encode(name)
    song = mutagen.File(path)
    if name in ("song.flac", "song.ogg"):
        song["title"] = "So What" * 100_000
    elif name == "song.m4a":
        song["\xa9nam"], song["covr"] = ["So What"], [MP4Cover(JPEG + bytes(700_000))]
    else:
        if song.tags is None:
            song.add_tags()
        song.tags.add(TIT2(text="So What" * 100_000))
    song.save()
    before = tags_of(path)
    monkeypatch.setattr(rooms, "LARGEST_TAG_BYTES", 500_000)

    assert before.texts
    assert tags_of(path) == Tags()


@pytest.mark.parametrize("content", [b"", b"no audio at all", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", b"fLaC" + bytes(100)])
def test_a_source_that_cannot_be_understood_has_no_tags(content):
    """No trouble comes of it; and a tag of enormous size is not read at all."""
    assert not read_tags(io.BytesIO(content))


def test_a_song_without_tags_says_nothing(stem):
    """Nor does one with a picture alone."""
    assert tags_of(stem) == Tags()


@pytest.mark.parametrize("name", ["Vocals.flac", "Vocals.wav", "Vocals.mp3", "Vocals.m4a", "Vocals.mid", "Vocals"])
def test_what_carries_no_tags_is_told(tmp_path, name):
    """It is no file of that kind, or of a kind that has none."""
    (tmp_path / name).write_bytes(b"something else entirely, and not short either")

    with pytest.raises(UntaggableError):
        write_tags(tmp_path / name, TAGS)


def test_a_number_that_no_container_holds_is_left_out(encode):
    """Vinyl sides are called A1."""
    stem = encode("Vocals.m4a")
    write_tags(stem, Tags(texts=(("title", ("So What",)), ("tracknumber", ("A1",)), ("discnumber", ("70000",)))))

    assert tags_of(stem).texts == (("title", ("So What",)),)


def test_a_stems_name_is_in_its_title():
    """Wherever the song has one."""
    assert dict(TAGS.for_stem("Back vocals").texts)["title"] == ("So What (Back vocals)",)
    assert Tags(texts=(("artist", ("Miles",)),)).for_stem("Vocals").texts == (("artist", ("Miles",)),)
