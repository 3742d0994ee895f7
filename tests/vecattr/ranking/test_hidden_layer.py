"""Very many labs are nearly weighed: sums over all of them are nearly those of weighing each."""

from __future__ import annotations

import numpy as np
import pytest

from vecattr.ranking.hidden_layer import FEW, FIRST, HiddenLayer, LabInputs
from vecattr.ranking.scores import Softmax
from vecattr.vectors import Column

INPUTS, UNITS, LABS = 6, 24, 8 * FEW


def layer(*, curved: float) -> HiddenLayer:
    """Units that bend more the larger their weights are."""
    rng = np.random.default_rng(5)
    plain = rng.normal(size=(UNITS + 1, INPUTS + 1)) * curved
    plain[-1] = rng.normal(size=INPUTS + 1)
    outer = rng.normal(scale=0.4, size=UNITS).astype(np.float32)
    return HiddenLayer.from_weights(plain, np.zeros((UNITS + 1, 1)), outer)


def inputs(seed: int) -> LabInputs:
    """Every lab twice, next to each other; the first and the last share k-mers."""
    plain = np.random.default_rng(seed).normal(scale=0.7, size=(INPUTS, LABS // 2))
    return LabInputs(list(np.repeat(plain, 2, axis=1)), np.zeros((1, 2)), np.array([0, LABS - 1]))


def weighed(some: LabInputs, *, curved: float) -> tuple[Column, Column]:
    """Logits of labs that are weighed one by one, and of labs that are nearly weighed."""
    inner = layer(curved=curved)
    return inner.logits(some, exact=True), inner.logits(some)


def entropy(logits: Column) -> float:
    shares = Softmax.from_logits(logits).shares
    return float(-np.sum(shares * np.log(shares)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sharpness", [0.6, 0.7, 0.8, 1.0])
def test_totals_and_entropies_are_those_of_weighing_each(seed: int, sharpness: float) -> None:
    exact, near = (sharpness * logits for logits in weighed(inputs(seed), curved=0.8))
    assert np.std(near - exact) > 0.1, "units that straight lines fit"
    totals = [Softmax.from_logits(logits).log_total for logits in (near, exact)]
    assert totals[0] == pytest.approx(totals[1], abs=0.03)
    assert entropy(near) == pytest.approx(entropy(exact), abs=0.03)


def test_the_first_labs_are_weighed_by_themselves() -> None:
    exact, near = weighed(inputs(1), curved=0.3)
    first = np.argsort(-exact, kind="stable")[:50]
    assert np.array_equal(near[first], exact[first])
    assert np.array_equal(near[[0, -1]], exact[[0, -1]]), "labs that share k-mers"
    assert not np.array_equal(near, exact)


def test_equal_labs_have_one_logit_unless_one_was_drawn() -> None:
    exact, near = weighed(inputs(2), curved=0.8)
    one, other = near[::2], near[1::2]
    is_exact = (one == exact[::2]) | (other == exact[1::2])
    assert np.array_equal(one[~is_exact], other[~is_exact])
    assert np.count_nonzero(~is_exact) > LABS // 4


def test_last_digits_hardly_matter() -> None:
    inner, some = layer(curved=0.8), inputs(6)
    nearly_the_same = LabInputs(
        [values * (1 + 1e-7) for values in some.plain], some.kmers, some.with_kmers
    )
    one, other = inner.logits(some), inner.logits(nearly_the_same)
    assert not np.array_equal(one, other)
    assert np.mean(np.abs(one - other) > 1e-4) < 0.01


@pytest.mark.parametrize("kinds", [1, 2, 3])
def test_labs_of_few_kinds_are_corrected_kind_by_kind(kinds: int) -> None:
    rng = np.random.default_rng(4)
    of_kinds = rng.normal(scale=0.7, size=(INPUTS, kinds))
    few = LabInputs(
        list(of_kinds[:, rng.integers(kinds, size=LABS)]), np.zeros((1, 2)), np.array([0, LABS - 1])
    )
    exact, near = weighed(few, curved=0.8)
    assert near == pytest.approx(exact, abs=1e-5)


def test_likely_labs_are_weighed_by_themselves_more_often() -> None:
    exact, near = weighed(inputs(3), curved=0.8)
    others = np.argsort(-exact, kind="stable")[2 * FIRST :]
    likelier, less_likely = np.array_split(others, 2)
    is_exact = near == exact
    assert np.count_nonzero(is_exact[likelier]) > 1.5 * np.count_nonzero(is_exact[less_likely]) > 0
