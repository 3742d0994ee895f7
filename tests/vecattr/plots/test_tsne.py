"""Claims about maps: neighbours are exact, a map repeats, and new points find their like."""

from __future__ import annotations

import numpy as np
import pytest

from vecattr.errors import UsageError
from vecattr.plots.tsne import EARLY, LATE, TsneMap, fit_map, nearest_rows
from vecattr.vectors import Vectors, unit_rows

pytest.importorskip("openTSNE")


def blobs(*, groups: int = 6, each: int = 30, width: int = 20, seed: int = 1) -> Vectors:
    """Unit vectors around some directions, group after group."""
    chance = np.random.default_rng(seed)
    middles = np.repeat(chance.normal(size=(groups, width)), each, axis=0)
    return unit_rows(middles + 0.15 * chance.normal(size=middles.shape))


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return blobs()


@pytest.fixture(scope="module")
def plane(vectors: Vectors) -> TsneMap:
    return fit_map(vectors, seed=5)


@pytest.mark.parametrize("itself", [False, True])
def test_nearest_rows_equal_a_plain_loop(vectors: Vectors, itself: bool) -> None:
    rows, far = nearest_rows(vectors, vectors, k=4, itself=itself)
    for query in range(0, len(vectors), 17):
        scored = [
            (-round(float(vectors[query] @ vectors[row]), 6), row)
            for row in range(len(vectors))
            if not (itself and row == query)
        ]
        expected = sorted(scored)[:4]
        assert rows[query].tolist() == [row for _, row in expected]
        np.testing.assert_allclose(far[query], [1 + cosine for cosine, _ in expected], atol=2e-6)


def test_equal_vectors_are_ranked_by_row_and_have_no_distance() -> None:
    same = np.repeat(blobs(groups=1, each=1), 6, axis=0)
    rows, far = nearest_rows(same[:1], same, k=6)
    assert rows.tolist() == [[0, 1, 2, 3, 4, 5]]
    assert far.min() >= 0
    assert far.max() < 1e-5


def test_the_same_seed_gives_the_same_map(vectors: Vectors, plane: TsneMap) -> None:
    again = fit_map(vectors, seed=5)
    np.testing.assert_array_equal(again.points, plane.points)


def test_what_is_alike_lies_together(plane: TsneMap) -> None:
    groups = plane.points.reshape(6, 30, 2)
    middles = groups.mean(axis=1)  # (6, 2)
    for row, point in enumerate(plane.points):
        assert np.linalg.norm(middles - point, axis=1).argmin() == row // 30


def test_a_copy_of_a_stored_vector_lands_beside_it(vectors: Vectors, plane: TsneMap) -> None:
    extent = np.ptp(plane.points, axis=0).max()
    placed = plane.place(vectors)
    away = np.linalg.norm(placed - plane.points, axis=1)
    assert np.median(away) < 0.03 * extent
    assert away.max() < 0.1 * extent


def test_a_copy_lands_beside_its_original_in_a_group_of_any_size() -> None:
    vectors = blobs(groups=100, each=4)
    plane = fit_map(vectors)
    away = np.linalg.norm(plane.place(vectors) - plane.points, axis=1)
    assert away.max() < 0.1 * np.ptp(plane.points, axis=0).max()


def test_placing_is_deterministic_and_moves_nothing(vectors: Vectors, plane: TsneMap) -> None:
    before = plane.points.copy()
    new = unit_rows(vectors[::40] + 0.05)
    first = plane.place(new)
    np.testing.assert_array_equal(plane.place(new), first)
    np.testing.assert_array_equal(plane.points, before)


def test_where_a_vector_is_placed_does_not_depend_on_its_company(
    vectors: Vectors, plane: TsneMap
) -> None:
    together = plane.place(vectors[::45])
    alone = np.concatenate([plane.place(vector[None]) for vector in vectors[::45]])
    np.testing.assert_allclose(together, alone, atol=1e-3 * np.ptp(plane.points))


def test_nothing_is_placed_when_nothing_is_given(vectors: Vectors, plane: TsneMap) -> None:
    assert plane.place(vectors[:0]).shape == (0, 2)


def test_equal_vectors_and_few_vectors_make_a_map() -> None:
    few = np.repeat(blobs(groups=2, each=1), 4, axis=0)
    assert np.isfinite(fit_map(few).points).all()


def test_too_few_points_are_refused(vectors: Vectors) -> None:
    with pytest.raises(UsageError, match="4 points, expected 5"):
        fit_map(vectors[:4])


def test_progress_hears_of_every_step(vectors: Vectors) -> None:
    heard: list[int] = []
    fit_map(vectors[:40], progress=heard.append)
    assert sum(heard) == EARLY + LATE
