"""Atomic writes and hashes: bytes in, a file on disk that is the old one or the new one out."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from vecattr.errors import ArtifactError, DamagedError, MissingError
from vecattr.files.access import access_of_replaced
from vecattr.files.disk import (
    closed_after,
    disk,
    make_folders,
    sync_folder,
    write_all,
)
from vecattr.files.folder import Entry, Location, OpenFolder, open_to_read

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BUFFER = 1 << 17

#: Names of temporary files begin with this, so that a later writer deletes those of a killed one.
TEMPORARY = ".vecattr-"
_TEMPORARY_NAME = re.compile(re.escape(TEMPORARY) + "[a-z0-9_]{8}")


def is_temporary(name: str) -> bool:
    """Whether a file of this name can be one that `atomic_write` did not finish."""
    return _TEMPORARY_NAME.fullmatch(name) is not None


def sha256_bytes(data: bytes) -> str:
    """Hex SHA-256 of the bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Location) -> str:
    """Hex SHA-256 of a file, read once in pieces; MissingError when it is not there, ArtifactError
    when it is no regular file."""
    with translated_errors(path), open_to_read(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_file(path: Location) -> bytes:
    """All bytes of a file; errors as `sha256_file`."""
    with translated_errors(path), open_to_read(path) as file:
        return file.read()


def check_file(path: Location, *, sha256: str | None, size: int) -> None:
    """Compare a file with its expected size and, unless it is None, hash; DamagedError on a
    difference, else errors as `sha256_file`."""
    with translated_errors(path), open_to_read(path) as file:
        actual = os.fstat(file.fileno()).st_size
        digest = None
        if actual == size and sha256 is not None:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != size:
        raise DamagedError(f"holds {actual} bytes, expected {size}", where=str(path), hint=_REPAIR)
    if digest != sha256:
        raise DamagedError(
            f"SHA-256 is {str(digest)[:16]}…, expected {str(sha256)[:16]}…",
            where=str(path),
            hint=_REPAIR,
        )


_REPAIR = "restore the file from a copy, or build again"


def atomic_write(path: Location, data: bytes, *, in_shared_folder: bool = False) -> None:
    """Put `data` at `path`, as `atomic_file` does."""
    with atomic_file(path, in_shared_folder=in_shared_folder) as handle:
        write_all(handle, data)


@contextlib.contextmanager
def atomic_file(path: Location, *, in_shared_folder: bool = False) -> Iterator[int]:
    """A descriptor of a new file, whose bytes are put at `path` at the end, so that a crash at any
    moment leaves the old file or the new one; an exception leaves the old one.

    Mode and group stay those of the old file; a new one gets them of its folder when that is shared
    (an index), else of the umask.

    The temporary file lies in the same folder (os.replace is atomic only within a file system);
    the file is on disk before its name is, and the name before this returns. An entry of an open
    folder is written in that folder or nowhere, whatever has its path by now. ArtifactError when
    the disk refuses.
    """
    with translated_errors(path), _parent_of(path) as parent:
        folder = parent if isinstance(parent, int) else None
        access = access_of_replaced(path, in_shared_folder=in_shared_folder)
        target = path if isinstance(path, Path) else path.name
        handle, temporary = disk().open_temporary(parent, TEMPORARY)
        try:
            with closed_after(handle):
                yield handle
                if access is None:
                    by_handle = os.chmod in os.supports_fd
                    disk().change_mode(handle if by_handle else temporary, _permitted(0o666))
                else:
                    access.give(handle)
                disk().sync(handle)
            disk().replace(temporary, target, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                disk().unlink(temporary, dir_fd=folder)
            raise
        sync_folder(parent)


@contextlib.contextmanager
def _parent_of(path: Location) -> Iterator[Path | int]:
    """The folder that a file lies in: for an entry of an open folder a descriptor."""
    if isinstance(path, Path):
        yield path.parent
    else:
        with path.parent.opened_folder() as folder:
            yield folder


@contextlib.contextmanager
def atomic_stream(path: Path) -> Iterator[BinaryIO]:
    """A stream of bytes to be written, which are put at `path` as `atomic_file` does."""
    with atomic_file(path) as handle:
        stream = io.BufferedWriter(_Written(handle), _BUFFER)
        yield stream
        stream.flush()


class _Written(io.RawIOBase):
    """What is written to it goes to an open file of the disk."""

    def __init__(self, handle: int) -> None:
        super().__init__()
        self._handle = handle

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        view = memoryview(data).cast("B")
        write_all(self._handle, view)
        return len(view)


def write_in_place(path: Path, data: bytes) -> None:
    """Write bytes to a pipe or a device, which must not be replaced by a file."""
    handle = disk().open(path, os.O_WRONLY)
    with closed_after(handle):
        write_all(handle, data)


def sync_tree(folder: Entry) -> None:
    """Wait until the names in a folder and in the folders below it are on disk; ArtifactError when
    the disk refuses."""
    with translated_errors(folder), folder.opened_folder() as handle:
        for _, _, _, inner in os.fwalk(".", dir_fd=handle):
            sync_folder(inner)


#: Whether vecattr gives these names, on the way from a folder to what lies in it.
IsMade = Callable[[tuple[str, ...]], bool]


@contextlib.contextmanager
def folder_beside(path: Location, *, is_made: IsMade = lambda names: True) -> Iterator[Entry]:
    """A new folder beside `path`, to be filled and passed to `Place.put`; deleted otherwise, but
    for what is not made. It is an entry of the folder that both lie in, which stays open: nothing
    is made or deleted elsewhere, whatever has the path of that folder by now."""
    with ExitStack() as stack:
        with translated_errors(path):
            if isinstance(path, Path):
                make_folders(path.parent)
                parent = stack.enter_context(OpenFolder(path.parent)).root
            else:
                parent = path.parent
            with parent.opened_folder() as handle:
                name = disk().make_temporary_folder(handle, f"{TEMPORARY}{path.name}-").name
        folder = parent / name
        stack.callback(delete_folder, folder, is_made=is_made)
        with translated_errors(path), folder.opened_folder() as handle:
            inherited = os.fstat(handle).st_mode & stat.S_ISGID  # from a folder that passes it on
            disk().change_mode(handle, _permitted(0o777) | inherited)
        yield folder


def delete_folder(folder: Entry, *, is_made: IsMade) -> None:
    """Delete what is made in a folder, and the folder unless anything else lies there; no link is
    followed, and what cannot be deleted stays."""
    with contextlib.suppress(OSError, ArtifactError):
        with folder.opened_folder() as top:
            for inner, folders, files, handle in os.fwalk(".", topdown=False, dir_fd=top):
                for name in (*files, *folders):
                    if is_made((*Path(inner).parts, name)):
                        _delete_entry(name, handle)
        with folder.parent.opened_folder() as parent:
            disk().remove_folder(folder.name, dir_fd=parent)


def _delete_entry(name: str, folder: int) -> None:
    """Delete a file, or a folder if it is empty."""
    with contextlib.suppress(OSError):
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        delete = disk().remove_folder if stat.S_ISDIR(mode) else disk().unlink
        delete(name, dir_fd=folder)


def _permitted(mode: int) -> int:
    """The mode that a new file or folder usually gets; `tempfile` makes private ones."""
    mask = os.umask(0)
    os.umask(mask)
    return mode & ~mask


@contextlib.contextmanager
def translated_errors(path: Location) -> Iterator[None]:
    """Errors of the operating system about `path` become MissingError or ArtifactError."""
    try:
        yield
    except FileNotFoundError as error:
        raise MissingError("no such file or folder", where=str(error.filename or path)) from error
    except OSError as error:
        raise ArtifactError(str(error.strerror or error), where=str(path)) from error
