"""The writers' lock: an index folder in, the right to change it (or LockedError) out.

Readers never take it: they read one manifest, and what a manifest names does not change. The system
frees the lock when its holder dies, so a folder in the making whose lock is free has no maker.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from vecattr.errors import ArtifactError, LockedError
from vecattr.files.atomic import TEMPORARY, folder_beside, translated_errors

LOCK_FILE = "LOCK"

#: A folder in the making without a lock file may be a moment old; after this long (seconds) it is
#: what a killed build left.
_ABANDONED = 3600


@contextmanager
def writing(path: Path, *, wait: float = 0) -> Iterator[None]:
    """Hold the index at `path` for a whole read, change and publish; LockedError when another
    process holds it and has not let go of it after `wait` seconds. The system frees the lock when
    its holder dies."""
    deadline = time.monotonic() + wait
    while True:
        folder = _folder(path)
        lock = _acquired(path, wait=wait, timeout=max(0, deadline - time.monotonic()))
        if os.path.samestat(folder, _folder(path)):
            break
        lock.release()  # the index was replaced while this waited: that was the old one's lock
    try:
        yield
    finally:
        lock.release()


def _folder(path: Path) -> os.stat_result:
    with translated_errors(path):
        return os.stat(path)


def _acquired(path: Path, *, wait: float, timeout: float) -> BaseFileLock:
    lock = FileLock(path / LOCK_FILE, timeout=timeout, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        waited = f", and was not done after {wait:g} s" if wait else ""
        raise LockedError(
            f"another process is writing to this index{waited}",
            where=str(path),
            hint="try again when it is done, or wait for it (--wait); nothing was changed",
        ) from error
    except OSError as error:
        raise ArtifactError(f"cannot be locked: {error.strerror}", where=str(path)) from error
    return lock


@contextmanager
def folder_in_the_making(path: Path) -> Iterator[Path]:
    """As `folder_beside`, locked for as long as it is filled, so that `collect` knows it is."""
    with folder_beside(path) as folder, writing(folder):
        yield folder


def collect(path: Path) -> None:
    """Delete what killed builds of the index at `path` left beside it, unless somebody holds it.

    Called when the index is whole, so that nothing that is deleted could be the only copy; what
    cannot be deleted is left.
    """
    path = path.resolve()
    for folder in path.parent.glob(f"{_literal(f'{TEMPORARY}{path.name}-')}*"):
        if not folder.is_dir() or folder.is_symlink():
            continue
        if not (folder / LOCK_FILE).exists():
            if time.time() - folder.stat().st_mtime > _ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)
            continue
        try:
            with writing(folder):
                shutil.rmtree(folder, ignore_errors=True)
        except (LockedError, ArtifactError):
            continue


def _literal(name: str) -> str:
    """A name as a pattern that matches nothing else."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
