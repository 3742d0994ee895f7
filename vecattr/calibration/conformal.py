"""Candidate sets with a coverage guarantee: probabilities in, the number of labs in each set out.

Split conformal prediction with adaptive sets (Romano, Sesia & Candès 2020, without randomising):
a set takes labs by falling probability until their sum exceeds a mass. The mass is a quantile of
the masses that held-out plasmids need, so that the set of an exchangeable plasmid holds its lab
with at least the wanted probability.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from vecattr.errors import UsageError
from vecattr.vectors import Codes, Column, Probabilities

#: Sums of probabilities closer than this are equal: scores vary that much from one processor to
#: another.
_ROUNDING = 1e-6


def needed_masses(probabilities: Probabilities, columns: Codes) -> Column:
    """The total probability of the labs ranked before the true one, of the column in `columns`;
    labs of equal probability do not count; (q, n), (q,) -> (q,).

    >>> needed_masses(np.array([[0.5, 0.3, 0.2]]), np.array([1]))
    array([0.5])
    """
    truth = probabilities[np.arange(len(probabilities)), columns][:, None]  # (q, 1)
    masses: Column = np.where(probabilities > truth, probabilities, 0.0).sum(axis=1)
    return masses


def check_coverage(coverage: float) -> None:
    """UsageError unless it lies strictly between 0 and 1."""
    if not 0 < coverage < 1:
        raise UsageError(f"coverage must lie between 0 and 1, not {coverage}")


def mass_for(masses: Sequence[float], coverage: float) -> float:
    """The mass that a candidate set must exceed for this coverage: the ceil((n + 1) * coverage)-th
    of the n `masses` of held-out plasmids (ascending); infinity, all labs, when they are too few.
    UsageError as in `check_coverage`."""
    check_coverage(coverage)
    rank = math.ceil((len(masses) + 1) * coverage - 1e-9)
    return masses[rank - 1] if rank <= len(masses) else math.inf


def set_sizes(probabilities: Probabilities, mass: float | Column) -> Codes:
    """The number of labs in each row's candidate set: those, by falling probability, that are
    preceded by a total of at most `mass`, one for all rows or one each (q,); (q, n) -> (q,), at
    least 1.

    >>> set_sizes(np.array([[0.5, 0.3, 0.2], [0.98, 0.01, 0.01]]), 0.8).tolist()
    [3, 1]
    """
    descending = -np.sort(-probabilities, axis=1)  # (q, n)
    before = np.cumsum(descending, axis=1) - descending
    sizes: Codes = np.maximum((before <= np.reshape(mass, (-1, 1)) + _ROUNDING).sum(axis=1), 1)
    return sizes
