"""The living rows of all segments of an index: segments in; classes, labs and vectors of rows out.

Vectors are read segment by segment, so that what is in memory does not follow the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.vectors import Rows, Vectors

_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class LivingRows:
    """The n living rows of all segments together: the rows of each segment, where they begin among
    all and the end (s + 1,), and the class and the lab of each, (n,). Vectors are read where they
    are asked for."""

    segments: Sequence[LiveSegment]
    rows: Sequence[Rows]
    starts: Rows
    labels: Sequence[str]
    labs: Sequence[str]

    @classmethod
    def from_segments(cls, segments: Sequence[LiveSegment]) -> LivingRows:
        """Of these segments, in order."""
        rows = [segment.rows() for segment in segments]
        pairs = list(zip(segments, rows, strict=True))
        return cls(
            segments,
            rows,
            np.cumsum([0, *map(len, rows)]),
            [name for segment, some in pairs for name in segment.labels(some)],
            [name for segment, some in pairs for name in segment.labs(some)],
        )

    def _by_segment(self, wanted: Rows) -> Iterator[tuple[LiveSegment, Rows, Rows]]:
        """Each segment that holds any of some rows, the places of these in `wanted`, and the rows
        there."""
        holders = np.searchsorted(self.starts, wanted, side="right") - 1
        for number, (segment, rows) in enumerate(zip(self.segments, self.rows, strict=True)):
            places = np.flatnonzero(holders == number)
            if len(places):
                yield segment, places, rows[wanted[places] - self.starts[number]]

    def vectors(self, wanted: Rows) -> Vectors:
        """The vectors of some rows (m,), copied, (m, d)."""
        width = self.segments[0].stored.width
        vectors = np.empty((len(wanted), width), dtype=np.float32)
        for segment, places, rows in self._by_segment(wanted):
            vectors[places] = segment.stored.vectors[rows]
        return vectors

    def blocks(self, wanted: Rows) -> Iterator[tuple[Rows, Vectors]]:
        """Some rows and their vectors, so many at a time whatever segments they are in: products
        of vectors depend on how many are multiplied at once."""
        for start in range(0, len(wanted), _ROWS_AT_ONCE):
            rows = wanted[start : start + _ROWS_AT_ONCE]
            yield rows, self.vectors(rows)

    def ids(self, wanted: Rows) -> tuple[str, ...]:
        """The ids of some rows, ascending."""
        by_segment = self._by_segment(wanted)
        return tuple(name for segment, _, rows in by_segment for name in segment.stored.ids(rows))
