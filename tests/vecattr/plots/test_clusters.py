"""Claims about groups: known blobs are found again, and the knee is where the curve bends."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vecattr.errors import UsageError
from vecattr.plots.clusters import fit_clusterings, knee_point
from vecattr.vectors import Vectors, unit_rows

pytest.importorskip("sklearn")

SIZES = (40, 25, 15, 10)


@pytest.fixture(scope="module")
def blobs() -> tuple[Vectors, list[int]]:
    """Unit vectors around four directions in mixed order, and the group of each by size."""
    chance = np.random.default_rng(3)
    truth = np.repeat(np.arange(len(SIZES)), SIZES)
    middles = chance.normal(size=(len(SIZES), 12))
    rows = unit_rows(middles[truth] + 0.2 * chance.normal(size=(len(truth), 12)))
    order = chance.permutation(len(truth))
    return rows[order], (truth[order] + 1).tolist()


def plain_knee(numbers: list[int], inertias: list[float]) -> int:
    """The point farthest from the line through the first and the last, axes scaled to 0..1."""
    points = [
        ((k - numbers[0]) / (numbers[-1] - numbers[0]), value / (inertias[0] - inertias[-1]))
        for k, value in zip(numbers, inertias, strict=True)
    ]
    (x0, y0), (x1, y1) = points[0], points[-1]
    length = math.hypot(x1 - x0, y1 - y0)
    best, farthest = numbers[0], 0.0
    for k, (x, y) in zip(numbers, points, strict=True):
        below = ((y1 - y0) * (x - x0) - (x1 - x0) * (y - y0)) / -length
        if -below > farthest + 1e-9:
            best, farthest = k, -below
    return best


@pytest.mark.parametrize("seed", range(8))
def test_the_knee_equals_a_plain_loop(seed: int) -> None:
    chance = np.random.default_rng(seed)
    steps = np.sort(chance.exponential(size=14))[::-1]
    inertias = (100 - np.cumsum(steps)).tolist()
    numbers = list(range(2, 16))
    assert knee_point(numbers, inertias) == plain_knee(numbers, inertias)


def test_the_knee_of_a_bent_line_is_its_bend() -> None:
    assert knee_point([2, 3, 4, 5, 6, 7], [100, 70, 40, 39, 38, 37]) == 4


@pytest.mark.parametrize("inertias", [[3.0, 2.0, 1.0], [1.0, 1.0, 1.0]])
def test_a_straight_line_has_its_knee_at_the_start(inertias: list[float]) -> None:
    assert knee_point([2, 3, 4], inertias) == 2


@pytest.mark.parametrize("in_batches", [False, True])
def test_known_blobs_are_found_again(blobs: tuple[Vectors, list[int]], in_batches: bool) -> None:
    vectors, truth = blobs
    elbow = fit_clusterings(vectors, numbers=range(2, 9), in_batches=in_batches)
    assert elbow.knee == len(SIZES)
    assert elbow.chosen.group.tolist() == truth
    assert elbow.chosen.sizes == list(SIZES)
    assert elbow.explained > 0.5


def test_similarity_is_the_cosine_to_the_mean_of_the_group(
    blobs: tuple[Vectors, list[int]],
) -> None:
    vectors, truth = blobs
    chosen = fit_clusterings(vectors, numbers=[4]).chosen
    for row in range(0, len(vectors), 7):
        members = [vectors[i] for i in range(len(vectors)) if truth[i] == truth[row]]
        centre = sum(members) / len(members)
        cosine = float(vectors[row] @ centre) / math.sqrt(float(centre @ centre))
        assert chosen.similarity[row] == pytest.approx(cosine, abs=1e-5)


def test_inertia_is_the_sum_of_squared_distances(blobs: tuple[Vectors, list[int]]) -> None:
    vectors, _ = blobs
    elbow = fit_clusterings(vectors, numbers=[1, 4])
    middle = vectors.mean(axis=0)
    plain = sum(float(np.square(vector - middle).sum()) for vector in vectors)
    assert elbow.clusterings[1].inertia == pytest.approx(plain, rel=1e-5)
    assert elbow.total == pytest.approx(plain, rel=1e-5)


def test_the_same_seed_gives_the_same_groups(blobs: tuple[Vectors, list[int]]) -> None:
    vectors, _ = blobs
    first, again = (fit_clusterings(vectors, numbers=[7], seed=2).chosen for _ in range(2))
    assert first.group.tolist() == again.group.tolist()
    assert first.inertia == again.inertia


def test_more_groups_than_different_vectors_are_refused(
    blobs: tuple[Vectors, list[int]],
) -> None:
    same = np.repeat(blobs[0][:3], 5, axis=0)
    with pytest.raises(UsageError, match="4 groups of 3 different vectors"):
        fit_clusterings(same, numbers=[2, 3, 4])
    assert fit_clusterings(same, numbers=[3]).chosen.sizes == [5, 5, 5]


def test_progress_hears_of_every_number(blobs: tuple[Vectors, list[int]]) -> None:
    heard: list[int] = []
    fit_clusterings(blobs[0], numbers=[2, 3], progress=heard.append)
    assert heard == [1, 1]
