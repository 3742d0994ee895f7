"""What the stored plasmids of some labs say of one query before it is compared with all labs: sums
of each lab, and totals that add up where labs are divided among shards."""

from __future__ import annotations

from dataclasses import dataclass

from vecattr.indexes.scoring.lab_features import QueryKmers
from vecattr.indexes.scoring.lab_similarities import LabSimilarities
from vecattr.indexes.scoring.phenotype_odds import FeatureSums, FeatureTotals
from vecattr.indexes.scoring.shape_odds import ShapeMatches
from vecattr.indexes.scoring.shared_kmers import KmerCounts, SharedKmers
from vecattr.vectors import Column, Rows


@dataclass(frozen=True)
class Totals:
    """Of all `labs` together: how many have each k-mer of the query, how their plasmids match it in
    shape, () each, and in features (None: it has none)."""

    labs: int
    kmers: KmerCounts
    shapes: ShapeMatches
    features: FeatureTotals | None

    def plus(self, other: Totals) -> Totals:
        """The totals of both together."""
        features = self.features
        if features is not None and other.features is not None:
            features = features.plus(other.features)
        return Totals(
            self.labs + other.labs,
            self.kmers.plus(other.kmers),
            self.shapes.plus(other.shapes),
            features,
        )


@dataclass(frozen=True)
class QuerySums:
    """Of one query and l labs: its k-mers, those that they share, and how many labs have each; what
    is similar (l,), and features (None: it has none); its cosines with the classes (c,), and the
    rows that are left out."""

    kmers: QueryKmers
    shared: SharedKmers
    counts: KmerCounts
    similar: LabSimilarities
    features: FeatureSums | None
    cosines: Column
    left_out: Rows

    @property
    def totals(self) -> Totals:
        """Of these labs alone."""
        return Totals(
            len(self.similar.nearest),
            self.counts,
            self.similar.shapes.total(),
            None if self.features is None else self.features.totals,
        )
