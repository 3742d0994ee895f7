"""Similarities of queries with all stored plasmids: vectors and shapes of queries in, what remains
of them of each lab out.

Stored plasmids are read a block of labs at a time, for a batch of queries at once, and each block
is reduced to one number a lab before the next, so that nothing is kept of a plasmid. Kernels are
rounded to a grid, so that sums over the plasmids of a lab are exact: they depend neither on the
other queries nor on how plasmids are divided among segments.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.scoring.catalogue import Catalogue
from vecattr.indexes.scoring.shape_odds import COMPOSITION_WIDTH, LENGTH_WIDTH, ShapeMatches
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.plasmid import Plasmid
from vecattr.products import exact_cosines, on_grid
from vecattr.sequences.composition import composition
from vecattr.sequences.postings import joined_ranges
from vecattr.vectors import Codes, Column, Mask, Rows, Vectors

#: Inverse temperatures of the kernels by which the plasmids of a lab vote with their cosines; the
#: second is twice the first.
SHARPNESSES = (20, 40)
#: Cosines, votes at each sharpness, lengths and compositions.
_KERNELS = 1 + len(SHARPNESSES) + 2

#: Queries compared at once, and stored plasmids (about) with several of them.
_QUERIES_AT_ONCE, _ROWS_AT_ONCE = 64, 512
#: Added to a kernel and taken away again, it leaves a multiple of 2^-44, of which a float64 sums
#: hundreds exactly, however large they are.
_KERNEL_SHIFT = 1.5 * 2.0**8


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
    """q queries: unit vectors (q, d), logarithms of lengths (q,), which are linear (q,),
    compositions (q, w), and of which these are known (q,)."""

    vectors: Vectors
    log_lengths: NDArray[np.float32]
    are_linear: Mask
    compositions: NDArray[np.float32]
    have_composition: Mask

    @classmethod
    def from_plasmids(cls, plasmids: Sequence[Plasmid], vectors: Vectors) -> _Queries:
        compositions = np.stack(
            [composition(plasmid.sequence, circular=plasmid.is_circular) for plasmid in plasmids]
        )
        return cls(
            vectors,
            np.array([math.log(len(plasmid)) for plasmid in plasmids], dtype=np.float32),
            np.array([not plasmid.is_circular for plasmid in plasmids]),
            compositions,
            np.asarray(compositions.any(axis=1)),
        )

    def only(self, query: int) -> _Queries:
        """One of them."""
        return _Queries(*(column[query : query + 1] for column in vars(self).values()))

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True)
class _Rows:
    """n stored plasmids of one segment: as `_Queries`, and known compositions as zeros and ones."""

    vectors: Vectors
    log_lengths: NDArray[np.float32]
    are_linear: Mask
    compositions: NDArray[np.float32]
    have_composition: Mask

    @classmethod
    def from_segment(cls, segment: LiveSegment) -> _Rows:
        stored, kmers = segment.stored, segment.stored.kmers
        assert kmers is not None, "only segments with k-mers give lab features"
        compositions = kmers.compositions
        return cls(
            stored.vectors,
            np.log(stored.lengths).astype(np.float32),
            stored.are_linear,
            compositions,
            np.asarray(compositions.any(axis=1)),  # those that are not known are zeros
        )

    def select(self, rows: Rows) -> _Rows:
        """Some of them, copied."""
        return _Rows(*(column[rows] for column in vars(self).values()))

    def kernels(self, queries: _Queries) -> Iterator[NDArray[np.float64]]:
        """Cosines, then votes at each of SHARPNESSES, then similarities of length and composition,
        0 to 1, (q, n) each; shapes are compared with plasmids of the same topology alone."""
        cosines = exact_cosines(queries.vectors, self.vectors)
        yield cosines
        votes = (cosines - 1).astype(np.float32)
        votes *= np.float32(SHARPNESSES[0])
        np.exp(votes, out=votes)
        yield _rounded(votes)
        np.multiply(votes, votes, out=votes)  # the second sharpness is twice the first
        yield _rounded(votes)
        same_topology = queries.are_linear[:, None] == self.are_linear
        scale = np.float32(0.5**0.5 / LENGTH_WIDTH)
        distances = self.log_lengths * scale - queries.log_lengths[:, None] * scale  # (q, n)
        np.multiply(distances, distances, out=distances)
        yield _rounded(_falling(distances) * same_topology)
        products = on_grid(queries.compositions) @ on_grid(self.compositions).T  # (q, w) @ (w, n)
        squared = (1 - products).astype(np.float32)  # half the squared distances of unit vectors
        np.multiply(squared, np.float32(2 / COMPOSITION_WIDTH), out=squared)
        comparable = same_topology & self.have_composition & queries.have_composition[:, None]
        yield _rounded(_falling(np.maximum(squared, 0, out=squared)) * comparable)


def _falling(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    """exp(-distance), in place."""
    np.negative(distances, out=distances)
    return np.exp(distances, out=distances)


def _rounded(kernels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Numbers from 0 to 1 on the grid on which their sums are exact."""
    wide = kernels.astype(np.float64)
    wide += _KERNEL_SHIFT
    wide -= _KERNEL_SHIFT
    return wide


