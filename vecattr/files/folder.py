"""A folder that may be a stranger's, opened once: its entries are reached by that handle alone.

No link in it is followed, and nothing but regular files is read: anything else is refused by name.
The folder keeps its entries when it is moved, or when the working folder changes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Self, TypeVar

from vecattr.errors import ArtifactError
from vecattr.files.disk import disk
from vecattr.posix import require_posix

#: Not every system has all of them.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class OpenFolder:
    """A folder, open until `close` or until nothing refers to it; its own path may be a link where
    that is the user's (`follows_link`).

    OSError when there is no such folder, ArtifactError for a link that is not followed. `path` is
    as it was given, for messages.
    """

    def __init__(
        self, path: Path, *, follows_link: bool = True, entry: Entry | None = None
    ) -> None:
        require_posix()
        self.path = path
        self._absolute = path.absolute()
        self._entry = entry
        if entry is not None:
            with entry.opened_folder() as handle:
                self.handle = os.dup(handle)
            return
        try:
            self.handle = os.open(path, _FOLDER if follows_link else _FOLDER | _NO_LINK)
        except OSError as error:
            if not follows_link and path.is_symlink():
                raise refused(path, stat.S_IFLNK) from error
            raise

    @classmethod
    def from_entry(cls, entry: Entry) -> OpenFolder:
        """A folder in an open one, whatever has its path by now; errors as `Entry.open`."""
        return cls(entry.path, entry=entry)

    @classmethod
    def above(cls, folder: OpenFolder) -> OpenFolder:
        """The folder that an open one lies in, whatever has its path by now."""
        return cls(folder.path.resolve().parent, entry=folder.root / os.pardir)

    @property
    def root(self) -> Entry:
        """The folder as an entry of itself."""
        return Entry(self, ())

    def is_in_place(self) -> bool:
        """Whether this folder is still at its path; one in an open folder, whether it still has its
        name there."""
        try:
            there = os.stat(self._absolute) if self._entry is None else self._entry.stat()
            return os.path.samestat(os.fstat(self.handle), there)
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Close it; its entries cannot be reached any more."""
        handle, self.handle = self.handle, -1
        if handle >= 0:
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "handle", -1) >= 0:  # -1, or none, when opening failed
            self.close()


