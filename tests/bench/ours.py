"""What the daemon does, one thing a process, so that it can be measured from outside: start, hash, upload, download."""

from __future__ import annotations

import argparse
from pathlib import Path

import xxhash

from mvsep_watch.files.reading import hash_file
from mvsep_watch.files.staging import Staging
from mvsep_watch.model import Settings
from mvsep_watch.mvsep import Client


def hash_it(path: str) -> None:
    """Hash a file as a source is identified."""
    hash_file(Path(path))


def upload(base_url: str, path: str) -> None:
    """Send a file as the daemon does: hashed on the way by the hash that identification remembers for it."""
    with Client("T" * 30, base_url=base_url) as client:
        client.create(Path(path), Settings(sep_type=40), before_last_chunk=lambda _: None, digest=xxhash.xxh3_128)


def identify(path: str) -> None:
    """Read a file as it is identified: by both hashes."""
    hash_file(Path(path), also=xxhash.xxh3_128())


def download(base_url: str, size: str, folder: str) -> None:
    """Fetch a result as the daemon does: hashed on the way, and durably on the disk at the end."""
    staging = Staging.open(Path(folder), state_id="bench000", job_id=1, hash_="h")
    with (
        Client("T" * 30, base_url=base_url) as client,
        client.download(f"{base_url}/{size}", offset=0, validator=None) as got,
    ):
        staging.write("stem.wav", got.chunks, offset_bytes=0, size_bytes=got.size_bytes)
    staging.discard()


DOES = {"start": lambda: None, "hash": hash_it, "identify": identify, "upload": upload, "download": download}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=DOES)
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    DOES[given.what](*given.words)
