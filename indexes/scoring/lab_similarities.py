"""Similarities of queries with all stored plasmids: vectors and shapes of queries in, what remains
of them of each lab out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vecattr.indexes.joining.catalogue import Catalogue
from vecattr.indexes.scoring.shape_odds import ShapeMatches
from vecattr.indexes.search.kernels import SHARPNESSES, ComparedQueries
from vecattr.indexes.search.stored_rows import ComparedLabs
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.plasmid import Plasmid
from vecattr.vectors import LabColumn, Mask, Rows, Vectors

#: Queries compared at once.
_QUERIES_AT_ONCE = 64


def log_votes(votes: LabColumn, sharpness: int) -> LabColumn:
    """Logarithms of sums of exp(sharpness * (cosine - 1)), on the scale of cosine - 1, (l,)."""
    scaled: LabColumn = np.log(votes + 1e-9) / sharpness
    return scaled


@dataclass(frozen=True)
class LabSimilarities:
    """Of one query and l labs: the cosine of each lab's nearest plasmid, -1 of a lab without any;
    the `votes` of its plasmids at each of SHARPNESSES; and how they match in shape."""

    nearest: LabColumn
    votes: tuple[LabColumn, ...]
    shapes: ShapeMatches

    def vector_columns(self) -> dict[str, LabColumn]:
        """The lab features that vectors give, by name."""
        pairs = zip(SHARPNESSES, self.votes, strict=True)
        votes = {f"votes{sharpness}": log_votes(sums, sharpness) for sharpness, sums in pairs}
        return {"nearest": self.nearest, **votes}


class StoredSimilarities:
    """Similarities with the living rows of a catalogue."""

    def __init__(self, catalogue: Catalogue, segments: Sequence[LiveSegment]) -> None:
        self._catalogue = catalogue
        self._stored = ComparedLabs(
            segments, catalogue.labs, catalogue.starts, lab_count=len(catalogue.lab_names)
        )

    def of_queries(
        self, plasmids: Sequence[Plasmid], vectors: Vectors, left_out: Sequence[Rows]
    ) -> Iterator[LabSimilarities]:
        """Of each query with its vector (q, d), without the rows that are left out for it."""
        for start in range(0, len(plasmids), _QUERIES_AT_ONCE):
            block = slice(start, start + _QUERIES_AT_ONCE)
            coordinates = self._stored.coordinates(vectors[block])
            queries = ComparedQueries.from_plasmids(plasmids[block], coordinates)
            columns = self._stored.joined(queries)
            for query, rows in enumerate(left_out[block]):
                of_query = [column[query] for column in columns]
                if len(rows):
                    self._leave_out(of_query, queries.only(query), rows)
                yield self._similarities(of_query, queries, query, rows)

    def _leave_out(self, columns: list[LabColumn], query: ComparedQueries, left_out: Rows) -> None:
        """Join again over the labs of the rows that are left out, in place."""
        changed = np.unique(self._catalogue.labs[left_out])
        joined = self._stored.joined_without(query, changed, left_out)
        for column, values in zip(columns, joined, strict=True):
            column[changed] = values

    def _similarities(
        self, columns: Sequence[LabColumn], queries: ComparedQueries, query: int, left_out: Rows
    ) -> LabSimilarities:
        nearest, *votes, lengths, compositions = columns
        is_linear = queries.are_linear[query]
        counts = [self._plasmids, *self._counts[int(is_linear)]]
        if len(left_out):
            same = self._stored.are_linear[left_out] == is_linear
            known = same & self._stored.have_composition[left_out]
            gone = [left_out, left_out[same], left_out[known]]
            labs, size = self._catalogue.labs, len(nearest)
            counts = [
                count - np.bincount(labs[rows], minlength=size).astype(np.float32)
                for count, rows in zip(counts, gone, strict=True)
            ]
        plasmids, topology, comparable = counts
        if not queries.have_composition[query]:
            comparable = np.zeros_like(comparable)
        shapes = ShapeMatches(plasmids, topology, lengths, comparable, compositions)
        return LabSimilarities(nearest, tuple(votes), shapes)

    @cached_property
    def _plasmids(self) -> LabColumn:
        return self._catalogue.plasmids.astype(np.float32)

    @cached_property
    def _counts(self) -> tuple[list[LabColumn], list[LabColumn]]:
        """Of circular plasmids, then of linear ones: how many each lab has, and of how many the
        composition is known (l,)."""
        labs, size = self._catalogue.labs, len(self._catalogue.lab_names)
        are_linear = self._stored.are_linear

        def counts(rows: Mask) -> LabColumn:
            return np.bincount(labs[rows & (labs >= 0)], minlength=size).astype(np.float32)

        circular, linear = (
            [counts(same), counts(same & self._stored.have_composition)]
            for same in (~are_linear, are_linear)
        )
        return circular, linear
