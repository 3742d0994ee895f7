"""How a query's phenotype features fit each lab: features in, log odds against all plasmids out.

One feature at a time: a naive Bayes score over 0/1 features, each with the share of the lab's
plasmids that have it, and pseudocounts from the share of all plasmids. It counts features twice
that go together, so all features are also compared at once: how many of the lab's plasmids have
exactly the features of the query, and how many nearly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.joining.catalogue import NO_LAB, NO_ROWS, Catalogue
from vecattr.indexes.scoring.log_odds import PSEUDOCOUNT, LabSums, log_odds
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.segment import MISSING_FEATURE
from vecattr.vectors import Codes, Column, LabColumn, Mask, Rows

_MIN_SHARE = 1e-4  # no share is nearer to 0 or 1
_KERNEL_WIDTH = 2.0  # in features that differ


@dataclass(frozen=True)
class FeatureCounts:
    """How many plasmids have each feature, and of how many the feature is known, (f,) or (l, f)."""

    present: NDArray[np.float64]
    known: NDArray[np.float64]

    def select(self, columns: Sequence[int]) -> FeatureCounts:
        """The counts of some of the features, ascending."""
        if len(columns) == self.present.shape[-1]:
            return self
        return FeatureCounts(self.present[..., columns], self.known[..., columns])

    def total(self) -> FeatureCounts:
        """The counts of all labs together, (l, f) -> (f,)."""
        return FeatureCounts(self.present.sum(axis=0), self.known.sum(axis=0))

    def plus(self, other: FeatureCounts) -> FeatureCounts:
        """The counts of both together."""
        return FeatureCounts(self.present + other.present, self.known + other.known)

    def minus(self, other: FeatureCounts) -> FeatureCounts:
        """The counts without those of the other."""
        return FeatureCounts(self.present - other.present, self.known - other.known)


@dataclass(frozen=True)
class FeatureMatches(LabSums):
    """Sums over the plasmids of each lab (l,): how many of a query's features are known of a
    plasmid (`known`), this number where all of them agree (`equal`), and this number weighed by a
    kernel of how many differ (`similar`). So a plasmid counts by how much of it can be compared."""

    known: Column
    equal: Column
    similar: Column

    @classmethod
    def from_values(
        cls,
        values: Iterable[NDArray[np.uint8]],
        has: Mask,
        labs: Codes,
        *,
        lab_count: int,
        left_out: Rows = NO_ROWS,
    ) -> FeatureMatches:
        """From the values of n plasmids, (n,) for each feature, whether the query has the feature
        (a,), and the plasmids' labs (n,), NO_LAB for those that do not count."""
        counted: type[np.unsignedinteger] = np.uint8 if len(has) < 1 << 8 else np.uint16
        different, known = np.zeros((2, len(labs)), dtype=counted)
        for value, query_has in zip(values, has, strict=True):
            different += (value == (not query_has)).view(np.uint8)
            known += (value != MISSING_FEATURE).view(np.uint8)
        known[left_out] = 0
        lab_of_row = np.maximum(labs, 0)  # rows without a lab have no known features: they add 0

        def lab_sums(weights: NDArray[np.generic]) -> Column:
            """Of each lab (l,), from weights of the rows (n,)."""
            return np.bincount(lab_of_row, weights, minlength=lab_count).astype(np.float64)

        return cls(
            lab_sums(known),
            lab_sums(known * (different == 0)),
            lab_sums(known * np.exp(np.arange(len(has) + 1) / -_KERNEL_WIDTH)[different]),
        )

    def odds(self, total: FeatureMatches, *, feature_count: int) -> dict[str, LabColumn]:
        """Log odds of each lab (l,), of a query with `feature_count` features that are known of any
        plasmid; `total` is of all labs together."""
        known, all_known = self.known / feature_count, total.known / feature_count
        equal, all_equal = self.equal / feature_count, total.equal / feature_count
        similar, all_similar = self.similar / feature_count, total.similar / feature_count
        return {
            "same_features": log_odds(equal, known, all_equal, all_known),
            "near_features": log_odds(similar, known, all_similar, all_known),
        }


def bayes_odds(has: Mask, labs: FeatureCounts, total: FeatureCounts) -> Column:
    """Naive Bayes log odds of each lab (l,), of a query that has some features and lacks others
    (f,), from the counts of labs (l, f) and of all plasmids (f,); 0 where nothing is known."""
    overall = (total.present + 0.5) / (total.known + 1)  # (f,)
    shares = (labs.present + PSEUDOCOUNT * overall) / (labs.known + PSEUDOCOUNT)  # (l, f)
    shares = np.clip(shares, _MIN_SHARE, 1 - _MIN_SHARE)
    overall = np.clip(overall, _MIN_SHARE, 1 - _MIN_SHARE)
    shares, overall = np.where(has, shares, 1 - shares), np.where(has, overall, 1 - overall)
    odds: Column = np.log(shares / overall).sum(axis=1)  # (l, f) -> (l,)
    return odds


