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
    if not any(reach.is_unknown for reach in reaches):
        return np.zeros(len(reaches))
    probabilities, outside = fit.weighed(scores, cases, Expectation())
    firsts = probabilities.max(axis=1) / np.maximum(1 - outside, np.finfo(float).tiny)
    odds = [
        reach.outside_odds(first) for reach, first in zip(reaches, firsts.tolist(), strict=True)
    ]
    return np.array(odds)
