"""Downloading against curl, to the disk: `python -m tests.bench.download [MB] [--tls]`.

curl does not hash and does not wait for the disk; the daemon does both, since it says "done" only of what is kept.
"""

from __future__ import annotations

import sys

from tests.bench.measuring import START, compare, ours, parser, scratch, serving

OURS = "mvsep-watch, hashing, synced, with its start"
MOST_TIMES = 1.5


def main(size: int, *, is_encrypted: bool) -> int:
    """Compare, print and judge."""
    size_bytes = size << 20
    with scratch(size_bytes) as folder, serving(is_encrypted=is_encrypted) as base_url:
        there, address = str(folder / "got"), f"{base_url}/{size_bytes}"
        curl = ["curl", "-sS", "-o", there, address]
        is_kept = compare(
            f"downloading {size} MiB{', encrypted' if is_encrypted else ''}",
            {
                "curl": curl,
                "curl, sha256sum and sync": ["sh", "-c", f'"$@" && sha256sum "{there}" && sync "{there}"', "sh", *curl],
                OURS: ours("download", base_url, str(size_bytes), folder),
                "its start and its hashing alone": ours("hash", folder / "data"),
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
