"""Labs of queries by all that is known: vectors and exact k-mers in, one score a class out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.scoring.catalogue import NO_ROWS, Catalogue, Rows
from vecattr.indexes.scoring.lab_features import LabFeatures, QueryKmers
from vecattr.indexes.scoring.shape_odds import ShapeOdds
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.storage.live_segment import LiveSegment, living_rows
from vecattr.plasmid import Plasmid
from vecattr.ranking.evidence_ranker import EvidenceRanker, class_scores

if TYPE_CHECKING:
    from vecattr.indexes.scoring.phenotype_odds import PhenotypeOdds

Column = NDArray[np.float64]

#: Cosines that are held at once, of a batch of queries with the stored plasmids (4 bytes each).
_NUMBERS = 1 << 22


@dataclass(frozen=True)
class LabScorer:
    """What the segments of one index say of queries, weighed by a fusion."""

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

    def scores(self, vectors: QueryVectors, cosines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each query with each class, (q, c), from -1 to 0; `cosines` (q, c) are those of the
        class vectors."""
        rows = [self.rows_of(gone) for gone in vectors.left_out] or [NO_ROWS] * len(vectors)
        found = [
            self._scores(plasmid, vector, mine, gone, near)
            for plasmid, vector, mine, gone, near in zip(
                vectors.plasmids,
                vectors.bare,
                cosines,
                rows,
                self.stored_cosines(vectors.bare),
                strict=True,
            )
        ]
        return np.stack(found) if found else np.zeros(cosines.shape)

    def stored_cosines(self, vectors: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """The cosines of each query with the stored plasmids, some queries at a time: one product
        reads the stored vectors once for all of them."""
        some = max(1, _NUMBERS // max(1, len(self.catalogue)))
        for start in range(0, len(vectors), some):
            yield from self.lab_features.cosines(vectors[start : start + some])

    def columns(
        self,
        plasmid: Plasmid,
        vector: NDArray[np.float32],
        cosines: Column,
        left_out: Rows,
        near: NDArray[np.float32] | None = None,
    ) -> dict[str, Column]:
        """What is known of each lab (l,), by name; with PHENOTYPES when the query has any of the
        stored features. `near` as in `LabFeatures.columns`."""
        found = self.lab_features.columns(
            QueryKmers.from_plasmid(plasmid), vector, cosines, left_out=left_out, near=near
        )
        return found | self.odds_of(plasmid, left_out)

    def odds_of(self, plasmid: Plasmid, left_out: Rows = NO_ROWS) -> dict[str, Column]:
        """How topology, length, composition and features of a query fit each lab (l,), by name."""
        found = self.shape_odds.of(plasmid, left_out=left_out)
        if plasmid.features:
            found |= self.phenotype_odds.of(plasmid.features, left_out=left_out)
        return found

    def _scores(
        self,
        plasmid: Plasmid,
        vector: NDArray[np.float32],
        cosines: Column,
        left_out: Rows,
        near: NDArray[np.float32],
    ) -> Column:
        return self.class_scores(self.columns(plasmid, vector, cosines, left_out, near))

    def class_scores(self, columns: dict[str, Column]) -> Column:
        """The scores of classes (c,) by what `columns` say of labs."""
        logits = np.where(columns["plasmids"] > 0, self.ranker.logits(columns), -np.inf)
        classes = len(self.class_names)
        return class_scores(logits, self.catalogue.class_of_lab, classes=classes)

    def rows_of(self, ids: Collection[str]) -> Rows:
        """The rows of living plasmids with these ids, ascending."""
        return np.array(sorted(living_rows(self.segments, sorted(ids)).values()), dtype=np.int64)


def lab_scorer(
    ranker: EvidenceRanker | None, segments: Sequence[LiveSegment], class_names: Sequence[str]
) -> LabScorer | None:
    """None without a fusion, when a segment has no k-mers, or when no plasmid is left: then
    vectors answer alone."""
    if ranker is None or not LabFeatures.are_in(segments):
        return None
    if not any(segment.alive.any() for segment in segments):
        return None
    return LabScorer(ranker, tuple(segments), tuple(class_names))
