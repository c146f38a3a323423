"""What a song says of itself: its title, who plays it, its cover. Read from a source, written into stems.

Only what helps to find a stem again is taken; comments, lyrics and everything else stay behind. Each container has its
own words for it, so there is one form in between. The audio itself is never touched. The surprise: whatever a parser
raises on a source means that there are no tags; a song is no worse for that.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from mutagen import File, MutagenError
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TALB, TCOM, TCON, TDRC, TIT2, TPE1, TPE2, TPOS, TRCK
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4Cover, MP4Tags
from mutagen.wave import WAVE

from mvsep_watch.model import Tags

LARGEST_COVER_BYTES = 2 << 20
"""More than a cover needs on any screen; each stem carries it."""
LARGEST_TAG_BYTES = 32 << 20
"""Tags are read into memory whole, with all their pictures; of larger ones nothing is read."""
LONGEST_TEXT = 1000
_JPEG, _PNG = "image/jpeg", "image/png"
_MAGIC = {b"\xff\xd8\xff": _JPEG, b"\x89PNG\r\n\x1a\n": _PNG}
_FRONT_COVER = 3
_NUMBERED = ("tracknumber", "discnumber")

_ID3 = {
    "title": TIT2,
    "artist": TPE1,
    "album": TALB,
    "albumartist": TPE2,
    "tracknumber": TRCK,
    "discnumber": TPOS,
    "date": TDRC,
    "genre": TCON,
    "composer": TCOM,
}
_MP4 = {
    "title": "\xa9nam",
    "artist": "\xa9ART",
    "album": "\xa9alb",
    "albumartist": "aART",
    "tracknumber": "trkn",
    "discnumber": "disk",
    "date": "\xa9day",
    "genre": "\xa9gen",
    "composer": "\xa9wrt",
}
_ALIASES = {
    **{name: name for name in _ID3},
    "album artist": "albumartist",
    "track": "tracknumber",
    "disc": "discnumber",
    "year": "date",
    "author": "artist",
    "wm/albumtitle": "album",
    "wm/albumartist": "albumartist",
    "wm/tracknumber": "tracknumber",
    "wm/partofset": "discnumber",
    "wm/year": "date",
    "wm/genre": "genre",
    "wm/composer": "composer",
}
"""Names in Vorbis comments, APEv2 and ASF, in lower case."""
_TOTALS = {
    "tracknumber": ("tracktotal", "totaltracks"),
    "discnumber": ("disctotal", "totaldiscs"),
}


class _Sparing:
    """A file of which no more is read than a limit, wherever that is: a parser asks for as much as the file says."""

    def __init__(self, file: BinaryIO, limit_bytes: int) -> None:
        self._file = file
        self._left_bytes = limit_bytes
        self.seek, self.tell = file.seek, file.tell

    def read(self, size_bytes: int = -1) -> bytes:
        """Read so much, or all that is left of the limit.

        Raises:
            ValueError: That is more.
        """
        if size_bytes > self._left_bytes:
            raise ValueError(f"{size_bytes} bytes of tags, where {self._left_bytes} may be read")
        found = self._file.read(self._left_bytes if size_bytes < 0 else size_bytes)
        self._left_bytes -= len(found)
        return found


class UntaggableError(ValueError):
    """A file cannot carry tags; the text is the reason, without the file's name. It may be damaged by the attempt."""


def read_tags(file: BinaryIO) -> Tags:
    """Read the tags of a source; none where there are none, or none that can be read and understood."""
    try:
        found = File(_Sparing(file, LARGEST_TAG_BYTES))
        texts = dict(_texts_of(found.tags)) if found is not None and found.tags is not None else {}
        cover = _cover_of(found) if texts else None
    except Exception:  # noqa: BLE001 - there is hardly an exception that a damaged tag has not drawn from a parser
        return Tags()
    return Tags(texts=tuple(texts.items()), cover=cover)


def write_tags(path: Path, tags: Tags) -> None:
    """Write tags into an output, beside those that it has; the audio stays as it is.

    Raises:
        UntaggableError: Its container carries none, or cannot be understood.
        OSError: It cannot be written.
    """
    write = _WRITERS.get(path.suffix)
    if write is None:
        raise UntaggableError(f"a {path.suffix or 'nameless'} file carries no tags")
    try:
        with path.open("r+b") as file:
            write(file, tags)
    except (OSError, UntaggableError):
        raise
    except MutagenError as exc:
        if isinstance(exc.__cause__ or exc.__context__, OSError):
            raise OSError(str(exc)) from exc
        raise UntaggableError(str(exc)) from exc
    except Exception as exc:
        raise UntaggableError(f"{type(exc).__name__}: {exc}") from exc


def can_carry_tags(name: str) -> bool:
    """Say whether an output of this name can carry tags."""
    return Path(name).suffix in _WRITERS


# Reading


