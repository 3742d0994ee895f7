"""Queries as the indexes of a panel see them: plasmids in; vectors, neighbors and near copies out.

The first of four steps: embed, score (`lab_scores`), judge (`judgement`), tell (`attributions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Neighbor
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.evidence.kmer_overlap import NEAREST, Overlap, near_copies_among
from vecattr.indexes.evidence.near_copies import near_copies
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.search.nearest_plasmids import best_cosines
from vecattr.plasmid import Plasmid

Neighbors = list[tuple[Neighbor, ...]]
Copies = list[tuple[Overlap, ...]]


@dataclass(frozen=True)
class EmbeddedQueries:
    """q `plasmids` in v indexes: their `vectors` (v), the nearest stored plasmids in each index
    (v, q; none when they were not asked for), the cosine of the very nearest (v of (q,); None where
    no calibration weighs it), and the near copies of each plasmid in all indexes (q). Near copies
    that are left out are no neighbors, and `vectors` name them. `featured`: which queries have
    features, (q,); `unread`: of which no model knows any part, (q,)."""

    plasmids: Sequence[Plasmid]
    vectors: Sequence[QueryVectors]
    neighbors: Sequence[Neighbors]
    nearest: Sequence[NDArray[np.float64] | None]
    copies: Copies
    featured: NDArray[np.bool_]
    unread: NDArray[np.bool_]


def embed_queries(
    panel: OpenedPanel, plasmids: Sequence[Plasmid], *, neighbors: int, exclude_near_copies: bool
) -> EmbeddedQueries:
    """With so many nearest stored plasmids, for answers."""
    look_up = _left_out if exclude_near_copies else _as_stored
    looked_up = [look_up(index, plasmids, neighbors=neighbors) for index in panel.indexes]
    vectors, neighbor_lists, copies = zip(*looked_up, strict=True)
    nearest = [
        best_cosines(index_neighbors) if index.calibration else None
        for index, index_neighbors in zip(panel.indexes, neighbor_lists, strict=True)
    ]
    return _embedded(panel, plasmids, vectors, neighbor_lists, nearest, copies)


def embed_without_neighbors(
    panel: OpenedPanel, plasmids: Sequence[Plasmid], *, exclude_near_copies: bool
) -> EmbeddedQueries:
    """Only what ranks labs; near copies are looked for when they are to be left out."""
    vectors, copies, nearest = [], [], []
    for index in panel.indexes:
        index_vectors = index.embed(plasmids)
        index_copies: Copies = [()] * len(plasmids)
        if exclude_near_copies:
            index_copies = near_copies(index, plasmids, index_vectors)
            index_vectors = _without(index_vectors, index_copies)
        vectors.append(index_vectors)
        copies.append(index_copies)
        nearest.append(index.nearest_cosines(index_vectors) if index.calibration else None)
    return _embedded(panel, plasmids, vectors, [], nearest, copies)


def _embedded(
    panel: OpenedPanel,
    plasmids: Sequence[Plasmid],
    vectors: Sequence[QueryVectors],
    neighbors: Sequence[Neighbors],
    nearest: Sequence[NDArray[np.float64] | None],
    copies: Sequence[Copies],
) -> EmbeddedQueries:
    """With what the indexes say together of each query."""
    unread = [
        index.are_unread(index_vectors)
        for index, index_vectors in zip(panel.indexes, vectors, strict=True)
    ]
    return EmbeddedQueries(
        plasmids,
        vectors,
        neighbors,
        nearest,
        _named_once(plasmids, copies),
        featured=np.any([index_vectors.featured for index_vectors in vectors], axis=0),
        unread=np.all(unread, axis=0),  # (v, q) -> (q,)
    )


def _as_stored(
    index: OpenedIndex, plasmids: Sequence[Plasmid], *, neighbors: int
) -> tuple[QueryVectors, Neighbors, Copies]:
    """Near copies are looked for among the NEAREST neighbors."""
    vectors = index.embed(plasmids)
    nearest = index.neighbors(vectors, n=max(neighbors, NEAREST))
    copies = [
        near_copies_among(index, plasmid, candidates[:NEAREST])
        for plasmid, candidates in zip(plasmids, nearest, strict=True)
    ]
    shown = _neighbors_needed(index, neighbors)
    return vectors, [candidates[:shown] for candidates in nearest], copies


def _left_out(
    index: OpenedIndex, plasmids: Sequence[Plasmid], *, neighbors: int
) -> tuple[QueryVectors, Neighbors, Copies]:
    """All near copies that may stand before so many other neighbors are left out."""
    vectors = index.embed(plasmids)
    copies = near_copies(index, plasmids, vectors, beside=neighbors)
    vectors = _without(vectors, copies)
    return vectors, index.neighbors(vectors, n=_neighbors_needed(index, neighbors)), copies


def _neighbors_needed(index: OpenedIndex, neighbors: int) -> int:
    return max(neighbors, 1 if index.calibration else 0)


def _without(vectors: QueryVectors, copies: Copies) -> QueryVectors:
    left_out = tuple(frozenset(copy.id for copy in query_copies) for query_copies in copies)
    return replace(vectors, left_out=left_out)


def _named_once(plasmids: Sequence[Plasmid], copies_of_indexes: Sequence[Copies]) -> Copies:
    """The near copies of each plasmid in all indexes; one that several indexes hold is named
    once."""
    by_id: list[dict[str, Overlap]] = [{} for _ in plasmids]
    for index_copies in copies_of_indexes:
        for named, query_copies in zip(by_id, index_copies, strict=True):
            named |= {copy.id: copy for copy in query_copies}
    return [tuple(named.values()) for named in by_id]
