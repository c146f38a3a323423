"""Decides every name that is given: to an upload, to a job's place, to outputs; and how a path is shown.

Names are made from our own configuration and from the source's path. What the server calls a stem becomes a label in a
file name, cleaned, and never a path. The surprise: a source's name may hold any bytes but "/" and NUL; they travel as
surrogate escapes, are kept in the names of folders, and are escaped only where a person or a program reads them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mvsep_watch.model import Folder, Rule

SIDECAR_NAME = "mvsep-watch.json"
ASIDE_PREFIX = ".mvsep-watch-aside-"
"""What the name of a folder begins with in which a source is set aside until it is disposed of."""
STAGING_SUFFIX = ".part"
NOTE_SUFFIX = ".mvsep-watch.txt"
"""How the name of a note beside a source ends."""
NEW_NOTE_NAME = ".mvsep-watch-note.tmp"
"""What a note is called until it is whole; one is written at a time."""

MAX_UPLOAD_CHARACTERS = 80
MAX_PART_BYTES = 255
"""What Linux allows for one name."""
REPEAT_ROOM_BYTES = 8
"""Kept free in a job's folder for " (2)" up to " (99999)"."""
MAX_LABEL_BYTES = 200
FLAT_ROOM_BYTES = 64
"""Kept free in what the names of flat outputs begin with: for the stems that there usually are, and the sidecar."""
MAX_FOLDER_PATH_BYTES = 4095 - 320
"""What Linux allows for a path, less what is made in a job's folder and in its staging: bookkeeping and outputs."""

WINDOWS_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{device}{n}" for device in ("com", "lpt") for n in range(1, 10))]
)
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "ł": "l", "þ": "th"}
)
_NOT_IN_A_LABEL = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
"""Unicode's categories of controls, bidirectional and invisible marks, surrogates, and what is no character."""


@dataclass(frozen=True, slots=True)
class OutputPlace:
    """Where a job's outputs lie, or will: in a folder of their own, or side by side with those of others.

    An output's name is the one that it has in a folder of its own; flat, it becomes `<base> (<stem>).<ext>`.

    Args:
        base: The folder; flat, what the names of all its files begin with.
        is_flat: Whether there is no folder.
    """

    base: Path
    is_flat: bool = False

    @classmethod
    def of_sidecar(cls, path: Path) -> OutputPlace:
        """Give the place that a sidecar's path tells of."""
        if path.name == SIDECAR_NAME:
            return cls(path.parent)
        return cls(path.parent / path.name.removesuffix(f".{SIDECAR_NAME}"), is_flat=True)

    @property
    def folder(self) -> Path:
        """The folder that the files lie in."""
        return self.base.parent if self.is_flat else self.base

    @property
    def sidecar(self) -> Path:
        """Where the sidecar is."""
        return self.folder / f"{self.base.name}.{SIDECAR_NAME}" if self.is_flat else self.base / SIDECAR_NAME

    @property
    def mark(self) -> Path:
        """What is there when the outputs are: their folder, or the sidecar, which comes last and goes first."""
        return self.sidecar if self.is_flat else self.base

    def file(self, name: str) -> Path:
        """Give the path of an output; what is too long is cut in the base, before its number."""
        if not self.is_flat:
            return self.base / name
        label, _, extension = name.rpartition(".")
        ending = f" ({label}).{extension}"
        begin, number = _split_number(self.base.name)
        return self.folder / f"{_cut(begin, MAX_PART_BYTES - _size_bytes(number + ending))}{number}{ending}"

    def name_of(self, shown: str) -> str:
        """Give an output's name from that of its file; what is no file's name in this place stays as it is."""
        if self.is_flat:
            for found in reversed([*re.finditer(r" \(", shown)]):  # a long name is cut: the least of a label is meant
                label, _, extension = shown[found.end() :].rpartition(").")
                if self.file(f"{label}.{extension}").name == shown:
                    return f"{label}.{extension}"
        return shown


def is_sidecar(name: str) -> bool:
    """Say whether a file's name is that of a sidecar."""
    return name == SIDECAR_NAME or name.endswith(f".{SIDECAR_NAME}")


