"""The set of labs that has each k-mer of a query: shared k-mers in; the different sets, and how far
they are from one another, out.

A set is that of no lab, of 1 to N labs, or of more than N, which is not told lab by lab.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.scoring.shared_kmers import SharedKmers
from vecattr.sequences.kmers import mix
from vecattr.sequences.postings import joined_ranges
from vecattr.vectors import Codes, Column

#: The first two sets: of no lab, and of more than N labs.
NOBODY, MANY = 0, 1
_OTHERS = 2


@dataclass(frozen=True)
class LabSets:
    """The e different sets of labs of a query's k-mers: `set_of` each of the m k-mers (m,), the
    `labs` of all sets one after the other (t,), in `sizes` pieces (e,), none of the first two; and
    the number N of `common_labs`."""

    set_of: Codes
    labs: Codes
    sizes: NDArray[np.int64]
    common_labs: int

    @classmethod
    def from_shared(cls, shared: SharedKmers, *, common_labs: int) -> LabSets:
        """The sets of labs that have the distinct k-mers of a query."""
        is_many = shared.is_common | (shared.lab_counts > common_labs)
        is_few = ~is_many & (shared.lab_counts > 0)
        few = np.flatnonzero(is_few)
        sizes = shared.lab_counts[few]
        pair_labs = shared.pair_labs[is_few[shared.pair_kmers]]  # in the order of k-mers
        names = np.zeros(len(few), dtype=np.uint64)  # a set by the sum of its labs' scrambles
        starts = np.cumsum(sizes) - sizes
        if len(few):
            names = np.add.reduceat(mix(pair_labs.astype(np.uint64)), starts)
        _, examples, numbers = np.unique(names, return_index=True, return_inverse=True)
        set_of = np.where(is_many, MANY, NOBODY)
        set_of[few] = _OTHERS + numbers
        labs = pair_labs[joined_ranges(starts[examples], sizes[examples])]
        return cls(set_of, labs, np.concatenate([[0, 0], sizes[examples]]), common_labs)

    def __len__(self) -> int:
        return len(self.sizes)

    def distances_from(self, set_numbers: Codes) -> NDArray[np.float64]:
        """How far each set is from these s ones, from 0 to 1, (e, s): 1 less the shared part of the
        union (Jaccard). Of more than N labs nothing is told but that they are many, so that a set
        is nearer to them the more labs it has."""
        columns = [self._distances_from(number) for number in set_numbers.tolist()]
        return np.stack(columns, axis=1)

    def _distances_from(self, number: int) -> Column:
        distances: Column = np.ones(len(self))
        to_many: Column = 1 - self.sizes / (self.common_labs + 1)
        if number == MANY:
            distances = to_many
            distances[NOBODY] = 1
        elif number >= _OTHERS:
            shared = self._shared_with(number)
            distances = 1 - shared / np.maximum(self.sizes + self.sizes[number] - shared, 1)
            distances[MANY] = to_many[number]
        distances[number] = 0
        return distances

    def _shared_with(self, number: int) -> Column:
        """How many labs of each set one set has, too, (e,)."""
        starts = np.cumsum(self.sizes) - self.sizes
        own = self.labs[starts[number] : starts[number] + self.sizes[number]]
        is_own = np.zeros(int(self.labs.max(initial=0)) + 1, dtype=bool)
        is_own[own] = True
        set_numbers = np.repeat(np.arange(len(self)), self.sizes)
        counts = np.bincount(set_numbers, is_own[self.labs], minlength=len(self))
        return np.asarray(counts, dtype=np.float64)
