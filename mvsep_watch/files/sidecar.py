"""The sidecar: the JSON file beside the outputs that says where they come from, and that all of them are there.

Written last into a staging, read to recognise what is there already, and everything that is left when the state file
is lost; so it holds all of a separation's identity. Never trusted further than that: the names in it are checked
before they become paths. The surprise: a damaged sidecar is an error and not an absence, because behind it may be
work that was paid for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from mvsep_watch.errors import NeedsUserError, SourceBusyError, SourceChangedError, SourceRefusedError
from mvsep_watch.files.reading import hash_file, opened
from mvsep_watch.files.trouble import never, output_errors, shown
from mvsep_watch.model import Output, Provenance
from mvsep_watch.naming import OutputPlace, escape_path, is_sidecar, unescape_path

FORMAT = 1
_LIMIT_BYTES = 4 << 20
"""Many times what the most stems and the longest names need."""
_KINDS: dict[str, type | tuple[type, ...]] = {"str": str, "int": int, "int | None": (int, type(None))}


class SidecarDamagedError(NeedsUserError):
    """A sidecar is there and cannot be understood."""


def write(place: OutputPlace, provenance: Provenance, *, version: str) -> Path:
    """Write the sidecar into a staging, durably, with the program's version for people to see.

    It names its outputs as their files are named.

    Raises:
        OutputRootError: It cannot be written.
    """
    path = place.sidecar
    new = path.with_name(f".{path.name}.new")
    said = _renamed(provenance, lambda name: escape_path(place.file(name).name))
    content = {"format": FORMAT, "program": f"mvsep-watch {version}", **asdict(said)}
    with output_errors(path):
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    return path


def remove(folder: Path) -> None:
    """Remove the sidecars from a staging that is not to be published yet.

    Raises:
        OutputRootError: One cannot be removed.
    """
    with output_errors(folder):
        for path in list(folder.iterdir()):
            if is_sidecar(path.name.removeprefix(".").removesuffix(".new")):
                path.unlink()


def place_in(folder: Path) -> OutputPlace | None:
    """Give the place whose sidecar a staging holds, as if its files lay there; None where it holds none."""
    found = sorted(path for path in folder.iterdir() if is_sidecar(path.name)) if folder.is_dir() else []
    return OutputPlace.of_sidecar(found[0]) if found else None


def read(place: OutputPlace) -> Provenance | None:
    """Read the sidecar of a place, or give None where there is none. Keys that are not known are passed over.

    Raises:
        SidecarDamagedError: There is one, and it cannot be read or understood.
    """
    path = place.sidecar
    try:
        with opened(path) as file:
            content = file.read(_LIMIT_BYTES)
    except SourceChangedError:
        return None
    except (SourceRefusedError, NeedsUserError) as exc:
        raise _damaged(path, exc.message) from exc
    except OSError as exc:
        raise _damaged(path, exc.strerror or str(exc)) from exc
    try:
        return _renamed(_parse(json.loads(content)), lambda name: place.name_of(_plain(unescape_path(name))))
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise _damaged(path, str(exc)) from exc


def verify(
    place: OutputPlace, outputs: Iterable[Output], *, stopping: Callable[[], bool] = never
) -> tuple[Output, ...]:
    """Compare what is in a place with what should be there, by size and sha256.

    Returns:
        The outputs that are missing or not intact; empty when all is well.

    Raises:
        SourceBusyError: One cannot be read just now.
        NeedsUserError: One may not be read.
        StoppedError: `stopping` said so.
    """
    return tuple(output for output in outputs if not _is_intact(place, output, stopping))


def changed_sizes(place: OutputPlace, outputs: Iterable[Output]) -> tuple[Output, ...]:
    """Give the outputs that are missing from a place or have another size there; reads none of them."""
    return tuple(output for output in outputs if not _has_size(place, output))


def find(root: Path, *, passed_over: Callable[[Path], None] = lambda _: None) -> Iterator[Path]:
    """Give every sidecar below a root, outside of hidden folders, following no links, in no order.

    Folders that vanish meanwhile are passed over, and those that may not be read as well: `passed_over` is told.

    Raises:
        SourceBusyError: A folder cannot be read just now.
    """
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError:
            passed_over(folder)
            continue
        except OSError as exc:
            raise SourceBusyError(f"{shown(folder)} cannot be read just now: {exc.strerror}.") from exc
        for entry in entries:
            if is_sidecar(entry.name) and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)
            elif entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                folders.append(Path(entry.path))


def _is_intact(place: OutputPlace, output: Output, stopping: Callable[[], bool]) -> bool:
    try:
        return _has_size(place, output) and hash_file(place.file(output.name), stopping=stopping)[0] == output.sha256
    except (SourceChangedError, SourceRefusedError):
        return False


def _has_size(place: OutputPlace, output: Output) -> bool:
    if "/" in output.name or "\0" in output.name or output.name in {"", ".", ".."}:
        return False
    path = place.file(output.name)
    try:
        return path.lstat().st_size == output.size_bytes
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as exc:
        raise SourceBusyError(f"{shown(path)} cannot be read just now: {exc.strerror}.") from exc


def _damaged(path: Path, why: str) -> SidecarDamagedError:
    return SidecarDamagedError(
        f"{shown(path)} cannot be understood: {why}",
        hint="Restore it from a backup, or move it and its outputs to another place.",
    )


def _renamed(provenance: Provenance, name_of: Callable[[str], str]) -> Provenance:
    outputs = tuple(replace(output, name=name_of(output.name)) for output in provenance.outputs)
    return replace(provenance, outputs=outputs)


def _parse(content: Any) -> Provenance:
    if content["format"] != FORMAT:
        raise ValueError(f"format {content['format']}, this program knows {FORMAT}")
    outputs = tuple(Output(**_checked(Output, output)) for output in content["outputs"])
    return Provenance(**_checked(Provenance, content), outputs=outputs)


def _plain(name: str) -> str:
    """Refuse a name that would lead elsewhere: whoever can write here can write a sidecar."""
    if "/" in name or "\0" in name or name in {"", ".", ".."}:
        raise ValueError(f"no file name: {name!r}")
    return name


def _checked(kind: type[Output | Provenance], content: dict[str, Any]) -> dict[str, Any]:
    """Take the fields that are known, each of its own type."""
    values = {}
    for field in fields(kind):
        expected = _KINDS.get(str(field.type))
        if expected is None:
            continue
        value = content[field.name]
        if not isinstance(value, expected) or isinstance(value, bool):
            raise TypeError(f"{field.name} is {value!r}")
        values[field.name] = value
    return values
