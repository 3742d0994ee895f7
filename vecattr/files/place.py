"""A place for a new folder: a path as it was found in, the new folder at that path out, or an error
when something else came there meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from vecattr.errors import MissingError, UsageError
from vecattr.files.access import Access, give_to_tree
from vecattr.files.atomic import translated_errors
from vecattr.files.disk import delete_tree, disk, sync_folder

#: What renaming to a name says that somebody else has taken.
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR)


class Place:
    """A path as it is now: free, an empty folder, or a folder with all its names, to be replaced.

    `put` replaces exactly that and nothing else. Names that match the
    pattern `besides` do not count.
    """

    def __init__(self, path: Path, *, besides: str) -> None:
        self.path = path
        self._besides = re.compile(besides)
        with translated_errors(path):
            self._is_free = not os.path.lexists(path)
            self._folder = None if self._is_free else os.lstat(path)
            self._names = self._names_at(path)

    def check(self) -> None:
        """UsageError when the path holds anything that was not found here."""
        with translated_errors(self.path):
            if os.path.lexists(self.path) and not self._is_at(self.path):
                raise _taken(self.path)

    @contextlib.contextmanager
    def told_when_taken(self) -> Iterator[None]:
        """A file that is missing, because whoever took this path swept what was unfinished beside
        it, is told as in `check`."""
        try:
            yield
        except MissingError:
            self.check()
            raise

    def put(self, new: Path) -> None:
        """Rename the folder `new` to this path; what was found here is deleted once the new folder
        is on disk in its place, with mode and group of the old one.

        Where the system can exchange two names in one step (Linux), the path is never without a
        folder. UsageError when the path holds anything that was not found here, which stays as it
        is; ArtifactError when the disk refuses, with what was here in its place.
        """
        with translated_errors(self.path):
            self.check()
            if self._folder is not None:
                give_to_tree(new, Access.from_stat(self._folder))
            if not os.path.lexists(self.path):
                _move(new, self.path)
            elif not self._names:
                self._replace_empty(new)
            else:
                self._replace_filled(new)

    def holds(self, folder: os.stat_result) -> bool:
        """Whether this very folder is at the path now."""
        try:
            return os.path.samestat(folder, os.lstat(self.path))
        except OSError:
            return False

    def _is_at(self, path: Path) -> bool:
        """Whether this is the folder that was found, with the names that it had."""
        return (
            self._folder is not None
            and os.path.samestat(self._folder, os.lstat(path))
            and self._names_at(path) <= self._names
        )

    def _names_at(self, path: Path) -> frozenset[str]:
        """The relative names of all that lies in a folder and below it; links are not followed."""
        return frozenset(
            os.path.relpath(os.path.join(folder, name), path)
            for folder, folders, files in os.walk(path)
            for name in (*folders, *files)
            if not self._besides.fullmatch(name)
        )

    def _replace_empty(self, new: Path) -> None:
        try:
            disk().replace(new, self.path)  # fails unless the folder is still empty
        except OSError as error:
            raise _taken(self.path) if error.errno in _TAKEN else error from error
        sync_folder(self.path.parent)

    def _replace_filled(self, new: Path) -> None:
        if self._exchanged(new):
            old = new
            try:
                if not self._is_at(old):
                    raise _taken(self.path)
                sync_folder(self.path.parent)
            except BaseException:
                disk().exchange(old, self.path)
                raise
        else:
            old = new.with_name(new.name + ".old")
            disk().replace(self.path, old)
            try:
                if not self._is_at(old):
                    raise _taken(self.path)
                _move(new, self.path)
            except BaseException:
                _move(old, self.path)
                raise
        delete_tree(old)  # a later writer deletes the rest

    def _exchanged(self, new: Path) -> bool:
        """Exchange the names, where the system and the disk can."""
        try:
            disk().exchange(new, self.path)
        except OSError:
            return False
        return True


def _taken(path: Path) -> UsageError:
    return UsageError(
        "something came to be here while the index was built; it is left as it is, and the new "
        "index is discarded",
        where=str(path),
        hint="look at what is there, and build again at another path or with --replace",
    )


def _move(new: Path, path: Path) -> None:
    """Rename a folder to a free name, durably; UsageError when the name is taken."""
    try:
        _rename_to_free_name(new, path)
    except OSError as error:
        raise _taken(path) if error.errno in _TAKEN else error from error
    try:
        sync_folder(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            disk().replace(path, new)
        raise


def _rename_to_free_name(new: Path, path: Path) -> None:
    """Rename a folder; OSError of `_TAKEN` when there is something at the path."""
    try:
        disk().rename_to_free_name(new, path)
    except OSError as error:
        if error.errno in _TAKEN:
            raise
        # the system or the disk has no such rename: claim the name with an empty folder
        disk().make_folder(path)
        disk().replace(new, path)
