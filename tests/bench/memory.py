"""The daemon's peak memory while a large WAV goes through it: `python -m tests.bench.memory [MB ...]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.real.emulator import Emulator, Quirks
from tests.real.test_big_file import MOST_MEMORY_BYTES, peak_through_everything

MOST_MIB = MOST_MEMORY_BYTES / 2**20


def main() -> int:
    """Print the peak for each size; the smallest is the baseline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", nargs="*", type=int, default=[1, 100, 1000], help="MB (1 100 1000)")
    peaks = {}
    for size in parser.parse_args().megabytes:
        with tempfile.TemporaryDirectory(prefix="mvsep-watch-bench-") as base, Emulator(Quirks()) as emulator:
            peaks[size] = peak_through_everything(Path(base), emulator, size * 1_000_000) / 2**20
    base_mib = next(iter(peaks.values()))
    print(f"\n{'WAV':>10} {'peak MiB':>10} {'ratio':>6}, at most {MOST_MIB:.0f} MiB")
    for size, peak_mib in peaks.items():
        missed = "" if peak_mib <= MOST_MIB else "  MISSED"
        print(f"{size:7} MB {peak_mib:10.1f} {peak_mib / base_mib:6.2f}{missed}")
    return int(max(peaks.values()) > MOST_MIB)


if __name__ == "__main__":
    sys.exit(main())
