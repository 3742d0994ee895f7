"""Similarities of queries with all stored plasmids: vectors and shapes of queries in, what remains
of them of each lab out.

Stored plasmids are read a block of labs at a time, for a batch of queries at once, and each block
is reduced to one number a lab before the next, so that nothing is kept of a plasmid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.joining.catalogue import Catalogue
from vecattr.indexes.scoring.shape_odds import ShapeMatches
from vecattr.indexes.search.kernels import JOINS, SHARPNESSES, ComparedQueries, StoredRows
from vecattr.indexes.search.rows_by_lab import RowsByLab
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.plasmid import Plasmid
from vecattr.vectors import Column, Mask, Rows, Vectors

#: What is joined over no rows, in the order of JOINS.
_NOTHING_JOINED = (-1.0, *[0.0] * (len(JOINS) - 1))
#: Queries compared at once.
_QUERIES_AT_ONCE = 64
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
            queries = ComparedQueries.from_plasmids(plasmids[block], vectors[block])
            sums = self._sums(queries)
            for query, rows in enumerate(left_out[block]):
                query_sums = [column[query] for column in sums]
                if len(rows):
                    self._leave_out(query_sums, queries.only(query), rows)
                yield self._similarities(query_sums, queries, query, rows)

    @cached_property
    def _rows(self) -> list[StoredRows]:
        return [StoredRows.from_segment(segment) for segment in self._segments]

    @cached_property
    def _by_lab(self) -> list[RowsByLab]:
        labs, starts = self._catalogue.labs, [*self._catalogue.starts, len(self._catalogue)]
        occurred = np.zeros(len(self._catalogue.lab_names), dtype=bool)
        by_lab = []
        for start, stop in pairwise(starts):
            rows = RowsByLab.from_labs(labs[start:stop])
            by_lab.append(replace(rows, are_first=not occurred[rows.labs].any()))
            occurred[rows.labs] = True
        return by_lab

    def _sums(self, queries: ComparedQueries) -> list[NDArray[np.float64]]:
        """The largest cosine of each lab, -1 of one without any row, and the sum of every other
        kernel, (q, l) each."""
        shape = len(self._catalogue.lab_names), len(queries)
        sums = [np.full(shape, nothing) for nothing in _NOTHING_JOINED]
        for stored, by_lab in zip(self._rows, self._by_lab, strict=True):
            stored.join(queries, by_lab, sums)
        sums.reverse()
        return [_turned(sums.pop()) for _ in JOINS]

    def _leave_out(self, sums: list[Column], query: ComparedQueries, left_out: Rows) -> None:
        """Sum again over the labs of the rows that are left out, in place."""
        changed = np.unique(self._catalogue.labs[left_out])
        for column, nothing in zip(sums, _NOTHING_JOINED, strict=True):
            column[changed] = nothing
        of_query = [column[:, None] for column in sums]  # (l, 1)
        for first, stored, of_labs in zip(
            self._catalogue.starts, self._rows, self._by_lab, strict=True
        ):
            rows = of_labs.rows_of(changed)
            rows = rows[~np.isin(first + rows, left_out)]
            by_lab = RowsByLab.from_labs(self._catalogue.labs[first + rows], rows=rows)
            stored.join(query, by_lab, of_query)

    def _similarities(
        self, sums: Sequence[Column], queries: ComparedQueries, query: int, left_out: Rows
    ) -> LabSimilarities:
        nearest, *votes, lengths, compositions = sums
        is_linear = queries.is_linear(query)
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
        if not queries.has_composition(query):
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


def _turned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of labs and queries (l, q) as (q, l)."""
    turned = np.empty(values.shape[::-1])
    for start in range(0, len(values), _LABS_AT_ONCE):
        labs = slice(start, start + _LABS_AT_ONCE)
        turned[:, labs] = values[labs].T
    return turned