def _texts_of(tags: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give what tags say, by our names; numbers as `3` or `3/12`."""
    match tags:
        case ID3():
            found = _from_id3(tags)
        case MP4Tags():
            found = _from_mp4(tags)
        case _:
            found = _from_names(tags)
    for name in _ID3:
        texts = (str(text).replace("\0", " ").strip()[:LONGEST_TEXT] for text in found.get(name, ()))
        if kept := tuple(text for text in texts if text):
            yield name, kept


def _from_id3(tags: ID3) -> Mapping[str, Iterable[Any]]:
    found = {name: tags.get(frame.__name__) for name, frame in _ID3.items()}
    return {name: frame.genres if name == "genre" else frame.text for name, frame in found.items() if frame is not None}


def _from_mp4(tags: MP4Tags) -> Mapping[str, Iterable[Any]]:
    found = {name: tags[key] for name, key in _MP4.items() if key in tags}
    return {
        name: [_of_total(*pair) for pair in values] if name in _NUMBERED else values for name, values in found.items()
    }


def _from_names(tags: Any) -> Mapping[str, Iterable[Any]]:
    """Read tags that are names and values: Vorbis comments, APEv2, ASF."""
    said = {key.lower(): [getattr(each, "value", each) for each in value] for key, value in tags.items()}
    found = {_ALIASES[key]: values for key, values in said.items() if key in _ALIASES}
    for name, totals in _TOTALS.items():
        total = next((said[key][0] for key in totals if said.get(key)), None)
        if total is not None and name in found and "/" not in str(found[name][0]):
            found[name] = [f"{found[name][0]}/{total}"]
    return found


def _of_total(number: int, total: int) -> str:
    return f"{number}/{total}" if total else str(number) if number else ""


def _cover_of(found: Any) -> bytes | None:
    """Give the front cover, else the first picture, if it is one that every container takes."""
    pictures = [(kind, bytes(data)) for kind, data in _pictures(found)]
    pictures.sort(key=lambda picture: picture[0] != _FRONT_COVER)
    good = (data for _, data in pictures if len(data) <= LARGEST_COVER_BYTES and _mime_of(data))
    return next(good, None)


def _pictures(found: Any) -> Iterator[tuple[int, bytes]]:
    tags = found.tags
    if isinstance(tags, ID3):
        yield from ((frame.type, frame.data) for frame in tags.getall("APIC"))
    elif isinstance(tags, MP4Tags):
        yield from ((_FRONT_COVER, cover) for cover in tags.get("covr", ()))
    elif isinstance(found, FLAC):
        yield from ((picture.type, picture.data) for picture in found.pictures)
    else:
        for text in dict(tags).get("metadata_block_picture", ()):
            with suppress(ValueError, MutagenError):
                picture = Picture(base64.b64decode(text))
                yield picture.type, picture.data


def _mime_of(picture: bytes) -> str:
    return next((mime for begin, mime in _MAGIC.items() if picture.startswith(begin)), "")


# Writing


def _write_flac(file: BinaryIO, tags: Tags) -> None:
    flac: Any = FLAC(file)
    if flac.tags is None:
        flac.add_tags()
    for name, texts in tags.texts:
        number, _, total = texts[0].partition("/")
        flac.tags[name] = [number] if name in _NUMBERED else list(texts)
        if name in _NUMBERED and total:
            flac.tags[_TOTALS[name][0]] = [total]
    if tags.cover:
        picture = Picture()
        picture.type, picture.mime, picture.data = _FRONT_COVER, _mime_of(tags.cover), tags.cover
        flac.clear_pictures()
        flac.add_picture(picture)
    _save(flac, file)


def _write_mp3(file: BinaryIO, tags: Tags) -> None:
    _write_id3(MP3(file), file, tags)


def _write_wav(file: BinaryIO, tags: Tags) -> None:
    _write_id3(WAVE(file), file, tags)


def _write_id3(audio: Any, file: BinaryIO, tags: Tags) -> None:
    if audio.tags is None:
        audio.add_tags()
    for name, texts in tags.texts:
        audio.tags.setall(_ID3[name].__name__, [_ID3[name](encoding=3, text=list(texts))])
    if tags.cover:
        cover = APIC(encoding=0, mime=_mime_of(tags.cover), type=_FRONT_COVER, desc="", data=tags.cover)
        audio.tags.setall("APIC", [cover])
    _save(audio, file)


def _write_mp4(file: BinaryIO, tags: Tags) -> None:
    audio: Any = MP4(file)
    if audio.tags is None:
        audio.add_tags()
    for name, texts in tags.texts:
        if name not in _NUMBERED:
            audio.tags[_MP4[name]] = list(texts)
        elif pair := _pair(texts[0]):
            audio.tags[_MP4[name]] = [pair]
    if tags.cover:
        kind = MP4Cover.FORMAT_JPEG if _mime_of(tags.cover) == _JPEG else MP4Cover.FORMAT_PNG
        audio.tags["covr"] = [MP4Cover(tags.cover, imageformat=kind)]
    _save(audio, file)


def _pair(text: str) -> tuple[int, int] | None:
    """Read `3/12` as two numbers that a container can hold."""
    number, _, total = text.partition("/")
    pair = tuple(int(part) if part.strip().isdecimal() else 0 for part in (number, total))
    return (pair[0], pair[1]) if pair[0] and max(pair) < 1 << 16 else None


def _save(audio: Any, file: BinaryIO) -> None:
    file.seek(0)
    audio.save(file)


_WRITERS: dict[str, Callable[[BinaryIO, Tags], None]] = {
    ".flac": _write_flac,
    ".mp3": _write_mp3,
    ".wav": _write_wav,
    ".m4a": _write_mp4,
}
