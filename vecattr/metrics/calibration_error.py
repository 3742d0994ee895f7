"""Do probabilities mean what they say? Stated and true in, calibration error with interval out."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.metrics.bootstrap import resampled_rows

#: Bins of equal numbers of queries.
BINS = 15
#: Bootstrap draws of the interval.
DRAWS = 400
_PRECISION = 1e-6


@dataclass(frozen=True, slots=True)
class Reliability:
    """`ece`: expected calibration error of the first lab's probability, without what chance alone
    adds to it; `plain`: with it; `interval`: 95 % of bootstrap draws of whole groups; `stated`
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
    stated: NDArray[np.float64],
    correct: NDArray[np.bool_],
    groups: NDArray[np.intp],
    *,
    rng: np.random.Generator,
) -> Reliability:
    """From the stated probability of the first lab, whether it is right, and the group, (q,)."""
    plain, ece = calibration_errors(stated, correct)
    draws = [
        calibration_errors(stated[rows], correct[rows], noise=math.sqrt(2))[1]
        for rows in resampled_rows(groups, draws=DRAWS, rng=rng)
    ]  # a draw has the chance of the sample and its own
    low, high = np.quantile(draws, [0.025, 0.975])
    interval = float(low), float(high)
    return Reliability(ece, interval, plain, float(stated.mean()), float(correct.mean()))


def calibration_errors(
    stated: NDArray[np.float64],
    correct: NDArray[np.bool_],
    *,
    bins: int = BINS,
    noise: float = 1.0,
) -> tuple[float, float]:
    """The expected calibration error over bins of equal size, plain and debiased.

    Chance alone gives a bin of n queries a gap of about sqrt(p (1 - p) / n), so the plain error of
    perfect probabilities is not 0. The debiased one is the gap that, if all bins had it, would
    show as much plain error on average; 0 when chance alone would show more. `noise` multiplies
    what chance does.
    """
    parts = np.array_split(np.argsort(stated, kind="stable"), min(bins, len(stated)))
    weights = np.array([len(rows) for rows in parts]) / len(stated)  # (bins,)
    means = np.array([stated[rows].mean() for rows in parts])
    gaps = np.abs([correct[rows].mean() for rows in parts] - means)
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


def _mean_absolute(mean: float, deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the absolute value of normal variables of one mean."""
    ratios = mean / deviations
    tails = deviations * math.sqrt(2 / math.pi) * np.exp(-(ratios**2) / 2)
    middles = np.array([math.erf(ratio / math.sqrt(2)) for ratio in ratios.tolist()])
    absolute: NDArray[np.float64] = tails + mean * middles
    return absolute
