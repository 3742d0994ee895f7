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
from vecattr.indexes.scoring.opened_index import OpenedIndex, best_cosines
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.plasmid import Plasmid

Neighbors = list[tuple[Neighbor, ...]]
Copies = list[tuple[Overlap, ...]]


@dataclass(frozen=True)
class EmbeddedQueries:
    """q `plasmids` in v indexes: their `vectors` (v), the nearest stored plasmids in each index
    (v, q; None when they were not looked up), and the near copies of each plasmid in all indexes
    (q). Near copies that are left out are no neighbors, and `vectors` name them."""

    plasmids: Sequence[Plasmid]
    vectors: Sequence[QueryVectors]
    neighbors: Sequence[Neighbors] | None
    copies: Copies

    @property
    def featured(self) -> NDArray[np.bool_]:
        """Which queries have features, (q,)."""
        return np.asarray(np.any([vectors.featured for vectors in self.vectors], axis=0))

    def nearest_cosines(self) -> list[NDArray[np.float64] | None]:
        """The cosines of the nearest stored plasmids in each index, (q,) each; None when they were
        not looked up."""
        if self.neighbors is None:
            return [None] * len(self.vectors)
        return [best_cosines(neighbors) for neighbors in self.neighbors]


def embed_queries(
    panel: OpenedPanel, plasmids: Sequence[Plasmid], *, neighbors: int, exclude_near_copies: bool
) -> EmbeddedQueries:
    """With so many nearest stored plasmids, or one where a calibration weighs it."""
    looked_up = [
        _left_out(index, plasmids, neighbors=neighbors)
        if exclude_near_copies
        else _as_stored(index, plasmids, neighbors=neighbors)
        for index in panel.indexes
    ]
    vectors, neighbor_lists, copies = zip(*looked_up, strict=True)
    return EmbeddedQueries(plasmids, vectors, neighbor_lists, _named_once(plasmids, copies))


def embed_without_neighbors(
    panel: OpenedPanel, plasmids: Sequence[Plasmid], *, exclude_near_copies: bool
) -> EmbeddedQueries:
    """Only what ranks labs; near copies are looked for when they are to be left out."""
    vectors = [index.embed(plasmids) for index in panel.indexes]
    if not exclude_near_copies:
        return EmbeddedQueries(plasmids, vectors, None, [()] * len(plasmids))
    copies = [
        near_copies(index, plasmids, index_vectors)
        for index, index_vectors in zip(panel.indexes, vectors, strict=True)
    ]
    vectors = list(map(_without, vectors, copies))
    return EmbeddedQueries(plasmids, vectors, None, _named_once(plasmids, copies))


def unread_queries(panel: OpenedPanel, queries: EmbeddedQueries) -> NDArray[np.bool_]:
    """Of which queries no model of the panel knows any part, (q,)."""
    unread = [
        index.are_unread(vectors)
        for index, vectors in zip(panel.indexes, queries.vectors, strict=True)
    ]
    return np.asarray(np.all(unread, axis=0))  # (v, q) -> (q,)


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