@dataclass(frozen=True)
class Entry:
    """A file or a folder in an open folder, by the names on the way; it need not be there.

    It is used as a `Path` is. Its methods raise ArtifactError, which names it, when a folder on the
    way is a link or no folder.
    """

    folder: OpenFolder
    names: tuple[str, ...]

    def __truediv__(self, name: str) -> Entry:
        return Entry(self.folder, (*self.names, name))

    def __str__(self) -> str:
        return str(self.path)

    @property
    def path(self) -> Path:
        """Its path, for what takes no entry: another folder may be there by now."""
        return self.folder.path.joinpath(*self.names)

    @property
    def parent(self) -> Entry:
        """The folder that it lies in."""
        return Entry(self.folder, self.names[:-1])

    @property
    def name(self) -> str:
        """The last of the names."""
        return self.names[-1] if self.names else self.folder.path.name

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return Path(self.name).stem

    def stat(self) -> os.stat_result:
        """What `os.lstat` says of it; OSError, or ArtifactError for a folder on the way."""
        if not self.names:
            return os.fstat(self.folder.handle)
        with self._opened_parent() as parent:
            return os.stat(self.names[-1], dir_fd=parent, follow_symlinks=False)

    def _mode(self) -> int:
        try:
            return self.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return 0

    def exists(self) -> bool:
        """Whether anything has this name, a link to nowhere included."""
        return self._mode() != 0

    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self._mode())

    def is_dir(self) -> bool:
        """Whether it is a folder and no link to one."""
        return stat.S_ISDIR(self._mode())

    def iterdir(self) -> Iterator[Entry]:
        """What lies in this folder."""
        with self.opened_folder() as handle:
            names = os.listdir(handle)
        return iter([self / name for name in names])

    def open(self) -> int:
        """A descriptor of this regular file, to read it; ArtifactError when it is anything else,
        OSError when it is not there or may not be read."""
        return self._opened(os.open, os.O_RDONLY)

    def open_to_write(self, flags: int, mode: int = 0o666) -> int:
        """A descriptor of this regular file, to change it, with these flags of `os.open` and more;
        errors as `open`."""
        return self._opened(disk().open, flags, mode)

    def _opened(self, system_open: Callable[..., int], flags: int, mode: int = 0o666) -> int:
        if not self.names:
            raise refused(self, stat.S_IFDIR)
        with self._opened_parent() as parent:
            try:
                handle = system_open(
                    self.names[-1], flags | _NO_LINK | _NO_WAIT, mode, dir_fd=parent
                )
            except OSError as error:
                self._refuse_other(parent, stat.S_IFREG)
                raise self._named(error) from error
        return _checked(handle, self)

    def make_folder(self, mode: int = 0o777) -> None:
        """Make this folder; errors as `delete`."""
        with self._opened_parent() as parent:
            disk().make_folder(self.names[-1], mode, dir_fd=parent)

    def move_to(self, target: Entry) -> None:
        """Give this file the place of `target`, and wait until both folders are on disk, in the
        order in which it has a name at any time; errors as `delete`."""
        with self._opened_parent() as old, target._opened_parent() as new:
            disk().replace(self.names[-1], target.names[-1], src_dir_fd=old, dst_dir_fd=new)
            for changed in (new, old):
                disk().sync(changed)

    def delete(self) -> None:
        """Delete this file; OSError, or ArtifactError for a folder on the way."""
        with self._opened_parent() as parent:
            disk().unlink(self.names[-1], dir_fd=parent)

    @contextmanager
    def opened_folder(self) -> Iterator[int]:
        """A descriptor of this folder; errors as `open`."""
        handles = [self.folder.handle]
        try:
            for depth, name in enumerate(self.names, start=1):
                try:
                    handles.append(os.open(name, _FOLDER | _NO_LINK, dir_fd=handles[-1]))
                except OSError as error:
                    at = Entry(self.folder, self.names[:depth])
                    at._refuse_other(handles[-1], stat.S_IFDIR)
                    raise at._named(error) from error
            yield handles[-1]
        finally:
            for handle in handles[1:]:
                os.close(handle)

    @contextmanager
    def _opened_parent(self) -> Iterator[int]:
        with self.parent.opened_folder() as handle:
            yield handle

    def _refuse_other(self, parent: int, kind: int) -> None:
        """ArtifactError when there is something else than that kind of entry."""
        try:
            mode = os.stat(self.names[-1], dir_fd=parent, follow_symlinks=False).st_mode
        except OSError:
            return
        if stat.S_IFMT(mode) != kind:
            raise refused(self, mode)

    def _named(self, error: OSError) -> OSError:
        """The same error, with the whole path and not the last name alone."""
        return type(error)(error.errno, error.strerror, str(self))


#: A file or folder: of the user's own, where links are followed, or in an open folder.
Location = Path | Entry
AnyLocation = TypeVar("AnyLocation", Path, Entry)


def refused(location: Location, mode: int) -> ArtifactError:
    """The error of an entry that is no regular file, or no folder where one must be."""
    kind = _KINDS.get(stat.S_IFMT(mode), "a file")
    return ArtifactError(
        f"is {kind}, and only regular files and folders belong here; nothing was read or changed"
        if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode)
        else f"is {kind}, and no {'file' if stat.S_ISDIR(mode) else 'folder'}",
        where=str(location),
        hint="vecattr never makes one, so somebody else did: use this folder only if you know why, "
        "with a copy of the file in its place",
    )


def open_to_read(location: Location) -> BufferedReader:
    """A regular file, opened. OSError when it is not there or may not be read, ArtifactError when
    it is a pipe, a device ... or, in an open folder, a link."""
    if isinstance(location, Entry):
        return os.fdopen(location.open(), "rb")
    handle = os.open(location, os.O_RDONLY | _NO_WAIT)
    return os.fdopen(_checked(handle, location), "rb")


def _checked(handle: int, location: Location) -> int:
    """The descriptor, closed with an ArtifactError unless it is of a regular file."""
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise refused(location, mode)
    return handle
