"""Which case a query is: facts about queries in, the likelihood of each case out.

The cases are those of `vecattr.calibration.expectation`. A multinomial logistic regression is
fitted on held-out plasmids, each case with the same total weight, so that its probabilities are
likelihoods up to a factor and any prior can be put on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.expectation import CASES, Expectation
from vecattr.calibration.newton import minimum
from vecattr.vectors import Codes, Column

#: Facts about q queries, one column each, (q, f).
Facts = NDArray[np.float64]

_PENALTY = 3e-3  # on the squares of the weights of standardised facts
_FARTHEST = 4.0  # standard deviations: a fact farther from the mean counts as this far


@dataclass(frozen=True, eq=False)
class CaseModel:
    """`mean` and `scale` that standardise facts (f,); `weights` of a constant and of each fact in
    the log-odds of `new` and of `outside` against `known`, (2, 1 + f)."""

    mean: Column
    scale: Column
    weights: NDArray[np.float64]

    def log_likelihoods(self, facts: Facts) -> NDArray[np.float64]:
        """Of each case, up to a constant of the query, (q, f) -> (q, 3)."""
        design = _design(facts, self.mean, self.scale)  # (q, 1 + f)
        # (q, 1, 1 + f) * (2, 1 + f) -> (q, 2), each query by itself, as BLAS would not do
        log_odds = (design[:, None, :] * self.weights).sum(axis=2)
        return np.concatenate([np.zeros((len(facts), 1)), log_odds], axis=1)

    def probabilities(self, facts: Facts, expectation: Expectation) -> NDArray[np.float64]:
        """Of each case under an expectation, (q, f) -> (q, 3), rows sum to 1."""
        return case_probabilities(self.log_likelihoods(facts), expectation)


def case_probabilities(
    log_likelihoods: NDArray[np.float64], expectation: Expectation
) -> NDArray[np.float64]:
    """Bayes' rule, (q, 3) -> (q, 3); rows sum to 1."""
    possible = log_likelihoods - log_likelihoods.max(axis=1, keepdims=True)
    weights = expectation.shares * np.exp(np.maximum(possible, -500))
    shares: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return shares


def fit_cases(
    facts: Facts, cases: Codes, row_weights: Column, *, left_out: Codes | None = None
) -> CaseModel:
    """From the facts of held-out plasmids (q, f), the case of each as a place in CASES (q,), and
    how much each counts among those of its case (q,). Facts that are `left_out`, by their places,
    have weights of 0."""
    mean, scale = facts.mean(axis=0), facts.std(axis=0) + 1e-6
    design = _design(facts, mean, scale)  # (q, 1 + f)
    unused = np.zeros(0, dtype=np.int64) if left_out is None else 1 + left_out
    design[:, unused] = 0
    counts = np.bincount(cases, row_weights, minlength=len(CASES))
    weights = row_weights / counts[cases] / np.count_nonzero(counts)  # (q,)
    is_case = cases[:, None] == np.arange(1, len(CASES))  # (q, 2)
    columns = design.shape[1]
    penalty = _PENALTY * np.tile(np.append(0.0, np.ones(columns - 1)), 2)  # (2 + 2f,)

    def loss(parameters: Column) -> tuple[float, Column, NDArray[np.float64]]:
        log_odds = design @ parameters.reshape(2, columns).T  # (q, 2)
        total = np.logaddexp(0, np.logaddexp(log_odds[:, 0], log_odds[:, 1]))  # (q,)
        shares = np.exp(log_odds - total[:, None])  # (q, 2)
        truth = (log_odds * is_case).sum(axis=1)
        value = weights @ (total - truth) + penalty @ parameters**2 / 2
        errors = (shares - is_case) * weights[:, None]  # (q, 2)
        gradient = (errors.T @ design).ravel() + penalty * parameters
        hessian = np.diag(penalty)
        for row in range(2):
            for column in range(2):
                curvature = shares[:, row] * ((row == column) - shares[:, column]) * weights
                block = (design * curvature[:, None]).T @ design
                rows = slice(row * columns, (row + 1) * columns)
                hessian[rows, column * columns : (column + 1) * columns] += block
        return float(value), gradient, hessian

    fitted = minimum(loss, np.zeros(2 * columns)).reshape(2, columns)
    fitted[:, unused] = 0  # as they are but for rounding
    return CaseModel(mean, scale, fitted)


def _design(facts: Facts, mean: Column, scale: Column) -> NDArray[np.float64]:
    """A constant and the standardised facts, (q, f) -> (q, 1 + f)."""
    standardised = np.clip((facts - mean) / scale, -_FARTHEST, _FARTHEST)
    return np.concatenate([np.ones((len(facts), 1)), standardised], axis=1)