def query_features(features: Mapping[str, int], names: Sequence[str]) -> tuple[list[int], Mask]:
    """Which of the names the query has a value for (a,), and whether the value is 1 (a,)."""
    columns = [column for column, name in enumerate(names) if name in features]
    return columns, np.array([bool(features[names[column]]) for column in columns], dtype=bool)


def feature_columns(
    has: Mask,
    labs: FeatureCounts,
    total: FeatureCounts,
    matches: FeatureMatches,
    total_matches: FeatureMatches,
) -> dict[str, LabColumn]:
    """The PHENOTYPES of each lab (l,), of a query that has some features and lacks others (a,);
    nothing when none of these is known of any plasmid."""
    feature_count = int(np.count_nonzero(total.known))
    if not feature_count:
        return {}
    return {
        "phenotypes": bayes_odds(has, labs, total),
        **matches.odds(total_matches, feature_count=feature_count),
        "features": np.full(len(matches.known), np.log1p(feature_count)),
    }


@dataclass(frozen=True)
class FeatureTotals:
    """Sums over the plasmids of all labs, of a query with some features: how many have each (a,),
    and how they match the query, () each. Totals of disjoint sets of labs add up."""

    counts: FeatureCounts
    matches: FeatureMatches

    def plus(self, other: FeatureTotals) -> FeatureTotals:
        """The totals of both together."""
        return FeatureTotals(self.counts.plus(other.counts), self.matches.plus(other.matches))


@dataclass(frozen=True)
class FeatureSums:
    """Sums over the plasmids of each lab, of a query that has some features and lacks others (a,):
    how many have each (l, a), and how they match the query, (l,) each."""

    has: Mask
    counts: FeatureCounts
    matches: FeatureMatches

    @property
    def totals(self) -> FeatureTotals:
        """Over all these labs."""
        return FeatureTotals(self.counts.total(), self.matches.total())

    def columns(self, totals: FeatureTotals) -> dict[str, LabColumn]:
        """As `feature_columns`, with the totals of all labs."""
        return feature_columns(self.has, self.counts, totals.counts, self.matches, totals.matches)


class PhenotypeOdds:
    """Log odds of labs by the stored features of a catalogue's rows; a feature that is missing of a
    row does not count. `names` are those of all segments of the index, if these are not all."""

    def __init__(
        self,
        catalogue: Catalogue,
        segments: Sequence[LiveSegment],
        names: tuple[str, ...] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._segments = segments
        self._names = names

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The features of all segments, sorted (f,)."""
        if self._names is not None:
            return self._names
        names_of_segments = (segment.stored.feature_names for segment in self._segments)
        return tuple(sorted({name for names in names_of_segments for name in names}))

    @cached_property
    def _values(self) -> NDArray[np.uint8]:
        """Of every row (f, n), MISSING_FEATURE where it is not known."""
        place = {name: column for column, name in enumerate(self.names)}
        values = np.full((len(self.names), len(self._catalogue)), MISSING_FEATURE, dtype=np.uint8)
        for start, segment in zip(self._catalogue.starts, self._segments, strict=True):
            columns = [place[name] for name in segment.stored.feature_names]
            values[columns, start : start + segment.stored.rows] = segment.stored.features.T
        values[:, self._catalogue.labs == NO_LAB] = MISSING_FEATURE
        return values

    @cached_property
    def counts(self) -> FeatureCounts:
        """The counts of each lab, (l, f)."""
        return self._counts_of(self._catalogue.rows_by_lab)

    def _counts_of(self, rows: Rows) -> FeatureCounts:
        shape = len(self._catalogue.lab_names), len(self.names)
        counts = FeatureCounts(np.zeros(shape), np.zeros(shape))
        values, labs = self._values[:, rows].T, self._catalogue.labs[rows]
        np.add.at(counts.present, labs, values == 1)
        np.add.at(counts.known, labs, values != MISSING_FEATURE)
        return counts

    @cached_property
    def total_counts(self) -> FeatureCounts:
        """The counts of all labs together, (f,)."""
        return self.counts.total()

    def matches(
        self, columns: Sequence[int], has: Mask, *, left_out: Rows = NO_ROWS
    ) -> FeatureMatches:
        """How the plasmids of each lab match a query that has some of these features (a,), without
        the rows that are left out."""
        return FeatureMatches.from_values(
            [self._values[column] for column in columns],
            has,
            self._catalogue.labs,
            lab_count=len(self._catalogue.lab_names),
            left_out=left_out,
        )

    def sums(self, features: Mapping[str, int], *, left_out: Rows) -> FeatureSums:
        """Sums over the plasmids of each lab, without the rows that are left out."""
        columns, has = query_features(features, self.names)
        counts = self.counts.select(columns)
        if len(left_out):
            counts = counts.minus(self._counts_of(left_out).select(columns))
        return FeatureSums(has, counts, self.matches(columns, has, left_out=left_out))

    def columns(self, features: Mapping[str, int], *, left_out: Rows) -> dict[str, LabColumn]:
        """The PHENOTYPES of each lab (l,), odds 0 where nothing is known; nothing at all when no
        feature of the query is known of any plasmid."""
        sums = self.sums(features, left_out=left_out)
        return sums.columns(sums.totals)
