"""The plasmids nearest to queries: vectors in, neighbours over all segments out.

A batch of queries is searched with each segment's FAISS file, which is a cache: when it is absent
or its hash is not the manifest's, the same index is built in memory from the segment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Neighbor
from vecattr.errors import ArtifactError
from vecattr.files.atomic import read_file, sha256_bytes
from vecattr.files.folder import Entry
from vecattr.indexes.search.vector_search import VectorSearch, build_faiss_index
from vecattr.indexes.storage.index_folder import cells_path, faiss_path
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.vectors import Cosines, Mask, Rows, Vectors

if TYPE_CHECKING:
    from vecattr.indexes.search.cells import Cells


class NearestPlasmids:
    """Search over the living rows of all segments. It is exact, except in segments that have cells
    while `exact` is False."""

    def __init__(
        self, path: Entry, segments: Sequence[LiveSegment], *, exact: bool = False
    ) -> None:
        self._segments = segments
        self._searches = [
            VectorSearch(
                segment.stored.width,
                fetch=segment.stored.fetch_vectors,
                names=segment.stored.ids,
                all_vectors=partial(_vectors_of, segment),
                faiss_bytes=partial(load_faiss_index, path, segment),
                alive=segment.alive,
                candidates=None if exact else _cell_candidates(path, segment),
            )
            for segment in segments
        ]

    def search(self, vectors: NDArray[np.floating], *, n: int) -> list[tuple[Neighbor, ...]]:
        """The n nearest plasmids of each row (q, d), best first, ties by id."""
        neighbors: list[list[Neighbor]] = [[] for _ in vectors]
        for segment, search in zip(self._segments, self._searches, strict=True):
            results = search.search(vectors, k=n)
            for of_query, (rows, cosines) in zip(neighbors, results, strict=True):
                make = partial(_neighbor, segment)
                of_query.extend(map(make, rows.tolist(), cosines.tolist()))
        return [
            tuple(sorted(of_query, key=lambda hit: (-hit.cosine, hit.id))[:n])
            for of_query in neighbors
        ]

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


def _neighbor(segment: LiveSegment, row: int, cosine: float) -> Neighbor:
    return Neighbor(
        id=segment.stored.ids([row])[0],
        lab=segment.lab(row),
        label=segment.label(row),
        cosine=cosine,
        length=segment.stored.length(row),
        topology=segment.stored.topology(row),
    )


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


def _vectors_of(segment: LiveSegment) -> Vectors:
    return segment.stored.vectors


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
    return build_faiss_index(segment.stored.vectors)
