"""The calls about separations: making one, looking at it, ending it, and bringing its results home."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager

from mvsep_watch.model import Created, Remote, RemoteLink, Settings
from mvsep_watch.mvsep.base import Calls
from mvsep_watch.mvsep.download import Download
from mvsep_watch.mvsep.form import Source, fields_of, files_of, opened
from mvsep_watch.mvsep.pace import Patience
from mvsep_watch.mvsep.parse import read_created, read_remote, read_remote_link
from mvsep_watch.mvsep.refusals import (
    UPLOAD_HINT,
    cancel_error,
    create_error,
    delete_error,
    mirror_error,
    service_error,
)
from mvsep_watch.mvsep.upload import BeforeLastChunk, Digest, Progress, UploadBody


class Separations(Calls):
    """`separation/*`."""

    def create(
        self,
        source: Source,
        settings: Settings,
        *,
        upload_name: str | None = None,
        progress: Progress | None = None,
        before_last_chunk: BeforeLastChunk | None = None,
        digest: Callable[[], Digest] = hashlib.sha256,
        stopping: Callable[[], bool] | None = None,
    ) -> Created:
        """Send an input and have it separated; this is what can be paid for.

        Args:
            source: A file, or the two of a pair, read once in constant memory; a link that the service fetches; None
                for a model that works from the texts in the settings' options.
            settings: Sent in full.
            upload_name: What a file goes by; defaults to its own name, and is made ASCII-safe either way. The
                reference of a pair takes over what stands before the first "-", which is the tag.
            progress: Given bytes of the files sent and their size.
            before_last_chunk: Given each file's digest (hex) and an `fstat` made after its last byte was read, in the
                order target, reference; nothing for a link and a text. Nothing can have been made before it returns;
                what it raises drops the connection and passes through untouched.
            digest: Begins the hash that `before_last_chunk` is given; without the one nothing is hashed.
            stopping: Asked between chunks.

        Returns:
            The hash: what `get` takes, for a link what `get_remote` takes.

        Raises:
            MvsepWatchError: With `refused` where the service itself did not take the work. Any other error that is
                raised after `before_last_chunk` returned leaves the outcome unknown.
            SourceChangedError: A file is gone or changed its size; nothing was made.
            SourceBusyError: A file cannot be read just now; nothing was made.
            StoppedError: `stopping` said so; nothing was made.
        """
        fields = fields_of(source, settings, token=self._token_for("separation/create"))
        with opened(files_of(source, upload_name)) as files:
            body = UploadBody(
                fields,
                files,
                before_last_chunk=before_last_chunk,
                digest=digest,
                progress=progress,
                stopping=stopping,
                rate=self.upload_rate,
            )
            answer = self._wire.upload("separation/create", body, hint=UPLOAD_HINT)
        created = read_created(answer)
        if created is None:
            raise create_error(answer)
        return created

    def get(
        self, hash_: str, *, base_url: str | None = None, mirror: bool = False, patience: Patience = Patience.ORDINARY
    ) -> Remote:
        """Ask how a separation is doing; `not_found` is a status and no error.

        Args:
            hash_: As `create` gave it; for a link as `get_remote` gave it.
            base_url: The host that the separation was made on; defaults to the client's.
            mirror: Have the files served from another mirror. It sends the token and costs 1 credit, every time.
                Source: MVSEP API page, separation/get, 2026.
            patience: Whom the question gives way to, where turns are scarce.
        """
        params = {"hash": hash_}
        if mirror:
            params |= {"mirror": "1", "api_token": self._token_for("separation/get", base_url=base_url)}
        answer = self._wire.call("separation/get", base_url=base_url, params=params, patience=patience)
        remote = read_remote(answer, hash_=hash_, base_url=base_url or self.base_url)
        if remote is None:
            raise mirror_error(answer) if mirror else service_error(answer)
        return remote

    def get_remote(
        self, hash_: str, *, base_url: str | None = None, patience: Patience = Patience.ORDINARY
    ) -> RemoteLink:
        """Ask how far the service is with a link; once it is `done` it gives the hash that `get` takes.

        Args:
            hash_: The short one that `create` gave for the link.
            base_url: The host that the separation was made on; defaults to the client's.
            patience: Whom the question gives way to, where turns are scarce.
        """
        params = {"hash": hash_}
        answer = self._wire.call("separation/get-remote", base_url=base_url, params=params, patience=patience)
        remote = read_remote_link(answer)
        if remote is None:
            raise service_error(answer)
        return remote

    def cancel(self, hash_: str, *, base_url: str | None = None) -> None:
        """Cancel a separation; the service gives the credits back if it had not begun.

        Args:
            hash_: As `create` gave it.
            base_url: The host that the separation was made on; only of this client's realm, for it gets the token.

        Raises:
            RequestRefusedError: The service says no, in its own words.
        """
        form = {"api_token": self._token_for("separation/cancel", base_url=base_url), "hash": hash_}
        self._post("separation/cancel", form, refusal=cancel_error, base_url=base_url)

    def delete(self, hash_: str, *, base_url: str | None = None) -> None:
        """Delete a separation with its files on the server, which nothing brings back.

        Args:
            hash_: As `get` takes it.
            base_url: The host that the separation was made on; only of this client's realm, for it gets the token.

        Raises:
            RequestRefusedError: The service says no, in its own words.

        Source: three public clients, 2026; no page documents it.
        """
        form = {"api_token": self._token_for("separation/delete", base_url=base_url), "hash": hash_}
        self._post("separation/delete", form, refusal=delete_error, base_url=base_url)

    def download(self, url: str, *, offset: int = 0, validator: str | None = None) -> AbstractContextManager[Download]:
        """Open a result's file, from an offset where that is safe.

        Args:
            url: As the service gave it; nothing is added to it.
            offset: How many bytes are here already.
            validator: What the earlier attempt's `Download.validator` was; without one it starts at 0.

        Raises:
            LinkExpiredError: The link is dead; `get` gives fresh ones.
            OutputDamagedError: It is a web page, or longer than announced.
            TransportError: It ended early; raised while reading `chunks`.
            RequestRefusedError: The address is not one to ask.
        """
        return self._wire.download(url, offset=offset, validator=validator, rate=self.download_rate)
