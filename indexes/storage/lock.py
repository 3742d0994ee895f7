"""The writers' lock: an index folder in, the exclusive right to change it (or LockedError) out.

Readers never take it: they read one manifest, and the files that a manifest lists do not change.
The system frees the lock when its holder dies, so an unfinished folder whose lock is free is
abandoned.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from vecattr.errors import ArtifactError, LockedError, MovedError
from vecattr.files.access import Access
from vecattr.files.atomic import TEMPORARY, folder_beside, translated_errors
from vecattr.files.disk import delete_tree, disk
from vecattr.indexes.storage.index_folder import check_index_folder

LOCK_FILE = "LOCK"

#: An unfinished folder without a lock file may just have been created; after this long (seconds) it
#: is abandoned.
_ABANDONED = 3600

#: How the name of an unfinished folder ends, or that of a folder that was replaced.
_RANDOM = r"[a-z0-9_]{8}(\.old)?"


@dataclass(frozen=True)
class LockedFolder:
    """The index folder at `path`, open as `handle`, whose lock this process holds."""

    path: Path
    handle: int

    def is_in_place(self) -> bool:
        """Whether the folder at the path is still the one that is locked."""
        try:
            return os.path.samestat(os.fstat(self.handle), os.stat(self.path))
        except FileNotFoundError:
            return False

    def check_in_place(self) -> None:
        """MovedError naming both folders unless the locked one is still at its path."""
        with translated_errors(self.path):
            if self.is_in_place():
                return
            locked = _shown(os.fstat(self.handle))
            present = _shown(os.stat(self.path)) if self.path.exists() else "nothing"
        raise MovedError(
            f"was replaced while it was changed: {locked} is locked and was changed, {present} is "
            "at this path now",
            where=str(self.path),
            hint="the index at this path was not changed: look at what is there, and try again",
        )


def _shown(folder: os.stat_result) -> str:
    return f"the folder with inode {folder.st_ino} of device {folder.st_dev}"


@contextmanager
def writing(path: Path, *, wait: float = 0) -> Iterator[LockedFolder]:
    """Hold the lock of the index at `path`; LockedError when another process still holds it after
    `wait` seconds. Take it before reading what is to be changed, and keep it until publishing."""
    deadline = time.monotonic() + wait
    while True:
        with translated_errors(path):
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            check_index_folder(path)
            lock = _acquired(path, wait=wait, timeout=max(0, deadline - time.monotonic()))
            try:
                folder = LockedFolder(path, handle)
                if folder.is_in_place():
                    with _says_when_replaced(folder):
                        yield folder
                    return
            finally:
                lock.release()
        finally:
            os.close(handle)
        # The index was replaced meanwhile: this was the lock of the old folder.


def _acquired(path: Path, *, wait: float, timeout: float) -> BaseFileLock:
    file = path / LOCK_FILE
    _check_lock_file(file)
    try:
        # who may write here may lock, too; its owner must, for filelock
        mode = Access.from_path(path).for_files().mode | 0o600
        lock = FileLock(file, timeout=timeout, mode=mode, thread_local=False)
        disk().lock(file, lock.acquire)
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


def _check_lock_file(file: Path) -> None:
    """ArtifactError unless the file is empty or absent: opening a lock truncates it."""
    if file.is_file() and (size := file.stat().st_size):
        raise ArtifactError(
            f"holds {size} bytes, and a lock file is empty; nothing was changed",
            where=str(file),
            hint="move it away: it is no lock file of vecattr",
        )


@contextmanager
def _says_when_replaced(folder: LockedFolder) -> Iterator[None]:
    """Errors about files that are not there, because their folder is not, tell about the folder."""
    try:
        yield
    except ArtifactError:
        folder.check_in_place()
        raise


@contextmanager
def unfinished_folder(path: Path) -> Iterator[LockedFolder]:
    """As `folder_beside`, locked while it is filled, so that `delete_abandoned` leaves it alone."""
    with folder_beside(path) as folder, writing(folder) as locked:
        yield locked


def delete_abandoned(path: Path) -> None:
    """Delete the folders that killed builds of the index at `path` left beside it, unless locked.

    Called when the index is complete, so that no deleted folder could be the only copy; what
    cannot be deleted is left.
    """
    path = path.resolve()
    made_here = re.compile(re.escape(f"{TEMPORARY}{path.name}-") + _RANDOM)
    for folder in sorted(path.parent.glob(f"{TEMPORARY}*")):
        if not made_here.fullmatch(folder.name) or not folder.is_dir() or folder.is_symlink():
            continue
        if not (folder / LOCK_FILE).exists():
            if time.time() - folder.stat().st_mtime > _ABANDONED:
                delete_tree(folder)
            continue
        try:
            with writing(folder):
                delete_tree(folder)
        except (LockedError, ArtifactError):
            continue
