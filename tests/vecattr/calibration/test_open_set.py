"""Is the lab known? Three scores, weighed."""

from __future__ import annotations

import numpy as np
import pytest

from vecattr.calibration.open_set import (
    OpenSetInputs,
    OpenSetScore,
    fit_open_set_score,
    named_columns,
)
from vecattr.plasmid import POOLED


def open_set_inputs(rng: np.random.Generator, count: int, *, shift: float) -> OpenSetInputs:
    return OpenSetInputs(
        best=rng.normal(0.4 + shift, 0.15, count),
        lead=np.abs(rng.normal(0.1 + shift / 2, 0.05, count)),
        nearest=np.clip(rng.normal(0.8 + shift / 2, 0.1, count), -1, 1),
    )


def test_only_the_pool_has_no_name() -> None:
    assert named_columns(["Ash", POOLED, "unknown"]).tolist() == [True, False, True]
    assert named_columns([]).dtype == bool


def test_scores_are_those_of_named_labs_alone() -> None:
    cosines = np.array([[0.9, 0.5, 0.2, 0.4], [0.1, 0.2, 0.3, -0.4]])
    named = np.array([False, True, True, True])  # the first column is the pool
    scores = OpenSetInputs.from_scores(cosines, np.array([0.7, 0.8]), named=named)
    assert scores.best == pytest.approx([0.5, 0.3])
    assert scores.lead == pytest.approx([0.1, 0.1])
    assert scores.nearest == pytest.approx([0.7, 0.8])


def test_one_named_lab_leads_over_nothing() -> None:
    scores = OpenSetInputs.from_scores(np.array([[0.4]]), np.array([0.0]), named=np.array([True]))
    assert (scores.best.tolist(), scores.lead.tolist()) == ([0.4], [1.4])


def test_the_fit_is_a_logistic_regression() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    known, hidden = open_set_inputs(rng, 400, shift=0.1), open_set_inputs(rng, 300, shift=0.0)
    design = np.concatenate([known.design(), hidden.design()])
    labels = np.r_[np.ones(400), np.zeros(300)]
    # scikit-learn minimises C * sum of losses + |w|^2 / 2, without the intercept
    other = linear_model.LogisticRegression(C=1 / (1e-3 * 700), tol=1e-10, max_iter=10_000)
    other.fit(design[:, 1:], labels)
    weights = fit_open_set_score(known, hidden).weights
    assert weights[1:] == pytest.approx(other.coef_[0], abs=1e-3)
    assert weights[0] == pytest.approx(other.intercept_[0], abs=1e-3)


def test_nearer_queries_of_known_labs_score_higher() -> None:
    rng = np.random.default_rng(1)
    fit = fit_open_set_score(
        open_set_inputs(rng, 500, shift=0.15), open_set_inputs(rng, 500, shift=0.0)
    )
    known, far = open_set_inputs(rng, 500, shift=0.15), open_set_inputs(rng, 500, shift=0.0)
    assert fit.score(known).mean() > fit.score(far).mean() + 0.2
    assert (fit.score(known) > 0).all()
    assert (fit.score(known) < 1).all()


def test_a_nearest_cosine_of_one_stays_finite() -> None:
    scores = OpenSetInputs(np.array([1.0]), np.array([0.5]), np.array([1.0]))
    assert np.isfinite(OpenSetScore((0.0, 1.0, 1.0, 1.0)).score(scores)).all()
