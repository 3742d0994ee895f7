"""Probabilities of labs by temperature scaling: scores in, a probability for each lab out.

A softmax over cosines or lab scores, as over logits in Guo et al. (2017), but the inverse
temperature depends on the best score: ln(inverse temperature) = level + slope * best score. One
temperature for all queries is overconfident for far ones and underconfident for near ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.newton import minimum
from vecattr.vectors import Codes, Column, Probabilities, Scores

_FIRST_LEVEL = 3.0  # an inverse temperature of 20, where cosines of a few tenths tell labs apart
_PENALTY = 1e-4  # on the square of the slope, so that few rows give no wild one


@dataclass(frozen=True)
class Temperature:
    """The inverse temperature of a query is exp(level + slope * its best score)."""

    level: float
    slope: float

    def probabilities(self, scores: Scores) -> Probabilities:
        """Rows that sum to 1, in the order of the scores, (q, n) -> (q, n); a score of -1 is that
        of the farthest lab and of one that is ruled out."""
        shares: Probabilities = np.empty(scores.shape)
        for row, row_shares in zip(scores, shares, strict=True):  # which a core's cache holds
            self.shares(row, out=row_shares)
        return shares

    def shares(self, scores: Column, *, out: Column, total: float = 1.0) -> None:
        """The same of one query, (n,), written to `out` (n,); `total` is what they sum to."""
        best = scores.max()
        np.subtract(scores, best, out=out)
        out *= np.exp(self.level + self.slope * best)  # the inverse temperature
        np.exp(out, out=out)
        out *= total / out.sum()


def fit_temperature(scores: Scores, columns: Codes) -> Temperature:
    """The temperature of maximum likelihood for true labs in `columns` (q,) of scores (q, n).

    A panel fits it when it is asked, so no sum may depend on threads: none is left to BLAS."""
    below = np.array(scores, dtype=np.float64)
    best = below.max(axis=1)
    below -= best[:, None]  # at most 0
    truth = below[np.arange(len(below)), columns]  # (q,)
    design = np.stack([np.ones(len(below)), best], axis=1)  # (q, 2)

    def loss(parameters: Column) -> tuple[float, Column, NDArray[np.float64]]:
        sharpness = np.exp(np.clip(np.einsum("qp,p->q", design, parameters), -20, 20))  # (q,)
        weights = sharpness[:, None] * below
        np.exp(weights, out=weights)
        total = weights.sum(axis=1)
        mean = np.einsum("qn,qn->q", weights, below) / total
        variance = np.einsum("qn,qn,qn->q", weights, below, below) / total - mean**2
        slope = sharpness * (mean - truth)  # derivative of the loss by ln(sharpness)
        curvature = slope + sharpness**2 * variance
        penalty = _PENALTY * np.array([0.0, parameters[1]])
        value = np.mean(np.log(total) - sharpness * truth) + penalty @ parameters / 2
        gradient = np.einsum("qp,q->p", design, slope) / len(below) + penalty
        hessian = np.einsum("qp,q,qr->pr", design, curvature, design) / len(below)
        hessian += np.diag([0, _PENALTY])
        return float(value), gradient, hessian

    level, slope = minimum(loss, np.array([_FIRST_LEVEL, 0.0]))
    return Temperature(float(level), float(slope))
