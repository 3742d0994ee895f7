"""An index and plasmids of new labs in; which old labs must be weighed anew for a query out.

A query is ranked after many draws of the new plasmids, and all old labs change a little with each.
Those that could come into the first places are weighed anew each time, and so are a few of the
others, evenly spread over the likely and the unlikely; the rest are taken to change as these few
do, by the median.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.evaluation.new_plasmids import NewPlasmids
from vecattr.indexes.scoring.lab_scorer import LabScorer
from vecattr.indexes.scoring.phenotype_odds import Tally

Column = NDArray[np.float64]
Codes = NDArray[np.int64]

#: The old labs weighed anew: so many that are likeliest without new labs, so many of the best by
#: each kind of evidence, and so many of the others.
LIKELIEST, BEST, OTHERS = 60, 3, 16


@dataclass(frozen=True)
class Rescoring:
    """An index and plasmids of new labs, ready for queries. `likeliest` None: all old labs are
    weighed anew."""

    labs: LabScorer
    arrivals: NewPlasmids
    likeliest: int | None = LIKELIEST

    @cached_property
    def tally(self) -> Tally:
        """Of the old labs, and of all features of the arrivals, (l, f)."""
        old, names = self.labs.phenotype_odds, self.arrivals.feature_names
        shape = len(self.labs.catalogue.lab_names), len(names)
        found = Tally(np.zeros(shape), np.zeros(shape))
        columns = [names.index(name) for name in old.names]
        found.having[:, columns] = old.tally.having
        found.knowing[:, columns] = old.tally.knowing
        return found

    @cached_property
    def total(self) -> Tally:
        """Of all old labs together, (f,)."""
        return self.tally.total()

    def weighed(self, columns: dict[str, Column], logits: Column) -> tuple[Codes, Codes]:
        """The old labs that are weighed anew, ascending, and those of them that stand for the
        rest."""
        everything = np.arange(len(logits))
        if self.likeliest is None or len(logits) <= self.likeliest:
            return everything, everything[:0]
        best = [_largest(column, BEST) for column in columns.values()]
        first = np.concatenate([_largest(logits, self.likeliest), *best])
        rest = np.setdiff1d(everything, first)
        rest = rest[np.argsort(-logits[rest], kind="stable")]
        others = rest[:: max(1, len(rest) // OTHERS)]
        return np.union1d(first, others), others


def _largest(values: Column, count: int) -> Codes:
    """The places of the largest values, in no order."""
    return np.argpartition(-values, min(count, len(values) - 1))[:count]
