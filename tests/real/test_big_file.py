"""A large file costs time and never memory: hashing, upload and download all stream."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

from tests.real.emulator import Emulator, Quirks
from tests.real.helpers import SIDECAR, Place, peak_memory_bytes, until

SIZE_BYTES = int(os.environ.get("MVSEP_WATCH_BIG_FILE_BYTES", str(10**9)))
SILENCE = bytes(1 << 20)
MOST_MEMORY_BYTES = 100 * 2**20
CONFIG = """
mvsep:
  token: {token}
  base_url: {base_url}
  poll: {{min: 0.3s, max: 1s}}
limits:
  max_size: 4GB
  max_duration: 10h
  credits: {{approve_batch_above: null}}
folders:
  - path: drop
    settle: 0.5s
    sep_type: 40
    format: wav
"""


def write_silence(path: Path, size_bytes: int) -> None:
    """Write a valid WAV of that size, 16 bit stereo; its silence is really there, for holes would be waited for."""
    data_bytes = (size_bytes - 44) // 4 * 4
    header = b"RIFF" + struct.pack("<I", 36 + data_bytes) + b"WAVE"
    header += struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 1, 2, 44_100, 176_400, 4, 16, b"data", data_bytes)
    with path.open("wb") as file:
        file.write(header)
        for left_bytes in range(data_bytes, 0, -len(SILENCE)):
            file.write(SILENCE[:left_bytes])


def peak_through_everything(base: Path, emulator: Emulator, size_bytes: int) -> int:
    """Let a running daemon do one large file, and give the most memory that it ever had."""
    here = Place(base, CONFIG.format(token=emulator.account.token, base_url=emulator.base_url))
    (base / "drop").mkdir()
    process = here.start()
    try:
        until(lambda: b" ready " in here.log.read_bytes(), within_s=20, tell=here.last_words)
        write_silence(base / "big.wav", size_bytes)
        (base / "big.wav").rename(base / "drop" / "big.wav")
        until((base / "drop-stems" / "big" / SIDECAR).exists, within_s=120, tell=here.last_words)
        return peak_memory_bytes(process.pid)
    finally:
        here.stop(process)


def test_a_large_file_takes_little_memory(tmp_path):
    """From the first look to the published stems the daemon stays under 100 MiB."""
    with Emulator(Quirks()) as emulator:
        peak_bytes = peak_through_everything(tmp_path, emulator, SIZE_BYTES)
    stem_bytes = (tmp_path / "drop-stems" / "big" / "Vocals.wav").stat().st_size
    shutil.rmtree(tmp_path / "drop-stems")  # pytest keeps the folders of several runs

    assert emulator.account.separations[0].size > SIZE_BYTES - 8
    assert stem_bytes > SIZE_BYTES / 3
    assert peak_bytes < MOST_MEMORY_BYTES
