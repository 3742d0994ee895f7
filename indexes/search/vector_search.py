"""Exact nearest rows: unit vectors and queries in, rows and cosines out, ties in name order.

A few rows more than asked are proposed, by FAISS for a batch of queries and by plain products for
a few, which spares loading FAISS and its file; both propose the same. Their cosines are computed
again in float64, one row at a time, so that an answer depends neither on the batch nor on the other
rows, and ties are real.
This is the only module that imports faiss. Traps it stands against: padding with row -1, an
arbitrary order of ties, scores above 1, and a `read_index` that believes damaged files (only
bytes whose hash is known come here).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import InputError, MismatchError
from vecattr.vectors import Vectors

Rows = NDArray[np.int64]
Cosines = NDArray[np.float64]

#: Rows that FAISS proposes beyond the k asked for.
SLACK = 32
#: How far a float32 score may be from the cosine (rounding, and vectors not quite of length 1).
SCORE_ERROR = 1e-5
#: From this many queries on FAISS proposes, and should use BLAS (its own default is ten times too
#: high).
_BLAS_QUERIES = 8

_threads: list[int] = []


@cache
def _library() -> Any:
    """FAISS, loaded when it is first needed; its stubs differ between versions and know no keyword
    of a wrapped constructor."""
    import faiss

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
    """Unit centres (count, d) of so many groups of the unit rows (n, d), by spherical K-means."""
    means = _faiss().Kmeans(
        vectors.shape[1], count, niter=8, seed=1, spherical=True, min_points_per_centroid=1,
        max_points_per_centroid=64,
    )  # fmt: skip
    means.train(np.ascontiguousarray(vectors, dtype=np.float32))
    found: Vectors = np.array(means.centroids, dtype=np.float32).reshape(count, -1)
    return found


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
    bad = np.flatnonzero(~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)))
    if len(bad):
        raise InputError(f"query vector {int(bad[0])} is zero or not finite")
    unit: NDArray[np.float64] = wide / lengths
    return unit


def unit(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rows (n, d) scaled to length 1 in float64, each from itself alone."""
    wide = rows.astype(np.float64)
    wide /= np.sqrt((wide * wide).sum(axis=1, keepdims=True))
    return wide


def products(rows: NDArray[np.float64], query: NDArray[np.float64]) -> Cosines:
    """Cosine of each unit row (n, d) with one unit query (d,), float64 in [-1, 1]; each row's value
    is computed from that row alone."""
    found: Cosines = np.clip((rows * query).sum(axis=1), -1.0, 1.0)  # (n, d) -> (n,)
    return found


def cosines(rows: NDArray[np.floating], query: NDArray[np.float64]) -> Cosines:
    """The same for rows of any length."""
    return products(unit(rows), query)


