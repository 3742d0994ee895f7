"""Probabilities of labs: cosines in, a share for each lab out, and the fit of how sharp they are.

A softmax over cosines, as temperature scaling does over logits (Guo et al. 2017), but the inverse
temperature depends on the best cosine: ln(inverse temperature) = level + slope * best cosine. One
number for all queries is too sure of far ones and not sure enough of near ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.newton import minimum

Cosines = NDArray[np.float64]
Probabilities = NDArray[np.float64]

_FIRST_LEVEL = 3.0  # an inverse temperature of 20, where cosines of a few tenths tell labs apart
_PENALTY = 1e-4  # on the square of the slope, so that few rows give no wild one


@dataclass(frozen=True)
class Temperature:
    """The inverse temperature of a query is exp(level + slope * its best cosine)."""

    level: float
    slope: float

    def probabilities(self, cosines: Cosines) -> Probabilities:
        """Each row sums to 1 and keeps its order, (q, n) -> (q, n); -1 stands for a lab that is
        out of the question as well as for the farthest one."""
        best = cosines.max(axis=1)  # (q,)
        sharp = np.exp(self.level + self.slope * best)
        weights = np.exp(sharp[:, None] * (cosines - best[:, None]))
        shares: Probabilities = weights / weights.sum(axis=1, keepdims=True)
        return shares


def fit_temperature(cosines: Cosines, columns: NDArray[np.intp]) -> Temperature:
    """The temperature that makes the labs in `columns` (q,) likeliest, given cosines (q, n)."""
    wide = np.asarray(cosines, dtype=np.float64)
    best = wide.max(axis=1)
    below = wide - best[:, None]  # at most 0
    own = below[np.arange(len(wide)), columns]  # (q,)
    design = np.stack([np.ones(len(wide)), best], axis=1)  # (q, 2)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, Cosines, Cosines]:
        sharp = np.exp(np.clip(design @ parameters, -20, 20))  # (q,)
        weights = np.exp(sharp[:, None] * below)
        total = weights.sum(axis=1)
        mean = (weights * below).sum(axis=1) / total
        spread = (weights * below**2).sum(axis=1) / total - mean**2
        slope = sharp * (mean - own)  # of the loss, over ln(sharp)
        bend = slope + sharp**2 * spread
        penalty = _PENALTY * np.array([0.0, parameters[1]])
        value = np.mean(np.log(total) - sharp * own) + penalty @ parameters / 2
        gradient = design.T @ slope / len(wide) + penalty
        hessian = (design * bend[:, None]).T @ design / len(wide) + np.diag([0, _PENALTY])
        return float(value), gradient, hessian

    level, slope = minimum(loss, np.array([_FIRST_LEVEL, 0.0]))
    return Temperature(float(level), float(slope))
