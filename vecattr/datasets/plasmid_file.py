"""Labelled plasmids on disk while something is made of them: plasmids in, the same out, one by one
and as often as they are asked for.

So a collection may be larger than the memory. The file has no name from the moment it is there, so
that nothing is left of it whatever ends the process.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from vecattr.datasets.rows import row_line, row_plasmid
from vecattr.files.atomic import TEMPORARY, translated_errors
from vecattr.files.disk import disk, write_all
from vecattr.plasmid import Plasmid

#: Bytes that are written and read at once, about.
_PIECE = 1 << 20


class PlasmidFile:
    """Some plasmids; use it as a context manager. Counted as they are added: the plasmids of each
    lab and of each group (None: without one). ArtifactError when the disk refuses.

    >>> with PlasmidFile(Path()) as kept:
    ...     kept.add_all([Plasmid("p1", "ACGT", lab="A"), Plasmid("p2", "AACC", lab="A")])
    ...     print(len(kept), kept.labs["A"], [plasmid.id for plasmid in kept])
    2 2 ['p1', 'p2']
    """

    def __init__(self, folder: Path) -> None:
        self.labs: Counter[str | None] = Counter()
        self.groups: Counter[str | None] = Counter()
        self._folder = folder
        with translated_errors(folder), ExitStack() as failed:
            self._file, path = disk().open_temporary(folder, TEMPORARY)
            failed.callback(self.close)
            disk().unlink(path)
            failed.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give its space back; a disk that refuses does not matter any more."""
        with suppress(OSError):
            disk().close(self._file)

    def __len__(self) -> int:
        return self.labs.total()

    def add_all(self, plasmids: Iterable[Plasmid]) -> None:
        """Add plasmids after those that are there."""
        lines: list[bytes] = []
        size = 0
        for plasmid in plasmids:
            self.labs[plasmid.lab] += 1
            self.groups[plasmid.group] += 1
            lines.append(row_line(plasmid))
            size += len(lines[-1])
            if size >= _PIECE:
                self._write(lines)
                lines, size = [], 0
        self._write(lines)

    def _write(self, lines: list[bytes]) -> None:
        with translated_errors(self._folder):
            write_all(self._file, b"".join(lines))

    def __iter__(self) -> Iterator[Plasmid]:
        rest, place = b"", 0
        while piece := self._read(place):
            place += len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            yield from map(row_plasmid, lines)

    def _read(self, place: int) -> bytes:
        with translated_errors(self._folder):
            return os.pread(self._file, _PIECE, place)
