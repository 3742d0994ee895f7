"""A place for a new folder: a path as it was found in, the new folder at that path out, or an error
when something else came there meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vecattr.errors import AppliedError, ArtifactError, MissingError, MovedError, UsageError
from vecattr.files.access import Access, give_to_tree
from vecattr.files.atomic import delete_folder, translated_errors
from vecattr.files.disk import disk
from vecattr.files.folder import Entry, Location, OpenFolder

#: What renaming to a name says that somebody else has taken.
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR)


class Place:
    """A path as it is now: free, an empty folder, or a folder with all its names, to be replaced.

    `put` replaces exactly that and nothing else. What has a relative name (with `/`) that matches
    the pattern `besides` does not count.
    """

    def __init__(self, location: Location, *, besides: str) -> None:
        self.location = location
        self.path = location if isinstance(location, Path) else location.path
        self._besides = re.compile(besides)
        with translated_errors(self.path), self._entry() as entry:
            self._folder = None if entry is None else _status(entry)
            self._names = frozenset() if entry is None else self._names_in(entry)

    def check(self) -> None:
        """UsageError when the path holds anything that was not found here."""
        with translated_errors(self.path), self._entry() as entry:
            if entry is not None:
                self._check(entry)

    @contextlib.contextmanager
    def told_when_taken(self) -> Iterator[None]:
        """A file that is missing, because whoever took this path swept what was unfinished beside
        it, is told as in `check`."""
        try:
            yield
        except MissingError:
            self.check()
            raise

    def put(self, new: Entry) -> None:
        """Rename the folder `new` to this path, in the open folder that it lies in; what was found
        here is deleted once the new folder is on disk in its place, with mode and group of the old
        one.

        Where the system can exchange two names in one step (Linux), the path is never without a
        folder. UsageError when the path holds anything that was not found here, which stays as it
        is; MovedError when another folder than the open one holds the path by now; ArtifactError
        when the disk refuses, with what was here in its place; AppliedError when the new folder is
        in its place, and files that came into the old one meanwhile are kept beside it.
        """
        target = new.parent / self.path.name
        with translated_errors(self.path), new.parent.opened_folder() as parent:
            self._check(target)
            if self._folder is not None:
                give_to_tree(new, Access.from_stat(self._folder))
            names = _Names(parent, new.name, target.name)
            if not target.exists():
                self._move(new, names)
            else:
                self._replace(new, names)

    def holds(self, folder: os.stat_result) -> bool:
        """Whether this very folder is at the path now."""
        try:
            return os.path.samestat(folder, os.lstat(self.path))
        except OSError:
            return False

    @contextlib.contextmanager
    def _entry(self) -> Iterator[Entry | None]:
        """The path as an entry of the folder that it lies in, which may be missing."""
        if isinstance(self.location, Entry):
            yield self.location
        elif self.location.parent.is_dir():
            with OpenFolder(self.location.parent) as parent:
                yield parent.root / self.location.name
        else:
            yield None

    def _check(self, entry: Entry) -> None:
        if entry.exists() and not self._is_at(entry):
            raise _taken(self.path)

    def _is_at(self, entry: Entry) -> bool:
        """Whether this is the folder that was found, with the names that it had."""
        return (
            self._folder is not None
            and os.path.samestat(self._folder, entry.stat())
            and self._names_in(entry) <= self._names
        )

    def _names_in(self, folder: Entry) -> frozenset[str]:
        """The relative names of all that lies in a folder and below it; links are not followed."""
        if not folder.is_dir():
            return frozenset()
        with folder.opened_folder() as handle:
            names = [
                Path(inner, name).as_posix()
                for inner, folders, files, _ in os.fwalk(".", dir_fd=handle)
                for name in (*folders, *files)
            ]
        return frozenset(name for name in names if not self._besides.fullmatch(name))

    def _is_found(self, names: tuple[str, ...]) -> bool:
        name = "/".join(names)
        return name in self._names or self._besides.fullmatch(name) is not None

    def _check_parent(self, new: Entry) -> None:
        """MovedError unless the open folder that holds the new one is still at its path."""
        if not new.folder.is_in_place():
            raise MovedError(
                "the folder that it lies in was moved or replaced while the index was built; the "
                "new index is discarded",
                where=str(self.path),
                hint="look at what is there, and build again",
            )

    def _move(self, new: Entry, names: _Names) -> None:
        """Give the new folder a free name, durably; UsageError when the name is taken."""
        with _told_when_taken(self.path):
            names.give_free()
        try:
            disk().sync(names.folder)
            self._check_parent(new)
        except BaseException:
            with contextlib.suppress(OSError):
                names.reverse().give()
            raise

    def _replace(self, new: Entry, names: _Names) -> None:
        if names.exchange():
            old = new
            try:
                self._check_old(old)
                disk().sync(names.folder)
                self._check_parent(new)
            except BaseException:
                disk().exchange(names.new, names.target, dir_fd=names.folder)
                raise
        else:
            old = new.parent / f"{new.name}.old"
            away = _Names(names.folder, names.target, old.name)
            away.give()
            try:
                self._check_old(old)
                self._move(new, names)
            except BaseException:
                with _told_when_taken(self.path):
                    away.reverse().give_free()
                disk().sync(names.folder)
                raise
        delete_folder(old, is_made=self._is_found)  # a later writer deletes the rest
        self._tell_kept(old)

    def _check_old(self, old: Entry) -> None:
        if not self._is_at(old):
            raise _taken(self.path)

    def _tell_kept(self, old: Entry) -> None:
        """AppliedError naming the first file that came into the old folder since it was checked,
        and so is still there."""
        try:
            kept = sorted(self._names_in(old) - self._names)
        except (OSError, ArtifactError):
            return
        if kept:
            raise AppliedError(
                f"the new index is in force, and something that came into the old one meanwhile "
                f"is kept: {old / kept[0]}",
                where=str(self.path),
                hint="move it from there: that folder is not needed",
            )


@dataclass(frozen=True)
class _Names:
    """The name of a new folder and the one that it shall have, in an open folder."""

    folder: int
    new: str
    target: str

    def give(self) -> None:
        """Give the new folder that name; OSError of `_TAKEN` when the target is anything but an
        empty folder."""
        disk().replace(self.new, self.target, src_dir_fd=self.folder, dst_dir_fd=self.folder)

    def reverse(self) -> _Names:
        """The way back."""
        return _Names(self.folder, self.target, self.new)

    def give_free(self) -> None:
        """The same; OSError of `_TAKEN` when there is anything at the target."""
        try:
            disk().rename_to_free_name(self.new, self.target, dir_fd=self.folder)
        except OSError as error:
            if error.errno in _TAKEN:
                raise
            # the system or the disk has no such rename: claim the name with an empty folder
            disk().make_folder(self.target, dir_fd=self.folder)
            self.give()

    def exchange(self) -> bool:
        """Exchange the names, where the system and the disk can."""
        try:
            disk().exchange(self.new, self.target, dir_fd=self.folder)
        except OSError:
            return False
        return True


def _status(entry: Entry) -> os.stat_result | None:
    try:
        return entry.stat()
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _told_when_taken(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _taken(path) if error.errno in _TAKEN else error from error


def _taken(path: Path) -> UsageError:
    return UsageError(
        "something came to be here while the index was built; it is left as it is, and the new "
        "index is discarded",
        where=str(path),
        hint="look at what is there, and build again at another path or with --replace",
    )
