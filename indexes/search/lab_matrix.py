"""The matrix of class vectors: segments in, cosines of queries with each class out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.joining.class_vectors import ClassVectors
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.search.vector_search import (
    VectorSearch,
    checked_queries,
    unit_rows64,
)
from vecattr.indexes.storage.lab_parts import LabPart, Origin
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.products import on_grid
from vecattr.vectors import Cosines, Mask, Rows, Vectors

#: Rows that are made at once.
_ROWS_AT_ONCE = 256
#: From so many queries on the unit rows of classes are kept.
_BATCH_QUERIES = 8


@dataclass(frozen=True)
class LabEntry:
    """One class of an index: the number of `plasmids` stored under it, and the `origin` of its
    vector ("learned" also when plasmids were added to a learned lab)."""

    name: str
    plasmids: int
    origin: Origin


@dataclass(frozen=True)
class LabMatrix:
    """The n classes of an index, sorted by name: `vectors` (n, d), and which are `learned` (n,)."""

    names: tuple[str, ...]
    vectors: Vectors
    learned: Mask

    @classmethod
    def from_segments(cls, segments: Sequence[LiveSegment], *, width: int) -> LabMatrix:
        """The classes of these segments together."""
        return cls(*ClassVectors.from_segments(segments, width=width))

    @classmethod
    def from_parts(cls, parts: Sequence[LabPart], *, width: int) -> LabMatrix:
        """From effective vectors, one part for each class, sorted by name."""
        vectors = np.zeros((len(parts), width), dtype=np.float32)
        for row, part in enumerate(parts):
            vectors[row] = part.vector
        learned = np.array([part.origin == "learned" for part in parts], dtype=bool)
        return cls(tuple(part.name for part in parts), vectors, learned)

    @cached_property
    def learned_names(self) -> frozenset[str]:
        """The classes that have a learned vector."""
        return frozenset(self.names[row] for row in np.flatnonzero(self.learned).tolist())

    def entries(self, sizes: Mapping[str, int]) -> list[LabEntry]:
        """Every class, with the number of its plasmids by name."""
        return [
            LabEntry(name, sizes[name], "learned" if is_learned else "mean")
            for name, is_learned in zip(self.names, self.learned.tolist(), strict=True)
        ]

    @cached_property
    def _searches(self) -> tuple[VectorSearch, VectorSearch]:
        """Search over learned vectors, and over means of plasmids."""
        search = partial(VectorSearch.from_vectors, self.vectors, names=self.names)
        return search(alive=self.learned), search(alive=~self.learned)

    def ranked(self, vectors: QueryVectors, *, k: int) -> list[Rows]:
        """Of each query the k nearest classes (k,), best first, ties by name; fewer when there are
        fewer. The same order as that of `cosines`."""
        learned, means = self._searches
        pairs = zip(learned.search(vectors.full, k=k), means.search(vectors.bare, k=k), strict=True)
        return [_merged(pair)[:k] for pair in pairs]

    @cached_property
    def _unit_rows(self) -> NDArray[np.float64]:
        """Unit rows of all classes (n, d), on a grid."""
        rows = np.empty(self.vectors.shape)
        for block in _in_blocks(np.arange(len(rows))):
            rows[block] = _on_unit_grid(self.vectors[block])
        return rows

    def cosines(self, vectors: QueryVectors) -> Cosines:
        """Of each query with each class, (q, n): learned vectors are compared with the whole query,
        means of plasmids with its sequence. MismatchError for another width, InputError for rows
        that are not finite."""
        cosines = np.zeros((len(vectors), len(self.names)))
        is_batch = len(vectors) >= _BATCH_QUERIES
        for queries, are_compared in ((vectors.full, self.learned), (vectors.bare, ~self.learned)):
            unit_queries = on_grid(checked_queries(queries, width=self.vectors.shape[1]))
            for rows in _in_blocks(np.flatnonzero(are_compared)):
                unit = self._unit_rows[rows] if is_batch else _on_unit_grid(self.vectors[rows])
                cosines[:, rows] = unit_queries @ unit.T  # (q, d) @ (d, b), rounding nothing
        return np.clip(cosines, -1, 1, out=cosines)


def _in_blocks(rows: Rows) -> Iterator[Rows | slice]:
    """Ascending rows, some at a time: what a core's cache holds of their vectors. Those that follow
    each other, as all of one origin do, are a slice, which copies nothing."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = rows[start : start + _ROWS_AT_ONCE]
        first, last = int(block[0]), int(block[-1])
        yield slice(first, last + 1) if last - first == len(block) - 1 else block


def _on_unit_grid(vectors: Vectors) -> NDArray[np.float64]:
    """As `unit_rows64`, on the grid of exact products."""
    return on_grid(unit_rows64(vectors))


def _merged(results: Sequence[tuple[Rows, Cosines]]) -> Rows:
    """Rows of several searches by falling cosine, ties by row, which is by name."""
    rows = np.concatenate([rows for rows, _ in results])
    cosines = np.concatenate([cosines for _, cosines in results])
    merged: Rows = rows[np.lexsort((rows, -cosines))]
    return merged
