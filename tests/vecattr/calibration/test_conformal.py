"""Candidate sets: the promise they make is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vecattr.calibration.conformal import mass_for, needed_masses, set_sizes
from vecattr.errors import UsageError


def overconfident_probabilities(
    rng: np.random.Generator, queries: int
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are wrong on purpose (too sure), and the true labs."""
    honest = rng.dirichlet(np.full(20, 0.3), size=queries)
    columns = np.array([rng.choice(20, p=row) for row in honest])
    sharpened = honest**3 + 1e-12
    return sharpened / sharpened.sum(axis=1, keepdims=True), columns


def plain_size(row: list[float], mass: float) -> int:
    total, size = 0.0, 0
    for share in sorted(row, reverse=True):
        if size and total > mass + 1e-9:
            break
        total += share
        size += 1
    return size


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_sets_cover_as_often_as_promised_on_fresh_queries(coverage: float) -> None:
    shares, more = [], []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        probabilities, columns = overconfident_probabilities(rng, 200)
        mass = mass_for(np.sort(needed_masses(probabilities, columns)).tolist(), coverage)
        fresh, truths = overconfident_probabilities(rng, 200)
        sizes = set_sizes(fresh, mass)
        ranks = (fresh > fresh[np.arange(200), truths][:, None]).sum(axis=1) + 1
        shares.append(np.mean(ranks <= sizes))
        more.append(np.mean(ranks < sizes))
    assert np.mean(shares) >= coverage - 0.012  # three standard errors
    assert np.mean(more) < coverage + 0.02  # the last lab of a set is needed: sets are not idle


def test_set_sizes_are_those_of_a_plain_loop() -> None:
    probabilities, _ = overconfident_probabilities(np.random.default_rng(3), 50)
    for mass in (0.0, 0.3, 0.9, 0.999, math.inf):
        assert set_sizes(probabilities, mass).tolist() == [
            plain_size(row, mass) for row in probabilities.tolist()
        ]


def test_needed_masses_count_what_stands_before_the_truth() -> None:
    rows = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]])
    assert needed_masses(rows, np.array([2, 1])) == pytest.approx([0.5, 0.0])


def test_too_few_held_out_queries_promise_nothing_less_than_all_labs() -> None:
    assert mass_for([0.1, 0.2, 0.3], 0.9) == math.inf
    assert set_sizes(np.array([[0.9, 0.1]]), math.inf).tolist() == [2]


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.5, 2.0])
def test_a_coverage_out_of_range_is_refused(coverage: float) -> None:
    with pytest.raises(UsageError, match="coverage"):
        mass_for([0.5] * 100, coverage)
