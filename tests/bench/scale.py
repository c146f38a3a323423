"""The daemon at scale, as one table: `python -m tests.bench.scale [--files N] [--only NAME ...]`.

Everything is measured against something that was measured in the same run, or against a bound; what misses its bound
is marked, and makes the exit code 1. CPU time is that of whole processes, which does not depend on what else the
machine does.

    rescanning    a whole look at a library that is known        resting     start, memory and CPU with nothing to do
    hearing       from an event to its file being seen           turning     a turn of the loop, with a long queue
    dropping      thousands of files at once (2 GB of disk)      scheduling  200 files through 10 slots (8 minutes)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from mvsep_watch.log import configure
from tests.bench import dropping, hearing, rescanning, resting, scheduling, turning
from tests.bench.library import end_by_sigterm, library
from tests.bench.table import HEAD, Line

WITH_A_LIBRARY = {"rescanning": rescanning.measure, "resting": resting.measure, "hearing": hearing.measure}
ALONE = {"turning": turning.measure, "dropping": dropping.measure, "scheduling": scheduling.measure}


def main(files: int, only: list[str]) -> int:
    """Print the table, line by line, and judge."""
    configure(level="error")
    print(HEAD, flush=True)
    wanted = set(only or (*WITH_A_LIBRARY, *ALONE))
    missed = [line for line in _lines(files, wanted) if _printed(line).is_missed]
    return int(bool(missed))


def _lines(files: int, wanted: set[str]) -> Iterator[Line]:
    if wanted & WITH_A_LIBRARY.keys():
        with library(files) as known:
            known.learn()
            for name in filter(wanted.__contains__, WITH_A_LIBRARY):
                yield from WITH_A_LIBRARY[name](known)
    for name in filter(wanted.__contains__, ALONE):
        yield from ALONE[name]()


def _printed(line: Line) -> Line:
    print(line, flush=True)
    return line


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000, help="in the library that is known (100000)")
    end_by_sigterm()
    names = [*WITH_A_LIBRARY, *ALONE]
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    sys.exit(main(**vars(parser.parse_args())))
