"""How well the stated probability of an outside lab holds: probabilities in, figures out."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from vecattr.metrics.calibration_error import BINS
from vecattr.metrics.detection import auroc
from vecattr.vectors import Column


@dataclass(frozen=True, slots=True)
class OutsideLab:
    """Of plasmids whose lab the index knows, and of plasmids of outside labs, weighed as expected:
    `auroc`, how often one of an outside lab has the larger probability; `ece` and `brier` of the
    stated probability; `expect`, the expectation; `false_alarms`, the share of plasmids of known
    labs that the verdict calls unknown; `missed`, that of outside ones that it calls known. NaN
    without plasmids of both kinds."""

    auroc: float
    ece: float
    brier: float
    expect: str
    false_alarms: float
    missed: float

    def as_dict(self) -> dict[str, float | str]:
        """The figures by name, in the order of their declaration."""
        return asdict(self)


def outside_lab(
    inside: tuple[Column, Column], outside: tuple[Column, Column], *, share: float, expect: str
) -> OutsideLab:
    """From stated probabilities of an outside lab and margins over the verdict's threshold, (q,)
    each, of plasmids of known labs and of outside ones, which are expected to be this `share`."""
    (known_stated, known_margins), (outside_stated, outside_margins) = inside, outside
    if not len(known_stated) or not len(outside_stated):
        return OutsideLab(math.nan, math.nan, math.nan, expect, math.nan, math.nan)
    stated = np.concatenate([known_stated, outside_stated])
    truth = np.repeat([0.0, 1.0], [len(known_stated), len(outside_stated)])
    weights = np.where(truth == 1, share / len(outside_stated), (1 - share) / len(known_stated))
    return OutsideLab(
        auroc=auroc(1 - known_stated, 1 - outside_stated),
        ece=weighted_error(stated, truth, weights),
        brier=float(weights @ (stated - truth) ** 2),
        expect=expect,
        false_alarms=float(np.mean(known_margins < 0)),
        missed=float(np.mean(outside_margins >= 0)),
    )


def weighted_error(stated: Column, truth: Column, weights: Column) -> float:
    """The expected calibration error over BINS of equal weight; weights sum to 1, (q,) each."""
    order = np.argsort(stated, kind="stable")
    reached = np.cumsum(weights[order]) - weights[order] / 2
    bins = np.minimum((reached * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, (weights * (stated - truth))[order], minlength=BINS)
    return float(np.abs(gaps).sum())
