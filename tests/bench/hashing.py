"""Hashing a source against sha256sum: `python -m tests.bench.hashing [MB]`."""

from __future__ import annotations

import sys

from tests.bench.measuring import START, compare, ours, parser, scratch

OURS = "mvsep-watch, with its start"
MOST_TIMES = 1.0


def main(size: int) -> int:
    """Compare, print and judge."""
    with scratch(size << 20) as folder:
        is_kept = compare(
            f"hashing {size} MiB",
            {
                "sha256sum": ["sha256sum", str(folder / "data")],
                OURS: ours("hash", folder / "data"),
                START: ours("start"),
            },
            judged=OURS,
            most=MOST_TIMES,
        )
    return int(not is_kept)


if __name__ == "__main__":
    sys.exit(main(parser(__doc__).parse_args().megabytes))
