"""Decides which files of a watched folder are sources, and by which rules; names only, no file is looked at.

Three tables come first: what counts as audio, and the debris and unfinished names that NAS boxes, desktops, browsers
and sync tools leave beside it. They win over every glob, so that `include: ["*"]` does not send a `Thumbs.db`.

Globs ignore case and Unicode form. One with a "/" is laid on the whole relative path, where `*` stays within a part and
`**` stands for any number of parts; one without is laid on the name alone, at any depth. The surprise: an `exclude` of
`drafts` therefore excludes a file called `drafts`, not the folder; that is `drafts/**`.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath

from mvsep_watch.model import Folder, InputKind, Rule
from mvsep_watch.naming import NOTE_SUFFIX

AUDIO = "audio"
"""The word that stands for every usual audio extension in `include`, `exclude` and `match`."""

AUDIO_EXTENSIONS = frozenset({
    "wav", "wave", "w64", "bwf", "flac", "mp3", "mp2", "ogg", "oga", "opus", "m4a", "m4b", "mp4", "aac", "aif", "aiff",
    "aifc", "caf", "wma", "webm", "mka", "ape", "wv", "tta", "ac3",
})  # fmt: skip

LINK_EXTENSIONS = frozenset({"url", "webloc", "desktop", "txt"})
"""What a link is dropped as: by Windows, macOS, Linux desktops, and by hand."""
TEXT_EXTENSIONS = frozenset({"txt"})

DEBRIS_NAMES = {
    "@eadir": "Synology",
    "@tmp": "Synology",
    "@sharebin": "Synology",
    "#recycle": "Synology",
    "#snapshot": "Synology",
    "@recycle": "QNAP",
    "@recently-snapshot": "QNAP",
    "~snapshot": "NetApp",
    "$recycle.bin": "Windows",
    "recycler": "Windows",
    "system volume information": "Windows",
    "thumbs.db": "Windows",
    "ehthumbs.db": "Windows",
    "desktop.ini": "Windows",
    "icon\r": "macOS",
    "__macosx": "macOS",
    "network trash folder": "macOS",
    "temporary items": "macOS",
    "thevolumesettingsfolder": "macOS",
    "lost+found": "the file system",
    "mvsep-watch.json": "mvsep-watch",
}
"""Names, lower case, of files and folders that are nobody's music, and who leaves them."""

SYNOLOGY_SUFFIXES = ("@synoeastream", "@synoresource")

UNFINISHED_SUFFIXES = (
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".opdownload",
    ".filepart",
    ".!ut",
    ".!qb",
    ".bc!",
    ".aria2",
    ".ytdl",
    ".tmp",
    ".temp",
    ".swp",
    "~",
)
"""How the names of unfinished downloads and copies end; renamed when they are complete."""

UNFINISHED_PREFIXES = ("~$", "~syncthing~", "_unpack_")


def wanted(folder: Folder, relative: PurePosixPath | str) -> tuple[Rule, ...]:
    """Name the rules that apply to a file, in the folder's order; none when it is not wanted.

    Args:
        folder: The watched folder.
        relative: The file's path below it.
    """
    return selection(folder).rules(str(relative))


def why_not(folder: Folder, relative: PurePosixPath | str) -> str:
    """Say in a sentence why a file is not wanted; empty when it is."""
    return selection(folder).why_not(str(relative))


def is_pruned_dir(name: str) -> bool:
    """Say whether a scan leaves a directory out, with everything below it."""
    return bool(debris(name))


def debris(name: str) -> str:
    """Say in half a sentence why nothing of that name is ever a source; empty for an ordinary name."""
    lowered = name.lower()
    if name.startswith("."):
        return "hidden"
    if lowered in DEBRIS_NAMES:
        return f"debris of {DEBRIS_NAMES[lowered]}"
    if lowered.endswith(NOTE_SUFFIX):
        return "a note of mvsep-watch"
    if lowered.endswith(SYNOLOGY_SUFFIXES):
        return "debris of Synology"
    if lowered.endswith(UNFINISHED_SUFFIXES) or lowered.startswith(UNFINISHED_PREFIXES):
        return "the name of something unfinished"
    return ""


@lru_cache(maxsize=64)
def selection(folder: Folder) -> Selection:
    """Give the folder's globs, compiled; a scan asks once instead of once a file."""
    return Selection(folder)


