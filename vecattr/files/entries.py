"""What lies in an open folder: checked to be files and folders alone, or extended by a line."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from vecattr.files.access import Access
from vecattr.files.atomic import atomic_write, read_file, translated_errors
from vecattr.files.disk import closed_after, disk, write_all
from vecattr.files.folder import Entry, refused


def check_entries(folder: Entry, subfolders: Iterable[str]) -> None:
    """ArtifactError naming the first entry of the folder, or of these subfolders, that is neither a
    regular file nor a folder."""
    with translated_errors(folder):
        _check_folder(folder)
        for name in subfolders:
            if (folder / name).is_dir():
                _check_folder(folder / name)


def _check_folder(folder: Entry) -> None:
    with folder.opened_folder() as handle, os.scandir(handle) as entries:
        for entry in entries:
            if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                _refuse_special(folder / entry.name)


def _refuse_special(entry: Entry) -> None:
    try:
        mode = entry.stat().st_mode
    except FileNotFoundError:
        return  # deleted by a writer since it was listed
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise refused(entry, mode)


def append_line(file: Entry, line: str) -> None:
    """Add one line to a text file and wait until it is on disk; an incomplete last line is ended
    first. A new file gets mode and group of its folder. A file that has other names, too (hard
    links), is replaced by one that has not, so that nothing elsewhere is changed.

    ArtifactError when the disk refuses, or when it is no regular file."""
    with translated_errors(file):
        handle = file.open_to_write(os.O_RDWR | os.O_APPEND | os.O_CREAT)
        with closed_after(handle):
            status = os.fstat(handle)
            size = status.st_size
            if status.st_nlink > 1:
                before = read_file(file)
                atomic_write(file, _with_line(before, line), in_shared_folder=True)
                return
            if size == 0:
                Access.from_stat(file.parent.stat()).for_files().give(handle)
            last = os.pread(handle, 1, size - 1) if size else b""
            write_all(handle, _with_line(last, line)[len(last) :])
            disk().sync(handle)


def _with_line(text: bytes, line: str) -> bytes:
    """The text with one more line; an incomplete last one is ended first."""
    is_incomplete = bool(text) and not text.endswith(b"\n")
    return text + b"\n" * is_incomplete + line.encode() + b"\n"
