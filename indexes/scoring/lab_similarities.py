"""Similarities of queries with all stored plasmids: vectors and shapes of queries in, what remains
of them of each lab out.

Stored plasmids are read a block of labs at a time, for a batch of queries at once, and each block
is reduced to one number a lab before the next, so that nothing is kept of a plasmid. Kernels are
rounded to a grid, so that sums over the plasmids of a lab are exact: they depend neither on the
other queries nor on how plasmids are divided among segments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.scoring.catalogue import Catalogue
from vecattr.indexes.scoring.shape_odds import COMPOSITION_WIDTH, LENGTH_WIDTH, ShapeMatches
from vecattr.indexes.search.rows_by_lab import RowsByLab
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.plasmid import Plasmid
from vecattr.products import exact_cosines, put_on_grid
from vecattr.sequences.composition import composition
from vecattr.vectors import Codes, Column, Mask, Rows, Vectors

#: Inverse temperatures of the kernels by which the plasmids of a lab vote with their cosines; the
#: second is twice the first.
SHARPNESSES = (20, 40)
#: Cosines, votes at each sharpness, lengths and compositions.
_KERNELS = 1 + len(SHARPNESSES) + 2

#: How each is joined over the plasmids of a lab.
_JOINS = (np.maximum, *[np.add] * (_KERNELS - 1))

#: Queries compared at once; fewer than so many with all plasmids of a segment in one go.
_QUERIES_AT_ONCE, _FEW_QUERIES = 64, 8
#: Added to a kernel and taken away again, it leaves a multiple of 2^-42, of which a float64 sums
#: 2,000 exactly, however large they are.
_KERNEL_SHIFT = np.float32(1.5 * 2.0**-19)
assert np.spacing(_KERNEL_SHIFT) == 2.0**-42
#: How far logarithms of lengths of linear plasmids are from those of circular ones, and by how much
#: inner products of shapes of one topology are larger: enough for a kernel of 0.
_FAR, _TOPOLOGY_WEIGHT = 32.0, 0.5
#: Labs whose columns are turned at once: what a core's cache holds.
_LABS_AT_ONCE = 64


def log_votes(votes: Column, sharpness: int) -> Column:
    """Logarithms of sums of exp(sharpness * (cosine - 1)), on the scale of cosine - 1, (l,)."""
    scaled: Column = np.log(votes + 1e-9) / sharpness
    return scaled


@dataclass(frozen=True)
class LabSimilarities:
    """Of one query and l labs: the cosine of each lab's nearest plasmid, -1 of a lab without any;
    the `votes` of its plasmids at each of SHARPNESSES; and how they match in shape."""

    nearest: Column
    votes: tuple[Column, ...]
    shapes: ShapeMatches

    def vector_columns(self) -> dict[str, Column]:
        """The lab features that vectors give, by name."""
        pairs = zip(SHARPNESSES, self.votes, strict=True)
        votes = {f"votes{sharpness}": log_votes(sums, sharpness) for sharpness, sums in pairs}
        return {"nearest": np.clip(self.nearest, -1, 1), **votes}


@dataclass(frozen=True)
class _Queries:
    """q queries: unit vectors (q, d) or their coordinates along axes (q, r), logarithms of lengths
    by topology (q,), and by composition and topology the vectors of `_shape_vectors` (q, w + 2)."""

    vectors: NDArray[np.floating]
    lengths: NDArray[np.float32]
    shapes: NDArray[np.float64]

    @classmethod
    def from_plasmids(cls, plasmids: Sequence[Plasmid], vectors: Vectors) -> _Queries:
        compositions = np.stack(
            [composition(plasmid.sequence, circular=plasmid.is_circular) for plasmid in plasmids]
        )
        lengths = np.array([len(plasmid) for plasmid in plasmids])
        are_linear = np.array([not plasmid.is_circular for plasmid in plasmids])
        shapes = _shape_vectors(compositions, are_linear, weight=_TOPOLOGY_WEIGHT)
        return cls(vectors, _scaled_lengths(lengths, are_linear), shapes)

    def only(self, query: int) -> _Queries:
        """One of them."""
        return _Queries(*(column[query : query + 1] for column in vars(self).values()))

    def __len__(self) -> int:
        return len(self.vectors)


def _scaled_lengths(lengths: NDArray[np.int64], are_linear: Mask) -> NDArray[np.float32]:
    """Of plasmids of so many bases (n,) the logarithms, of which squared differences are exponents
    of a kernel; those of linear ones are far from those of circular ones."""
    far = np.log(lengths) + _FAR * are_linear
    scaled: NDArray[np.float32] = (far * (0.5**0.5 / LENGTH_WIDTH)).astype(np.float32)
    return scaled


def _shape_vectors(
    compositions: NDArray[np.float32], are_linear: Mask, *, weight: float
) -> NDArray[np.float64]:
    """Compositions (n, w) on a grid, and two numbers for the topologies (n, w + 2), so that an
    inner product is larger by the product of weights where the topology is the same."""
    count, width = compositions.shape
    vectors = np.empty((count, width + 2))
    vectors[:, :width] = compositions
    put_on_grid(vectors[:, :width], exponent=0)
    vectors[:, width] = are_linear
    np.subtract(1, vectors[:, width], out=vectors[:, width + 1])
    vectors[:, width:] *= weight
    return vectors


@dataclass(frozen=True)
class _Rows:
    """n stored plasmids of one segment: what their vectors are compared by (n, r), and the rest as
    `_Queries`, compositions (n, w) and which are linear (n,) as they are stored."""

    vectors: Vectors
    lengths: NDArray[np.float32]
    compositions: NDArray[np.float32]
    are_linear: Mask

    @classmethod
    def from_segment(cls, segment: LiveSegment) -> _Rows:
        stored, kmers = segment.stored, segment.stored.kmers
        assert kmers is not None, "only segments with k-mers give lab features"
        lengths = _scaled_lengths(stored.lengths, stored.are_linear)
        return cls(stored.coordinates, lengths, kmers.compositions, stored.are_linear)

    @cached_property
    def have_composition(self) -> Mask:
        """Of which the composition is known (n,); the others are zeros."""
        return np.asarray(self.compositions.any(axis=1))

    def select(self, rows: Rows) -> _Rows:
        """Some of them, copied."""
        return _Rows(
            self.vectors[rows], self.lengths[rows], self.compositions[rows], self.are_linear[rows]
        )

    def kernels(self, queries: _Queries) -> Iterator[NDArray[np.floating]]:
        """Cosines, then votes at each of SHARPNESSES, then similarities of length and composition,
        0 to 1, (n, q) each; shapes are similar to those of the same topology alone."""
        cosines = exact_cosines(queries.vectors, self.vectors)
        yield cosines
        votes = np.empty(cosines.shape, dtype=np.float32)
        np.subtract(cosines, 1, out=votes, casting="same_kind")
        votes *= np.float32(SHARPNESSES[0])
        np.exp(votes, out=votes)
        yield _rounded(votes)
        np.multiply(votes, votes, out=votes)  # the second sharpness is twice the first
        yield _rounded(votes)
        distances = self.lengths[:, None] - queries.lengths  # (n, q)
        np.multiply(distances, distances, out=distances)
        np.negative(distances, out=distances)
        yield _rounded(np.exp(distances, out=distances))
        stored = _shape_vectors(self.compositions, self.are_linear, weight=1.0)
        products = stored @ queries.shapes.T  # (n, w + 2) @ (w + 2, q)
        similar = distances
        np.subtract(products, 1 + _TOPOLOGY_WEIGHT, out=similar, casting="same_kind")
        similar *= np.float32(2 / COMPOSITION_WIDTH)  # of half the squared distances
        np.minimum(similar, 0, out=similar)
        yield _rounded(np.exp(similar, out=similar))

    def joined(self, by_lab: RowsByLab, queries: _Queries) -> list[NDArray[np.float64]]:
        """The largest cosine of the rows of each lab that occurs, and the sum of every other
        kernel, (m, q) each."""
        if len(queries) < _FEW_QUERIES:
            return self._joined_at_once(by_lab, queries)
        shape = len(by_lab.labs), len(queries)
        joined = [np.empty(shape) for _ in range(_KERNELS)]
        for block in by_lab.blocks:
            kernels = self.select(block.rows).kernels(queries)
            for column, join, values in zip(joined, _JOINS, kernels, strict=True):
                column[block.labs] = block.joined(values, join)
        return joined

    def _joined_at_once(self, by_lab: RowsByLab, queries: _Queries) -> list[NDArray[np.float64]]:
        """The same of few queries. Where most rows count, their kernels are put in order, else the
        rows: whatever is less."""
        rows = by_lab.rows
        in_place = 2 * len(rows) > len(self.vectors)
        kernels = (self if in_place else self.select(rows)).kernels(queries)
        return [
            by_lab.joined(values[rows] if in_place else values, join)
            for join, values in zip(_JOINS, kernels, strict=True)
        ]


def _rounded(kernels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Numbers from 0 to 1 on the grid on which their sums are exact, a copy."""
    rounded = kernels + _KERNEL_SHIFT
    rounded -= _KERNEL_SHIFT
    return rounded


