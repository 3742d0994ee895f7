"""Kernels of queries with stored plasmids: vectors, lengths, topologies and compositions in; how
near, and how similar in shape, each pair is out.

Kernels are rounded to a grid, so that sums over the plasmids of a lab are exact, up to 2,000 whose
vectors are that of the query and two million of its shape: they depend neither on the other queries
nor on how plasmids are divided among segments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.search.rows_by_lab import RowsByLab
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.plasmid import Plasmid
from vecattr.products import exact_cosines, rounded_unit_rows
from vecattr.sequences.composition import composition
from vecattr.vectors import Codes, Mask, Rows, Vectors

#: Inverse temperatures of the kernels by which the plasmids of a lab vote with their cosines; the
#: second is twice the first.
SHARPNESSES = (20, 40)
LENGTH_WIDTH = 0.1  # of the kernel, in ln(bases): lengths that differ by a tenth are similar
#: Of the kernel, as a squared distance: one plasmid in twenty is so near to another.
COMPOSITION_WIDTH = 0.0025
#: How values are joined over the plasmids of a lab: the largest cosine, and sums of votes at each
#: sharpness, lengths and compositions.
JOINS = (np.maximum, np.add, np.add, np.add, np.add)

#: What kernels are, in this order: cosines are not rounded.
_KERNEL_TYPES = (np.float64, np.float32, np.float32, np.float32, np.float32)

#: Fewer queries are compared with the plasmids of a segment in their order, so many at once.
_FEW_QUERIES, _ROWS_AT_ONCE = 8, 2048
#: Added to a vote and taken away again, it leaves a multiple of 2^-42, of which a float64 sums
#: 2,000 exactly, however large they are; logarithms tell small votes apart. Of similarities of
#: shape, to which pseudocounts are added, 2^-32 is enough.
_VOTE_SHIFT, _SHAPE_SHIFT = np.float32(1.5 * 2.0**-19), np.float32(1.5 * 2.0**-9)
assert (np.spacing(_VOTE_SHIFT), np.spacing(_SHAPE_SHIFT)) == (2.0**-42, 2.0**-32)
#: How far logarithms of lengths of linear plasmids are from those of circular ones, and by how much
#: inner products of shapes of one topology are larger: enough for a kernel of 0.
_FAR, _TOPOLOGY_WEIGHT = 32.0, 0.5


@dataclass(frozen=True)
class ComparedQueries:
    """q queries: unit vectors (q, d) or their coordinates along axes (q, r); logarithms of lengths
    by topology (q,); and shapes, which are compositions and topologies (q, w + 2)."""

    vectors: NDArray[np.floating]
    lengths: NDArray[np.float32]
    shapes: NDArray[np.float64]

    @classmethod
    def from_plasmids(cls, plasmids: Sequence[Plasmid], vectors: Vectors) -> ComparedQueries:
        """Of plasmids with their unit vectors (q, d)."""
        compositions = np.stack(
            [composition(plasmid.sequence, circular=plasmid.is_circular) for plasmid in plasmids]
        )
        lengths = np.array([len(plasmid) for plasmid in plasmids])
        are_linear = np.array([not plasmid.is_circular for plasmid in plasmids])
        topologies = _TOPOLOGY_WEIGHT * np.stack([are_linear, ~are_linear], axis=1)
        shapes = np.concatenate([compositions, topologies], axis=1)
        return cls(vectors, _scaled_lengths(lengths, are_linear), shapes)

    def only(self, query: int) -> ComparedQueries:
        """One of them."""
        return ComparedQueries(*(column[query : query + 1] for column in vars(self).values()))

    def is_linear(self, query: int) -> bool:
        """Whether one of them is linear."""
        return bool(self.shapes[query, -2])

    def has_composition(self, query: int) -> bool:
        """Whether the composition of one of them is known."""
        return bool(self.shapes[query, :-2].any())

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True)
class ComparedRows:
    """b stored plasmids, as `ComparedQueries`; vectors and compositions have 22 binary digits."""

    vectors: Vectors
    lengths: NDArray[np.float32]
    shapes: NDArray[np.float32]

    def kernels(self, queries: ComparedQueries) -> Iterator[NDArray[np.floating]]:
        """In the order of JOINS: cosines, then votes at each of SHARPNESSES, then similarities of
        length and composition, 0 to 1, (b, q) each; shapes are similar to those of the same
        topology alone."""
        cosines = exact_cosines(queries.vectors, self.vectors)
        yield cosines
        values = np.empty(cosines.shape, dtype=np.float32)
        np.subtract(cosines, 1, out=values, casting="same_kind")
        values *= np.float32(SHARPNESSES[0])
        np.exp(values, out=values)
        yield _rounded(values, _VOTE_SHIFT)
        np.multiply(values, values, out=values)  # the second sharpness is twice the first
        yield _rounded(values, _VOTE_SHIFT)
        np.subtract(self.lengths[:, None], queries.lengths, out=values)  # (b, q)
        np.multiply(values, values, out=values)
        np.negative(values, out=values)
        yield _rounded(np.exp(values, out=values), _SHAPE_SHIFT)
        products = exact_cosines(queries.shapes, self.shapes)
        np.subtract(products, 1 + _TOPOLOGY_WEIGHT, out=values, casting="same_kind")
        values *= np.float32(2 / COMPOSITION_WIDTH)  # of half the squared distances
        np.minimum(values, 0, out=values)
        yield _rounded(np.exp(values, out=values), _SHAPE_SHIFT)


def _scaled_lengths(lengths: NDArray[np.int64], are_linear: Mask) -> NDArray[np.float32]:
    """Of plasmids of so many bases (n,) the logarithms, of which squared differences are exponents
    of a kernel; those of linear ones are far from those of circular ones."""
    far = np.log(lengths) + _FAR * are_linear
    scaled: NDArray[np.float32] = (far * (0.5**0.5 / LENGTH_WIDTH)).astype(np.float32)
    return scaled


def _rounded(kernels: NDArray[np.float32], shift: np.float32) -> NDArray[np.float32]:
    """Numbers from 0 to 1 on the grid of a shift, a copy."""
    rounded = kernels + shift
    rounded -= shift
    return rounded


@dataclass(frozen=True)
class StoredRows:
    """The n plasmids of one segment as they are stored: by what vectors are compared (n, r),
    logarithms of lengths by topology (n,), compositions (n, w), and which are linear (n,)."""

    segment: LiveSegment
    vectors: Vectors
    lengths: NDArray[np.float32]
    compositions: NDArray[np.float32]
    are_linear: Mask

    @classmethod
    def from_segment(cls, segment: LiveSegment) -> StoredRows:
        """Of a segment with k-mers, which has compositions."""
        stored, kmers = segment.stored, segment.stored.kmers
        assert kmers is not None, "only segments with k-mers give lab features"
        lengths = _scaled_lengths(stored.lengths, stored.are_linear)
        return cls(segment, stored.coordinates, lengths, kmers.compositions, stored.are_linear)

    @cached_property
    def have_composition(self) -> Mask:
        """Of which the composition is known (n,); the others are zeros, and none is below."""
        width = self.compositions.shape[1]
        return np.asarray(self.compositions @ np.ones(width, dtype=np.float32) > 0)

    def join(
        self, queries: ComparedQueries, by_lab: RowsByLab, columns: Sequence[NDArray[np.float64]]
    ) -> None:
        """Join the kernels of queries, with their vectors as the model gives them, and the rows by
        lab to those of all labs (l, q), in the order of JOINS, in place."""
        along_axes = self.segment.stored.along_axes(queries.vectors)
        queries = ComparedQueries(along_axes, queries.lengths, queries.shapes)
        if len(queries) < _FEW_QUERIES:
            self._join_at_once(queries, by_lab, columns)
            return
        for block in by_lab.blocks:
            kernels = self._compared(block.rows).kernels(queries)
            for column, join, values in zip(columns, JOINS, kernels, strict=True):
                _join(column, block.labs, block.joined(values, join), join, by_lab.are_first)

    def _join_at_once(
        self, queries: ComparedQueries, by_lab: RowsByLab, columns: Sequence[NDArray[np.float64]]
    ) -> None:
        """The same of few queries. Where most rows count, their kernels are put in order, else the
        rows: whatever is less."""
        rows, size = by_lab.rows, len(self.vectors)
        in_place = 2 * len(rows) > size
        count = size if in_place else len(rows)
        kernels = [np.empty((count, len(queries)), dtype) for dtype in _KERNEL_TYPES]
        for start in range(0, count, _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            compared = self._compared(part if in_place else rows[part])
            for kernel, values in zip(kernels, compared.kernels(queries), strict=True):
                kernel[part] = values
        for column, join, kernel in zip(columns, JOINS, kernels, strict=True):
            joined = by_lab.joined(kernel[rows] if in_place else kernel, join)
            _join(column, by_lab.labs, joined, join, by_lab.are_first)

    def _compared(self, rows: Rows | slice) -> ComparedRows:
        """Some of the rows as they are compared."""
        are_linear, compositions = self.are_linear[rows], self.compositions[rows]
        width = compositions.shape[1]
        shapes = np.empty((len(compositions), width + 2), dtype=np.float32)
        shapes[:, :width] = rounded_unit_rows(compositions)
        shapes[:, width] = are_linear
        np.subtract(1, shapes[:, width], out=shapes[:, width + 1])
        return ComparedRows(rounded_unit_rows(self.vectors[rows]), self.lengths[rows], shapes)


def _join(
    column: NDArray[np.float64],
    labs: Codes,
    values: NDArray[np.float64],
    join: np.ufunc,
    are_first: bool,
) -> None:
    """What is joined of some labs (m, q) joined to that of all (l, q), in place; it takes its place
    where the labs are the first."""
    column[labs] = values if are_first else join(column[labs], values)