@dataclass(frozen=True)
class _ByLab:
    """The living rows of one segment by lab, (n,), the labs that occur (m,), and where the rows of
    each begin, and the end (m + 1,)."""

    rows: Rows
    labs: Codes
    starts: Rows

    @classmethod
    def from_labs(cls, labs: Codes) -> _ByLab:
        """From the lab of each row, below 0 for a row that does not count."""
        order = np.argsort(labs, kind="stable")
        rows = order[np.count_nonzero(labs < 0) :]
        counts = np.bincount(labs[rows]) if len(rows) else np.zeros(0, dtype=np.int64)
        occurring = np.flatnonzero(counts)
        return cls(rows, occurring, np.append(0, np.cumsum(counts[occurring])))

    def rows_of(self, labs: Codes) -> Rows:
        """The rows of some labs (ascending), each once."""
        places = np.flatnonzero(np.isin(self.labs, labs))
        starts = self.starts[places]
        return self.rows[joined_ranges(starts, self.starts[places + 1] - starts)]

    def blocks(self, at_once: int) -> Iterator[tuple[slice, Rows, Rows]]:
        """Which of the labs, their rows, and where those of each begin, of about so many rows at a
        time; no lab is divided."""
        first = 0
        while first < len(self.labs):
            full = int(self.starts[first]) + at_once
            last = max(first + 1, int(np.searchsorted(self.starts, full, side="right")) - 1)
            begin, end = self.starts[first], self.starts[last]
            yield slice(first, last), self.rows[begin:end], self.starts[first:last] - begin
            first = last

    def sums(self, stored: _Rows, queries: _Queries) -> list[NDArray[np.float64]]:
        """The largest cosine of each lab, and the sum of every other kernel, (q, m) each."""
        sums = [np.empty((len(queries), len(self.labs))) for _ in range(_KERNELS)]
        # Of one query kernels are put in order, of several the rows: whatever is less.
        in_place = len(queries) == 1 and 2 * len(self.rows) > len(stored.vectors)
        for labs, rows, starts in self.blocks(len(self.rows) if in_place else _ROWS_AT_ONCE):
            kernels = (stored if in_place else stored.select(rows)).kernels(queries)
            for place, (column, values) in enumerate(zip(sums, kernels, strict=True)):
                joined = np.add if place else np.maximum
                in_order = values[:, rows] if in_place else values
                joined.reduceat(in_order, starts, axis=1, out=column[:, labs])
        return sums


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
    def _by_lab(self) -> list[_ByLab]:
        labs, starts = self._catalogue.labs, [*self._catalogue.starts, len(self._catalogue)]
        return [_ByLab.from_labs(labs[start:stop]) for start, stop in pairwise(starts)]

    def _sums(self, queries: _Queries) -> list[NDArray[np.float64]]:
        """The largest cosine of each lab, -1 of one without any row, and the sum of every other
        kernel, (q, l) each."""
        shape = len(queries), len(self._catalogue.lab_names)
        sums = [np.full(shape, -1.0), *(np.zeros(shape) for _ in range(1, _KERNELS))]
        for stored, by_lab in zip(self._rows, self._by_lab, strict=True):
            _add(sums, by_lab.sums(stored, queries), by_lab.labs)
        return sums

    def _leave_out(self, sums: list[Column], query: _Queries, left_out: Rows) -> None:
        """Sum again over the labs of the rows that are left out, in place."""
        changed = np.unique(self._catalogue.labs[left_out])
        sums[0][changed] = -1.0
        for column in sums[1:]:
            column[changed] = 0.0
        wide = [column[None, :] for column in sums]
        for first, stored, of_labs in zip(
            self._catalogue.starts, self._rows, self._by_lab, strict=True
        ):
            rows = of_labs.rows_of(changed)
            rows = rows[~np.isin(first + rows, left_out)]
            by_lab = _ByLab.from_labs(self._catalogue.labs[first + rows])
            _add(wide, replace(by_lab, rows=rows[by_lab.rows]).sums(stored, query), by_lab.labs)

    def _similarities(
        self, sums: Sequence[Column], queries: _Queries, query: int, left_out: Rows
    ) -> LabSimilarities:
        nearest, *votes, lengths, compositions = sums
        is_linear = bool(queries.are_linear[query])
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
        if not queries.have_composition[query]:
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
    """The sums of some labs (q, m) added to those of all (q, l), in place; of the first the larger
    one is kept."""
    follow = len(labs) > 0 and labs[-1] - labs[0] == len(labs) - 1  # as those of a sorted table
    places = slice(labs[0], labs[-1] + 1) if follow else labs
    for place, (column, values) in enumerate(zip(sums, others, strict=True)):
        joined = np.add if place else np.maximum
        for row, row_values in zip(column, values, strict=True):  # in the order of memory
            row[places] = joined(row[places], row_values)
