"""Files in a folder that may be a stranger's: opened and read without following a link, and only
when they are regular files; anything else in such a folder is refused by name."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from vecattr.errors import ArtifactError
from vecattr.files.access import Access
from vecattr.files.atomic import translated_errors
from vecattr.files.disk import closed_after, disk, write_all

#: Neither of the two exists on every system.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def check_entries(folder: Path, subfolders: Iterable[str]) -> None:
    """ArtifactError naming the first entry of the folder, or of these subfolders, that is neither a
    regular file nor a folder. The folder itself may be reached by a link."""
    with translated_errors(folder):
        _check_folder(folder)
        for name in subfolders:
            if (folder / name).is_dir():  # and no link, as just checked
                _check_folder(folder / name)


def _check_folder(folder: Path) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                _refuse_special(Path(entry.path))


def _refuse_special(path: Path) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return  # deleted by a writer since it was listed
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise _refused(path, mode)


def _refused(path: Path, mode: int) -> ArtifactError:
    kind = _KINDS.get(stat.S_IFMT(mode), "no regular file")
    return ArtifactError(
        f"is {kind}, and only regular files and folders belong here; nothing was read or changed",
        where=str(path),
        hint="vecattr never makes one, so somebody else did: use this folder only if you know why, "
        "with a copy of the file in its place",
    )


def open_entry(path: Path, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
    """A descriptor of a regular file; ArtifactError when the path is anything else (a link, a pipe
    ...), MissingError when it is not there."""
    with translated_errors(path):
        try:
            opened = os.open if flags == os.O_RDONLY else disk().open
            handle = opened(path, flags | _FLAGS, mode)
        except OSError:
            _refuse_special(path)  # else it is what it says
            raise
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            raise _refused(path, status.st_mode)
    return handle


def read_entry(path: Path) -> bytes:
    """All bytes of a regular file; errors as `open_entry`."""
    with os.fdopen(open_entry(path), "rb") as file, translated_errors(path):
        return file.read()


def append_line(path: Path, line: str) -> None:
    """Add one line to a text file and wait until it is on disk; an incomplete last line is ended
    first. A new file gets mode and group of its folder.

    ArtifactError when the disk refuses, or as `open_entry`."""
    handle = open_entry(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
    with translated_errors(path), closed_after(handle):
        size = os.fstat(handle).st_size
        if size == 0:
            Access.from_path(path.parent).for_files().give(handle)
        is_incomplete = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        write_all(handle, b"\n" * is_incomplete + line.encode() + b"\n")
        disk().sync(handle)
