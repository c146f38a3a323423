"""The daemon's peak memory while a large WAV goes through it: `python -m tests.bench.memory [MB ...]`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.real.emulator import Emulator, Quirks
from tests.real.test_big_file import peak_through_everything


def main(*megabytes: int) -> None:
    """Print the peak for each size; the smallest is the baseline."""
    peaks = {}
    for size in megabytes or (1, 100, 1000):
        with tempfile.TemporaryDirectory(prefix="mvsep-watch-bench-") as base, Emulator(Quirks()) as emulator:
            peaks[size] = peak_through_everything(Path(base), emulator, size * 1_000_000) / 2**20
    base_mib = next(iter(peaks.values()))
    print(f"\n{'WAV':>10} {'peak MiB':>10} {'ratio':>6}")
    for size, peak_mib in peaks.items():
        print(f"{size:7} MB {peak_mib:10.1f} {peak_mib / base_mib:6.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
