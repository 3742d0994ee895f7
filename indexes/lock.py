"""The writers' lock: an index folder in, the right to change it (or LockedError) out.

Readers never take it: they read one manifest, and what a manifest names does not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vecattr.errors import ArtifactError, LockedError

LOCK_FILE = "LOCK"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Hold the index at `path` for a whole read, change and publish; LockedError at once when
    another process holds it. The system frees the lock when its holder dies."""
    lock = FileLock(path / LOCK_FILE, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            "another process is writing to this index",
            where=str(path),
            hint="try again when it is done; nothing was changed",
        ) from error
    except OSError as error:
        raise ArtifactError(f"cannot be locked: {error.strerror}", where=str(path)) from error
    try:
        yield
    finally:
        lock.release()
