"""Stored plasmids as queries are compared with them: segments and the lab of each row in; kernels
joined over the plasmids of each lab out.

Few queries read the plasmids as they are stored. For many these are kept in memory, rounded and in
the order in which they are joined, 190 bytes each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.axes import Axes
from vecattr.errors import DamagedError
from vecattr.indexes.search.kernels import (
    JOINS,
    ComparedQueries,
    ComparedRows,
    PackedRows,
    cosines_of,
    scaled_lengths,
)
from vecattr.indexes.search.rows_by_lab import LabBlock, RowsByLab
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.segment_schema import AXES
from vecattr.posix import keep_memory
from vecattr.vectors import Codes, Mask, Rows, Vectors

#: What is joined over no rows, in the order of JOINS: nearness of opposite vectors, and no sum.
_NOTHING_JOINED = (-2.0, *[0.0] * (len(JOINS) - 1))
#: Fewer queries are compared with plasmids as they are stored.
_FEW_QUERIES = 8
#: Stored rows that are rounded at once: what a core's cache holds.
_ROWS_AT_ONCE = 2048
#: Numbers of labs and queries that are turned at once: what a core's cache holds.
_TURNED_AT_ONCE = 1 << 13

_NONE: Codes = np.zeros(0, dtype=np.int64)

#: The joined kernels of q queries and l labs, in the order of JOINS, (q, l) each.
Joined = list[NDArray[np.float32]]


@dataclass(frozen=True)
class StoredRows:
    """The n plasmids of one segment as they are stored: coordinates of vectors (n, r), logarithms
    of lengths by topology (n,), compositions (n, w), and which are linear (n,)."""

    coordinates: Vectors
    lengths: NDArray[np.float32]
    compositions: NDArray[np.float32]
    are_linear: Mask

    @classmethod
    def from_segment(cls, segment: LiveSegment) -> StoredRows:
        """Of a segment with k-mers, which has compositions."""
        stored, kmers = segment.stored, segment.stored.kmers
        assert kmers is not None, "only segments with k-mers give lab features"
        lengths = scaled_lengths(stored.lengths, stored.are_linear)
        return cls(stored.coordinates, lengths, kmers.compositions, stored.are_linear)

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def have_composition(self) -> Mask:
        """Of which the composition is known (n,); the others are zeros, and none is below."""
        width = self.compositions.shape[1]
        return np.asarray(self.compositions @ np.ones(width, dtype=np.float32) > 0)

    def compared(self, rows: Rows | slice) -> ComparedRows:
        """Some of the rows as they are compared."""
        return ComparedRows.from_stored(
            self.coordinates[rows],
            self.lengths[rows],
            self.compositions[rows],
            self.are_linear[rows],
        )

    def join(
        self, queries: ComparedQueries, by_lab: RowsByLab, columns: Sequence[NDArray[np.float64]]
    ) -> None:
        """Join the kernels of few queries and the rows by lab to those of all labs (l, q), in the
        order of JOINS, in place. Where most rows count, their kernels are put in order, else the
        rows: whatever is less."""
        rows, size = by_lab.rows, len(self)
        in_place = 2 * len(rows) > size
        count = size if in_place else len(rows)
        kernels = [np.empty((count, len(queries)), dtype=np.float32) for _ in JOINS]
        for part in _parts(count):
            compared = self.compared(part if in_place else rows[part])
            for kernel, values in zip(kernels, compared.kernels(queries), strict=True):
                kernel[part] = values
        for column, join, kernel in zip(columns, JOINS, kernels, strict=True):
            joined = by_lab.joined(kernel[rows] if in_place else kernel, join)
            column[by_lab.labs] = join(column[by_lab.labs], joined)


class ComparedLabs:
    """The plasmids of l labs in segments, of which each row has a lab, below 0 where it does not
    count."""

    def __init__(
        self, segments: Sequence[LiveSegment], labs: Codes, starts: Sequence[int], *, lab_count: int
    ) -> None:
        """From the lab of each row of all segments (n,), and the first row of each segment."""
        self._segments = segments
        self._labs = labs
        self._starts = [*starts, len(labs)]
        self._lab_count = lab_count

    def coordinates(self, vectors: Vectors) -> NDArray[np.floating]:
        """Unit vectors (q, d) of queries as they are compared, (q, r): along the axes that all
        segments have, or none."""
        return self._segments[0].stored.along_axes(vectors)

    @cached_property
    def rows(self) -> list[StoredRows]:
        """Of each segment; DamagedError for one with other axes than the first."""
        axes = self._segments[0].stored.axes
        for segment in self._segments:
            if not _are_equal(segment.stored.axes, axes):
                raise DamagedError(
                    f"{AXES} are not those of other segments", where=segment.stored.name
                )
        return [StoredRows.from_segment(segment) for segment in self._segments]

    @cached_property
    def are_linear(self) -> Mask:
        """Which rows are linear (n,)."""
        return np.concatenate([rows.are_linear for rows in self.rows])

    @cached_property
    def have_composition(self) -> Mask:
        """Of which rows the composition is known (n,)."""
        return np.concatenate([rows.have_composition for rows in self.rows])

    def joined(self, queries: ComparedQueries) -> Joined:
        """The largest cosine of each lab, -1 of one without any row, and the sum of every other
        kernel."""
        if len(queries) < _FEW_QUERIES:
            joined = self._joined_as_stored(queries, self._by_lab, lab_count=self._lab_count)
            return self._finished(joined)
        columns = [np.empty((self._lab_count, len(queries)), dtype=np.float32) for _ in JOINS]
        lengths, length_of_row = self._packed.lengths
        of_lengths = queries.length_kernels(lengths)  # (u, q)
        start = 0
        for block, rows in self._blocks:
            length_kernels = np.take(of_lengths, length_of_row[rows], axis=0)
            kernels = self._packed.compared(rows).kernels(queries, length_kernels)
            stop = start + len(block.labs)
            for column, join, values in zip(columns, JOINS, kernels, strict=True):
                block.join(values, join, out=column[start:stop])
            start = stop
        for column, nothing in zip(columns, _NOTHING_JOINED, strict=True):
            column[start:] = nothing
        return self._finished(columns, places=self._places)

    def joined_without(
        self, query: ComparedQueries, labs: Codes, left_out: Rows
    ) -> list[NDArray[np.float32]]:
        """The same of one query and some labs, ascending (m,), without rows that are left out,
        (m,) each."""
        by_lab = []
        for start, of_segment in zip(self._starts, self._by_lab, strict=False):
            rows = of_segment.rows_of(labs)
            rows = rows[~np.isin(start + rows, left_out)]
            codes = np.searchsorted(labs, self._labs[start + rows])
            by_lab.append(RowsByLab.from_labs(codes, rows=rows))
        joined = self._joined_as_stored(query, by_lab, lab_count=len(labs))
        return [column[0] for column in self._finished(joined)]

    def _joined_as_stored(
        self, queries: ComparedQueries, by_lab: Sequence[RowsByLab], *, lab_count: int
    ) -> list[NDArray[np.float64]]:
        """Of so many labs, of which `by_lab` numbers those of each segment, (l, q) each."""
        shape = lab_count, len(queries)
        columns = [np.full(shape, nothing) for nothing in _NOTHING_JOINED]
        for rows, of_segment in zip(self.rows, by_lab, strict=True):
            rows.join(queries, of_segment, columns)
        return columns

    def _finished(
        self, columns: Sequence[NDArray[np.floating]], *, places: Rows | None = None
    ) -> Joined:
        """Columns of labs (l, q) with cosines, as (q, l); `places` (l,) say where labs are."""
        turned = [_turned(column, places) for column in columns]
        cosines_of(turned[0], width=self.rows[0].coordinates.shape[1])
        return turned

    @cached_property
    def _by_lab(self) -> list[RowsByLab]:
        """Of each segment."""
        return [RowsByLab.from_labs(self._labs[slice(*ends)]) for ends in pairwise(self._starts)]

    @cached_property
    def _places(self) -> Rows:
        """Where each lab is (l,) when those of blocks follow each other, then those without any
        row."""
        labs = np.concatenate([_NONE, *(block.labs for block, _ in self._blocks)])
        places = np.full(self._lab_count, -1)
        places[labs] = np.arange(len(labs))
        without_rows = places < 0
        places[without_rows] = np.arange(len(labs), len(places))
        return places

    @cached_property
    def _blocks(self) -> list[tuple[LabBlock, slice]]:
        """All rows in blocks, and where those of each are packed."""
        blocks = RowsByLab.from_labs(self._labs).blocks
        ends = np.cumsum([0, *(len(block.rows) for block in blocks)]).tolist()
        return [
            (block, slice(*of_block))
            for block, of_block in zip(blocks, pairwise(ends), strict=True)
        ]

    @cached_property
    def _packed(self) -> PackedRows:
        """The rows that count, those of one block after those of another."""
        keep_memory()  # for the columns of the batches to come
        order = np.concatenate([_NONE, *(block.rows for block, _ in self._blocks)])
        places = np.full(len(self._labs), -1)
        places[order] = np.arange(len(order))
        packed = PackedRows(len(order), self.rows[0].compared(slice(0, 0)))
        for start, stored in zip(self._starts, self.rows, strict=False):
            for part in _parts(len(stored)):
                here = places[start + part.start : start + min(part.stop, len(stored))]
                rows = np.flatnonzero(here >= 0)
                packed.put(here[rows], stored.compared(part.start + rows))
        return packed


def _are_equal(first: Axes | None, second: Axes | None) -> bool:
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second)


def _parts(rows: int) -> Iterator[slice]:
    for start in range(0, rows, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)


def _turned(values: NDArray[np.floating], places: Rows | None) -> NDArray[np.float32]:
    """Values of labs and queries (l, q) as (q, l); `places` (l,) say where labs are."""
    turned = np.empty(values.shape[::-1], dtype=np.float32)
    at_once = max(1, _TURNED_AT_ONCE // values.shape[1])
    for start in range(0, len(values), at_once):
        labs = slice(start, start + at_once)
        turned[:, labs] = values[labs if places is None else places[labs]].T
    return turned
