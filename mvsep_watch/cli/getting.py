"""`get`: brings the results of any finished separation home, whoever sent it, by the same checks as the daemon.

All files appear at once, in a folder of their own, by one rename, and never over anything that is there. It writes no
sidecar and knows no state: what it brings is nobody's job. An interrupted `get` goes on where it stopped.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click

from mvsep_watch import naming
from mvsep_watch.cli import prompting, rendering
from mvsep_watch.cli.context import Exit, Options
from mvsep_watch.cli.reaching import reached, service_command
from mvsep_watch.cli.transfers import Transfers
from mvsep_watch.errors import AlreadyRunningError, NotFoundError, OutputDamagedError, TransportError, UsageError
from mvsep_watch.files.staging import Staging, TakenError, publish
from mvsep_watch.files.trouble import output_errors
from mvsep_watch.model import FORMATS, Output, Remote, RemoteLink, tag_in_hash
from mvsep_watch.mvsep import Client
from mvsep_watch.naming import OutputPlace, display
from mvsep_watch.steps.receiving import Receiver, suffix_of

TRIES = 3
"""How often a file is begun or gone on with before a person is told; nothing arrives twice."""
MIRROR_QUESTION = "Fetch from another mirror for 1 credit?"
"""Source: MVSEP API page, separation/get, 2026."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a separation is. `hash`: the long one where it is known, else the one that was given."""

    hash: str
    status: str
    says: str
    remote: Remote | None = None

    @property
    def is_done(self) -> bool:
        """True where its results can be fetched."""
        return self.remote is not None and self.remote.is_done


@service_command("get", short_help="Fetch the results of a separation.")
@click.argument("which", metavar="HASH")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Where to make the folder with the results; the default is here.",
)
@click.option("--mirror", is_flag=True, help="Fetch from another mirror, for a credit; asks first.")
@click.option("-y", "--yes", is_flag=True, help="Agree to the price without being asked.")
def get(options: Options, *, which: str, output: Path, mirror: bool, yes: bool) -> int:
    """Fetch the results of a finished separation, whoever sent it; of another, say how far it is.

    HASH is what the service calls it, or a link that has it; that of a link which the service fetches does as well.
    Nothing is paid, except for --mirror. Exits with 3 while there are no results.
    """
    with reached(options, needs_token=mirror) as client:
        found = _progress(client, hash_of(which))
        if not found.is_done or found.remote is None:
            return _tell_status(options, found)
        remote = found.remote
        if mirror:
            prompting.agree(MIRROR_QUESTION, yes=yes)
            remote = client.get(found.hash, mirror=True)
        folder, outputs = _fetch(client, remote, output)
    _tell(options, found, folder, outputs)
    return Exit.OK


def hash_of(which: str) -> str:
    """Take the hash out of a link to a separation; anything else is one.

    Raises:
        UsageError: There is none in it.
    """
    hash_ = which.strip()
    if "://" in hash_:
        with suppress(ValueError):
            parts = urlsplit(hash_)
            asked = parse_qs(parts.query, keep_blank_values=True)
            hash_ = asked.get("hash", [PurePosixPath(parts.path).name])[0]
    if not hash_:
        raise UsageError(f'there is no hash in "{which}"', hint="`account history` lists those of this account")
    return hash_


def folder_name(hash_: str) -> str:
    """Name the folder of a separation after what was uploaded, as far as its hash tells; a tag of ours is left out."""
    uploaded = PurePosixPath(hash_.split("-", 2)[-1]).stem
    untagged = uploaded.removeprefix(tag_in_hash(hash_) or "")
    return naming.slug(untagged) or naming.slug(hash_) or "separation"


def staging_id(hash_: str) -> str:
    """Name the staging of a separation's results, so that the next `get` of it goes on; no state has such an id."""
    return f"get-{hashlib.sha256(hash_.encode()).hexdigest()[:16]}"


