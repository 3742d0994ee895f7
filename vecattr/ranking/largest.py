"""The largest of many numbers: numbers in; the n-th largest, or where the n largest are, out.

The largest of each of many groups are found first. The n-th largest of these is no larger than that
of all numbers, so that few numbers are left to look through.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vecattr.vectors import Rows

#: Numbers of a group.
_GROUP = 16
#: With fewer groups for each of the n largest, grouping takes more time than it spares.
_LEAST_GROUPS = 4


def nth_largest(values: NDArray[np.floating], n: int) -> float:
    """The n-th largest of some values (m,); minus infinity where there are fewer, or n is 0."""
    if not 0 < n <= len(values):
        return -np.inf
    groups = len(values) // _GROUP
    if groups >= _LEAST_GROUPS * n:
        largest = values[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
        values = values[values >= _nth(largest, n)]
    return float(_nth(values, n))


def places_of_largest(values: NDArray[np.floating], n: int) -> Rows:
    """Where the n largest values (m,) are, ascending (n,), all where there are fewer; of those that
    equal the n-th the first."""
    if n >= len(values):
        return np.arange(len(values))
    if not n:
        return np.zeros(0, dtype=np.int64)
    least = nth_largest(values, n)
    places = np.flatnonzero(values >= least)
    if len(places) > n:
        are_above = values[places] > least
        ties = np.flatnonzero(~are_above)[: n - np.count_nonzero(are_above)]
        are_above[ties] = True
        places = places[are_above]
    return places


def _nth(values: NDArray[np.floating], n: int) -> np.floating:
    nth: np.floating = np.partition(values, len(values) - n)[len(values) - n]
    return nth
