"""The writers' lock: an index folder in, the exclusive right to change it (or LockedError) out.

The lock is `flock` of a file that is opened in the open folder and nowhere else: a link in its
place is not followed, and its content is not touched (libraries that lock open it by its path).
Readers never take it: they read one manifest, and the files that a manifest lists do not change.
The system frees the lock when its holder dies, so an unfinished folder whose lock is free is
abandoned.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vecattr.errors import ArtifactError, LockedError, MovedError
from vecattr.files.access import Access
from vecattr.files.atomic import TEMPORARY, delete_folder, folder_beside, translated_errors
from vecattr.files.disk import disk
from vecattr.files.folder import Entry, Location, OpenFolder
from vecattr.indexes.storage.index_folder import (
    LOCK_FILE,
    check_index_folder,
    is_made,
    opened_folder,
)
from vecattr.posix import fcntl

__all__ = [
    "LOCK_FILE",
    "LockedFolder",
    "delete_abandoned",
    "sweep_beside",
    "unfinished_folder",
    "writing",
]

#: An unfinished folder without a lock file may just have been created; after this long (seconds) it
#: is abandoned.
_ABANDONED = 3600

#: Seconds between two tries to lock.
_BETWEEN_TRIES = 0.05

#: What `flock` says where a file system has none.
_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL, errno.ENOTTY)

#: How the name of an unfinished folder ends, or that of a folder that was replaced.
_RANDOM = r"[a-z0-9_]{8}(\.old)?"


@dataclass(frozen=True)
class LockedFolder:
    """An open index folder whose lock this process holds."""

    opened: OpenFolder

    @property
    def path(self) -> Path:
        """Its path, as it was given."""
        return self.opened.path

    @property
    def handle(self) -> int:
        """Its descriptor."""
        return self.opened.handle

    @property
    def root(self) -> Entry:
        """The folder, to read its entries."""
        return self.opened.root

    def is_in_place(self) -> bool:
        """Whether the folder at the path is still the one that is locked."""
        return self.opened.is_in_place()

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
def writing(path: Location, *, wait: float = 0) -> Iterator[LockedFolder]:
    """Hold the lock of the index at `path`; LockedError when another process still holds it after
    `wait` seconds. Take it before reading what is to be changed, and keep it until publishing."""
    deadline = time.monotonic() + wait
    while True:
        with translated_errors(path):
            opened = opened_folder(path)
        with opened:
            check_index_folder(opened.root)
            try:
                file = _open_lock(opened)
            except FileNotFoundError:  # the folder was deleted since it was opened
                continue
            with _locked(file, opened, wait=wait, deadline=deadline):
                folder = LockedFolder(opened)
                if folder.is_in_place():
                    with _says_when_replaced(folder):
                        yield folder
                    return
        # The index was replaced meanwhile: this was the lock of the old folder.


@contextmanager
def _locked(file: int, folder: OpenFolder, *, wait: float, deadline: float) -> Iterator[None]:
    """Hold the lock file of the folder, which is closed at the end."""
    try:
        while not _is_acquired(file, folder):
            if time.monotonic() >= deadline:
                waited = f", and was not done after {wait:g} s" if wait else ""
                raise LockedError(
                    f"another process is writing to this index{waited}",
                    where=str(folder.path),
                    hint="try again when it is done, or wait for it (--wait); nothing was changed",
                )
            time.sleep(_BETWEEN_TRIES)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)  # also in processes that were forked meanwhile
    finally:
        with contextlib.suppress(OSError):
            os.close(file)


def _open_lock(folder: OpenFolder) -> int:
    """The lock file, made when it is not there: who may write in the folder may lock it, too.
    FileNotFoundError when the folder was deleted, ArtifactError when the disk refuses, or when
    there is something else than an empty file."""
    entry = folder.root / LOCK_FILE
    try:
        try:
            file = entry.open_to_write(os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            file = entry.open_to_write(os.O_RDWR)
        else:
            Access.from_stat(os.fstat(folder.handle)).for_files().give(file)
    except FileNotFoundError:
        raise
    except OSError as error:
        what = f"cannot be locked: {error.strerror}"
        raise ArtifactError(what, where=str(folder.path)) from error
    if size := os.fstat(file).st_size:
        os.close(file)
        raise ArtifactError(
            f"holds {size} bytes, and a lock file is empty; nothing was changed",
            where=str(entry),
            hint="move it away: it is no lock file of vecattr",
        )
    return file


def _is_acquired(file: int, folder: OpenFolder) -> bool:
    """Whether the lock is held now; ArtifactError where there are no locks."""
    try:
        disk().lock(file)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise ArtifactError(
                f"cannot be locked: its file system has no locks (flock): {error.strerror}",
                where=str(folder.path),
                hint="keep the index on another file system; asking it works there, too",
            ) from error
        raise ArtifactError(
            f"cannot be locked: {error.strerror}", where=str(folder.path)
        ) from error
    return True


@contextmanager
def _says_when_replaced(folder: LockedFolder) -> Iterator[None]:
    """Errors about files that are not there, because their folder is not, tell about the folder."""
    try:
        yield
    except MovedError:
        raise
    except ArtifactError:
        folder.check_in_place()
        raise


@contextmanager
def unfinished_folder(path: Location) -> Iterator[tuple[Entry, LockedFolder]]:
    """As `folder_beside`, for an index, locked while it is filled, so that `delete_abandoned`
    leaves it alone."""
    with folder_beside(path, is_made=is_made) as folder, writing(folder) as locked:
        yield folder, locked


def sweep_beside(folder: LockedFolder) -> None:
    """As `delete_abandoned`, for an index that is in the open folder, whatever has its path now."""
    name = folder.path.resolve().name
    with contextlib.suppress(OSError, ArtifactError), OpenFolder.above(folder.opened) as parent:
        delete_abandoned(parent.root, name)


def delete_abandoned(parent: Entry, name: str) -> None:
    """Delete what vecattr made in the folders that killed builds of an index of this name left
    beside it, unless locked, and the folders unless anything else lies there.

    Called when the index is complete, so that no deleted folder could be the only copy; what
    cannot be deleted is left.
    """
    made_here = re.compile(re.escape(f"{TEMPORARY}{name}-") + _RANDOM)
    with contextlib.suppress(OSError, ArtifactError):
        for folder in sorted(parent.iterdir(), key=str):
            if made_here.fullmatch(folder.name) and folder.is_dir():
                _delete_unless_locked(folder)


def _delete_unless_locked(folder: Entry) -> None:
    with contextlib.suppress(LockedError, ArtifactError, OSError):
        if (folder / LOCK_FILE).exists():
            with writing(folder):
                delete_folder(folder, is_made=is_made)
        elif time.time() - folder.stat().st_mtime > _ABANDONED:
            delete_folder(folder, is_made=is_made)
