"""Uploading against curl, to a server that throws everything away: `python -m tests.bench.upload [MB] [--tls]`.

curl does not hash; the daemon hashes what it sends, to know that it is what was identified.
"""

from __future__ import annotations

import sys

from tests.bench.measuring import compare, ours, scratch, serving


def main(megabytes: int = 500, *, is_encrypted: bool = False) -> None:
    with scratch(megabytes << 20) as folder, serving(is_encrypted=is_encrypted) as base_url:
        data, address = str(folder / "data"), f"{base_url}/api/separation/create"
        curl = ["curl", "-sS", "-F", f"audiofile=@{data}", address]
        compare(
            f"uploading {megabytes} MiB{', encrypted' if is_encrypted else ''}",
            {
                "curl": curl,
                "curl and sha256sum": ["sh", "-c", f'sha256sum "{data}" && "$@"', "sh", *curl],
                "mvsep-watch, hashing, with its start": ours("upload", base_url, data),
                "its start and identifying the file": ours("identify", data),
                "its start alone": ours("start"),
            },
        )


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:] if word != "--tls"), is_encrypted="--tls" in sys.argv)
