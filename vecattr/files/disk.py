"""The disk: the only module that changes files and folders, one method for each system call.

What to do, and what a failure means, is decided elsewhere. Tests put another `Disk` in the place of
this one (`using`), which fails at a call, or records all calls to say what a crash may leave.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vecattr.posix import fcntl, require_posix

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)

Name = str | Path


class Disk:
    """System calls that change something; each raises OSError. With `dir_fd`, an open folder, a
    name is looked up there, whatever has that folder's path by now."""

    def open(self, path: Name, flags: int, mode: int = 0o666, *, dir_fd: int | None = None) -> int:
        """A descriptor for writing."""
        return os.open(path, flags, mode, dir_fd=dir_fd)

    def open_temporary(self, folder: Path | int, prefix: str) -> tuple[int, Path]:
        """A descriptor for writing of a new file, which only its owner may read, and its path, or
        its name in an open folder."""
        if not isinstance(folder, int):
            handle, path = tempfile.mkstemp(prefix=prefix, dir=folder)
            return handle, Path(path)
        for _ in range(tempfile.TMP_MAX):
            name = prefix + secrets.token_hex(4)
            with contextlib.suppress(FileExistsError):
                return os.open(name, _NEW_FILE, 0o600, dir_fd=folder), Path(name)
        raise FileExistsError(errno.EEXIST, "no name is free for a temporary file")

    def write(self, file: int, data: bytes | memoryview) -> int:
        """Write the first of these bytes, and say how many."""
        return os.write(file, data)

    def sync(self, file: int) -> None:
        """Wait until a file's bytes, or a folder's names, are on disk."""
        os.fsync(file)

    def close(self, file: int) -> None:
        """Close a descriptor that was written to; some file systems report failed writes here."""
        os.close(file)

    def truncate(self, file: int, size: int) -> None:
        """Cut or extend an open file to so many bytes."""
        os.ftruncate(file, size)

    def replace(
        self,
        source: Name,
        target: Name,
        *,
        src_dir_fd: int | None = None,
        dst_dir_fd: int | None = None,
    ) -> None:
        """Rename; a file or an empty folder that has the name `target` is lost."""
        os.replace(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def rename_to_free_name(self, source: Name, target: Name, *, dir_fd: int | None = None) -> None:
        """Rename unless there is something at `target` (EEXIST); ENOSYS or EINVAL where the system
        or the file system cannot do so in one step."""
        _rename(source, target, _RENAME_NOREPLACE, dir_fd)

    def exchange(self, first: Name, second: Name, *, dir_fd: int | None = None) -> None:
        """Exchange two names in one step; errors as `rename_to_free_name`."""
        _rename(first, second, _RENAME_EXCHANGE, dir_fd)

    def unlink(self, path: Name, *, dir_fd: int | None = None) -> None:
        """Delete a file."""
        os.unlink(path, dir_fd=dir_fd)

    def make_folder(self, path: Name, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        """Make one folder."""
        os.mkdir(path, mode, dir_fd=dir_fd)

    def make_temporary_folder(self, folder: int | None, prefix: str) -> Path:
        """A new folder, which only its owner may list: its name in an open folder, or its path in
        that of the system (None)."""
        if folder is None:
            return Path(tempfile.mkdtemp(prefix=prefix))
        for _ in range(tempfile.TMP_MAX):
            name = prefix + secrets.token_hex(4)
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=folder)
                return Path(name)
        raise FileExistsError(errno.EEXIST, "no name is free for a temporary folder")

    def remove_folder(self, path: Name, *, dir_fd: int | None = None) -> None:
        """Delete an empty folder."""
        os.rmdir(path, dir_fd=dir_fd)

    def change_mode(self, target: Name | int, mode: int) -> None:
        """Change the permissions of a path or an open file."""
        os.chmod(target, mode)

    def change_group(self, target: Name | int, group: int) -> None:
        """Change the group of a path or an open file."""
        os.chown(target, -1, group)

    def lock(self, file: int) -> None:
        """Lock an open file; BlockingIOError when another process, or another descriptor of this
        one, holds the lock."""
        require_posix()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


_disk = Disk()


def disk() -> Disk:
    """The disk that is written to."""
    return _disk


@contextlib.contextmanager
def using(other: Disk) -> Iterator[None]:
    """Write to another disk, in all threads; for tests."""
    global _disk
    before, _disk = _disk, other
    try:
        yield
    finally:
        _disk = before


def write_all(file: int, data: bytes | memoryview) -> None:
    """Write all bytes to a descriptor."""
    rest = memoryview(data)
    while rest:
        rest = rest[disk().write(file, rest) :]


@contextlib.contextmanager
def closed_after(file: int) -> Iterator[None]:
    """Close a descriptor in any case; OSError when closing fails after nothing else did."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            disk().close(file)
        raise
    disk().close(file)


def make_folders(folder: Path) -> None:
    """Make a folder and those above it, unless they are there, and wait until they are on disk."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folders(folder.parent)
    try:
        disk().make_folder(folder)
    except FileExistsError:
        if not folder.is_dir():
            raise
    sync_folder(folder.parent)


def sync_folder(folder: Path | int) -> None:
    """Wait until the names in a folder, or an open one, are on disk (a no-op where folders cannot
    be opened)."""
    if isinstance(folder, int):
        disk().sync(folder)
        return
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        disk().sync(handle)
    finally:
        os.close(handle)


def delete_tree(folder: Path) -> None:
    """Delete a folder with all that is in it, following no link; what cannot be deleted stays."""
    with contextlib.suppress(OSError):
        for _, folders, files, handle in os.fwalk(folder, topdown=False):
            for name in (*files, *folders):
                with contextlib.suppress(OSError):
                    mode = os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode
                    delete = disk().remove_folder if stat.S_ISDIR(mode) else disk().unlink
                    delete(name, dir_fd=handle)
        disk().remove_folder(folder)


def _rename(first: Name, second: Name, how: int, dir_fd: int | None) -> None:
    """Rename in one step as `how` says; OSError, of ENOSYS where there is no such step."""
    import ctypes  # start-up

    code = errno.ENOSYS
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
            names = os.fsencode(first), os.fsencode(second)
            folder = _AT_FDCWD if dir_fd is None else dir_fd
            if renameat2(folder, names[0], folder, names[1], how) == 0:
                return
            code = ctypes.get_errno() or errno.ENOSYS
    raise OSError(code, os.strerror(code), str(second))
