"""Candidate sets with a coverage guarantee: probabilities in, how many labs to name out.

Split conformal prediction with adaptive sets (Romano, Sesia & Candès 2020, without randomising):
a set takes labs by falling probability until their sum reaches a mass. The mass is a quantile of
what held-out plasmids would have needed, so a plasmid like those has its lab in the set with at
least the wanted probability.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import UsageError

Masses = NDArray[np.float64]

#: Sums of shares closer than this are equal: cosines of float32 vectors differ so much by how many
#: are multiplied at once.
_ROUNDING = 1e-6


def needed_masses(probabilities: NDArray[np.float64], columns: NDArray[np.intp]) -> Masses:
    """The probability of the labs that stand before the true one in `columns`, ties included;
    (q, n), (q,) -> (q,).

    >>> needed_masses(np.array([[0.5, 0.3, 0.2]]), np.array([1]))
    array([0.5])
    """
    own = probabilities[np.arange(len(probabilities)), columns][:, None]  # (q, 1)
    masses: Masses = np.where(probabilities > own, probabilities, 0.0).sum(axis=1)
    return masses


def check_coverage(coverage: float) -> None:
    """UsageError unless it lies strictly between 0 and 1."""
    if not 0 < coverage < 1:
        raise UsageError(f"coverage must lie between 0 and 1, not {coverage}")


def mass_for(held_out: Sequence[float], coverage: float) -> float:
    """The mass that a candidate set must exceed so that it covers: the ceil((n + 1) * coverage)-th
    of the held-out masses in ascending order; infinity (all labs) when there are too few of them.
    UsageError as in `check_coverage`."""
    check_coverage(coverage)
    place = math.ceil((len(held_out) + 1) * coverage - 1e-9)
    return held_out[place - 1] if place <= len(held_out) else math.inf


def set_sizes(probabilities: NDArray[np.float64], mass: float) -> NDArray[np.intp]:
    """How many labs of each row, by falling probability, the candidate set holds: all those before
    which no more than `mass` stands; (q, n) -> (q,), at least 1.

    >>> set_sizes(np.array([[0.5, 0.3, 0.2], [0.98, 0.01, 0.01]]), 0.8).tolist()
    [3, 1]
    """
    falling = -np.sort(-probabilities, axis=1)  # (q, n)
    before = np.cumsum(falling, axis=1) - falling
    sizes: NDArray[np.intp] = np.maximum((before <= mass + _ROUNDING).sum(axis=1), 1)
    return sizes
