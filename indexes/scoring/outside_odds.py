"""What is known of queries in; what that says for a lab outside the index, beside the other facts,
out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.expectation import Expectation
from vecattr.calibration.outcomes import OutcomeFit
from vecattr.mosaic import Reach


def outside_odds(
    fit: OutcomeFit,
    scores: NDArray[np.float64],
    cases: NDArray[np.float64],
    reaches: Sequence[Reach],
) -> NDArray[np.float64]:
    """What little knowledge of queries says for an outside lab, as logarithms of odds, (q,); all
    cases count alike here, so that it does not depend on what is expected."""
    odds = np.zeros(len(reaches))
    rows = [row for row, reach in enumerate(reaches) if reach.is_unknown]
    probabilities, outside = fit.weighed(scores[rows], cases[rows], Expectation())
    firsts = probabilities.max(axis=1, initial=0) / np.maximum(1 - outside, np.finfo(float).tiny)
    odds[rows] = [
        reaches[row].outside_odds(first) for row, first in zip(rows, firsts.tolist(), strict=True)
    ]
    return odds
