"""Detection of unknown labs: confidences of known and unknown plasmids in, figures out.

`unknown` is the positive class throughout; a low confidence indicates it (numpy only).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from vecattr.vectors import Confidences, Mask


@dataclass(frozen=True, slots=True)
class Detection:
    """`auroc`: how often an unknown plasmid is less confident than a known one. `fpr95`: the share
    of known plasmids that are called unknown when 95 % of the unknown ones are. `aupr`: average
    precision. `oscr`: area under correct classification against false positive rate (Dhamija et
    al. 2018). NaN without plasmids of both kinds."""

    auroc: float
    fpr95: float
    aupr: float
    oscr: float
    n_known: int
    n_unknown: int

    def as_dict(self) -> dict[str, float | int]:
        """The figures by name, in the order of their declaration."""
        return asdict(self)


def detection(known: Confidences, unknown: Confidences, *, is_right: Mask) -> Detection:
    """Figures from confidences (k,) and (u,); `is_right` (k,): the lab ranked first is true."""
    assert len(known) == len(is_right), "one answer a known plasmid"
    if not len(known) or not len(unknown):
        return Detection(math.nan, math.nan, math.nan, math.nan, len(known), len(unknown))
    return Detection(
        auroc=auroc(known, unknown),
        fpr95=false_positive_rate(known, unknown, recall=0.95),
        aupr=average_precision(known, unknown),
        oscr=oscr(known, unknown, is_right=is_right),
        n_known=len(known),
        n_unknown=len(unknown),
    )


def _share_below(known: Confidences, unknown: Confidences) -> Confidences:
    """For each known plasmid the share of unknown ones less confident, ties half; (k,)."""
    ordered = np.sort(unknown)
    below = np.searchsorted(ordered, known, side="left")
    up_to = np.searchsorted(ordered, known, side="right")
    share: Confidences = (below + up_to) / (2 * len(ordered))
    return share


def auroc(known: Confidences, unknown: Confidences) -> float:
    """Area under the receiver operating characteristic, the Mann-Whitney statistic.

    >>> auroc(np.array([0.9, 0.5]), np.array([0.5, 0.1]))
    0.875
    """
    return float(np.mean(_share_below(known, unknown)))


def oscr(known: Confidences, unknown: Confidences, *, is_right: Mask) -> float:
    """Area under the open-set classification rate curve (Dhamija et al. 2018): the share of known
    plasmids that reach a threshold and are ranked right, over the share of unknown plasmids that
    reach it. With perfect ranking it is the AUROC.
    """
    return float(np.mean(np.where(is_right, _share_below(known, unknown), 0.0)))


def false_positive_rate(known: Confidences, unknown: Confidences, *, recall: float) -> float:
    """The share of known plasmids at or below the threshold that detects the share `recall` of the
    unknown ones."""
    needed = max(1, math.ceil(recall * len(unknown) - 1e-9))  # 0.95 * n is not exact in floats
    threshold = np.sort(unknown)[needed - 1]
    return float(np.mean(known <= threshold))


def average_precision(known: Confidences, unknown: Confidences) -> float:
    """Precision averaged over the recall gained at each distinct threshold, no interpolation."""
    thresholds, counts = np.unique(unknown, return_counts=True)  # ascending: likeliest first
    hits = np.cumsum(counts)
    false_alarms = np.searchsorted(np.sort(known), thresholds, side="right")
    return float(np.sum(counts * hits / (hits + false_alarms)) / len(unknown))