def upload_name(tag: str, source_name: str) -> str:
    """Name an upload: the tag, the slug of the source's name, its extension; ASCII, lower case, at most 80 characters.

    The server makes a slug of it for its hash; a name that is a slug already leaves nothing to its taste.
    """
    stem, _, extension = source_name.rpartition(".")
    if not (stem and re.fullmatch(r"[A-Za-z0-9]{1,8}", extension)):
        stem, extension = source_name, "wav"
    room = MAX_UPLOAD_CHARACTERS - len(tag) - len(extension) - 2
    return f"{tag}-{slug(stem)[:room].strip('-') or 'audio'}.{extension.lower()}"


def slug(text: str) -> str:
    """Make a slug: ASCII letters and digits, lower case, anything else a single "-"; may be empty."""
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    ascii_only = decomposed.encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")


def job_folder(
    layout: str,
    *,
    relative: PurePosixPath,
    rule: Rule,
    folder: Folder,
    sha256: str,
    taken: Callable[[PurePosixPath], bool],
    is_portable: bool = False,
) -> PurePosixPath:
    """Name a job's folder, relative to the output root; or what the names of its outputs begin with, if it has none.

    Args:
        layout: The pattern, `{rel}/{name}` and the like.
        relative: The source below its watched folder.
        rule: Gives `{rule}`.
        folder: Gives `{folder}`.
        sha256: The source's, in hexadecimal.
        taken: Says whether a folder (relative as well) is not free; it is asked until one is.
        is_portable: Whether the file system takes plain names only.

    Returns:
        The pattern filled in: never absolute, without "..", every part a name that Linux takes. Where the whole path
        would be longer than Linux takes, the outermost folders are left out.
    """
    values = {
        "rel": "/".join(relative.parent.parts),
        "name": relative.stem,
        "ext": relative.suffix.removeprefix("."),
        "rule": rule.name,
        "folder": folder.name,
        "sha8": sha256[:8],
    }
    filled = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), layout)
    named_as = portable if is_portable else str
    *parents, last = [_part(named_as(part)) for part in filled.split("/") if part not in {"", "."}] or [sha256[:8]]
    room_bytes = REPEAT_ROOM_BYTES + (FLAT_ROOM_BYTES if folder.publish == "flat" else 0)
    named = PurePosixPath(*parents, _cut(last, MAX_PART_BYTES - room_bytes))
    return first_free(_fitted(named, MAX_FOLDER_PATH_BYTES - _size_bytes(str(folder.output)) - 1), taken)


def first_free(named: PurePosixPath, taken: Callable[[PurePosixPath], bool]) -> PurePosixPath:
    """Give a name, or with the least number that makes it free: `name (2)`."""
    candidate, number = named, 1
    while taken(candidate):
        number += 1
        candidate = named.parent / f"{named.name} ({number})"
    return candidate


def portable(name: str) -> str:
    """Make of a name one that every file system takes: text, with nothing in it that Windows reserves.

    Neither a blank nor a dot is left at its end: FAT drops them in silence.
    """
    plain = re.sub(r'[\x00-\x1f\\<>:"|?*\ud800-\udfff]', "_", name)
    if plain not in {".", ".."}:
        plain = re.sub(r"[ .]+\Z", lambda end: "_" * len(end[0]), plain)
    return f"_{plain}" if plain.partition(".")[0].strip().lower() in WINDOWS_RESERVED else plain


def _part(part: str) -> str:
    if part == "..":
        return "__"
    if part.lower().endswith(STAGING_SUFFIX):  # that suffix says "staging", to us and to people
        part += "_"
    return _cut(part, MAX_PART_BYTES)


def _split_number(name: str) -> tuple[str, str]:
    """Split the number off that tells a name from others that begin alike."""
    number = re.search(r"( \([0-9]+\))?\Z", name)
    assert number is not None
    return name[: number.start()], number[0]


def _fitted(named: PurePosixPath, size_bytes: int) -> PurePosixPath:
    while len(named.parts) > 1 and _size_bytes(str(named)) + REPEAT_ROOM_BYTES > size_bytes:
        named = PurePosixPath(*named.parts[1:])
    return named


def note_name(source_name: str) -> str:
    """Name the note beside a source; a long name is cut, and told from others that begin like it by a hash."""
    if _size_bytes(source_name + NOTE_SUFFIX) <= MAX_PART_BYTES:
        return source_name + NOTE_SUFFIX
    end = f"~{hashlib.sha256(source_name.encode(errors='surrogateescape')).hexdigest()[:8]}{NOTE_SUFFIX}"
    return _cut(source_name, MAX_PART_BYTES - len(end)) + end


