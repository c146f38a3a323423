"""Downloading against curl, to the disk: `python -m tests.bench.download [MB] [--tls]`.

curl does not hash and does not wait for the disk; the daemon does both, since it says "done" only of what is kept.
"""

from __future__ import annotations

import sys

from tests.bench.measuring import compare, ours, scratch, serving


def main(megabytes: int = 500, *, is_encrypted: bool = False) -> None:
    size = megabytes << 20
    with scratch(size) as folder, serving(is_encrypted=is_encrypted) as base_url:
        there, address = str(folder / "got"), f"{base_url}/{size}"
        curl = ["curl", "-sS", "-o", there, address]
        compare(
            f"downloading {megabytes} MiB{', encrypted' if is_encrypted else ''}",
            {
                "curl": curl,
                "curl, sha256sum and sync": ["sh", "-c", f'"$@" && sha256sum "{there}" && sync "{there}"', "sh", *curl],
                "mvsep-watch, hashing, synced, with its start": ours("download", base_url, str(size), folder),
                "its start and its hashing alone": ours("hash", folder / "data"),
                "its start alone": ours("start"),
            },
        )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:] if word != "--tls"), is_encrypted="--tls" in sys.argv)
