"""Segments in, a comparison of what FAISS finds with what plain NumPy finds out.

Every stored vector is searched for, as far as that is cheap, and must find itself. For some, the
nearest plasmids are computed by plain products, and must be those that the search finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import ArtifactError
from vecattr.files.folder import Entry
from vecattr.indexes.search.nearest_plasmids import search_of
from vecattr.indexes.search.vector_search import VectorSearch, cosines, unit_rows64
from vecattr.indexes.storage.live_segment import LiveSegment

#: At most this many multiplications (some ten seconds of one core); where searching for every
#: vector takes more, as many as that allows are searched for, evenly spread.
_MOST_PRODUCTS = 4e11
#: Vectors of a segment whose nearest plasmids are computed in both ways, and how many nearest.
_COMPARED, _NEAREST = 64, 10
#: How far cosines of float32 vectors, computed in two ways, may differ.
_ROUNDING = 1e-5
#: Vectors searched for at once.
_BATCH = 1024


class SearchCheck(NamedTuple):
    """How many vectors were searched for, the share of the nearest that were found (None when
    there was nothing to find), and what is wrong: file and sentence."""

    searched: int
    recall: float | None
    faults: tuple[tuple[str, str], ...]


def check_search(path: Entry, segments: Sequence[LiveSegment]) -> SearchCheck:
    """Search each segment of the index at `path` for its own living vectors."""
    searched, agreeing, expected = 0, 0, 0
    faults: list[tuple[str, str]] = []
    for segment in segments:
        try:
            search = search_of(path, segment, exact=True)
            rows = _spread(segment.rows(), _affordable(segment))
            searched += len(rows)
            faults.extend((segment.stored.name, what) for what in _not_found(search, rows))
            for right, total in _compare(search, _spread(rows, _COMPARED)):
                agreeing, expected = agreeing + right, expected + total
        except ArtifactError as error:
            faults.append((error.where or segment.stored.name, error.what))
    recall = agreeing / expected if expected else None
    if recall is not None and recall < 1:
        where = segments[0].stored.name if len(segments) == 1 else str(path)
        faults.append((where, f"FAISS finds {recall:.4f} of the nearest plasmids, expected all"))
    return SearchCheck(searched, recall, tuple(faults))


def _affordable(segment: LiveSegment) -> int:
    return int(_MOST_PRODUCTS / max(1, segment.stored.rows * segment.stored.width))


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of the rows, evenly spread."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, max(1, most)).astype(np.int64)]


def _not_found(search: VectorSearch, rows: NDArray[np.int64]) -> Iterator[str]:
    """A sentence on the first vector that finds neither itself nor an equal one."""
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        for row, (_, scores) in zip(
            batch.tolist(), search.search(search.fetch(batch), k=1), strict=True
        ):
            if not len(scores) or scores[0] < 1 - _ROUNDING:
                [name] = search.names(np.array([row]))
                yield f"the vector of {name!r} does not find itself"
                return


def _compare(search: VectorSearch, rows: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """For each row, how many of the nearest living rows by NumPy the search finds, too, and how
    many there are. A row that is as near as the last of them counts as one of them."""
    living = np.flatnonzero(search.alive)
    stored, queries = search.fetch(living), search.fetch(rows)
    results = search.search(queries, k=_NEAREST)
    for query, (hits, scores) in zip(unit_rows64(queries), results, strict=True):
        products = cosines(stored, query)  # (n, d), (d,) -> (n,)
        best = np.sort(products)[::-1][:_NEAREST]
        nearest = living[products >= best[-1] - _ROUNDING]
        agree = len(scores) == len(best) and np.allclose(scores, best, rtol=0, atol=_ROUNDING)
        yield (int(np.isin(hits, nearest).sum()) if agree else 0), len(best)
