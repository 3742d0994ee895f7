"""The scores that rank labs: queries with their vectors in, one score a lab out, from vectors,
exact k-mers, shapes and phenotype features of stored plasmids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.joining.catalogue import NO_ROWS, Catalogue
from vecattr.indexes.joining.joined_kmers import PlacedJoin, labs_of_all
from vecattr.indexes.scoring.lab_features import LabFeatures, QueryKmers
from vecattr.indexes.scoring.lab_similarities import StoredSimilarities
from vecattr.indexes.scoring.query_facts import FACTS, first_lab, query_facts
from vecattr.indexes.scoring.query_sums import QuerySums, Totals
from vecattr.indexes.scoring.shape_odds import ShapeOdds
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.storage.live_segment import LiveSegment, living_rows
from vecattr.mosaic import Reach
from vecattr.plasmid import Plasmid
from vecattr.ranking.column_maxima import Maxima as ColumnMaxima
from vecattr.ranking.column_maxima import column_maxima
from vecattr.ranking.evidence_ranker import RELATIVE, EvidenceRanker
from vecattr.ranking.lab_columns import LabColumns
from vecattr.ranking.newcomers import newcomer_gains
from vecattr.ranking.scores import Softmax, pooled_scores
from vecattr.vectors import Column, Cosines, LabColumn, Mask, Rows, Scores, Vectors

if TYPE_CHECKING:
    from vecattr.calibration.calibration import Calibration
    from vecattr.indexes.scoring.phenotype_odds import PhenotypeOdds


@dataclass(frozen=True)
class Maxima:
    """The largest value of each of the ranker's inputs over some queries, of each lab (l,), by
    name; of inputs that all of these queries have. Without any query there is none."""

    columns: Mapping[str, LabColumn]

    def joined(self, other: Maxima) -> Maxima:
        """Over the queries of both."""
        if not self.columns or not other.columns:
            return self if self.columns else other
        return Maxima(
            {
                name: np.maximum(column, other.columns[name])
                for name, column in self.columns.items()
                if name in other.columns
            }
        )


@dataclass(frozen=True)
class LabEvidence:
    """What stored plasmids say of q queries: a score of each of l labs, pooled ones one by one,
    from -1 to 0 (q, l); the cosine of each lab's nearest plasmid (q, l); the FACTS of
    `vecattr.indexes.scoring.query_facts` (q, f); the largest value of each of the ranker's inputs
    over all queries (l,); and how much of each query is known (q)."""

    scores: Scores
    nearest: Cosines
    facts: NDArray[np.float64]
    maxima: Maxima
    reaches: tuple[Reach, ...]


@dataclass(frozen=True)
class LabAnswers:
    """What an index says of q queries and the n labs that its answers rank: `scores` sort them,
    `cosines` compare vectors (of a lab without a vector of its own, with its nearest plasmid), both
    (q, n); `facts` tell cases apart (q, f), `maxima` are the largest inputs of the ranker over all
    queries, and `reaches` (q) how much is known; None where vectors rank alone."""

    scores: NDArray[np.float64]
    cosines: NDArray[np.float64]
    facts: NDArray[np.float64] | None
    maxima: Maxima | None = None
    reaches: tuple[Reach, ...] | None = None


@dataclass(frozen=True)
class LabScorer:
    """Lab features from the segments of one index, and the evidence ranker that scores them.
    `calibrated_labs` are those that the index had when it was calibrated, by their present names,
    too; None where that is not known. Others are newcomers.

    K-mers of segments that are `joined` are looked up at once. Of a shard, which has some of the
    labs: `counted` says whose stored counts of k-mers are counted here, segment by segment, and
    `feature_names` are those of the whole index."""

    ranker: EvidenceRanker
    segments: tuple[LiveSegment, ...]
    class_names: tuple[str, ...]
    counted: tuple[bool, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    calibrated_labs: frozenset[str] | None = None
    joined: tuple[PlacedJoin, ...] = ()

    @cached_property
    def catalogue(self) -> Catalogue:
        """Classes and stored rows of all segments."""
        joined = labs_of_all(self.joined, self.segments)
        if joined is not None:
            return joined.catalogue(self.segments, self.class_names)
        return Catalogue.from_segments(self.segments, self.class_names)

    @cached_property
    def lab_features(self) -> LabFeatures:
        """What vectors and k-mers of stored plasmids say of each lab."""
        return LabFeatures(self.catalogue, self.segments, self.joined)

    @cached_property
    def similarities(self) -> StoredSimilarities:
        """Similarities of stored plasmids by vector and shape."""
        return StoredSimilarities(self.catalogue, self.segments)

    @cached_property
    def shape_odds(self) -> ShapeOdds:
        """Log odds of each lab by a query's topology, length and composition."""
        return ShapeOdds(self.catalogue, self.segments)

    @cached_property
    def phenotype_odds(self) -> PhenotypeOdds:
        """Log odds of each lab by a query's phenotype features."""
        from vecattr.indexes.scoring.phenotype_odds import PhenotypeOdds  # start-up

        return PhenotypeOdds(self.catalogue, self.segments, self.feature_names)

    def evidence(self, vectors: QueryVectors, cosines: Cosines, *, joint: bool) -> LabEvidence:
        """Of each query; `cosines` (q, c) are those with the class vectors. `joint`: the largest
        inputs over all queries, too."""
        left_out = [self.rows_of(ids) for ids in vectors.left_out] or [NO_ROWS] * len(vectors)
        columns = self.columns_of(vectors.plasmids, vectors.bare, cosines, left_out)
        shape = len(vectors), len(self.catalogue.lab_names)
        scores, nearest = np.empty(shape), np.empty(shape)
        facts = np.empty((len(vectors), len(FACTS)))
        reaches, maxima = [], Maxima({})
        for query, (plasmid, query_columns) in enumerate(
            zip(vectors.plasmids, columns, strict=True)
        ):
            scores[query], nearest[query], facts[query] = self.evidence_of(plasmid, query_columns)
            reaches.append(reach_of(plasmid, query_columns))
            if joint:
                maxima = maxima.joined(Maxima(query_columns))
        return LabEvidence(scores, nearest, facts, maxima, tuple(reaches))

    def scores_of(self, maxima: Maxima) -> Column:
        """Scores of labs (l,) by the largest inputs of several queries, as if one query had
        them."""
        columns = maxima.columns
        logits = self.logits(columns, column_maxima(columns, RELATIVE))
        return Softmax.from_logits(logits).scores()

    def sums_of(
        self,
        plasmids: Sequence[Plasmid],
        vectors: Vectors,
        cosines: Iterable[Column],
        left_out: Sequence[Rows],
    ) -> Iterator[QuerySums]:
        """What stored plasmids say of each query with its vector (q, d) and its cosines with the
        classes (q, c), without the rows that are left out for it."""
        similarities = self.similarities.of_queries(plasmids, vectors, left_out)
        for plasmid, query_cosines, rows, similar in zip(
            plasmids, cosines, left_out, similarities, strict=True
        ):
            kmers = QueryKmers.from_plasmid(plasmid, scaled=self.lab_features.scaled)
            shared, counts = self.lab_features.shared_and_counts(
                kmers.distinct,
                left_out=rows,
                counted=self.counted,
                together=self.counted is None,
            )
            features = (
                self.phenotype_odds.sums(plasmid.features, left_out=rows)
                if (plasmid.features)
                else None
            )
            yield QuerySums(kmers, shared, counts, similar, features, query_cosines, rows)

    def columns_from(self, sums: QuerySums, totals: Totals) -> LabColumns:
        """Every input of the ranker for each lab (l,), by name, from its sums and the totals of all
        labs of the index; with PHENOTYPES when the query has any of the stored features."""
        labs, shared = totals.labs, sums.shared
        if self.counted is not None:
            shared = shared.among(totals.kmers, total_labs=labs)
        columns = self.lab_features.columns(
            shared, sums.kmers, sums.cosines, left_out=sums.left_out, total_labs=labs
        )
        full = {
            **columns.full,
            **sums.similar.vector_columns(),
            **sums.similar.shapes.odds(totals.shapes),
            **(sums.features.columns(totals.features) if sums.features and totals.features else {}),
        }
        return replace(columns, full=full)

    def columns_of(
        self,
        plasmids: Sequence[Plasmid],
        vectors: Vectors,
        cosines: Iterable[Column],
        left_out: Sequence[Rows],
    ) -> Iterator[LabColumns]:
        """The same of each query, of an index whose labs are all here."""
        for sums in self.sums_of(plasmids, vectors, cosines, left_out):
            yield self.columns_from(sums, sums.totals)

    def columns(
        self, plasmid: Plasmid, vector: Vectors, cosines: Column, left_out: Rows = NO_ROWS
    ) -> LabColumns:
        """The same of one query."""
        [columns] = self.columns_of([plasmid], vector[None, :], cosines[None, :], [left_out])
        return columns

    def logits(
        self,
        columns: Mapping[str, LabColumn],
        maxima: ColumnMaxima | None = None,
        *,
        exact: bool = False,
        newcomers: Mask | None = None,
    ) -> Column:
        """Logits of labs (l,) from their columns and the largest values of those of all labs (None:
        these are all); -inf for one without plasmids. `newcomers` (l,) says which are newcomers
        where the columns are not of the index's own labs."""
        logits: Column = self.ranker.logits(columns, maxima, exact=exact)
        newcomers = self.newcomers if newcomers is None else newcomers
        if newcomers.any():
            logits += newcomer_gains(columns, newcomers)
        logits[columns["plasmids"] <= 0] = -np.inf
        return logits

    @cached_property
    def newcomers(self) -> Mask:
        """Which labs were added after the index was calibrated (l,); none where that is not
        known."""
        names, known = self.catalogue.lab_names, self.calibrated_labs
        if known is None:
            return np.zeros(len(names), dtype=bool)
        return ~np.array([*map(known.__contains__, names)], dtype=bool)

    def evidence_of(
        self, plasmid: Plasmid, columns: LabColumns
    ) -> tuple[Column, LabColumn, Column]:
        """Scores of labs (l,), the cosines of their nearest plasmids (l,), and facts (f,), of one
        query from its columns."""
        maxima = column_maxima(columns, RELATIVE)
        logits = self.logits(columns, maxima)
        softmax = Softmax.from_logits(logits)
        facts = query_facts(
            first_lab(columns, logits),
            maxima,
            softmax,
            are_pooled=self.catalogue.are_pooled,
            circular=plasmid.is_circular,
        )
        return softmax.scores(), columns["nearest"], facts

    def class_scores(self, lab_scores: Scores) -> Scores:
        """The scores of classes (q, c) from those of labs (q, l)."""
        return pooled_scores(lab_scores, self.catalogue.class_of_lab, classes=len(self.class_names))

    def rows_of(self, ids: Collection[str]) -> Rows:
        """The rows of living plasmids with these ids, ascending."""
        return np.array(sorted(living_rows(self.segments, sorted(ids)).values()), dtype=np.int64)


def reach_of(plasmid: Plasmid, columns: Mapping[str, LabColumn]) -> Reach:
    """How much of a query is known, from its columns, which say the same for every lab."""
    kmers, known, few = (float(columns[name][0]) for name in ("kmers", "known", "told"))
    return Reach(len(plasmid), round(float(np.expm1(kmers))), known, few)


def lab_scorer(
    ranker: EvidenceRanker | None,
    segments: Sequence[LiveSegment],
    class_names: Sequence[str],
    calibration: Calibration | None = None,
    joined: tuple[PlacedJoin, ...] = (),
) -> LabScorer | None:
    """The scorer of an index; None without a ranker, when a segment has no k-mers, or when no
    plasmid is left: then vectors rank labs alone."""
    if ranker is None or not LabFeatures.are_in(segments):
        return None
    if not any(segment.alive.any() for segment in segments):
        return None
    return LabScorer(
        ranker,
        tuple(segments),
        tuple(class_names),
        calibrated_labs=None if calibration is None else calibration.labs,
        joined=joined,
    )
