"""The open-set score: scores of a query in, one number from 0 (unknown lab) to 1 (known) out.

A logistic regression weighs three inputs: the best score of a named lab, its lead over the next
named lab, and the cosine of the nearest stored plasmid. It is fitted on held-out plasmids of known
labs, each used twice: as it is, and with its own lab hidden, as a plasmid of an unknown lab.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.newton import minimum
from vecattr.plasmid import POOLED
from vecattr.vectors import Column, Mask, Scores

_PENALTY = 1e-3  # on the squares of the weights
_NEAREST_STEP = 0.002  # added to 1 - cosine, so that its logarithm is finite at a cosine of 1


def named_columns(names: Sequence[str]) -> Mask:
    """True for classes with a name, False for the pool of rare labs, (n,)."""
    return np.array([name != POOLED for name in names], dtype=bool)


@dataclass(frozen=True)
class OpenSetInputs:
    """Inputs of the open-set score of q queries, (q,) each: best score of a named lab, lead over
    the next named lab, cosine of the nearest stored plasmid."""

    best: Column
    lead: Column
    nearest: Column

    @classmethod
    def from_scores(
        cls,
        scores: Scores,
        nearest: NDArray[np.floating],
        *,
        named: Mask,
    ) -> OpenSetInputs:
        """From scores of all classes (q, n), cosines or lab scores, of which `named` (n,) have a
        name."""
        padded = np.full((len(scores), 2 + int(named.sum())), -1.0)  # labs may be fewer than two
        padded[:, 2:] = scores[:, named]
        top = -np.partition(-padded, 1, axis=1)[:, :2]  # (q, 2)
        return cls(top[:, 0], top[:, 0] - top[:, 1], np.asarray(nearest, dtype=np.float64))

    def facts(self) -> NDArray[np.float64]:
        """The facts that tell cases apart where vectors rank alone: best, lead, nearness (q, 3)."""
        return self.design()[:, 1:]

    def design(self) -> NDArray[np.float64]:
        """The design matrix (q, 4): 1, best, lead and nearness, -log of 1 - nearest cosine."""
        nearness = -np.log(np.clip(1 - self.nearest, 0, 2) + _NEAREST_STEP)
        return np.stack([np.ones(len(self.best)), self.best, self.lead, nearness], axis=1)


@dataclass(frozen=True)
class OpenSetScore:
    """The weights of 1, best, lead and nearness."""

    weights: tuple[float, float, float, float]

    def score(self, inputs: OpenSetInputs) -> Column:
        """The probability that the lab is known if half of all queries are of known labs, (q,)."""
        logits = np.zeros(len(inputs.best))
        for weight, column in zip(self.weights, inputs.design().T, strict=True):
            logits += weight * column  # one by one: in a matrix product the last digits depend on q
        probabilities: Column = 1 / (1 + np.exp(-logits))
        return probabilities


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
        curvature = wrong * (1 - wrong)
        hessian = (design * curvature[:, None]).T @ design / len(design) + np.diag(penalty)
        return float(value), gradient, hessian

    constant, best, lead, nearness = minimum(loss, np.zeros(4)).tolist()
    return OpenSetScore((constant, best, lead, nearness))
