"""The old labs that are scored again when new labs join: an index and plasmids of new labs in, the
labs to rescore for a query out.

A query is ranked after many draws of supports, and the score of every old lab changes a little with
each. Labs that could come into the first places are rescored each time, and so are a few of the
others, evenly spread from the likely to the unlikely; the rest are taken to change by the median
change of these few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vecattr.indexes.evaluation.new_plasmids import NewPlasmids
from vecattr.indexes.scoring.lab_scorer import LabScorer
from vecattr.indexes.scoring.phenotype_odds import FeatureCounts
from vecattr.vectors import Codes, Column, LabColumn

#: The old labs that are rescored: so many with the largest logits without new labs, so many with
#: the largest value in each column, and so many of the others.
LIKELIEST, BEST_OF_COLUMN, REPRESENTATIVES = 60, 3, 16


@dataclass(frozen=True)
class Rescoring:
    """The scorer of an index and plasmids of new labs. `likeliest` None: all old labs are
    rescored."""

    scorer: LabScorer
    new_plasmids: NewPlasmids
    likeliest: int | None = LIKELIEST

    @cached_property
    def feature_counts(self) -> FeatureCounts:
        """The counts of each old lab, of all features that new plasmids name too, (l, f)."""
        odds, names = self.scorer.phenotype_odds, self.new_plasmids.feature_names
        shape = len(self.scorer.catalogue.lab_names), len(names)
        counts = FeatureCounts(np.zeros(shape), np.zeros(shape))
        column_of = {name: column for column, name in enumerate(names)}
        columns = [column_of[name] for name in odds.names]
        counts.present[:, columns] = odds.counts.present
        counts.known[:, columns] = odds.counts.known
        return counts

    @cached_property
    def total_feature_counts(self) -> FeatureCounts:
        """The counts of all old labs together, (f,)."""
        return self.feature_counts.total()

    def labs_to_rescore(
        self, columns: Mapping[str, LabColumn], logits: Column
    ) -> tuple[Codes, Codes]:
        """The old labs that are rescored, ascending, and those of them that represent the rest;
        from the columns and logits without new labs (l,)."""
        all_labs = np.arange(len(logits))
        if self.likeliest is None or len(logits) <= self.likeliest:
            return all_labs, all_labs[:0]
        best_of_columns = [_largest(column, BEST_OF_COLUMN) for column in columns.values()]
        first = np.concatenate([_largest(logits, self.likeliest), *best_of_columns])
        rest = np.setdiff1d(all_labs, first)
        rest = rest[np.argsort(-logits[rest], kind="stable")]
        representatives = rest[:: max(1, len(rest) // REPRESENTATIVES)]
        return np.union1d(first, representatives), representatives


def _largest(values: LabColumn, count: int) -> Codes:
    """The places of the largest values, in no order."""
    return np.argpartition(-values, min(count, len(values) - 1))[:count]
