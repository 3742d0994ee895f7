"""The plasmids nearest to queries: vectors in, neighbours over all segments out.

A batch of queries is searched with each segment's FAISS file, which is a cache: when it is absent
or its hash is not the manifest's, the same index is built in memory from the segment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Neighbor
from vecattr.errors import ArtifactError
from vecattr.files.atomic import read_file, sha256_bytes
from vecattr.files.folder import Entry
from vecattr.indexes.search.vector_search import (
    Scored,
    VectorSearch,
    build_faiss_index,
    score_error,
)
from vecattr.indexes.storage.index_folder import cells_path, faiss_path
from vecattr.indexes.storage.live_segment import LiveSegment, living_places
from vecattr.ranking.largest import nth_largest
from vecattr.vectors import Cosines, Mask, Rows, Vectors

if TYPE_CHECKING:
    from vecattr.indexes.search.cells import Cells

#: Places of near plasmids that are remembered, about 200 bytes each.
_MOST_PLACES = 10_000

_NO_ROWS: Rows = np.zeros(0, dtype=np.int64)
_NO_COSINES: Cosines = np.zeros(0)


class NearestPlasmids:
    """Search over the living rows of all segments. It is exact, except in segments that have cells
    while `exact` is False."""

    def __init__(
        self, path: Entry, segments: Sequence[LiveSegment], *, exact: bool = False
    ) -> None:
        self._segments = segments
        self._places: dict[str, tuple[LiveSegment, int]] = {}
        self._searches = [search_of(path, segment, exact=exact) for segment in segments]

    def search(self, vectors: NDArray[np.floating], *, n: int) -> list[tuple[Neighbor, ...]]:
        """The n nearest plasmids of each row (q, d), best first, ties by id."""
        scored = [search.first_scored(vectors, k=n) for search in self._searches]
        least = _nth_of_each(scored, n, queries=len(vectors)) - score_error(vectors.shape[1])
        results = [
            search.search(vectors, k=n, least=least, scored=of_segment)
            for search, of_segment in zip(self._searches, scored, strict=True)
        ]
        lowest = _nth_of_each(results, n, queries=len(vectors))
        if len(self._places) > _MOST_PLACES:
            self._places.clear()
        neighbors: list[list[Neighbor]] = [[] for _ in vectors]
        for segment, of_segment in zip(self._segments, results, strict=True):
            kept = [
                cosines >= least for (_, cosines), least in zip(of_segment, lowest, strict=True)
            ]
            pairs = [
                (rows[near], cosines[near])
                for (rows, cosines), near in zip(of_segment, kept, strict=True)
            ]
            for of_query, hits, (rows, _) in zip(
                neighbors, _neighbors(segment, pairs), pairs, strict=True
            ):
                of_query.extend(hits)
                self._places |= {
                    hit.id: (segment, row) for hit, row in zip(hits, rows.tolist(), strict=True)
                }
        return [
            tuple(sorted(of_query, key=lambda hit: (-hit.cosine, hit.id))[:n])
            for of_query in neighbors
        ]

    def places_of(self, ids: Iterable[str]) -> dict[str, tuple[LiveSegment, int]]:
        """The segment and the row there of each of the ids that a living row has; of plasmids that
        were near to late queries they are remembered."""
        places = {name: self._places.get(name) for name in ids}
        known = {name: place for name, place in places.items() if place is not None}
        others = [name for name in places if name not in known]
        return known | living_places(self._segments, others) if others else known

    def search_excluding(
        self, vectors: NDArray[np.floating], excluded_ids: Sequence[Collection[str]], *, n: int
    ) -> list[tuple[Neighbor, ...]]:
        """The n nearest plasmids of each row (q, d) that are not among its excluded ids."""
        most_excluded = max(map(len, excluded_ids), default=0)
        results = self.search(vectors, n=n + most_excluded)
        return [
            tuple(neighbor for neighbor in neighbors if neighbor.id not in excluded)[:n]
            for neighbors, excluded in zip(results, excluded_ids, strict=True)
        ]

    def best_cosines(self, vectors: NDArray[np.floating]) -> Cosines:
        """The cosine of each row (q, d) with the nearest plasmid, (q,); -1 when there is none."""
        best = np.full(len(vectors), -1.0)
        for search in self._searches:
            for query, (_, cosines) in enumerate(search.search(vectors, k=1)):
                best[query] = max(best[query], cosines.max(initial=-1.0))
        return best


def best_cosines(neighbors: Sequence[Sequence[Neighbor]]) -> NDArray[np.float64]:
    """The cosine of the first neighbor of each query, (q,); -1 where there is none."""
    return np.array([nearest[0].cosine if nearest else -1.0 for nearest in neighbors])


def _nth_of_each(of_segments: Sequence[Sequence[Scored]], n: int, *, queries: int) -> Cosines:
    """Of each query the n-th largest of its rows' scores in all segments, but for infinite ones,
    (q,); minus infinity of fewer."""
    nth = np.full(queries, -np.inf)
    for query, of_query in enumerate(zip(*of_segments, strict=True)):
        scores = np.concatenate([_NO_COSINES, *(values for _, values in of_query)])
        nth[query] = nth_largest(scores[np.isfinite(scores)], n)
    return nth


def _neighbors(
    segment: LiveSegment, hits: Sequence[tuple[Rows, Cosines]]
) -> Iterator[list[Neighbor]]:
    """The rows of a segment that are near to each query, with their cosines, as neighbors; the
    columns of all of them are read at once."""
    stored, sizes = segment.stored, [len(rows) for rows, _ in hits]
    rows = np.concatenate([_NO_ROWS, *(rows for rows, _ in hits)])
    lengths, topologies = stored.shapes(rows)
    columns = zip(
        stored.ids(rows),
        segment.labs(rows),
        segment.labels(rows),
        np.concatenate([_NO_COSINES, *(cosines for _, cosines in hits)]).tolist(),
        lengths,
        topologies,
        strict=True,
    )
    neighbors = [Neighbor(*values) for values in columns]
    for stop, size in zip(np.cumsum(sizes).tolist(), sizes, strict=True):
        yield neighbors[stop - size : stop]


def _cell_candidates(
    path: Entry, segment: LiveSegment
) -> Callable[[Vectors, int, Mask], Rows] | None:
    """The search for candidates in the cells of a segment; None when it has no cells."""
    cells = open_cells(path, segment)
    return None if cells is None else cells.candidates


def open_cells(path: Entry, segment: LiveSegment) -> Cells | None:
    """The cells of a segment; None when it has none, so that it is searched exactly."""
    file = cells_path(path, segment.entry.name)
    if not file.exists():
        return None
    from vecattr.indexes.search.cells import Cells  # start-up

    return Cells(file, segment=segment.entry.name, shape=segment.stored.shape)


def search_of(path: Entry, segment: LiveSegment, *, exact: bool) -> VectorSearch:
    """Search over the living rows of a segment of the index at `path`; by its cells, where it has
    any, unless it is to be `exact`."""
    return VectorSearch(
        segment.stored.width,
        fetch=segment.stored.fetch_vectors,
        names=segment.stored.ids,
        all_compared=lambda: segment.stored.coordinates,
        along_axes=segment.stored.along_axes,
        faiss_bytes=partial(load_faiss_index, path, segment),
        alive=segment.alive,
        candidates=None if exact else _cell_candidates(path, segment),
    )


def load_faiss_index(path: Entry, segment: LiveSegment) -> bytes:
    """The bytes of the segment's FAISS index from its cache file, or built again when the file is
    absent or its size or hash is not the manifest's."""
    entry = segment.entry.faiss
    try:
        data = read_file(faiss_path(path, segment.entry.name))
    except ArtifactError:
        data = b""
    if len(data) == entry.size and sha256_bytes(data) == entry.sha256:
        return data
    return build_faiss_index(segment.stored.coordinates)