def _progress(client: Client, hash_: str) -> Progress:
    """Ask how far a separation is.

    Raises:
        NotFoundError: The service does not know it, or not any more.
    """
    if "-" not in hash_:
        link = client.get_remote(hash_)
        if not link.hash:
            return Progress(hash=hash_, status=link.status, says=_link_says(link))
        hash_ = link.hash
    remote = client.get(hash_)
    if remote.status == "not_found":
        raise NotFoundError(
            f"{client.host} does not have {display(hash_)}: {display(remote.message)}",
            hint="results are kept for 72 hours, by the host that made them: --base-url names another",
        )
    return Progress(hash=hash_, status=remote.status, says=_says(remote), remote=remote)


def _link_says(link: RemoteLink) -> str:
    if link.is_early:  # one that it never heard of looks the same
        return f"not fetched yet, or not known: {link.message or link.status}"
    return _in_words(link)


def _says(remote: Remote) -> str:
    if remote.status == "done":
        return "done, and its results are not listed yet"
    chunks = {"finished_chunks": remote.finished_chunks, "all_chunks": remote.all_chunks}
    return _in_words(remote, **chunks)


def _in_words(found: Remote | RemoteLink, **chunks: int | None) -> str:
    if found.status == "failed" and found.message:
        return f"failed: {found.message}"
    place = {"queue_count": found.queue_count, "current_order": found.current_order}
    return rendering.said({"status": found.status, **place, **chunks})


def _fetch(client: Client, remote: Remote, parent: Path) -> tuple[Path, tuple[Output, ...]]:
    """Stage every result and show them under a free name."""
    staging = Staging.open(parent, state_id=staging_id(remote.hash), job_id=0, hash_=remote.hash)
    with _alone(staging.path), Transfers() as transfers:
        receiver = Receiver(client=client, staging=staging, format_number=_format_of(remote), watch=transfers.download)
        outputs = _received(receiver, remote)
        return _published(staging, parent, folder_name(remote.hash)), outputs


def _received(receiver: Receiver, remote: Remote) -> tuple[Output, ...]:
    for _ in range(TRIES - 1):
        with suppress(TransportError, OutputDamagedError):
            return receiver.receive(remote)
    return receiver.receive(remote)


def _published(staging: Staging, parent: Path, name: str) -> Path:
    """Rename to the first free of `name`, `name (2)` and so on."""
    for number in itertools.count(1):
        final = parent / (name if number == 1 else f"{name} ({number})")
        if not os.path.lexists(final):
            with suppress(TakenError):
                publish(staging, OutputPlace(final))
                return final
    raise AssertionError


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes out of a staging.

    Raises:
        AlreadyRunningError: Another fetches the same into the same place.
    """
    with output_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError(
                f"another `get` fetches the same into {display(folder.parent)}", hint="wait for it"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _format_of(remote: Remote) -> int:
    """Tell the format by the files' extensions, else by the service's words for it (`flac (lossless, 16 bit)`)."""
    words = [*(suffix_of(file) for file in remote.files), remote.output_format.partition(" ")[0].lower()]
    return next((output.number for word in words for output in FORMATS if output.extension == word), 0)


def _tell_status(options: Options, found: Progress) -> int:
    if options.json:
        rendering.print_json(_as_json(found, None, ()))
    else:
        rendering.console().print(f"{display(found.hash)}: {display(found.says)}")
    return Exit.UNFINISHED


def _tell(options: Options, found: Progress, folder: Path, outputs: tuple[Output, ...]) -> None:
    if options.json:
        rendering.print_json(_as_json(found, folder, outputs))
        return
    console = rendering.console()
    console.print(f"{rendering.count(len(outputs), 'file')} in {rendering.path(folder)}")
    for output in outputs:
        console.print(f"  {display(output.name)}  {rendering.size(output.size_bytes)}")


def _as_json(found: Progress, folder: Path | None, outputs: tuple[Output, ...]) -> dict[str, Any]:
    absolute = None if folder is None else folder.absolute()
    return {
        "hash": found.hash,
        "status": found.status,
        "says": found.says if absolute is None else "",
        "model": found.remote.algorithm if found.remote else "",
        "folder": None if absolute is None else rendering.full_path(absolute),
        "files": [
            {
                "path": rendering.full_path((absolute or Path()) / output.name),
                "stem": output.stem,
                "sha256": output.sha256,
                "size": output.size_bytes,
            }
            for output in outputs
        ],
    }
