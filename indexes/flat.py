"""Exact nearest rows: unit vectors and queries in, rows and cosines out, ties in name order.

FAISS proposes a few rows more than asked; their cosines are computed again in float64, one row at
a time, so that an answer depends neither on the batch nor on the other rows, and ties are real.
This is the only module that imports faiss. Traps it stands against: padding with row -1, an
arbitrary order of ties, scores above 1, and a `read_index` that believes damaged files (only
bytes whose hash is known come here).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import faiss as faiss_module
import numpy as np
from numpy.typing import NDArray

from vecattr.errors import InputError, MismatchError
from vecattr.table import Vectors

# Its stubs differ between versions and know no keyword of a wrapped constructor.
faiss: Any = faiss_module

Rows = NDArray[np.int64]
Cosines = NDArray[np.float64]

#: Rows that FAISS proposes beyond the k asked for.
SLACK = 32
#: How far a float32 score may be from the cosine (rounding, and vectors not quite of length 1).
SCORE_ERROR = 1e-5
#: From this many queries on, FAISS should use BLAS (its own default is ten times too high).
_BLAS_QUERIES = 8


def set_threads(threads: int) -> None:
    """How many threads FAISS may use."""
    faiss.omp_set_num_threads(threads)


def build_flat(vectors: Vectors) -> bytes:
    """A serialised inner-product index over the rows (n, d); equal rows give equal bytes."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    return bytes(faiss.serialize_index(index).tobytes())


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
class FlatSearch:
    """Exact search over the rows of one array.

    `fetch` gives the vectors of some rows, `names` their names (the order of ties). `serialized`
    is what `build_flat` made of all n rows; `alive` (n,) tells which of them count.
    """

    rows: int
    width: int
    fetch: Callable[[Rows], Vectors]
    names: Callable[[Rows], Sequence[str]]
    index: Any
    alive: NDArray[np.bool_]

    @classmethod
    def load(
        cls,
        serialized: bytes,
        *,
        fetch: Callable[[Rows], Vectors],
        names: Callable[[Rows], Sequence[str]],
        alive: NDArray[np.bool_],
    ) -> FlatSearch:
        """From the bytes of `build_flat`, whose hash the caller has checked."""
        index = faiss.deserialize_index(np.frombuffer(serialized, dtype=np.uint8))
        return cls(index.ntotal, index.d, fetch, names, index, alive)

    @classmethod
    def over(
        cls, vectors: Vectors, *, names: Sequence[str], alive: NDArray[np.bool_] | None = None
    ) -> FlatSearch:
        """Over rows in memory (n, d)."""
        counted = np.ones(len(vectors), dtype=bool) if alive is None else alive
        return cls.load(
            build_flat(vectors),
            fetch=lambda rows: vectors[rows],
            names=lambda rows: [names[row] for row in rows],
            alive=counted,
        )

    def search(self, queries: NDArray[np.floating], *, k: int) -> list[tuple[Rows, Cosines]]:
        """The k nearest living rows of each query (q, d), best first, ties by name; fewer when
        there are fewer."""
        unit = checked_queries(queries, width=self.width)
        living = int(self.alive.sum())
        k = min(k, living)
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

    def _propose(self, unit: NDArray[np.float64], wanted: int) -> list[tuple[Rows, float]]:
        """For each query rows that hold its best `wanted`, and FAISS's lowest score of them."""
        if wanted == int(self.alive.sum()):
            return [(np.flatnonzero(self.alive), -np.inf)] * len(unit)
        faiss.cvar.distance_compute_blas_threshold = 1 if len(unit) >= _BLAS_QUERIES else 1 << 30
        options = {}
        if not self.alive.all():
            bits = np.packbits(self.alive, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)
            options = {"params": faiss.SearchParameters(sel=selector)}
        scores, rows = self.index.search(unit.astype(np.float32), wanted, **options)  # (q, wanted)
        return [(row[row >= 0], float(score[-1])) for row, score in zip(rows, scores, strict=True)]

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
