"""Disks that fail: a number of a call in, a disk that refuses it out; and a disk that records what
it did, for `crash_states`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from faults.crash_states import Change, Journal
from vecattr.files.disk import Disk, Name

#: The calls of a disk.
CALLS = tuple(name for name in vars(Disk) if not name.startswith("_"))
#: The calls that take room on a disk.
TAKING_ROOM = frozenset(
    ("open", "open_temporary", "write", "sync", "close", "make_folder", "make_temporary_folder")
)


class FailingDisk(Disk):
    """A disk whose call of this number (from 1; 0: none) fails with this error, or, when it is
    `lasting`, every call from there on that can fail so. `calls` are the names of all calls."""

    def __init__(self, number: int = 0, error: int = errno.EIO, *, lasting: bool = False) -> None:
        self.number, self.error, self.lasting = number, error, lasting
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        return partial(self._guarded, name, method) if name in CALLS else method

    def _guarded(self, name: str, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        self.calls.append(name)
        here = len(self.calls)
        if self.lasting:
            fails = here >= self.number > 0 and (self.error != errno.ENOSPC or name in TAKING_ROOM)
        else:
            fails = here == self.number
        if fails and name == "close":
            method(*args, **options)  # a descriptor is closed all the same
        if fails:
            raise OSError(self.error, os.strerror(self.error), _path(args))
        return method(*args, **options)


def _path(args: tuple[Any, ...]) -> str | None:
    return str(args[0]) if args and not isinstance(args[0], int) else None


class RecordingDisk(Disk):
    """A disk that notes in a journal what each call changed."""

    def __init__(self, root: Path) -> None:
        self.journal = Journal.from_folder(root)

    def _note(self, what: str, change: Change) -> None:
        self.journal.changes.append((what, change))

    def _folder(self, path: Name, dir_fd: int | None) -> tuple[int, str]:
        """The node of the folder of a path, and the name in it."""
        if dir_fd is None:
            parent = os.path.dirname(os.path.abspath(path))
            status = os.stat(parent)
        else:
            assert os.path.dirname(path) in ("", ".")  # as of `os.fwalk(".")`
            status = os.fstat(dir_fd)
        return self.journal.node(status), os.path.basename(path)

    def open(self, path: Name, flags: int, mode: int = 0o666, *, dir_fd: int | None = None) -> int:
        folder, name = self._folder(path, dir_fd)
        is_new = name not in self.journal.names_now(folder)
        file = super().open(path, flags, mode, dir_fd=dir_fd)
        if is_new:
            self._create(folder, name, os.fstat(file))
        elif flags & os.O_TRUNC:
            self._note("truncate", Change.truncate(self.journal.node(os.fstat(file)), 0))
        return file

    def _create(self, folder: int, name: str, status: os.stat_result) -> None:
        node = self.journal.new_node(status)
        kind = "make" if stat.S_ISDIR(status.st_mode) else "create"
        self._note(f"{kind} {name}", Change.names({(folder, name): node}))

    def open_temporary(self, folder: Path | int, prefix: str) -> tuple[int, Path]:
        file, path = super().open_temporary(folder, prefix)
        dir_fd = folder if isinstance(folder, int) else None
        self._create(*self._folder(path, dir_fd), os.fstat(file))
        return file, path

    def write(self, file: int, data: bytes | memoryview) -> int:
        size = super().write(file, data)
        end = os.lseek(file, 0, os.SEEK_CUR)
        node = self.journal.node(os.fstat(file))
        self._note("write", Change.write(node, end - size, bytes(data[:size])))
        return size

    def sync(self, file: int) -> None:
        super().sync(file)
        self._note("sync", Change.sync(self.journal.node(os.fstat(file))))

    def truncate(self, file: int, size: int) -> None:
        super().truncate(file, size)
        self._note("truncate", Change.truncate(self.journal.node(os.fstat(file)), size))

    def replace(
        self,
        source: Name,
        target: Name,
        *,
        src_dir_fd: int | None = None,
        dst_dir_fd: int | None = None,
    ) -> None:
        old, new = self._folder(source, src_dir_fd), self._folder(target, dst_dir_fd)
        super().replace(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        node = self.journal.names_now(old[0])[old[1]]
        self._note(f"rename {old[1]} to {new[1]}", Change.names({old: None, new: node}))

    def rename_to_free_name(self, source: Name, target: Name, *, dir_fd: int | None = None) -> None:
        old, new = self._folder(source, dir_fd), self._folder(target, dir_fd)
        super().rename_to_free_name(source, target, dir_fd=dir_fd)
        node = self.journal.names_now(old[0])[old[1]]
        self._note(f"rename {old[1]} to {new[1]}", Change.names({old: None, new: node}))

    def exchange(self, first: Name, second: Name, *, dir_fd: int | None = None) -> None:
        one, other = self._folder(first, dir_fd), self._folder(second, dir_fd)
        super().exchange(first, second, dir_fd=dir_fd)
        nodes = self.journal.names_now(one[0])[one[1]], self.journal.names_now(other[0])[other[1]]
        change = Change.names({one: nodes[1], other: nodes[0]})
        self._note(f"exchange {one[1]} and {other[1]}", change)

    def unlink(self, path: Name, *, dir_fd: int | None = None) -> None:
        place = self._folder(path, dir_fd)
        super().unlink(path, dir_fd=dir_fd)
        self._note(f"unlink {place[1]}", Change.names({place: None}))

    def make_folder(self, path: Name, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        place = self._folder(path, dir_fd)
        super().make_folder(path, mode, dir_fd=dir_fd)
        self._create(*place, os.stat(path, dir_fd=dir_fd))

    def make_temporary_folder(self, folder: int | None, prefix: str) -> Path:
        path = super().make_temporary_folder(folder, prefix)
        self._create(*self._folder(path, folder), os.stat(path, dir_fd=folder))
        return path

    def remove_folder(self, path: Name, *, dir_fd: int | None = None) -> None:
        place = self._folder(path, dir_fd)
        super().remove_folder(path, dir_fd=dir_fd)
        self._note(f"rmdir {place[1]}", Change.names({place: None}))