class Selection:
    """A folder's globs and rules, ready to be asked about many files."""

    def __init__(self, folder: Folder) -> None:
        self._recursive = folder.recursive
        self._include = Globs(folder.include)
        self._exclude = Globs(folder.exclude)
        self._rules = tuple((rule, Globs(rule.match)) for rule in folder.rules)
        every = (self._include, self._exclude, *(globs for _, globs in self._rules))
        self._by_extension: dict[str, bool] | None = {} if all(globs.only_extensions for globs in every) else None

    def accepts(self, relative: str, name: str) -> bool:
        """Say whether a file is wanted by some rule, for a scan that has pruned the directories above it.

        Where the globs ask for nothing but extensions, each extension is asked about once.
        """
        if self._by_extension is None:
            return self._fits(relative, name) and not debris(name)
        extension = name[name.rfind(".") :].lower() if "." in name else ""
        fits = self._by_extension.get(extension)
        if fits is None:
            fits = self._by_extension[extension] = self._fits(relative, name)
        return fits and not debris(name)

    def _fits(self, relative: str, name: str) -> bool:
        if not self._include.match(relative, name) or self._exclude.match(relative, name):
            return False
        return any(_takes(rule.input, name) and globs.match(relative, name) for rule, globs in self._rules)

    def rules(self, relative: str) -> tuple[Rule, ...]:
        """Name the rules that apply, in the folder's order."""
        if self._refusal(relative):
            return ()
        name = relative.rpartition("/")[2]
        return tuple(rule for rule, globs in self._rules if _takes(rule.input, name) and globs.match(relative, name))

    def why_not(self, relative: str) -> str:
        """Say in a sentence why a file is not wanted; empty when it is."""
        refusal = self._refusal(relative)
        if refusal or self.rules(relative):
            return refusal
        name = relative.rpartition("/")[2]
        if any(globs.match(relative, name) for _, globs in self._rules):
            return "No rule's `input` is a file of this kind."
        return "No rule's `match` fits the file."

    def _refusal(self, relative: str) -> str:
        *parents, name = relative.split("/")
        for part in parents:
            if reason := debris(part):
                return f"It lies in a folder that is left out: {part!r} is {reason}."
        if reason := debris(name):
            return f"It is left out: {name!r} is {reason}."
        if parents and not self._recursive:
            return "It lies in a sub-folder, and the watched folder is not recursive."
        if not self._include.match(relative, name):
            return f"It matches nothing in `include` ({self._include})."
        if self._exclude.match(relative, name):
            return f"It matches something in `exclude` ({self._exclude})."
        return ""


def _takes(kind: InputKind, name: str) -> bool:
    """Say whether a file of this name can be an input of this kind."""
    extension = name.rpartition(".")[2].lower()
    match kind:
        case InputKind.LINK:
            return extension in LINK_EXTENSIONS
        case InputKind.TEXT:
            return extension in TEXT_EXTENSIONS
        case InputKind.FILE | InputKind.PAIR:
            return extension not in LINK_EXTENSIONS


class Globs:
    """A list of globs, as `include`, `exclude` and `match` have them."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(patterns)
        plain = [pattern for pattern in self._patterns if pattern != AUDIO and "/" not in pattern]
        self.everything = "*" in plain
        self.only_extensions = all(_EXTENSION.fullmatch(pattern) for pattern in self._patterns)
        self._audio = AUDIO in self._patterns
        self._name = re.compile("|".join(map(_translated, plain)) or r"(?!)", re.IGNORECASE)
        self._paths = tuple(_path_glob(pattern) for pattern in self._patterns if "/" in pattern)

    def __str__(self) -> str:
        return ", ".join(self._patterns)

    def match(self, relative: str, name: str) -> bool:
        """Say whether one of the globs fits."""
        if self.everything or not self._patterns:
            return self.everything
        if self._audio and name.rpartition(".")[2].lower() in AUDIO_EXTENSIONS:
            return "." in name
        return self._name.match(_composed(name)) is not None or self._match_path(relative)

    def _match_path(self, relative: str) -> bool:
        if not self._paths:
            return False
        parts = _composed(relative).split("/")
        return any(_match_parts(glob, parts) for glob in self._paths)


_EXTENSION = re.compile(rf"{AUDIO}|\*(\.[A-Za-z0-9]+)?")
"""Globs that look at nothing but a name's extension."""
_ANY_PARTS = None
_PathGlob = tuple[re.Pattern[str] | None, ...]


def _path_glob(pattern: str) -> _PathGlob:
    parts = [part for part in pattern.split("/") if part]
    if pattern.endswith("/"):
        parts.append("**")
    return tuple(_ANY_PARTS if part == "**" else re.compile(_translated(part), re.IGNORECASE) for part in parts)


def _match_parts(glob: _PathGlob, parts: list[str]) -> bool:
    if not glob:
        return not parts
    head, rest = glob[0], glob[1:]
    if head is _ANY_PARTS:
        return any(_match_parts(rest, parts[skipped:]) for skipped in range(len(parts) + 1))
    return bool(parts) and head.match(parts[0]) is not None and _match_parts(rest, parts[1:])


def _translated(pattern: str) -> str:
    return fnmatch.translate(_composed(pattern))


def _composed(text: str) -> str:
    """Give the composed form: macOS decomposes the umlauts of a name, a keyboard composes those of a glob."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
