"""Nearest-neighbour search: unit vectors and queries in, rows and cosines out, ties in name order.

Candidates, a few more than asked, come from FAISS for a batch of queries and from plain products
for a few, which saves loading FAISS and its file; both give the same. Their cosines are computed
again in float64, one row at a time, so that an answer depends neither on the batch nor on the other
rows, and equal vectors tie exactly.
This is the only module that imports faiss. It guards against padding with row -1, an arbitrary
order of ties, scores above 1, and a `read_index` that does not validate files (only bytes whose
hash was checked come here).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.encoders.axes import COORDINATE_ERROR
from vecattr.errors import InputError, MismatchError
from vecattr.ranking.largest import nth_largest, places_of_largest
from vecattr.vectors import Cosines, Mask, Rows, Vectors

#: Rows and a score of each.
Scored = tuple[Rows, NDArray[np.floating]]

#: Candidates beyond the k asked for in cells, …
EXTRA_CANDIDATES = 32
#: … and where all rows are compared, and more are looked at when these are too few.
_EXTRA_OF_ALL = 12
#: From this many queries on FAISS finds the candidates, and should use BLAS (its own default is ten
#: times too high).
_BLAS_QUERIES = 8

#: Rows that are multiplied at once: what a core's cache holds.
_ROWS_AT_ONCE = 256

_threads: list[int] = []


@cache
def _library() -> Any:
    """FAISS, loaded when it is first needed; its stubs differ between versions and know no keyword
    of a wrapped constructor."""
    import faiss  # start-up

    return faiss


def set_threads(threads: int) -> None:
    """How many threads FAISS may use, now or once it is loaded."""
    _threads[:] = [threads]


def _faiss() -> Any:
    for threads in _threads:
        _library().omp_set_num_threads(threads)
    return _library()


def build_faiss_index(vectors: Vectors) -> bytes:
    """A serialised inner-product index over the rows (n, d); equal rows give equal bytes."""
    faiss = _faiss()
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    return bytes(faiss.serialize_index(index).tobytes())


def cell_centres(vectors: Vectors, *, count: int) -> Vectors:
    """Unit centres (count, d) of clusters of the unit rows (n, d), by spherical k-means."""
    kmeans = _faiss().Kmeans(
        vectors.shape[1], count, niter=8, seed=1, spherical=True, min_points_per_centroid=1,
        max_points_per_centroid=64,
    )  # fmt: skip
    kmeans.train(np.ascontiguousarray(vectors, dtype=np.float32))
    centres: Vectors = np.array(kmeans.centroids, dtype=np.float32).reshape(count, -1)
    return centres


def checked_queries(queries: NDArray[np.floating], *, width: int) -> NDArray[np.float64]:
    """Queries (q, d) as unit rows in float64; MismatchError for another width, InputError when a
    number is not finite or a row is zero."""
    wide = np.asarray(queries, dtype=np.float64)
    if wide.ndim != 2 or wide.shape[1] != width:
        raise MismatchError(
            f"queries of shape {wide.shape}, expected (any, {width})",
            hint="embed them with the model of this index",
        )
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)  # (q, 1)
    invalid_rows = np.flatnonzero(~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)))
    if len(invalid_rows):
        raise InputError(f"query vector {int(invalid_rows[0])} is zero or not finite")
    unit_queries: NDArray[np.float64] = wide / lengths
    return unit_queries


def unit_rows64(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rows (n, d) scaled to length 1 in float64, each from itself alone."""
    wide = rows.astype(np.float64)
    wide /= np.sqrt((wide * wide).sum(axis=1, keepdims=True))
    return wide


def unit_cosines(rows: NDArray[np.float64], query: NDArray[np.float64]) -> Cosines:
    """Cosine of each unit row (n, d) with one unit query (d,), float64 in [-1, 1]; each row's value
    is computed from that row alone."""
    products = np.empty(len(rows))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = rows[start : start + _ROWS_AT_ONCE]
        products[start : start + len(block)] = (block * query).sum(axis=1)  # (b, d) -> (b,)
    return np.clip(products, -1.0, 1.0)


