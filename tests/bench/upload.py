"""Uploading against curl, to a server that throws everything away: `python -m tests.bench.upload [MB] [--tls]`.

curl does not hash; the daemon hashes what it sends, to know that it is what was identified.
"""

from __future__ import annotations

import sys

from tests.bench.measuring import START, compare, ours, parser, scratch, serving

OURS = "mvsep-watch, hashing, with its start"
MOST_TIMES = 2.0


def main(size: int, *, is_encrypted: bool) -> int:
    """Compare, print and judge."""
    with scratch(size << 20) as folder, serving(is_encrypted=is_encrypted) as base_url:
        data, address = str(folder / "data"), f"{base_url}/api/separation/create"
        curl = ["curl", "-sS", "-F", f"audiofile=@{data}", address]
        is_kept = compare(
            f"uploading {size} MiB{', encrypted' if is_encrypted else ''}",
            {
                "curl": curl,
                "curl and sha256sum": ["sh", "-c", f'sha256sum "{data}" && "$@"', "sh", *curl],
                OURS: ours("upload", base_url, data),
                "its start and identifying the file": ours("identify", data),
                START: ours("start"),
            },
            judged=OURS,
            most=MOST_TIMES,
        )
    return int(not is_kept)


if __name__ == "__main__":
    words = parser(__doc__)
    words.add_argument("--tls", action="store_true", help="over an encrypted connection")
    given = words.parse_args()
    sys.exit(main(given.megabytes, is_encrypted=given.tls))
