"""Calibration error: chance alone is not counted, real gaps are."""

from __future__ import annotations

import numpy as np
import pytest

from vecattr.metrics.calibration_error import calibration_errors, reliability


def draws(rng: np.random.Generator, count: int, *, gap: float) -> tuple[np.ndarray, np.ndarray]:
    stated = rng.uniform(0.2, 0.9, count)
    return stated, rng.random(count) < stated - gap


def test_perfect_probabilities_have_no_error_once_chance_is_taken_off() -> None:
    errors = [
        calibration_errors(*draws(np.random.default_rng(seed), 600, gap=0)) for seed in range(40)
    ]
    plain, debiased = np.mean(errors, axis=0)
    assert plain > 0.03  # chance alone
    assert debiased < 0.02  # it cannot fall below 0, so a little is left on average


def test_a_constant_gap_is_found_as_it_is() -> None:
    errors = [
        calibration_errors(*draws(np.random.default_rng(seed), 2_000, gap=0.1))[1]
        for seed in range(20)
    ]
    assert np.mean(errors) == pytest.approx(0.1, abs=0.01)


def test_the_plain_error_is_that_of_a_plain_loop() -> None:
    stated, correct = draws(np.random.default_rng(5), 100, gap=0.05)
    order = sorted(range(100), key=lambda row: stated[row])
    bins = [order[start : start + 10] for start in range(0, 100, 10)]
    expected = sum(
        abs(sum(correct[row] for row in rows) - sum(stated[row] for row in rows)) for rows in bins
    )
    assert calibration_errors(stated, correct, bins=10)[0] == pytest.approx(expected / 100)


def test_the_interval_holds_the_true_error_most_of_the_time() -> None:
    inside = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        stated, correct = draws(rng, 500, gap=0.1)
        fitted = reliability(stated, correct, np.arange(500), rng=rng)
        inside += fitted.interval[0] <= 0.1 <= fitted.interval[1]
    assert inside >= 10


def test_groups_that_fail_together_widen_the_interval() -> None:
    rng = np.random.default_rng(7)
    stated = np.repeat(rng.uniform(0.3, 0.8, 60), 10)
    correct = np.repeat(rng.random(60) < stated[::10] - 0.25, 10)
    alone = reliability(stated, correct, np.arange(600), rng=np.random.default_rng(0))
    together = reliability(
        stated, correct, np.repeat(np.arange(60), 10), rng=np.random.default_rng(0)
    )
    width = [fitted.interval[1] - fitted.interval[0] for fitted in (alone, together)]
    assert width[1] > 1.5 * width[0]
