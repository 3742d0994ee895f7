"""What a disk may hold after a crash: a journal of changes in, folders as they may be then out.

A file system keeps what was waited for (`sync`): the bytes of a file, the names in a folder. Any
of the rest may be lost: bytes written since the last sync of their file, wholly or from some byte
on; and changes of names since the last sync of the folders they are in, each for itself, so that a
later one may be kept without an earlier one. One call changes all its names or none.
"""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Place = tuple[int, str]  # the node of a folder, and a name in it


@dataclass(frozen=True)
class Change:
    """What one call changed: names, or bytes of a file, or nothing but what is certain (`synced`).
    Files and folders are numbered nodes."""

    places: tuple[tuple[Place, int | None], ...] = ()
    node: int | None = None
    start: int = 0
    data: bytes | None = None
    is_cut: bool = False
    synced: int | None = None

    @classmethod
    def names(cls, places: dict[Place, int | None]) -> Change:
        """These names are now those of these nodes, or of none."""
        return cls(places=tuple(places.items()))

    @classmethod
    def write(cls, node: int, start: int, data: bytes) -> Change:
        """These bytes stand in a file."""
        return cls(node=node, start=start, data=data)

    @classmethod
    def truncate(cls, node: int, size: int) -> Change:
        """A file has this size."""
        return cls(node=node, start=size, is_cut=True)

    @classmethod
    def sync(cls, node: int) -> Change:
        """What was changed of this node is certain."""
        return cls(synced=node)


@dataclass
class Journal:
    """The tree that was there, and the changes since, in order."""

    root: int = 0
    files: dict[int, bytes] = field(default_factory=dict)
    folders: dict[int, dict[str, int]] = field(default_factory=dict)
    changes: list[tuple[str, Change]] = field(default_factory=list)
    _numbers: dict[tuple[int, int], int] = field(default_factory=dict)

    @classmethod
    def from_folder(cls, root: Path) -> Journal:
        """Of a folder, all of which is on disk."""
        journal = cls()
        journal._add(root)
        return journal

    def _add(self, path: Path) -> int:
        status = os.lstat(path)
        node = self.new_node(status)
        if stat.S_ISDIR(status.st_mode):
            self.folders[node] = {
                name: self._add(path / name)
                for name in sorted(os.listdir(path))
                if not (path / name).is_symlink()
            }
        elif stat.S_ISREG(status.st_mode):
            self.files[node] = path.read_bytes()
        return node

    def new_node(self, status: os.stat_result) -> int:
        """The number of a file or a folder that was just made; inode numbers are used again."""
        node = len(self.files) + len(self.folders)
        node = max([node, *(number + 1 for number in self._numbers.values())])
        self._numbers[status.st_dev, status.st_ino] = node
        if stat.S_ISDIR(status.st_mode):
            self.folders[node] = {}
        else:
            self.files[node] = b""
        return node

    def node(self, status: os.stat_result) -> int:
        """The number of a file or a folder that is there."""
        return self._numbers[status.st_dev, status.st_ino]

    def names_now(self, folder: int) -> dict[str, int]:
        """The names in a folder after all changes."""
        names = dict(self.folders[folder])
        for _, change in self.changes:
            for (parent, name), node in change.places:
                if parent == folder and node is None:
                    names.pop(name, None)
                elif parent == folder and node is not None:
                    names[name] = node
        return names

    def states(self, stop: int, chance: random.Random, *, most: int) -> Iterator[CrashState]:
        """What a crash after the first `stop` changes may leave: everything, all that is certain
        alone, and others; `most` at most, each once."""
        changes = [change for _, change in self.changes[:stop]]
        open_names = [
            number
            for number, change in enumerate(changes)
            if change.places and not _is_certain(number, changes)
        ]
        seen = set()
        for kept in _choices(open_names, chance, most=most):
            for bytes_kept in ("none", "torn", "all"):
                files = {
                    node: _content(old, node, changes, bytes_kept)
                    for node, old in self.files.items()
                }
                state = CrashState(self, tuple(changes), frozenset(open_names) - kept, files)
                key = state.key()
                if key not in seen and len(seen) < most:
                    seen.add(key)
                    yield state


def _is_certain(number: int, changes: list[Change]) -> bool:
    """Whether every folder in which this change made or took a name was synced after it."""
    folders = {folder for (folder, _), _ in changes[number].places}
    return folders <= {change.synced for change in changes[number + 1 :]}


def _choices(numbers: list[int], chance: random.Random, *, most: int) -> Iterator[frozenset[int]]:
    """Sets of uncertain changes that were kept: all, none, each one lost, each one kept alone, all
    up to one, and random ones."""
    everything = frozenset(numbers)
    yield everything
    yield frozenset()
    for number in reversed(numbers):
        yield everything - {number}
        yield frozenset((number,))
    for length in range(1, len(numbers)):
        yield frozenset(numbers[:length])
    for _ in range(most if len(numbers) > 2 else 0):
        yield frozenset(number for number in numbers if chance.random() < 0.5)


def _content(old: bytes, node: int, changes: list[Change], kept: str) -> bytes:
    """The bytes of a file when `kept` of those that were not synced are there."""
    synced = max((n for n, change in enumerate(changes) if change.synced == node), default=-1)
    content = bytearray(old)
    for number, change in enumerate(changes):
        if change.node != node or (number > synced and kept == "none"):
            continue
        if change.is_cut:
            del content[change.start :]
            content.extend(bytes(change.start - len(content)))
        elif change.data is not None:
            data = change.data
            if number > synced and kept == "torn":
                data = data[: len(data) // 2]
            content.extend(bytes(max(0, change.start - len(content))))
            content[change.start : change.start + len(data)] = data
    return bytes(content)


@dataclass(frozen=True)
class CrashState:
    """One state of the disk: the changes of names but the lost ones, and the bytes of each file."""

    journal: Journal
    changes: tuple[Change, ...]
    lost: frozenset[int]
    files: dict[int, bytes]

    def _names(self) -> dict[int, dict[str, int]]:
        folders = {node: dict(names) for node, names in self.journal.folders.items()}
        for number, change in enumerate(self.changes):
            for (folder, name), node in () if number in self.lost else change.places:
                if node is None:
                    folders[folder].pop(name, None)
                else:
                    folders[folder][name] = node
        return folders

    def tree(self) -> dict[str, bytes | None]:
        """Each path with its bytes, None for a folder."""
        folders = self._names()

        def walk(node: int, path: str) -> Iterator[tuple[str, bytes | None]]:
            for name, child in folders[node].items():
                inner = f"{path}{name}"
                if child in folders:
                    yield inner, None
                    yield from walk(child, f"{inner}/")
                else:
                    yield inner, self.files[child]

        return dict(walk(self.journal.root, ""))

    def key(self) -> int:
        """The same number for the same tree."""
        return hash(frozenset(self.tree().items()))

    def told(self) -> str:
        """What was lost."""
        lost = [self.journal.changes[number][0] for number in sorted(self.lost)]
        return "; ".join(lost) or "no name"

    def write(self, target: Path) -> None:
        """Make this state in an empty folder."""
        for path, data in self.tree().items():
            if data is None:
                (target / path).mkdir()
            else:
                (target / path).write_bytes(data)