def score_error(width: int) -> float:
    """How far a float32 score of unit vectors of so many numbers may be from their cosine: one
    rounding for each number in whatever order they are summed, and those of both vectors and of
    their coordinates."""
    return (width + 8) * 2.0**-24 + COORDINATE_ERROR


def cosines(rows: NDArray[np.floating], query: NDArray[np.float64]) -> Cosines:
    """The same for rows of any length."""
    return unit_cosines(unit_rows64(rows), query)


@dataclass(frozen=True)
class VectorSearch:
    """Nearest-neighbour search over the rows of one array, exact unless it has `candidates`.

    `fetch` gives the vectors of given rows, `names` their names (the order of ties), `all_compared`
    what finds candidates, the whole array (n, r) of vectors or of their coordinates along axes,
    `along_axes` the same of queries (q, d), and `faiss_bytes` what `build_faiss_index` made of it,
    the hash checked; `alive` (n,) tells which rows are searched. `candidates` gives about so many
    living rows nearest to a query (`vecattr.indexes.search.cells`); with it, search is approximate.
    """

    width: int
    fetch: Callable[[Rows], Vectors]
    names: Callable[[Rows], Sequence[str]]
    all_compared: Callable[[], Vectors]
    along_axes: Callable[[NDArray[np.float64]], NDArray[np.floating]]
    faiss_bytes: Callable[[], bytes]
    alive: Mask
    candidates: Callable[[Vectors, int, Mask], Rows] | None = None

    @classmethod
    def from_vectors(
        cls, vectors: Vectors, *, names: Sequence[str], alive: Mask | None = None
    ) -> VectorSearch:
        """Search over rows in memory (n, d)."""
        searched = np.ones(len(vectors), dtype=bool) if alive is None else alive
        return cls(
            vectors.shape[1],
            fetch=lambda rows: vectors[rows],
            names=lambda rows: [names[row] for row in rows],
            all_compared=lambda: vectors,
            along_axes=lambda queries: queries,
            faiss_bytes=partial(build_faiss_index, vectors),
            alive=searched,
        )

    @cached_property
    def _index(self) -> Any:
        """A FAISS index over all rows."""
        return _faiss().deserialize_index(np.frombuffer(self.faiss_bytes(), dtype=np.uint8))

    @cached_property
    def _living_count(self) -> int:
        return int(np.count_nonzero(self.alive))

    def search(
        self,
        queries: NDArray[np.floating],
        *,
        k: int,
        least: Cosines | None = None,
        scored: list[Scored] | None = None,
    ) -> list[tuple[Rows, Cosines]]:
        """The k nearest living rows of each query (q, d), best first, ties by name; fewer when
        there are fewer. Rows whose cosine is below `least` (q,) may be left out; `scored` is what
        `first_scored` gave."""
        unit_queries = checked_queries(queries, width=self.width)
        k = min(k, self._living_count)
        least = np.full(len(unit_queries), -np.inf) if least is None else least
        if not k:
            return [(_NO_ROWS, _NO_COSINES)] * len(unit_queries)
        if self.candidates is not None:
            return [self._approximate(query, k, self.candidates) for query in unit_queries]
        if scored is None:
            scored = self._exact_candidates(unit_queries, self._first_count(k))
        return self._exact(unit_queries, k, least, scored)

    def first_scored(self, queries: NDArray[np.floating], *, k: int) -> list[Scored]:
        """The first candidates for the k nearest rows of each query (q, d), with float32 scores,
        which are within `score_error` of cosines, or infinite where all rows are candidates."""
        unit_queries = checked_queries(queries, width=self.width)
        if self.candidates is not None:
            return [(_NO_ROWS, _NO_COSINES)] * len(unit_queries)
        return self._exact_candidates(unit_queries, self._first_count(k))

    def _first_count(self, k: int) -> int:
        count = min(k, self._living_count) + _EXTRA_OF_ALL
        return self._living_count if 2 * count >= self._living_count else count

    def _approximate(
        self, query: NDArray[np.float64], k: int, candidates: Callable[[Vectors, int, Mask], Rows]
    ) -> tuple[Rows, Cosines]:
        rows = candidates(query.astype(np.float32), k + EXTRA_CANDIDATES, self.alive)
        ranked_rows, row_cosines = self._rank(rows, query)
        return ranked_rows[:k], row_cosines[:k]

    def _exact(
        self, unit_queries: NDArray[np.float64], k: int, least: Cosines, scored: list[Scored]
    ) -> list[tuple[Rows, Cosines]]:
        """Candidates are enough when the k-th cosine, or the least that is asked for, is above the
        lowest of their float32 scores, beyond rounding; else eight times as many are looked at."""
        nearest: list[tuple[Rows, Cosines]] = [(_NO_ROWS, _NO_COSINES)] * len(unit_queries)
        pending = list(range(len(unit_queries)))
        count, living, error = self._first_count(k), self._living_count, score_error(self.width)
        while pending:
            unresolved = []
            for query, (rows, scores) in zip(pending, scored, strict=True):
                if count < living and scores.max() < least[query] - error:
                    continue  # no row is near enough, whatever its cosine is
                least_score = max(least[query], nth_largest(scores, k) - error) - error
                near = rows[scores >= least_score]
                ranked_rows, row_cosines = self._rank(near, unit_queries[query])
                kth = row_cosines[k - 1] if len(near) >= k else -np.inf
                if count == living or max(kth, least[query]) > scores.min() + error:
                    nearest[query] = ranked_rows[:k], row_cosines[:k]
                else:
                    unresolved.append(query)
            pending, count = unresolved, count * 8
            if pending:
                count = living if 2 * count >= living else count
                scored = self._exact_candidates(unit_queries[pending], count)
        return nearest

    def _exact_candidates(self, unit_queries: NDArray[np.float64], count: int) -> list[Scored]:
        """Of each query its best `count` rows by float32 score, and these scores; of all living
        rows infinite ones."""
        if count == self._living_count:
            rows = np.flatnonzero(self.alive)
            return [(rows, np.full(len(rows), np.inf))] * len(unit_queries)
        queries = self.along_axes(unit_queries).astype(np.float32)  # (q, d) -> (q, r)
        if len(queries) < _BLAS_QUERIES:
            return [self._best(query, count) for query in queries]
        faiss = _faiss()
        faiss.cvar.distance_compute_blas_threshold = 1
        options = {}
        if self._living_count < len(self.alive):
            bits = np.packbits(self.alive, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)
            options = {"params": faiss.SearchParameters(sel=selector)}
        scores, rows = self._index.search(queries, count, **options)  # (q, count)
        are_rows = rows >= 0
        return [
            (row[are], score[are]) for row, score, are in zip(rows, scores, are_rows, strict=True)
        ]

    def _best(self, query: Vectors, count: int) -> Scored:
        """The same of one query (r,), by a plain product."""
        scores = self.all_compared() @ query  # (n, r) @ (r,) -> (n,)
        if self._living_count < len(scores):
            scores[~self.alive] = -np.inf
        rows = places_of_largest(scores, count)
        return rows, scores[rows]

    def _rank(self, rows: Rows, query: NDArray[np.float64]) -> tuple[Rows, Cosines]:
        """Rows by falling cosine; names are read only where cosines tie."""
        if not len(rows):
            return _NO_ROWS, _NO_COSINES
        row_cosines = cosines(self.fetch(rows), query)
        order = np.argsort(-row_cosines, kind="stable")
        rows, row_cosines = rows[order], row_cosines[order]
        tied = np.zeros(len(rows), dtype=bool)
        tied[1:] = row_cosines[1:] == row_cosines[:-1]
        tied[:-1] |= tied[1:]
        places = np.flatnonzero(tied)
        if len(places):
            names = self.names(rows[places])
            keys = zip(-row_cosines[places], names, rows[places], strict=True)
            rows[places] = [row for _, _, row in sorted(keys)]
        return rows, row_cosines


_NO_ROWS: Rows = np.zeros(0, dtype=np.int64)
_NO_COSINES: Cosines = np.zeros(0)
