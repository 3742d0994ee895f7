"""Which epoch is kept: the one that tells plasmids apart, not one that names the pool."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from vecattr.errors import UsageError
from vecattr.training.progress import Epoch, Validation
from vecattr.training.settings import BestBy, TrainConfig

_POOL, _LABS = 0, 20
#: Forty plasmids of the pool and one of each of nineteen named labs.
_TARGETS = np.array([_POOL] * 40 + list(range(1, _LABS)))


def _says(first: NDArray[np.int64]) -> NDArray[np.float32]:
    """Cosines of a network that ranks these columns first and the others in their order."""
    cosines = np.tile(np.linspace(0.5, -0.5, _LABS, dtype=np.float32), (len(first), 1))  # (q, n)
    cosines[np.arange(len(first)), first] = 0.9
    return cosines


def _merit(cosines: NDArray[np.float32], best_by: BestBy) -> float:
    figures = Validation.from_cosines(cosines, _TARGETS)
    epoch = Epoch(1, 1, 0.0, figures.top1, figures.top10, figures.macro_mrr, 0.0, 0.0, 0.0)
    return epoch.merit(best_by)


def test_a_network_that_tells_labs_apart_is_better_than_one_that_names_the_pool() -> None:
    pool = _says(np.full(len(_TARGETS), _POOL))
    # Right about each named lab, wrong about the pool: 19 of 59 plasmids, 19 of 20 labs.
    useful = _says(np.where(_TARGETS == _POOL, 1, _TARGETS))
    assert _merit(useful, "macro-mrr") > _merit(pool, "macro-mrr")
    assert _merit(useful, "top1") < _merit(pool, "top1")  # the published rule is won by the pool


@pytest.mark.parametrize("first", [_POOL, 1, _LABS - 1])
def test_every_answer_that_does_not_look_at_the_plasmid_is_worth_the_same(first: int) -> None:
    constant = _says(np.full(len(_TARGETS), first))
    harmonic = sum(1 / place for place in range(1, _LABS + 1)) / _LABS
    assert _merit(constant, "macro-mrr") == pytest.approx(harmonic)


def test_the_figures_are_those_of_a_plain_loop() -> None:
    targets = np.tile(_TARGETS, 20)  # more than are ranked at once
    cosines = np.random.default_rng(0).normal(size=(len(targets), _LABS)).astype(np.float32)
    ranks = [
        1 + sum(other > row[target] for other in row)
        for row, target in zip(cosines.tolist(), targets.tolist(), strict=True)
    ]
    by_lab = [
        np.mean([1 / rank for rank, target in zip(ranks, targets, strict=True) if target == lab])
        for lab in range(_LABS)
    ]
    figures = Validation.from_cosines(cosines, targets)
    assert figures.macro_mrr == pytest.approx(np.mean(by_lab))
    assert figures.top1 == pytest.approx(np.mean([rank == 1 for rank in ranks]))
    assert figures.top10 == pytest.approx(np.mean([rank <= 10 for rank in ranks]))


def test_a_network_of_one_answer_for_all_or_of_no_numbers_finds_nothing() -> None:
    equal = np.full((len(_TARGETS), _LABS), 0.3, dtype=np.float32)
    assert Validation.from_cosines(equal, _TARGETS).top1 == 0
    not_numbers = np.full_like(equal, np.nan)
    assert Validation.from_cosines(not_numbers, _TARGETS) == Validation(
        top1=0.0, top10=0.0, macro_mrr=0.0
    )


def test_without_validation_there_is_nothing_to_be_best_by() -> None:
    assert all(math.isnan(share) for share in vars(Validation()).values())


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(UsageError, match="best_by"):
        TrainConfig(best_by="luck")  # type: ignore[arg-type]
