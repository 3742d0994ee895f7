"""Figures of the verdict, against scikit-learn and against a plain sweep of the threshold."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from vecattr.metrics.detection import auroc, average_precision, detection, false_positive_rate, oscr

#: Few distinct values, so that ties are common.
_SOME = st.lists(st.integers(-4, 4).map(lambda n: n / 4), min_size=1, max_size=30).map(np.array)


def joined(known: np.ndarray, unknown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels (1: unknown) and scores as scikit-learn takes them."""
    labels = np.repeat([0, 1], [len(known), len(unknown)])
    return labels, -np.concatenate([known, unknown])


@settings(deadline=None)
@given(_SOME, _SOME)
def test_auroc_and_average_precision_are_those_of_scikit_learn(
    known: np.ndarray, unknown: np.ndarray
) -> None:
    labels, scores = joined(known, unknown)
    assert auroc(known, unknown) == pytest.approx(roc_auc_score(labels, scores))
    expected = average_precision_score(labels, scores)
    assert average_precision(known, unknown) == pytest.approx(expected)


@settings(deadline=None)
@given(_SOME, _SOME)
def test_false_positives_are_read_off_the_curve_of_scikit_learn(
    known: np.ndarray, unknown: np.ndarray
) -> None:
    alarms, recalls, _ = roc_curve(*joined(known, unknown), drop_intermediate=False)
    expected = alarms[np.flatnonzero(recalls >= 0.95 - 1e-12)[0]]
    assert false_positive_rate(known, unknown, recall=0.95) == pytest.approx(expected)


def swept(known: np.ndarray, unknown: np.ndarray, right: np.ndarray) -> float:
    """Area under correct classification over false positives, threshold by threshold."""
    points = [(0.0, 0.0)]
    for threshold in sorted({*known.tolist(), *unknown.tolist()}, reverse=True):
        wrong = float(np.mean(unknown >= threshold))
        points.append((wrong, float(np.mean((known >= threshold) & right))))
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(points))


@settings(deadline=None)
@given(_SOME, _SOME)
def test_oscr_is_the_area_of_a_plain_sweep(known: np.ndarray, unknown: np.ndarray) -> None:
    right = np.array([value > 0 for value in np.sin(np.arange(len(known)) * 7.3)])
    assert oscr(known, unknown, is_right=right) == pytest.approx(swept(known, unknown, right))


@settings(deadline=None)
@given(_SOME, _SOME)
def test_with_perfect_ranking_oscr_is_auroc(known: np.ndarray, unknown: np.ndarray) -> None:
    right = np.ones(len(known), dtype=bool)
    assert oscr(known, unknown, is_right=right) == pytest.approx(auroc(known, unknown))


def test_figures_by_hand() -> None:
    figures = detection(
        np.array([0.9, 0.8, 0.2]), np.array([0.1, 0.5]), is_right=np.array([True, False, True])
    )
    assert figures.auroc == pytest.approx(5 / 6)
    assert figures.fpr95 == pytest.approx(1 / 3)
    assert figures.oscr == pytest.approx((1 + 0.5) / 3)
    assert (figures.n_known, figures.n_unknown) == (3, 2)
    assert list(figures.as_dict()) == ["auroc", "fpr95", "aupr", "oscr", "n_known", "n_unknown"]


def test_one_kind_alone_has_no_figures() -> None:
    nothing = np.zeros(0)
    figures = detection(np.ones(2), nothing, is_right=np.ones(2, dtype=bool))
    assert math.isnan(figures.auroc)
    assert math.isnan(figures.oscr)