@dataclass(frozen=True)
class VectorSearch:
    """Exact search over the rows of one array.

    `fetch` gives the vectors of given rows, `names` their names (the order of ties), `everything`
    all vectors (n, d), `serialized` the bytes of `build_faiss_index` over them, their hash checked;
    `alive` (n,) tells which rows are searched. `candidates` gives about so many living rows nearest
    to a query (`vecattr.indexes.search.cells`); with it, search is approximate.
    """

    width: int
    fetch: Callable[[Rows], Vectors]
    names: Callable[[Rows], Sequence[str]]
    everything: Callable[[], Vectors]
    serialized: Callable[[], bytes]
    alive: NDArray[np.bool_]
    candidates: Callable[[Vectors, int, NDArray[np.bool_]], Rows] | None = None

    @classmethod
    def from_vectors(
        cls, vectors: Vectors, *, names: Sequence[str], alive: NDArray[np.bool_] | None = None
    ) -> VectorSearch:
        """Over rows in memory (n, d)."""
        counted = np.ones(len(vectors), dtype=bool) if alive is None else alive
        return cls(
            vectors.shape[1],
            fetch=lambda rows: vectors[rows],
            names=lambda rows: [names[row] for row in rows],
            everything=lambda: vectors,
            serialized=partial(build_faiss_index, vectors),
            alive=counted,
        )

    @cached_property
    def _index(self) -> Any:
        """FAISS over all rows."""
        return _faiss().deserialize_index(np.frombuffer(self.serialized(), dtype=np.uint8))

    @cached_property
    def _living(self) -> int:
        return int(np.count_nonzero(self.alive))

    def search(self, queries: NDArray[np.floating], *, k: int) -> list[tuple[Rows, Cosines]]:
        """The k nearest living rows of each query (q, d), best first, ties by name; fewer when
        there are fewer."""
        unit = checked_queries(queries, width=self.width)
        living = self._living
        k = min(k, living)
        if self.candidates is not None and k:
            about = [self._rank(self._about(query, k), query) for query in unit]
            return [(ranked[:k], scores[:k]) for ranked, scores in about]
        found: list[tuple[Rows, Cosines]] = [(_NO_ROWS, _NO_COSINES)] * len(unit)
        pending = list(range(len(unit))) if k else []
        wanted = k + SLACK
        while pending:
            wanted = living if 2 * wanted >= living else wanted
            proposals = self._propose(unit[pending], wanted)
            still = []
            for query, (rows, lowest) in zip(pending, proposals, strict=True):
                ranked, scores = self._rank(rows, unit[query])
                if wanted == living or scores[k - 1] > lowest + SCORE_ERROR:
                    found[query] = ranked[:k], scores[:k]
                else:
                    still.append(query)
            pending, wanted = still, wanted * 8
        return found

    def _about(self, query: NDArray[np.float64], k: int) -> Rows:
        assert self.candidates is not None
        return self.candidates(query.astype(np.float32), k + SLACK, self.alive)

    def _propose(self, unit: NDArray[np.float64], wanted: int) -> list[tuple[Rows, float]]:
        """For each query rows that hold its best `wanted`, and the lowest float32 score of them."""
        if wanted == self._living:
            return [(np.flatnonzero(self.alive), -np.inf)] * len(unit)
        if len(unit) < _BLAS_QUERIES:
            return [self._best(query.astype(np.float32), wanted) for query in unit]
        faiss = _faiss()
        faiss.cvar.distance_compute_blas_threshold = 1
        options = {}
        if self._living < len(self.alive):
            bits = np.packbits(self.alive, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)
            options = {"params": faiss.SearchParameters(sel=selector)}
        scores, rows = self._index.search(unit.astype(np.float32), wanted, **options)  # (q, wanted)
        return [(row[row >= 0], float(score[-1])) for row, score in zip(rows, scores, strict=True)]

    def _best(self, query: Vectors, wanted: int) -> tuple[Rows, float]:
        """The same of one query (d,), by a plain product."""
        scores = self.everything() @ query  # (n, d) @ (d,) -> (n,)
        if self._living < len(scores):
            scores[~self.alive] = -np.inf
        rows = np.argpartition(scores, len(scores) - wanted)[-wanted:]
        return rows, float(scores[rows].min())

    def _rank(self, rows: Rows, query: NDArray[np.float64]) -> tuple[Rows, Cosines]:
        """Rows by falling cosine; names are asked for only where cosines tie."""
        scores = cosines(self.fetch(rows), query)
        order = np.argsort(-scores, kind="stable")
        rows, scores = rows[order], scores[order]
        tied = np.zeros(len(rows), dtype=bool)
        tied[1:] = scores[1:] == scores[:-1]
        tied[:-1] |= tied[1:]
        places = np.flatnonzero(tied)
        if len(places):
            names = self.names(rows[places])
            keys = zip(-scores[places], names, rows[places], strict=True)
            rows[places] = [row for _, _, row in sorted(keys)]
        return rows, scores


_NO_ROWS: Rows = np.zeros(0, dtype=np.int64)
_NO_COSINES: Cosines = np.zeros(0)
