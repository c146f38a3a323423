"""Hashing a source against sha256sum: `python -m tests.bench.hashing [MB]`."""

from __future__ import annotations

import sys

from tests.bench.measuring import compare, ours, scratch


def main(megabytes: int = 500) -> None:
    with scratch(megabytes << 20) as folder:
        compare(
            f"hashing {megabytes} MiB",
            {
                "sha256sum": ["sha256sum", str(folder / "data")],
                "mvsep-watch, with its start": ours("hash", folder / "data"),
                "its start alone": ours("start"),
            },
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
