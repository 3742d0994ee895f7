"""Is the lab among those we know? Scores of a query in, one number from 0 to 1 out, and its fit.

Three scores speak: the best cosine of a named lab, its lead over the next named lab, and the
cosine of the nearest stored plasmid. A logistic regression weighs them, learned from held-out
plasmids of known labs, each shown twice: as it is, and with its own lab hidden, when it is a
plasmid of an unknown lab.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.newton import minimum
from vecattr.plasmid import POOLED

Column = NDArray[np.float64]

_PENALTY = 1e-3  # on the squares of the weights
_NEAREST_STEP = 0.002  # a cosine of 1 is as near as 0.998 is to 1


def named_columns(names: Sequence[str]) -> NDArray[np.bool_]:
    """Which classes have a name, the pool left out, (n,)."""
    return np.array([name != POOLED for name in names], dtype=bool)


@dataclass(frozen=True)
class OpenSetInputs:
    """Of q queries, (q,) each: best cosine of a named lab, lead over the next named lab, cosine of
    the nearest stored plasmid."""

    best: Column
    lead: Column
    nearest: Column

    @classmethod
    def from_scores(
        cls,
        cosines: NDArray[np.float64],
        nearest: NDArray[np.floating],
        *,
        named: NDArray[np.bool_],
    ) -> OpenSetInputs:
        """From cosines with all classes (q, n), of which `named` (n,) have a name."""
        mine = np.full((len(cosines), 2 + int(named.sum())), -1.0)  # where labs are fewer than two
        mine[:, 2:] = cosines[:, named]
        top = -np.partition(-mine, 1, axis=1)[:, :2]  # (q, 2)
        return cls(top[:, 0], top[:, 0] - top[:, 1], np.asarray(nearest, dtype=np.float64))

    def design(self) -> NDArray[np.float64]:
        """One row a query, (q, 4): 1 and the scores; nearness counts by the logarithm of what is
        missing to a cosine of 1."""
        nearness = -np.log(np.clip(1 - self.nearest, 0, 2) + _NEAREST_STEP)
        return np.stack([np.ones(len(self.best)), self.best, self.lead, nearness], axis=1)


@dataclass(frozen=True)
class OpenSetScore:
    """The weights of 1, best, lead and nearness."""

    weights: tuple[float, float, float, float]

    def score(self, inputs: OpenSetInputs) -> Column:
        """From 0, a stranger, to 1, (q,): the probability that the lab is known if every other
        query's is."""
        found: Column = 1 / (1 + np.exp(-inputs.design() @ np.array(self.weights)))
        return found


def fit_open_set_score(known: OpenSetInputs, hidden: OpenSetInputs) -> OpenSetScore:
    """Weights that tell plasmids of known labs from the same plasmids with their labs hidden."""
    design = np.concatenate([known.design(), hidden.design()])  # (2q, 4)
    sign = np.concatenate([np.ones(len(known.best)), -np.ones(len(hidden.best))])
    penalty = _PENALTY * np.array([0.0, 1, 1, 1])

    def loss(weights: Column) -> tuple[float, Column, NDArray[np.float64]]:
        margin = sign * (design @ weights)
        wrong = 1 / (1 + np.exp(np.clip(margin, -500, 500)))
        value = np.mean(np.logaddexp(0, -margin)) + penalty @ weights**2 / 2
        gradient = -design.T @ (sign * wrong) / len(design) + penalty * weights
        bend = wrong * (1 - wrong)
        hessian = (design * bend[:, None]).T @ design / len(design) + np.diag(penalty)
        return float(value), gradient, hessian

    best = minimum(loss, np.zeros(4))
    return OpenSetScore((float(best[0]), float(best[1]), float(best[2]), float(best[3])))
