"""Who may read and write: mode and group of an old file or folder in, a new one with the same out.

So a shared index stays shared, whatever the umask of the person who edits it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from vecattr.files.disk import disk
from vecattr.files.folder import Entry, Location

_GROUP, _OTHERS = 0o070, 0o007
_READ_AND_WRITE = 0o666


@dataclass(frozen=True)
class Access:
    """The permissions of a file or a folder, and the id of its group."""

    mode: int
    group: int

    @classmethod
    def from_path(cls, path: Location) -> Access:
        """The access of what is at the path; a link is not followed."""
        return cls.from_stat(path.stat() if isinstance(path, Entry) else os.lstat(path))

    @classmethod
    def from_stat(cls, status: os.stat_result) -> Access:
        """The access that `os.stat` tells."""
        return cls(stat.S_IMODE(status.st_mode), status.st_gid)

    def for_files(self) -> Access:
        """For files of a folder of this access: who may list it may read them."""
        return Access(self.mode & _READ_AND_WRITE, self.group)

    def give(self, target: Path | int) -> None:
        """Give a path, or an open file or folder, this access. Where the group cannot be kept, the
        group that it has may do no more than all others."""
        mode = self.mode
        if os.stat(target).st_gid != self.group:
            try:
                disk().change_group(target, self.group)
            except OSError:  # only a member of a group may give files to it
                mode = mode & ~_GROUP | (mode & _OTHERS) << 3
        disk().change_mode(target, mode)


def access_of_replaced(path: Location, *, in_shared_folder: bool) -> Access | None:
    """The access of the regular file at the path; for a new file in a shared folder, that of the
    folder; else None."""
    try:
        status = path.stat() if isinstance(path, Entry) else os.lstat(path)
    except FileNotFoundError:
        return Access.from_path(path.parent).for_files() if in_shared_folder else None
    access = Access.from_stat(status)
    return Access(access.mode & 0o777, access.group) if stat.S_ISREG(status.st_mode) else None


def give_to_tree(folder: Entry, access: Access) -> None:
    """Give a folder, and all folders and regular files in it, the access of a folder."""
    for entry in folder.iterdir():
        if entry.is_dir():
            give_to_tree(entry, access)
        elif entry.is_file():
            file = entry.open()
            try:
                access.for_files().give(file)
            finally:
                os.close(file)
    with folder.opened_folder() as handle:
        access.give(handle)