def output_names(labels: Sequence[str], extension_of: Callable[[str], str]) -> tuple[str, ...]:
    """Name output files after the server's labels, in their order.

    Args:
        labels: Stem labels as the server wrote them: anything at all.
        extension_of: Gives a label's extension, without a dot; asked once for each, in order.

    Returns:
        `<label>.<ext>` each, cleaned; no two alike, in any case, on any file system.
    """
    used = {_fold(SIDECAR_NAME)}
    names = []
    for label in labels:
        name = _unused(_label(label), _extension(extension_of(label)), used)
        used.add(_fold(name))
        names.append(name)
    return tuple(names)


def _label(text: str) -> str:
    """Clean a label until it is a plain file name on Linux, Windows and macOS."""
    kept = (char for char in unicodedata.normalize("NFC", text) if unicodedata.category(char) not in _NOT_IN_A_LABEL)
    plain = re.sub(r'[/\\<>:"|?*]+', "_", "".join(kept))
    cut = _cut(plain.lstrip(" .-_"), MAX_LABEL_BYTES).rstrip(" .")
    if cut.partition(".")[0].strip().lower() in WINDOWS_RESERVED:
        cut = f"_{cut}"
    return cut or "output"


def _extension(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())[:8] or "bin"


def _unused(label: str, extension: str, used: set[str]) -> str:
    name, number = f"{label}.{extension}", 1
    while _fold(name) in used:
        number += 1
        name = f"{label} ({number}).{extension}"
    return name


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def chosen(
    stems: Iterable[str] | None, labels: Sequence[str], *, slugs: Mapping[str, str] | None = None
) -> tuple[int, ...]:
    """Say which outputs a rule publishes, as indices into `labels`.

    Args:
        stems: The rule's `stems`: labels or slugs, any case; None publishes all.
        labels: The outputs' labels.
        slugs: The catalogue's slug → label of the model: its slugs (`hh`) need not be those of its labels (`Hi-hat`).
    """
    if stems is None:
        return tuple(range(len(labels)))
    asked = {_stem_key(label) for stem in stems for label in _meanings(stem, slugs or {})}
    return tuple(index for index, label in enumerate(labels) if _stem_key(label) in asked)


def unknown_stems(
    stems: Iterable[str] | None, labels: Sequence[str], *, slugs: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Name what a rule's `stems` asks for and no output is called."""
    return tuple(stem for stem in stems or () if not chosen((stem,), labels, slugs=slugs))


def _meanings(stem: str, slugs: Mapping[str, str]) -> Iterable[str]:
    yield stem
    yield from (label for slug_, label in slugs.items() if _stem_key(slug_) == _stem_key(stem))


def _stem_key(text: str) -> str:
    return slug(text) or _fold(text).strip()


def escape_path(path: Path | str | bytes) -> str:
    r"""Write a path as text that any program can read: undecodable bytes become `\xNN`, all else stays as it is.

    Reversible: a backslash that would look like such an escape is escaped itself.
    """
    text = path.decode(errors="surrogateescape") if isinstance(path, bytes) else str(path)
    marked = re.sub(r"\\(?=x[0-9a-f]{2})", r"\\x5c", text)
    return re.sub(r"[\udc80-\udcff]", lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", marked)


def unescape_path(text: str) -> str:
    r"""Read what `escape_path` wrote, undecodable bytes as Python holds them in paths."""

    def byte(found: re.Match[str]) -> str:
        number = int(found[1], 16)
        return chr(0xDC00 + number) if number >= 0x80 else chr(number)

    return re.sub(r"\\x(5c|[89a-f][0-9a-f])", byte, text)


def display(path: Path | str | bytes) -> str:
    r"""Write a path for people: as `escape_path`, and on one line, newlines as `\n`, invisible marks as `\u202e`."""
    text = escape_path(path)
    return text if text.isprintable() else "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _cut(text: str, size_bytes: int) -> str:
    """Shorten a name to a number of bytes, between characters."""
    while (excess_bytes := _size_bytes(text) - size_bytes) > 0:
        text = text[: -max(1, excess_bytes // 4)]
    return text


def _size_bytes(text: str) -> int:
    """Say how long a name or a path is on the disk."""
    return len(text.encode(errors="surrogateescape"))
