"""The matrix of class vectors: segments in, cosines of queries with each class out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.search.vector_search import (
    VectorSearch,
    checked_queries,
    unit_rows64,
)
from vecattr.indexes.storage.lab_parts import LabPart, Origin, effective_labs
from vecattr.indexes.storage.live_segment import LiveSegment, combined_labs, discriminant_of
from vecattr.products import on_grid
from vecattr.vectors import Cosines, Mask, Rows, Vectors

#: Rows that are made at once.
_ROWS_AT_ONCE = 256


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
        sole, repeated = _sole_parts(segments)
        if not sole.names:
            return cls.from_parts(combined_labs(segments), width=width)
        vectors, learned = sole.vectors, sole.learned
        is_all_learned = learned.all() and all(part.origin == "learned" for part in repeated)
        discriminant = None if is_all_learned else discriminant_of(segments)
        if discriminant is not None:
            vectors[~learned] = discriminant.directions(vectors[~learned])
        others = cls.from_parts(effective_labs(repeated, discriminant), width=width)
        names = [*sole.names, *others.names]
        order = sorted(range(len(names)), key=names.__getitem__)
        return cls(
            tuple(names[place] for place in order),
            np.concatenate([vectors, others.vectors])[order],
            np.concatenate([learned, others.learned])[order],
        )

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
    def _unit_rows_by_origin(self) -> tuple[tuple[Mask, NDArray[np.float64]], ...]:
        """Learned classes, then means of plasmids: which they are (n,), and their unit rows, on a
        grid."""
        return tuple(
            (classes, _unit_rows_on_grid(self.vectors[classes]))
            for classes in (self.learned, ~self.learned)
        )

    def cosines(self, vectors: QueryVectors) -> Cosines:
        """Of each query with each class, (q, n): learned vectors are compared with the whole query,
        means of plasmids with its sequence. MismatchError for another width, InputError for rows
        that are not finite."""
        cosines = np.zeros((len(vectors), len(self.names)))
        origins = zip((vectors.full, vectors.bare), self._unit_rows_by_origin, strict=True)
        for queries, (classes, rows) in origins:
            unit_queries = on_grid(checked_queries(queries, width=self.vectors.shape[1]))
            products = unit_queries @ rows.T  # (q, d) @ (d, c), rounding nothing
            for query_cosines, query_products in zip(cosines, products, strict=True):
                query_cosines[classes] = query_products
        return np.clip(cosines, -1, 1, out=cosines)


class _SoleParts(NamedTuple):
    """The classes that have one part: their names (m,), vectors (m, d), and which are learned
    (m,)."""

    names: list[str]
    vectors: Vectors
    learned: Mask


def _sole_parts(segments: Sequence[LiveSegment]) -> tuple[_SoleParts, list[LabPart]]:
    """The classes that have one part, without looking at them one by one, and the parts of the
    others."""
    counts = Counter(name for segment in segments for name in segment.part_names)
    names: list[str] = []
    vectors, learned, repeated = [], [], []
    for segment in segments:
        is_sole = np.array([counts[name] == 1 for name in segment.part_names], dtype=bool)
        names += compress(segment.part_names, is_sole.tolist())
        vectors.append(segment.part_vectors[is_sole])
        learned.append(segment.part_is_learned[is_sole])
        if not is_sole.all():
            repeated += segment.some_parts(~is_sole)
    if not names:
        return _SoleParts([], np.zeros((0, 0), np.float32), np.zeros(0, bool)), repeated
    return _SoleParts(names, np.concatenate(vectors), np.concatenate(learned)), repeated


def _unit_rows_on_grid(vectors: Vectors) -> NDArray[np.float64]:
    """As `unit_rows64`, on the grid of exact products; what a core's cache holds at a time."""
    rows = np.empty(vectors.shape)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = slice(start, start + _ROWS_AT_ONCE)
        rows[block] = on_grid(unit_rows64(vectors[block]))
    return rows


def _merged(results: Sequence[tuple[Rows, Cosines]]) -> Rows:
    """Rows of several searches by falling cosine, ties by row, which is by name."""
    rows = np.concatenate([rows for rows, _ in results])
    cosines = np.concatenate([cosines for _, cosines in results])
    merged: Rows = rows[np.lexsort((rows, -cosines))]
    return merged
