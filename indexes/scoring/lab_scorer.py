"""The scores that rank labs: queries with their vectors in, one score a class out, from vectors,
exact k-mers, shapes and phenotype features of stored plasmids."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from vecattr.indexes.scoring.catalogue import NO_ROWS, Catalogue
from vecattr.indexes.scoring.lab_features import LabFeatures, QueryKmers
from vecattr.indexes.scoring.shape_odds import ShapeOdds
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.storage.live_segment import LiveSegment, living_rows
from vecattr.plasmid import Plasmid
from vecattr.ranking.evidence_ranker import EvidenceRanker, class_scores
from vecattr.vectors import Column, Cosines, Rows, Scores, Vectors

if TYPE_CHECKING:
    from vecattr.indexes.scoring.phenotype_odds import PhenotypeOdds

#: Cosines of queries with stored plasmids that are in memory at once (8 bytes each).
_COSINES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class LabScorer:
    """Lab features from the segments of one index, and the evidence ranker that scores them."""

    ranker: EvidenceRanker
    segments: tuple[LiveSegment, ...]
    class_names: tuple[str, ...]

    @cached_property
    def catalogue(self) -> Catalogue:
        """Classes and stored rows of all segments."""
        return Catalogue.from_segments(self.segments, self.class_names)

    @cached_property
    def lab_features(self) -> LabFeatures:
        """What vectors and k-mers of stored plasmids say of each lab."""
        return LabFeatures(self.catalogue, self.segments)

    @cached_property
    def shape_odds(self) -> ShapeOdds:
        """Log odds of each lab by a query's topology, length and composition."""
        return ShapeOdds(self.catalogue, self.segments)

    @cached_property
    def phenotype_odds(self) -> PhenotypeOdds:
        """Log odds of each lab by a query's phenotype features."""
        from vecattr.indexes.scoring.phenotype_odds import PhenotypeOdds  # start-up

        return PhenotypeOdds(self.catalogue, self.segments)

    def scores(self, vectors: QueryVectors, cosines: Cosines) -> Scores:
        """The score of each query with each class, (q, c), from -1 to 0; `cosines` (q, c) are those
        with the class vectors."""
        left_out = [self.rows_of(ids) for ids in vectors.left_out] or [NO_ROWS] * len(vectors)
        queries = zip(
            vectors.plasmids,
            vectors.bare,
            cosines,
            left_out,
            self.stored_cosines(vectors.bare),
            strict=True,
        )
        rows = [self.class_scores(self.columns(*query)) for query in queries]
        return np.stack(rows) if rows else np.zeros(cosines.shape)

    def stored_cosines(self, vectors: Vectors) -> Iterator[Cosines]:
        """The cosines of each query with the stored plasmids, for several queries at a time: one
        product reads the stored vectors once for all of them."""
        batch_size = max(1, _COSINES_AT_ONCE // max(1, len(self.catalogue)))
        for start in range(0, len(vectors), batch_size):
            yield from self.lab_features.stored_cosines(vectors[start : start + batch_size])

    def columns(
        self,
        plasmid: Plasmid,
        vector: Vectors,
        cosines: Column,
        left_out: Rows,
        stored_cosines: Cosines | None = None,
    ) -> dict[str, Column]:
        """Every input of the ranker for each lab (l,), by name; with PHENOTYPES when the query has
        any of the stored features. `stored_cosines` as in `LabFeatures.columns`."""
        columns = self.lab_features.columns(
            QueryKmers.from_plasmid(plasmid),
            vector,
            cosines,
            left_out=left_out,
            stored_cosines=stored_cosines,
        )
        return columns | self.odds_columns(plasmid, left_out)

    def odds_columns(self, plasmid: Plasmid, left_out: Rows = NO_ROWS) -> dict[str, Column]:
        """How topology, length, composition and features of a query fit each lab (l,), by name."""
        columns = self.shape_odds.columns(plasmid, left_out=left_out)
        if plasmid.features:
            columns |= self.phenotype_odds.columns(plasmid.features, left_out=left_out)
        return columns

    def class_scores(self, columns: dict[str, Column]) -> Column:
        """The scores of classes (c,) from the columns of labs."""
        logits = np.where(columns["plasmids"] > 0, self.ranker.logits(columns), -np.inf)
        classes = len(self.class_names)
        return class_scores(logits, self.catalogue.class_of_lab, classes=classes)

    def rows_of(self, ids: Collection[str]) -> Rows:
        """The rows of living plasmids with these ids, ascending."""
        return np.array(sorted(living_rows(self.segments, sorted(ids)).values()), dtype=np.int64)


def lab_scorer(
    ranker: EvidenceRanker | None, segments: Sequence[LiveSegment], class_names: Sequence[str]
) -> LabScorer | None:
    """The scorer of an index; None without a ranker, when a segment has no k-mers, or when no
    plasmid is left: then vectors rank labs alone."""
    if ranker is None or not LabFeatures.are_in(segments):
        return None
    if not any(segment.alive.any() for segment in segments):
        return None
    return LabScorer(ranker, tuple(segments), tuple(class_names))
