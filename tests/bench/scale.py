"""The daemon at scale, as one table: `python -m tests.bench.scale [--files N] [--only NAME ...]`.

Everything is measured against something that was measured in the same run, or against a bound; what misses its bound
is marked. CPU time is that of whole processes, which does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from mvsep_watch.log import configure
from tests.bench import dropping, hearing, rescanning, resting, scheduling, turning
from tests.bench.library import library
from tests.bench.table import HEAD, Line

WITH_A_LIBRARY = {"rescanning": rescanning.measure, "resting": resting.measure, "hearing": hearing.measure}
ALONE = {"turning": turning.measure, "dropping": dropping.measure, "scheduling": scheduling.measure}


def main(files: int, only: list[str]) -> None:
    """Print the table, line by line."""
    configure(level="error")
    print(HEAD, flush=True)
    wanted = set(only or (*WITH_A_LIBRARY, *ALONE))
    if wanted & WITH_A_LIBRARY.keys():
        with library(files) as known:
            known.learn()
            for name in filter(wanted.__contains__, WITH_A_LIBRARY):
                _print(WITH_A_LIBRARY[name](known))
    for name in filter(wanted.__contains__, ALONE):
        _print(ALONE[name]())


def _print(lines: Iterator[Line]) -> None:
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--only", nargs="*", default=[])
    main(**vars(parser.parse_args()))
