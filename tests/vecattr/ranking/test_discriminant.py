"""What sets a lab apart from plasmids in general."""

from __future__ import annotations

import numpy as np
import pytest

from vecattr.ranking.discriminant import Discriminant, Moments
from vecattr.vectors import Vectors, unit_rows

_RNG = np.random.default_rng(7)
#: Plasmids that differ much along the first axis and little along the others.
_VECTORS = unit_rows(_RNG.normal(size=(400, 6)) * [3, 1, 1, 1, 1, 1] + [2, 0, 0, 0, 0, 0])


def _background(*parts: Vectors, shrinkage: float = 0.2) -> Discriminant:
    discriminant = Discriminant.from_moments(map(Moments.from_vectors, parts), shrinkage=shrinkage)
    assert discriminant is not None
    return discriminant


def test_moments_add_up_whatever_their_order() -> None:
    whole = _background(_VECTORS)
    for parts in ([_VECTORS[:100], _VECTORS[100:]], [_VECTORS[100:], _VECTORS[:100]]):
        split = _background(*parts)
        assert np.allclose(split.mean, whole.mean, atol=1e-12)
        assert np.allclose(split.precision, whole.precision, atol=1e-8)
    first = _background(_VECTORS[:9], _VECTORS[9:200], _VECTORS[200:])
    again = _background(_VECTORS[200:], _VECTORS[:9], _VECTORS[9:200])
    assert np.array_equal(first.precision, again.precision)


def test_a_direction_separates_better_than_the_mean() -> None:
    lab = unit_rows(_VECTORS[:20] + 0.4 * np.eye(6)[2])
    mean = unit_rows(lab.sum(axis=0)[None])[0]
    direction = _background(_VECTORS).direction(mean)

    def separation(axis: Vectors) -> float:
        inside, outside = lab @ axis, _VECTORS @ axis
        return float((inside.mean() - outside.mean()) / outside.std())

    assert separation(direction) > 1.5 * separation(mean)
    assert np.linalg.norm(direction) == pytest.approx(1)


def test_full_shrinkage_only_takes_the_background_away() -> None:
    discriminant = _background(_VECTORS, shrinkage=1.0)
    expected = _VECTORS[0] - discriminant.mean
    assert np.allclose(
        discriminant.direction(_VECTORS[0]), expected / np.linalg.norm(expected), atol=1e-6
    )


def test_fewer_vectors_than_columns_are_shrunk_fully() -> None:
    few = _background(_VECTORS[:3])
    assert np.allclose(few.precision, np.eye(6))


def test_equal_vectors_leave_a_mean_as_it_is() -> None:
    same = np.repeat(_VECTORS[:1], 5, axis=0)
    assert np.array_equal(_background(same).direction(_VECTORS[0]), _VECTORS[0])


def test_no_vectors_are_no_background() -> None:
    assert Discriminant.from_moments([]) is None
