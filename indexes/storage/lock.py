"""The writers' lock: an index folder in, the exclusive right to change it (or LockedError) out.

Readers never take it: they read one manifest, and the files that a manifest lists do not change.
The system frees the lock when its holder dies, so an unfinished folder whose lock is free is
abandoned.
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

#: An unfinished folder without a lock file may just have been created; after this long (seconds) it
#: is abandoned.
_ABANDONED = 3600


@contextmanager
def writing(path: Path, *, wait: float = 0) -> Iterator[None]:
    """Hold the lock of the index at `path`; LockedError when another process still holds it after
    `wait` seconds. Take it before reading what is to be changed, and keep it until publishing."""
    deadline = time.monotonic() + wait
    while True:
        folder = _folder(path)
        lock = _acquired(path, wait=wait, timeout=max(0, deadline - time.monotonic()))
        if os.path.samestat(folder, _folder(path)):
            break
        lock.release()  # the index was replaced meanwhile: this was the lock of the old folder
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
def unfinished_folder(path: Path) -> Iterator[Path]:
    """As `folder_beside`, locked while it is filled, so that `delete_abandoned` leaves it alone."""
    with folder_beside(path) as folder, writing(folder):
        yield folder


def delete_abandoned(path: Path) -> None:
    """Delete the folders that killed builds of the index at `path` left beside it, unless locked.

    Called when the index is complete, so that no deleted folder could be the only copy; what
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
    """A glob pattern that matches only this name."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
