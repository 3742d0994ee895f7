"""The k-mers of several segments, merged: a checked file in, tables of all of them out, and the
labs of an index where the segments are all of it.

The file is a cache. It is named after the first of its segments and says which it is made of; it
counts where an index has these, next to each other. Without it each segment is asked by itself,
with the same result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vecattr.files.arrays import ArrayFile
from vecattr.files.folder import Entry, Location
from vecattr.indexes.joining.joined_labs import JoinedLabs, cache_damage
from vecattr.indexes.storage.index_folder import joined_path, opened_index
from vecattr.indexes.storage.kmer_schema import JOINED_FINE_KMERS, JOINED_KMERS
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.segment_kmers import KmerTable

JOINED_FORMAT = "vecattr-joined-kmers"
#: Since version 2 k-mers share posting lists, and a file may have labs.
JOINED_VERSION = 2


class JoinedKmers:
    """The k-mers of segments with these names, whose rows are numbered one segment after the other,
    in both samples.

    Errors as in `vecattr.files.arrays.ArrayFile` and `KmerTable`.
    """

    def __init__(self, source: Location | bytes) -> None:
        self.file = ArrayFile(source, format=JOINED_FORMAT, version=JOINED_VERSION, oldest=1)
        self._is_outdated = self.file.attributes.get("version") != JOINED_VERSION
        names, rows = (self.file.attributes.get(name) for name in ("segments", "rows"))
        if not isinstance(names, str) or type(rows) is not int or rows < 0:
            raise cache_damage(self.file, "does not say what it is made of")
        self.segments = tuple(names.split())
        self.rows = rows
        self.kmers = KmerTable(self.file, rows=rows, sample=JOINED_KMERS)
        self.fine = KmerTable(self.file, rows=rows, sample=JOINED_FINE_KMERS)
        self.labs = JoinedLabs(self.file, rows=rows) if JoinedLabs.are_in(self.file) else None

    def __len__(self) -> int:
        """How many segments there are."""
        return len(self.segments)

    def are_of(self, segments: Sequence[LiveSegment]) -> bool:
        """Whether they are of the first of these segments, one or more; a file of an older version
        counts for nothing. DamagedError when its rows are not as many as theirs."""
        first = segments[: len(self)]
        names = tuple(segment.entry.name for segment in first)
        if self._is_outdated or not names or names != self.segments:
            return False
        if self.rows != sum(segment.stored.rows for segment in first):
            raise cache_damage(self.file, f"says that its segments have {self.rows} rows")
        return True


class PlacedJoin(NamedTuple):
    """Joined k-mers, and the place of the first of their segments in the index."""

    first: int
    joined: JoinedKmers


def open_joined(path: Location, segments: Sequence[LiveSegment]) -> tuple[PlacedJoin, ...]:
    """The joined k-mers that there are of the segments of the index at `path`, in their order; each
    segment is in one of them at most."""
    with opened_index(path) as folder:
        return tuple(_opened(folder, segments))


def labs_of_all(joined: Sequence[PlacedJoin], segments: Sequence[LiveSegment]) -> JoinedLabs | None:
    """The labs of all segments of an index, of its joined k-mers; None unless one file has them of
    the very segments that there are, of which no lab was removed or renamed."""
    if len(joined) != 1 or len(joined[0].joined) != len(segments):
        return None
    labs = joined[0].joined.labs
    return labs if all(segment.is_unchanged for segment in segments) else None


def _opened(path: Entry, segments: Sequence[LiveSegment]) -> Iterator[PlacedJoin]:
    first = 0
    while first < len(segments):
        joined = _of_first(path, segments[first:])
        if joined is not None:
            yield PlacedJoin(first, joined)
        first += 1 if joined is None else len(joined)


def _of_first(path: Entry, segments: Sequence[LiveSegment]) -> JoinedKmers | None:
    """Those that begin with the first of these segments; None unless they are of the next ones."""
    file = joined_path(path, segments[0].entry.name)
    if not file.exists():
        return None
    joined = JoinedKmers(file)
    return joined if joined.are_of(segments) else None
