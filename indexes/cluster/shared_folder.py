"""Is a folder shared with all workers, and do its locks hold between them? A folder in; nothing,
or an error before any work is done, out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vecattr.errors import ArtifactError
from vecattr.files.atomic import TEMPORARY, translated_errors
from vecattr.files.disk import disk, make_folders
from vecattr.indexes.cluster.cluster import Cluster

#: What a worker says of a file that is locked here.
_LOCKED, _ABSENT, _FREE = "locked", "absent", "free"


def check_shared(cluster: Cluster, folder: Path) -> None:
    """ArtifactError naming the worker that does not see the folder, or that can lock a file in it
    while this process holds the lock: then its file system has no locks that hold between
    machines, and two builds could overwrite each other."""
    folder = folder.absolute()
    make_folders(folder)
    with _locked_file(folder) as file:
        states = cluster.on_each_worker(lock_state, str(file))
    for worker, state in sorted(states.items()):
        if state == _ABSENT:
            raise ArtifactError(
                f"the worker {worker} does not see this folder, or may not write to it",
                where=str(folder),
                hint="use a folder of a file system that all machines share, at the same path",
            )
        if state == _FREE:
            raise ArtifactError(
                f"has no locks (flock) that hold between machines: the worker {worker} could lock "
                "a file that is locked here",
                where=str(folder),
                hint="use another file system, or mount it with locks (NFS 4; Lustre with flock)",
            )


@contextmanager
def _locked_file(folder: Path) -> Iterator[Path]:
    """A file in the folder, locked here."""
    with translated_errors(folder):
        handle, file = disk().open_temporary(folder, TEMPORARY)
        try:
            disk().lock(handle)
            yield file
        finally:
            disk().close(handle)
            with suppress(OSError):
                disk().unlink(file)


def lock_state(path: str) -> str:
    """In a worker: whether a file that the client holds the lock of is locked here, too."""
    try:
        handle = disk().open(path, os.O_RDWR)
    except OSError:
        return _ABSENT
    try:
        disk().lock(handle)
    except BlockingIOError:
        return _LOCKED
    except OSError:
        return _FREE
    finally:
        disk().close(handle)
    return _FREE
