"""Posting lists by number: different lists in, as they come, the number of each out; one that came
before has the number that it had."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vecattr.sequences.kmers import Hashes, mix
from vecattr.sequences.posting_lists import DistinctLists, list_hashes
from vecattr.sequences.postings import inverse
from vecattr.vectors import Mask

#: So many lists are remembered, 20 bytes each, and about 70 while two runs are joined. One that
#: came before and is not remembered is stored again.
MOST_KNOWN = 1 << 24


class _Known(NamedTuple):
    """Lists by two hashes, ascending by the first, and their numbers (m,)."""

    first: Hashes
    second: Hashes
    numbers: NDArray[np.uint32]

    def joined(self, other: _Known) -> _Known:
        """Both together."""
        first = np.concatenate([self.first, other.first])
        order = np.argsort(first, kind="stable")  # which merges two ascending parts
        second = np.concatenate([self.second, other.second])
        numbers = np.concatenate([self.numbers, other.numbers])
        return _Known(first[order], second[order], numbers[order])


class KnownLists:
    """Numbers lists of n rows, which have each row once and all in one order, as they come first.
    Lists are told apart by 128 bits of hashes."""

    def __init__(self, rows: int) -> None:
        self.count = 0
        self.scrambles = mix(np.arange(rows, dtype=np.uint64))
        self._second_scrambles = mix(self.scrambles)
        self._runs: list[_Known] = []

    def numbers_of(self, lists: DistinctLists) -> tuple[NDArray[np.uint32], Mask]:
        """The number of each list (s,), and which of them are new, in this order (s,)."""
        first, second = (
            list_hashes(lists.rows, lists.offsets, scrambles)
            for scrambles in (self.scrambles, self._second_scrambles)
        )
        order = np.argsort(first)  # what is searched in order is found in a third of the time
        first, second = first[order], second[order]
        numbers = np.zeros(len(lists), dtype=np.uint32)  # in this order
        are_new = np.ones(len(lists), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run.first, first), len(run.first) - 1)
            found = (run.first[places] == first) & (run.second[places] == second)
            numbers[found] = run.numbers[places[found]]
            are_new &= ~found
        ranks = inverse(order)
        are_new_lists = are_new[ranks]
        own = np.cumsum(are_new_lists, dtype=np.uint32) - np.uint32(1) + np.uint32(self.count)
        numbers[are_new] = own[order][are_new]
        self.count += int(np.count_nonzero(are_new))
        self._remember(_Known(first[are_new], second[are_new], numbers[are_new]))
        return numbers[ranks], are_new_lists

    def _remember(self, new: _Known) -> None:
        """Add lists, ascending, to what is known: few runs, each half as long as the one before at
        most."""
        room = MOST_KNOWN - sum(len(run.first) for run in self._runs)
        run = _Known(new.first[:room], new.second[:room], new.numbers[:room])
        if not len(run.first):
            return
        while self._runs and 2 * len(run.first) > len(self._runs[-1].first):
            run = self._runs.pop().joined(run)
        self._runs.append(run)
