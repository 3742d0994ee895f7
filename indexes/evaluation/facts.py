"""Measured ranks and confidences of labelled plasmids in, figures by name for `evaluate` out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vecattr.calibration.outcomes import OUTSIDE
from vecattr.indexes.answering.opened_panel import OpenedPanel
from vecattr.indexes.evaluation.true_ranks import TrueRanks
from vecattr.indexes.joining.catalogue import RARE_BELOW
from vecattr.indexes.scoring.confidence import ConfidenceOptions
from vecattr.metrics.bootstrap import share_intervals
from vecattr.metrics.calibration_error import reliability
from vecattr.metrics.detection import detection
from vecattr.metrics.outside_lab import outside_lab
from vecattr.metrics.ranking import ranking_figures, shares_by_size, top_share
from vecattr.plasmid import POOLED


def ranking_facts(
    panel: OpenedPanel, measured: TrueRanks, groups: NDArray[np.intp], *, seed: int
) -> dict[str, object]:
    """The figures of the ranking, their intervals, and accuracy by stored plasmids; `groups` (q,)
    are the numbers of `vecattr.metrics.bootstrap.group_codes`."""
    hits = np.stack([measured.ranks <= k for k in (1, 10)], axis=1)  # (q, 2)
    intervals = share_intervals(hits, groups, rng=np.random.default_rng(seed))
    sizes = {name: size for name, size in panel.plasmid_counts.items() if name != POOLED}
    true_lab_sizes = [sizes.get(lab) for lab in measured.true_labs]
    return {
        **ranking_figures(measured.ranks, measured.true_labs, panel.lab_names).as_dict(),
        "groups": int(groups.max()) + 1,
        "interval": {"top1": intervals[0], "top10": intervals[1]},
        "by_plasmids": shares_by_size(measured.ranks, true_lab_sizes),
        "by_name": _by_name(panel, measured),
    }


def _by_name(panel: OpenedPanel, measured: TrueRanks) -> dict[str, object]:
    """Figures with every lab ranked as itself, pooled ones too; a lab is outside when it is not
    among those that answers rank."""
    ranks = measured.ranks_by_name
    small = np.array([panel.lab_sizes.get(lab, 0) for lab in measured.true_labs])
    is_small = (small > 0) & (small < RARE_BELOW)
    return {
        "top1": top_share(ranks, k=1),
        "top10": top_share(ranks, k=10),
        "outside": int(np.count_nonzero(np.isinf(ranks))),
        "small_labs": {
            "n": int(is_small.sum()),
            "top1": top_share(ranks[is_small], k=1) if is_small.any() else None,
            "top10": top_share(ranks[is_small], k=10) if is_small.any() else None,
        },
    }


def confidence_facts(
    measured: TrueRanks, groups: NDArray[np.intp], options: ConfidenceOptions, *, seed: int
) -> dict[str, object]:
    """Calibration of the first lab's probability and, when asked for, coverage and size of the
    candidate sets; empty for an uncalibrated index."""
    if measured.first_probabilities is None:
        return {}
    is_right = measured.ranks <= 1
    rng = np.random.default_rng(seed)
    calibration = reliability(measured.first_probabilities, is_right, groups, rng=rng)
    facts: dict[str, object] = {
        "work": measured.work,
        "calibration": calibration.as_dict(),
    }
    if measured.set_sizes is not None:
        facts["candidate_sets"] = {
            "coverage": options.coverage,
            "held_the_truth": float(np.mean(measured.ranks <= measured.set_sizes)),
            "mean_size": float(measured.set_sizes.mean()),
            "median_size": float(np.median(measured.set_sizes)),
        }
    return facts


def outside_facts(
    measured: TrueRanks, unknown: TrueRanks, options: ConfidenceOptions
) -> dict[str, object]:
    """How well the stated probability of an outside lab holds, with the measured plasmids of labs
    that answers rank on the one side and the unknown ones on the other; empty for a panel that
    states none."""
    if measured.outside is None or unknown.outside is None:
        return {}
    is_inside = np.isfinite(measured.ranks_by_name)
    figures = outside_lab(
        (measured.outside[is_inside], measured.margins[is_inside]),
        (unknown.outside, unknown.margins),
        share=float(options.cases.shares[OUTSIDE]),
        expect=str(options.cases),
    )
    return {"outside_lab": figures.as_dict()}


def detection_facts(
    measured: TrueRanks, unknown: TrueRanks, *, named: frozenset[str]
) -> dict[str, object]:
    """How well `unknown` plasmids are told from the measured ones of `named` labs, and, apart, how
    well measured plasmids of other labs are; and which shares the verdict calls unknown."""
    is_named = np.array([lab in named for lab in measured.true_labs])
    known_confidences = measured.confidences[is_named]
    pooled_confidences = measured.confidences[~is_named]
    is_right = measured.ranks[is_named] <= 1
    unknown_detection = detection(known_confidences, unknown.confidences, is_right=is_right)
    pooled_detection = detection(known_confidences, pooled_confidences, is_right=is_right)
    return {
        "unknown": unknown_detection.as_dict(),
        "unknown_pooled": pooled_detection.as_dict(),
        "called_unknown": {
            "known": _share_below(measured.margins[is_named]),
            "unknown": _share_below(unknown.margins),
            "pooled": _share_below(measured.margins[~is_named]),
        },
    }


def _share_below(margins: NDArray[np.float64]) -> float | None:
    """The share below the threshold; None without any margin, or without a threshold."""
    return None if np.isnan(margins).any() or not len(margins) else float(np.mean(margins < 0))
