"""The classes of an index as rows of a matrix: segments in, cosines of queries with them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.search.vector_search import (
    Cosines,
    Rows,
    VectorSearch,
    checked_queries,
    products,
    unit,
)
from vecattr.indexes.storage.lab_parts import Origin
from vecattr.indexes.storage.live_segment import LiveSegment, combined_labs
from vecattr.vectors import Vectors


@dataclass(frozen=True)
class LabEntry:
    """One class of an index: `plasmids` stored under it, `origin` of its vector ("learned" also
    when plasmids were added to a learned lab)."""

    name: str
    plasmids: int
    origin: Origin


@dataclass(frozen=True)
class LabMatrix:
    """Of n classes, sorted by name: `vectors` (n, d), and which of them were `learned` (n,)."""

    names: tuple[str, ...]
    vectors: Vectors
    learned: NDArray[np.bool_]

    @classmethod
    def from_segments(cls, segments: Sequence[LiveSegment], *, width: int) -> LabMatrix:
        """The classes of these segments together."""
        parts = combined_labs(segments)
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
        """FAISS over learned vectors, and over means of plasmids."""
        over = partial(VectorSearch.from_vectors, self.vectors, names=self.names)
        return over(alive=self.learned), over(alive=~self.learned)

    def ranked(self, vectors: QueryVectors, *, k: int) -> list[NDArray[np.int64]]:
        """Of each query the k nearest classes (k,), best first, ties by name; fewer when there are
        fewer. The same order as that of `cosines`."""
        learned, means = self._searches
        pairs = zip(learned.search(vectors.full, k=k), means.search(vectors.bare, k=k), strict=True)
        return [_merged(pair)[:k] for pair in pairs]

    @cached_property
    def _halves(self) -> tuple[tuple[NDArray[np.bool_], NDArray[np.float64]], ...]:
        """Learned classes and means of plasmids: which they are (n,), and their unit rows."""
        return tuple((some, unit(self.vectors[some])) for some in (self.learned, ~self.learned))

    def cosines(self, vectors: QueryVectors) -> NDArray[np.float64]:
        """Of each query with each class, (q, n): learned vectors are compared with the whole query,
        means of plasmids with its sequence. MismatchError for another width, InputError for rows
        that are not finite."""
        found = np.zeros((len(vectors), len(self.names)))
        for queries, (some, rows) in zip((vectors.full, vectors.bare), self._halves, strict=True):
            for row, query in enumerate(checked_queries(queries, width=self.vectors.shape[1])):
                found[row, some] = products(rows, query)
        return found


def _merged(found: Iterable[tuple[Rows, Cosines]]) -> Rows:
    """Rows of several searches by falling cosine, ties by row, which is by name."""
    parts = list(found)
    rows = np.concatenate([rows for rows, _ in parts])
    cosines = np.concatenate([cosines for _, cosines in parts])
    merged: Rows = rows[np.lexsort((rows, -cosines))]
    return merged
