"""Calibration error: stated probabilities and outcomes in, the expected error with interval out."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from vecattr.metrics.bootstrap import resampled_rows
from vecattr.vectors import Codes, Column, Mask

#: Bins of equal numbers of queries.
BINS = 15
#: Bootstrap draws of the interval.
DRAWS = 400
_PRECISION = 1e-6


@dataclass(frozen=True, slots=True)
class Reliability:
    """`ece`: expected calibration error of the first lab's probability, without the part due to
    chance alone; `plain`: with it; `interval`: 95 % of bootstrap draws of whole groups; `stated`
    and `correct`: mean probability of the first lab, and how often it is the true one."""

    ece: float
    interval: tuple[float, float]
    plain: float
    stated: float
    correct: float

    def as_dict(self) -> dict[str, object]:
        """The figures by name, in the order of their declaration."""
        return {**asdict(self), "interval": list(self.interval)}


def reliability(
    stated: Column,
    correct: Mask,
    groups: Codes,
    *,
    rng: np.random.Generator,
) -> Reliability:
    """From the stated probability of each first lab, whether it is right, and its group, (q,)."""
    plain, ece = calibration_errors(stated, correct)
    draws = [
        calibration_errors(stated[rows], correct[rows], noise=math.sqrt(2))[1]
        for rows in resampled_rows(groups, draws=DRAWS, rng=rng)
    ]  # a draw varies by the chance in the sample and by its own: variances add up
    low, high = np.quantile(draws, [0.025, 0.975])
    interval = float(low), float(high)
    return Reliability(ece, interval, plain, float(stated.mean()), float(correct.mean()))


def calibration_errors(
    stated: Column,
    correct: Mask | Column,
    *,
    bins: int = BINS,
    noise: float = 1.0,
) -> tuple[float, float]:
    """The expected calibration error over bins of equal size, plain and debiased; `correct` may be
    shares.

    Chance alone gives a bin of n queries a gap of about sqrt(p (1 - p) / n), so the plain error of
    perfect probabilities is not 0. The debiased error is the gap that, if all bins had it, would
    give the same plain error on average; 0 when chance alone would give more. `noise` multiplies
    the standard deviation due to chance.
    """
    bin_rows = np.array_split(np.argsort(stated, kind="stable"), min(bins, len(stated)))
    weights = np.array([len(rows) for rows in bin_rows]) / len(stated)  # (bins,)
    means = np.array([stated[rows].mean() for rows in bin_rows])
    gaps = np.abs([correct[rows].mean() for rows in bin_rows] - means)
    sizes = weights * len(stated)
    deviations = noise * np.sqrt(np.maximum(means * (1 - means), 1e-12) / sizes)
    plain = float(weights @ gaps)
    low, high = 0.0, plain
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if weights @ _mean_absolute(middle, deviations) < plain:
            low = middle
        else:
            high = middle
    return plain, low


def _mean_absolute(mean: float, deviations: Column) -> Column:
    """Mean absolute values of normal variables with one mean and these standard deviations."""
    ratios = mean / deviations
    tails = deviations * math.sqrt(2 / math.pi) * np.exp(-(ratios**2) / 2)
    centres = np.array([math.erf(ratio / math.sqrt(2)) for ratio in ratios.tolist()])
    absolute: Column = tails + mean * centres
    return absolute
