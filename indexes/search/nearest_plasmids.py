"""The plasmids nearest to a query: vectors in, neighbours over all segments out, exact.

Each segment's FAISS file is a cache that batches of queries are searched by: when it is absent or
not what the manifest says, the same index is built in memory from the segment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Neighbor
from vecattr.errors import ArtifactError
from vecattr.files.atomic import read_file, sha256_bytes
from vecattr.indexes.search.vector_search import VectorSearch, build_faiss_index
from vecattr.indexes.storage.index_folder import cells_path, faiss_path
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.vectors import Vectors

if TYPE_CHECKING:
    from vecattr.indexes.search.cells import Cells


class NearestPlasmids:
    """Search over the living rows of all segments, exact but in segments that have cells, unless
    `exact` is asked for."""

    def __init__(self, path: Path, segments: Sequence[LiveSegment], *, exact: bool = False) -> None:
        self._segments = segments
        self._searches = [
            VectorSearch(
                segment.stored.width,
                fetch=segment.stored.fetch_vectors,
                names=segment.stored.ids,
                everything=partial(_vectors_of, segment),
                serialized=partial(load_faiss_index, path, segment),
                alive=segment.alive,
                candidates=None if exact else _proposer(path, segment),
            )
            for segment in segments
        ]

    def search(self, vectors: NDArray[np.floating], *, n: int) -> list[tuple[Neighbor, ...]]:
        """The n nearest plasmids of each row (q, d), best first, ties by id."""
        found: list[list[Neighbor]] = [[] for _ in vectors]
        for segment, search in zip(self._segments, self._searches, strict=True):
            for mine, (rows, scores) in zip(found, search.search(vectors, k=n), strict=True):
                make = partial(_neighbor, segment)
                mine.extend(map(make, rows.tolist(), scores.tolist()))
        return [tuple(sorted(mine, key=lambda hit: (-hit.cosine, hit.id))[:n]) for mine in found]

    def search_without(
        self, vectors: NDArray[np.floating], left_out: Sequence[Collection[str]], *, n: int
    ) -> list[tuple[Neighbor, ...]]:
        """The same without the plasmids of these ids, for each row; others take their places."""
        most = max(map(len, left_out), default=0)
        found = self.search(vectors, n=n + most)
        return [
            tuple(near for near in close if near.id not in gone)[:n]
            for close, gone in zip(found, left_out, strict=True)
        ]

    def best_cosines(self, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """The cosine of each row (q, d) with the nearest plasmid, (q,); -1 when there is none."""
        best = np.full(len(vectors), -1.0)
        for search in self._searches:
            for query, (_, scores) in enumerate(search.search(vectors, k=1)):
                best[query] = max(best[query], scores.max(initial=-1.0))
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


def _proposer(
    path: Path, segment: LiveSegment
) -> Callable[[Vectors, int, NDArray[np.bool_]], NDArray[np.int64]] | None:
    """What finds rows by cells, when the segment has some."""
    cells = open_cells(path, segment)
    return None if cells is None else cells.candidates


def open_cells(path: Path, segment: LiveSegment) -> Cells | None:
    """The cells of a segment, None when it has none and is searched exactly."""
    file = cells_path(path, segment.entry.name)
    if not file.exists():
        return None
    from vecattr.indexes.search.cells import Cells

    return Cells(file, segment=segment.entry.name, shape=segment.stored.shape)


def _vectors_of(segment: LiveSegment) -> Vectors:
    return segment.stored.vectors


def load_faiss_index(path: Path, segment: LiveSegment) -> bytes:
    """The segment's FAISS bytes from the cache, or made again when that is not what it was."""
    facts = segment.entry.faiss
    try:
        data = read_file(faiss_path(path, segment.entry.name))
    except ArtifactError:
        data = b""
    if len(data) == facts.size and sha256_bytes(data) == facts.sha256:
        return data
    return build_faiss_index(segment.stored.vectors)
