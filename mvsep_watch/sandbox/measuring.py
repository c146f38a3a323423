"""What the quality checker finds in a zip: how near each stem comes to the reference set, or how loud it is.

Touches the zip and one unpacked file at a time; never unpacks more than a submission may hold. The surprise: what has
no counterpart in the reference set gets no ratio made up, but its level, which is true and says so.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from statistics import fmean

import numpy as np

from mvsep_watch.sandbox import reference
from mvsep_watch.sandbox.audio import RATE, Samples, UnreadableAudioError, decode
from mvsep_watch.sandbox.jobs import MEBIBYTE

MOST_FILES = 1000
MOST_BYTES = 1000 * MEBIBYTE
"""Unpacked."""
NAME = re.compile(r"song_(\d{3})_([a-z]+)")
SYNTH = 0
"""The one dataset of which the sandbox has its own."""


class BadZipError(Exception):
    """It is no zip that can be measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was found. `sdr` is by stem, in dB; `lines` say the same in words, and what else there is to say."""

    message: str = "OK"
    sdr: Mapping[str, float] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


def check_zip(path: Path) -> None:
    """Check that a submission can be unpacked.

    Raises:
        BadZipError: It is no zip, is empty, damaged or locked, or holds too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive)
            if not members:
                raise BadZipError("The zip file holds no files")
            if len(members) > MOST_FILES or sum(member.file_size for member in members) > MOST_BYTES:
                raise BadZipError(f"The zip file holds more than {MOST_FILES} files or {MOST_BYTES // MEBIBYTE} MB")
            if any(member.flag_bits & 1 for member in members):
                raise BadZipError("The zip file is encrypted")
    except zipfile.BadZipFile as error:
        raise BadZipError("The zipfile must be a zip file") from error


def measure(path: Path, dataset_type: int) -> Measured:
    """Measure a submission.

    Args:
        path: A zip that was checked.
        dataset_type: Which set it claims to separate.
    """
    ratios: dict[str, list[float]] = {}
    lines = []
    try:
        for name, samples in _sounds(path):
            match = NAME.fullmatch(name) if dataset_type == SYNTH else None
            if match and int(match[1]) < reference.SONGS and match[2] in reference.STEMS:
                ratios.setdefault(match[2], []).append(reference.sdr(reference.song(int(match[1]))[match[2]], samples))
            else:
                lines.append(f"No reference for {name}, its level is {_level_db(samples):.2f} dB")
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        return Measured(message=f"The zip file is damaged: {error}")
    sdr = {stem: round(fmean(each), 4) for stem, each in sorted(ratios.items())}
    told = (f"Metric sdr for {stem}: {value}" for stem, value in sdr.items())
    is_empty = not ratios and not lines
    return Measured(message="No audio in the zip file" if is_empty else "OK", sdr=sdr, lines=(*told, *lines))


def _sounds(path: Path) -> Iterator[tuple[str, Samples]]:
    """Give the start of every file that is audio, by its name without folder and extension, in order."""
    unpacked = path.with_suffix(".member")
    with zipfile.ZipFile(path) as archive:
        try:
            for member in sorted(_members(archive), key=lambda each: each.filename):
                with archive.open(member) as packed, unpacked.open("wb") as file:
                    shutil.copyfileobj(packed, file)
                try:
                    yield PurePosixPath(member.filename).stem, _start(unpacked)
                except UnreadableAudioError:
                    continue
        finally:
            unpacked.unlink(missing_ok=True)


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [member for member in archive.infolist() if not member.is_dir()]


def _start(path: Path) -> Samples:
    """Read as much as a song of the reference set has."""
    wanted = round(reference.SECONDS * RATE)
    blocks: list[Samples] = []
    for block in decode(path):
        blocks.append(block)
        wanted -= block.shape[1]
        if wanted <= 0:
            break
    return np.concatenate(blocks, axis=1)


def _level_db(samples: Samples) -> float:
    return 20 * float(np.log10(max(1e-6, float(np.sqrt(np.mean(samples**2))))))
