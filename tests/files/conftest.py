"""Trees as values, and a provenance to write."""

import hashlib

import pytest

from mvsep_watch.model import Output, Provenance


@pytest.fixture
def tree():
    """Everything below a folder: relative path → bytes, `->` target for links, None for folders."""

    def look(root):
        found = {}
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if path.is_symlink():
                found[name] = f"-> {path.readlink()}"
            else:
                found[name] = None if path.is_dir() else path.read_bytes()
        return found

    return look


@pytest.fixture
def output():
    def make(name: str, content: bytes, *, stem: str = "Vocals") -> Output:
        return Output(stem=stem, name=name, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())

    return make


@pytest.fixture
def provenance(output):
    def make(**changes) -> Provenance:
        values = {
            "state_id": "s1",
            "job_id": 7,
            "source_name": "album/caf\\xe9.wav",
            "source_size_bytes": 10,
            "source_sha256": "aa",
            "folder": "drop",
            "rule": "vocals",
            "realm": "mvsep",
            "host": "mvsep.com",
            "account": "me@example.org",
            "input_key": "sha256:aa",
            "settings": '{"v":1}',
            "attempt": 1,
            "algorithm": "BS Roformer",
            "hash": "20260101-abc",
            "tag": "mwaaaaaaaaaaaa",
            "queued_at": "2026-01-01T00:00:00Z",
            "submitted_at": "2026-01-01T00:01:00Z",
            "fetched_at": "2026-01-01T00:09:00Z",
            "credits_estimated": 4,
            "credits_charged": None,
            "outputs": (output("Vocals.flac", b"voice"), output("Other.flac", b"band", stem="Other")),
        }
        return Provenance(**values | changes)

    return make
