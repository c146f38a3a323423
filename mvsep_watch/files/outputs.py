"""Copies outputs that another job has published, for a job that shares its separation. Pays nothing, asks nobody.

Each is hashed on the way, so what was edited or damaged meanwhile is left out, and is fetched again while the server
keeps it. The surprise: no hard links, however cheap: an editor that changes one job's stem in place would change the
other's as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mvsep_watch.errors import OutputDamagedError, SourceChangedError, SourceRefusedError
from mvsep_watch.files.reading import blocks, opened
from mvsep_watch.files.staging import Staging, plain
from mvsep_watch.files.trouble import never
from mvsep_watch.model import Output
from mvsep_watch.naming import OutputPlace


def copy_verified(
    place: OutputPlace, outputs: Iterable[Output], staging: Staging, *, stopping: Callable[[], bool] = never
) -> tuple[Output, ...]:
    """Copy outputs from where another job published them into a staging, under the same names.

    Returns:
        Those that were found intact and are now complete in the staging.

    Raises:
        OutputRootError: The staging cannot be written.
        SourceBusyError: One cannot be read just now.
        NeedsUserError: One may not be read.
        StoppedError: `stopping` said so.
    """
    return tuple(output for output in outputs if _copy(place, output, staging, stopping))


def _copy(place: OutputPlace, output: Output, staging: Staging, stopping: Callable[[], bool]) -> bool:
    try:
        with opened(place.file(plain(output.name))) as file:
            staging.write(
                output.name,
                blocks(file, stopping=stopping),
                size_bytes=output.size_bytes,
                sha256=output.sha256,
                stopping=stopping,
            )
    except (SourceChangedError, SourceRefusedError, ValueError):
        return False
    except OutputDamagedError:
        staging.drop(output.name)
        return False
    return True
