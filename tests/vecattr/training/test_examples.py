"""How often training draws the plasmids of a lab."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vecattr.training.examples import shuffled_batches

_SIZES = [400, 100, 40, 4]  # plasmids of each lab
_TARGETS = np.repeat(np.arange(len(_SIZES)), _SIZES)


def _epoch(oversampling: float, seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    return np.concatenate([*shuffled_batches(_TARGETS, 50, rng, oversampling=oversampling)])


def test_without_oversampling_every_plasmid_comes_once_an_epoch() -> None:
    rows = _epoch(0.0, seed=1)
    assert sorted(rows) == list(range(len(_TARGETS)))
    assert list(rows) != sorted(rows)


@pytest.mark.parametrize("oversampling", [0.25, 0.5, 1.0])
def test_a_lab_is_drawn_by_its_size_to_the_power_that_is_left(oversampling: float) -> None:
    drawn = np.mean([np.bincount(_TARGETS[_epoch(oversampling, seed)]) for seed in range(20)], 0)
    parts = np.array([size ** (1 - oversampling) for size in _SIZES])
    assert np.allclose(drawn, len(_TARGETS) * parts / parts.sum(), atol=2)


@pytest.mark.parametrize("oversampling", [0.5, 1.0])
def test_an_epoch_has_as_many_draws_and_none_by_luck_alone(oversampling: float) -> None:
    rows = _epoch(oversampling, seed=3)
    assert len(rows) == len(_TARGETS)
    times = np.bincount(rows, minlength=len(_TARGETS))
    weights = np.array([_SIZES[target] ** -oversampling for target in _TARGETS])
    expected = len(_TARGETS) * weights / weights.sum()
    assert np.all((times >= np.floor(expected)) & (times <= np.ceil(expected)))


def test_every_plasmid_of_a_large_lab_is_drawn_now_and_then() -> None:
    seen = np.unique(np.concatenate([_epoch(1.0, seed) for seed in range(40)]))
    assert len(seen) == len(_TARGETS)


def test_the_draws_of_a_lab_are_spread_over_the_epoch() -> None:
    rare = np.flatnonzero(_TARGETS[_epoch(1.0, seed=2)] == 3)  # about a quarter of all draws
    assert np.histogram(rare, bins=4, range=(0, len(_TARGETS)))[0].min() > 20
