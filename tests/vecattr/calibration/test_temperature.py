"""Probabilities from cosines, and Newton's method behind the fit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vecattr.calibration.newton import minimum
from vecattr.calibration.temperature import Temperature, fit_temperature


def made_queries(
    rng: np.random.Generator, *, queries: int, labs: int, level: float, slope: float
) -> tuple[np.ndarray, np.ndarray]:
    """Cosines (q, n), and true labs (q,) drawn from the probabilities that they stand for."""
    cosines = rng.uniform(-0.2, 0.6, size=(queries, labs))
    cosines[np.arange(queries), rng.integers(labs, size=queries)] += rng.uniform(0, 0.4, queries)
    shares = Temperature(level, slope).probabilities(cosines)
    columns = np.array([rng.choice(labs, p=row) for row in shares])
    return cosines, columns


def mean_surprise(fit: Temperature, cosines: np.ndarray, columns: np.ndarray) -> float:
    """The mean negative log-likelihood, by a plain loop."""
    total = 0.0
    for row, column in zip(cosines.tolist(), columns.tolist(), strict=True):
        sharp = math.exp(fit.level + fit.slope * max(row))
        total += math.log(sum(math.exp(sharp * c) for c in row)) - sharp * row[column]
    return total / len(cosines)


def test_probabilities_are_a_softmax_at_the_temperature_of_the_query() -> None:
    cosines = np.array([[0.9, 0.5, -0.1], [0.2, 0.3, 0.1]])
    fit = Temperature(level=2.0, slope=1.5)
    for row, probabilities in zip(cosines, fit.probabilities(cosines), strict=True):
        weights = [math.exp(math.exp(2.0 + 1.5 * max(row)) * c) for c in row]
        assert probabilities == pytest.approx([w / sum(weights) for w in weights])


def test_a_lower_cosine_never_gets_a_higher_probability() -> None:
    cosines = np.random.default_rng(0).uniform(-1, 1, (20, 30))
    shares = Temperature(3.0, -0.5).probabilities(cosines)
    assert shares.sum(axis=1) == pytest.approx(np.ones(20))
    assert (np.argsort(cosines, axis=1) == np.argsort(shares, axis=1)).all()


def test_the_fit_finds_the_temperature_that_made_the_answers() -> None:
    rng = np.random.default_rng(1)
    cosines, columns = made_queries(rng, queries=6_000, labs=12, level=2.2, slope=1.0)
    fitted = fit_temperature(cosines, columns)
    assert fitted.level == pytest.approx(2.2, abs=0.2)
    assert fitted.slope == pytest.approx(1.0, abs=0.3)


def test_no_other_temperature_is_likelier() -> None:
    rng = np.random.default_rng(2)
    cosines, columns = made_queries(rng, queries=300, labs=8, level=2.5, slope=-0.5)
    best = fit_temperature(cosines, columns)
    least = mean_surprise(best, cosines, columns) + 1e-4 * best.slope**2 / 2
    for level in (-0.05, 0, 0.05):
        for slope in (-0.1, 0, 0.1):
            other = Temperature(best.level + level, best.slope + slope)
            value = mean_surprise(other, cosines, columns) + 1e-4 * other.slope**2 / 2
            assert value >= least - 1e-9


def test_answers_that_are_always_right_give_a_finite_temperature() -> None:
    cosines = np.full((40, 5), 0.1)
    cosines[:, 2] = 0.9
    fit = fit_temperature(cosines, np.full(40, 2))
    shares = fit.probabilities(cosines)
    assert np.isfinite(shares).all()
    assert shares[:, 2].min() > 0.999


def test_newton_finds_the_minimum_of_a_bent_valley() -> None:
    def valley(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        a, b = x
        value = (1 - a) ** 2 + 10 * (b - a**2) ** 2
        slope = np.array([-2 * (1 - a) - 40 * a * (b - a**2), 20 * (b - a**2)])
        bend = np.array([[2 - 40 * b + 120 * a**2, -40 * a], [-40 * a, 20.0]])
        return float(value), slope, bend

    assert minimum(valley, np.array([-1.5, 2.0])) == pytest.approx([1, 1], abs=1e-4)