class StoredSimilarities:
    """Similarities with the living rows of a catalogue."""

    def __init__(self, catalogue: Catalogue, segments: Sequence[LiveSegment]) -> None:
        self._catalogue = catalogue
        self._segments = segments

    def of_queries(
        self, plasmids: Sequence[Plasmid], vectors: Vectors, left_out: Sequence[Rows]
    ) -> Iterator[LabSimilarities]:
        """Of each query with its vector (q, d), without the rows that are left out for it."""
        for start in range(0, len(plasmids), _QUERIES_AT_ONCE):
            block = slice(start, start + _QUERIES_AT_ONCE)
            queries = _Queries.from_plasmids(plasmids[block], vectors[block])
            sums = self._sums(queries)
            for query, rows in enumerate(left_out[block]):
                query_sums = [column[query] for column in sums]
                if len(rows):
                    self._leave_out(query_sums, queries.only(query), rows)
                yield self._similarities(query_sums, queries, query, rows)

    @cached_property
    def _rows(self) -> list[_Rows]:
        return [_Rows.from_segment(segment) for segment in self._segments]

    @cached_property
    def _by_lab(self) -> list[RowsByLab]:
        labs, starts = self._catalogue.labs, [*self._catalogue.starts, len(self._catalogue)]
        return [RowsByLab.from_labs(labs[start:stop]) for start, stop in pairwise(starts)]

    def _sums(self, queries: _Queries) -> list[NDArray[np.float64]]:
        """The largest cosine of each lab, -1 of one without any row, and the sum of every other
        kernel, (q, l) each."""
        sums = self._no_sums(len(queries))
        for segment, stored, by_lab in zip(self._segments, self._rows, self._by_lab, strict=True):
            compared = replace(queries, vectors=segment.stored.along_axes(queries.vectors))
            _add(sums, stored.joined(by_lab, compared), by_lab.labs)
        sums.reverse()
        return [_turned(sums.pop()) for _ in range(_KERNELS)]

    def _no_sums(self, queries: int) -> list[NDArray[np.float64]]:
        """What is joined over no rows, of each lab and so many queries (l, q)."""
        shape = len(self._catalogue.lab_names), queries
        return [np.full(shape, -1.0), *(np.zeros(shape) for _ in range(1, _KERNELS))]

    def _leave_out(self, sums: list[Column], query: _Queries, left_out: Rows) -> None:
        """Sum again over the labs of the rows that are left out, in place."""
        changed = np.unique(self._catalogue.labs[left_out])
        again = self._no_sums(1)
        for segment, first, stored, of_labs in zip(
            self._segments, self._catalogue.starts, self._rows, self._by_lab, strict=True
        ):
            rows = of_labs.rows_of(changed)
            rows = rows[~np.isin(first + rows, left_out)]
            by_lab = RowsByLab.from_labs(self._catalogue.labs[first + rows], rows=rows)
            compared = replace(query, vectors=segment.stored.along_axes(query.vectors))
            _add(again, stored.joined(by_lab, compared), by_lab.labs)
        for column, values in zip(sums, again, strict=True):
            column[changed] = values[changed, 0]

    def _similarities(
        self, sums: Sequence[Column], queries: _Queries, query: int, left_out: Rows
    ) -> LabSimilarities:
        nearest, *votes, lengths, compositions = sums
        is_linear = bool(queries.shapes[query, -2])
        counts = [self._catalogue.plasmids, *self._counts[is_linear]]
        if len(left_out):
            same = self._are_linear[left_out] == is_linear
            known = same & self._have_composition[left_out]
            gone = [left_out, left_out[same], left_out[known]]
            labs, size = self._catalogue.labs, len(nearest)
            counts = [
                count - np.bincount(labs[rows], minlength=size)
                for count, rows in zip(counts, gone, strict=True)
            ]
        plasmids, topology, comparable = (count.astype(np.float64) for count in counts)
        if not queries.shapes[query, :-2].any():
            comparable = np.zeros_like(comparable)
        shapes = ShapeMatches(plasmids, topology, lengths, comparable, compositions)
        return LabSimilarities(nearest, tuple(votes), shapes)

    @cached_property
    def _are_linear(self) -> Mask:
        return np.concatenate([rows.are_linear for rows in self._rows])

    @cached_property
    def _have_composition(self) -> Mask:
        return np.concatenate([rows.have_composition for rows in self._rows])

    @cached_property
    def _counts(self) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
        """Of circular plasmids, then of linear ones: how many each lab has, and of how many the
        composition is known (l,)."""
        labs, size = self._catalogue.labs, len(self._catalogue.lab_names)

        def counts(rows: Mask) -> NDArray[np.int64]:
            return np.bincount(labs[rows & (labs >= 0)], minlength=size)

        circular, linear = (
            [counts(same), counts(same & self._have_composition)]
            for same in (~self._are_linear, self._are_linear)
        )
        return circular, linear


def _add(
    sums: Sequence[NDArray[np.float64]], others: Sequence[NDArray[np.float64]], labs: Codes
) -> None:
    """What is joined of some labs (m, q) joined to that of all (l, q), in place."""
    follow = len(labs) > 0 and labs[-1] - labs[0] == len(labs) - 1  # as those of a sorted table
    places = slice(labs[0], labs[-1] + 1) if follow else labs
    for column, join, values in zip(sums, _JOINS, others, strict=True):
        column[places] = join(column[places], values)


def _turned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of labs and queries (l, q) as (q, l)."""
    turned = np.empty(values.shape[::-1])
    for start in range(0, len(values), _LABS_AT_ONCE):
        labs = slice(start, start + _LABS_AT_ONCE)
        turned[:, labs] = values[labs].T
    return turned
