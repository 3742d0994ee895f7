"""One shard of an index in a worker: an opened index and the number of a shard in; what the labs of
that shard say of queries, round by round, out.

A shard is the index as if the labs of all other shards had been removed, so everything that scores
labs of an index scores those of a shard. What it needs to know of the others arrives with each
round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Neighbor
from vecattr.datasets.lab_shards import LabShard, shard_of
from vecattr.errors import UsageError
from vecattr.indexes.joining.catalogue import NO_ROWS
from vecattr.indexes.scoring.lab_scorer import LabScorer
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.indexes.scoring.query_facts import first_lab
from vecattr.indexes.scoring.query_sums import QuerySums, Totals
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.search.lab_matrix import LabMatrix
from vecattr.indexes.search.nearest_plasmids import NearestPlasmids
from vecattr.indexes.storage.lab_parts import effective_labs
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.plasmid import POOLED
from vecattr.ranking.column_maxima import Maxima, column_maxima
from vecattr.ranking.evidence_ranker import RELATIVE
from vecattr.ranking.lab_columns import LabColumns
from vecattr.vectors import Column

Kept = TypeVar("Kept")

#: Batches whose sums are kept between rounds.
_KEPT = 2


@dataclass(frozen=True)
class QueryBatch:
    """Queries on their way through the rounds, under a `key` of their own; `cosines` (c,) with the
    classes of the shard, of each query that leaves out stored plasmids, else None."""

    key: str
    vectors: QueryVectors
    cosines: tuple[Column | None, ...]


@dataclass(frozen=True)
class ShardFacts:
    """What a shard holds: its `labs` and classes, sorted, the classes with a learned vector, and
    how many segments it reads."""

    labs: tuple[str, ...]
    classes: tuple[str, ...]
    learned: frozenset[str]
    segments: int


@dataclass(frozen=True)
class ShardLogits:
    """Of q queries and the l labs of a shard: logits and the cosine of the nearest plasmid, (q, l),
    and of each query the columns OF_FIRST of the shard's first lab."""

    logits: NDArray[np.float64]
    nearest: NDArray[np.float64]
    of_first: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class ShardNeighbor:
    """A stored plasmid, and where it is: the place of its segment in the manifest, and its row."""

    neighbor: Neighbor
    segment: int
    row: int


@dataclass(frozen=True)
class _View:
    """A segment of the index with the labs of one shard alone, its place in the manifest, and
    whether its stored counts of k-mers are counted in this shard."""

    segment: LiveSegment
    place: int
    is_counted: bool


class OpenedShard:
    """The labs of one shard; UsageError for an index in which vectors rank alone."""

    def __init__(self, index: OpenedIndex, shard: LabShard) -> None:
        if index.scorer is None:
            raise UsageError(
                f"the index {index.path} keeps no k-mers, or its model has no ranker: there is "
                "nothing to divide among shards",
                hint="ask it without --shards",
            )
        self._index = index
        self._views = list(_views(index.segments, shard))
        self._segments = tuple(view.segment for view in self._views)
        self._sums: dict[str, list[QuerySums]] = {}
        self._columns: dict[str, list[LabColumns]] = {}

    @property
    def facts(self) -> ShardFacts:
        """What it holds."""
        matrix = self._matrix
        labs = self._scorer.catalogue.lab_names if self._views else ()
        return ShardFacts(labs, matrix.names, matrix.learned_names, len(self._views))

    def class_cosines(self, vectors: QueryVectors) -> NDArray[np.float64]:
        """The cosine of each query with each of its classes, nothing left out, (q, c)."""
        return self._matrix.cosines(vectors)

    def neighbors(self, vectors: QueryVectors, n: int) -> list[list[ShardNeighbor]]:
        """The n nearest stored plasmids of each query, best first, ties by id."""
        place_of = {id(view.segment): view.place for view in self._views}
        found = self._nearest.search(vectors.bare, n=n)
        placed = []
        for nearest in found:
            places = self._nearest.places_of(neighbor.id for neighbor in nearest)
            pairs = ((neighbor, places[neighbor.id]) for neighbor in nearest)
            placed.append(
                [
                    ShardNeighbor(neighbor, place_of[id(segment)], row)
                    for neighbor, (segment, row) in pairs
                ]
            )
        return placed

    def totals(self, batch: QueryBatch) -> list[Totals]:
        """The first round: sums over the shard's labs, of each query."""
        return [sums.totals for sums in self._sums_of(batch)]

    def maxima(self, batch: QueryBatch, totals: Sequence[Totals]) -> list[Maxima]:
        """The second: with the totals of all shards, the largest values of the columns of its labs,
        of each query."""
        return [column_maxima(columns, RELATIVE) for columns in self._columns_of(batch, totals)]

    def logits(
        self, batch: QueryBatch, totals: Sequence[Totals], maxima: Sequence[Maxima]
    ) -> ShardLogits:
        """The third: with the maxima of all shards, the logits of its labs. Each is weighed by
        itself, as in one process where few labs share no k-mer."""
        columns = self._columns_of(batch, totals)
        logits = [
            self._scorer.logits(query_columns, query_maxima, exact=True)
            for query_columns, query_maxima in zip(columns, maxima, strict=True)
        ]
        self._columns.pop(batch.key, None)
        self._sums.pop(batch.key, None)
        return ShardLogits(
            np.stack(logits),
            np.stack([query_columns["nearest"] for query_columns in columns]),
            tuple(
                first_lab(query_columns, query_logits)
                for query_columns, query_logits in zip(columns, logits, strict=True)
            ),
        )

    def _sums_of(self, batch: QueryBatch) -> list[QuerySums]:
        """Of each query; kept until the last round, and made again where they are not there."""
        if batch.key not in self._sums:
            vectors = batch.vectors
            left_out = [self._scorer.rows_of(ids) for ids in vectors.left_out]
            cosines = self.class_cosines(vectors)
            for row, changed in enumerate(batch.cosines):
                if changed is not None:
                    cosines[row] = changed
            sums = self._scorer.sums_of(
                vectors.plasmids, vectors.bare, cosines, left_out or [NO_ROWS] * len(vectors)
            )
            _keep(self._sums, batch.key, list(sums))
        return self._sums[batch.key]

    def _columns_of(self, batch: QueryBatch, totals: Sequence[Totals]) -> list[LabColumns]:
        if batch.key not in self._columns:
            pairs = zip(self._sums_of(batch), totals, strict=True)
            columns = [self._scorer.columns_from(sums, total) for sums, total in pairs]
            _keep(self._columns, batch.key, columns)
        return self._columns[batch.key]

    @cached_property
    def _matrix(self) -> LabMatrix:
        """The classes of the shard's labs, and the pool, of which every segment has a part."""
        parts = [part for view in self._segments for part in view.parts if part.name != POOLED]
        parts += [
            part
            for segment in self._index.segments
            for part in segment.parts
            if part.name == POOLED
        ]
        width = self._index.manifest.width
        effective = effective_labs(parts, self._index.discriminant)
        return LabMatrix.from_parts(effective, width=width)

    @cached_property
    def _scorer(self) -> LabScorer:
        index_scorer = self._index.scorer
        assert index_scorer is not None, "only an index with k-mers is divided"
        return LabScorer(
            index_scorer.ranker,
            self._segments,
            self._matrix.names,
            counted=tuple(view.is_counted for view in self._views),
            feature_names=self._feature_names,
            calibrated_labs=index_scorer.calibrated_labs,
        )

    @cached_property
    def _feature_names(self) -> tuple[str, ...]:
        names = (segment.stored.feature_names for segment in self._index.segments)
        return tuple(sorted({name for segment_names in names for name in segment_names}))

    @cached_property
    def _nearest(self) -> NearestPlasmids:
        return NearestPlasmids(self._index.root, self._segments, exact=self._index.exact)


def _views(segments: Sequence[LiveSegment], shard: LabShard) -> Iterator[_View]:
    """The segments that hold labs of a shard, with those labs alone. Stored counts of k-mers of a
    segment that several shards read are counted in the first of them, and those of one whose labs
    are all removed in shard 0."""
    for place, segment in enumerate(segments):
        stored_names = {*segment.stored.lab_names, *segment.stored.part_names} - {POOLED}
        present = {stored: segment.present(stored) for stored in stored_names}
        shard_of_stored = {
            stored: shard_of(name, count=shard.count)
            for stored, name in present.items()
            if name is not None
        }
        counting = min(shard_of_stored.values(), default=0)
        if shard.number in shard_of_stored.values() or shard.number == counting:
            others = {
                stored for stored, number in shard_of_stored.items() if number != shard.number
            }
            view = segment.with_entry(segment.entry.without(frozenset(others)))
            yield _View(view, place, shard.number == counting)


def _keep(kept: dict[str, Kept], key: str, value: Kept) -> None:
    """Keep this value and few earlier ones."""
    while len(kept) >= _KEPT:
        kept.pop(next(iter(kept)))
    kept[key] = value
