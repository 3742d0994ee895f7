"""Unit vectors in, groups of them out: K-means for a range of k, and the elbow that picks one.

This is the only module that imports scikit-learn.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import UsageError
from vecattr.plots.extras import require_extra
from vecattr.vectors import Vectors

#: Starts of K-means, of which the best counts; rows of one step where there are very many.
STARTS = 10
BATCH = 4096

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Clustering:
    """A division of n vectors: `group[i]` counts from 1, the largest group first; `similarity[i]`
    is the cosine of vector i to its group's centre; `inertia` the sum of squared distances."""

    group: NDArray[np.int64]  # (n,)
    similarity: NDArray[np.float64]  # (n,)
    inertia: float

    def __post_init__(self) -> None:
        assert len(self.group) == len(self.similarity), "a vector without a group"

    @property
    def sizes(self) -> list[int]:
        """How many vectors each group has."""
        return [int(size) for size in np.bincount(self.group)[1:]]


@dataclass(frozen=True)
class Elbow:
    """Divisions for ascending numbers of groups, and the number at which the gain breaks off;
    `total` is the inertia of everything as one group."""

    divisions: dict[int, Clustering]
    knee: int
    total: float

    @property
    def chosen(self) -> Clustering:
        """The division at the knee of the curve."""
        return self.divisions[self.knee]

    @property
    def explained(self) -> float:
        """The share (0 to 1) of the total inertia that the chosen groups take away."""
        return 1 - self.chosen.inertia / self.total if self.total else 0.0

    @property
    def curve(self) -> list[tuple[int, float]]:
        """Number of groups and inertia."""
        return [(k, groups.inertia) for k, groups in self.divisions.items()]


def knee_point(numbers: Sequence[int], inertias: Sequence[float]) -> int:
    """The number at which a falling curve bends most: farthest below the chord from its first to
    its last point, both axes scaled to 0..1 (Satopaa et al. 2011); the first one on a tie."""
    x, y = np.asarray(numbers, dtype=float), np.asarray(inertias, dtype=float)
    if len(x) < 3 or y[0] == y[-1]:
        return numbers[0]
    across = (x - x[0]) / (x[-1] - x[0])  # 0 .. 1
    down = (y - y[-1]) / (y[0] - y[-1])  # 1 .. 0
    below = 1 - across - down  # (numbers,), sqrt(2) times the distance to the chord
    return numbers[int(np.argmax(np.round(below, 9)))]


def fit_clusterings(
    vectors: Vectors,
    *,
    numbers: Sequence[int],
    seed: int = 0,
    in_batches: bool = False,
    progress: Progress | None = None,
) -> Elbow:
    """K-means of unit vectors (n, d) for each of the ascending numbers of groups, and its elbow.

    `in_batches` takes mini-batches, for very many vectors. `progress` hears 1 after each number.
    UsageError when there are fewer different vectors than groups, or without the extra `viz`.
    """
    require_extra("sklearn", extra="viz")
    from threadpoolctl import threadpool_limits  # extra

    different = len(np.unique(vectors, axis=0))
    if different < max(numbers):
        raise UsageError(
            f"{max(numbers)} groups of {different} different vectors", hint="lower --k"
        )
    divisions = {}
    with threadpool_limits(limits=1):  # threads add up in any order, and change the last digits
        for number in numbers:
            divisions[number] = _divided(vectors, number, seed=seed, in_batches=in_batches)
            if progress is not None:
                progress(1)
    knee = knee_point(numbers, [groups.inertia for groups in divisions.values()])
    around = vectors - vectors.mean(axis=0, dtype=np.float64)  # (n, d)
    return Elbow(divisions, knee, float(np.square(around).sum()))


def _divided(vectors: Vectors, number: int, *, seed: int, in_batches: bool) -> Clustering:
    from sklearn.cluster import KMeans, MiniBatchKMeans  # extra
    from sklearn.exceptions import ConvergenceWarning  # extra

    if in_batches:
        means = MiniBatchKMeans(number, n_init=STARTS, batch_size=BATCH, random_state=seed)
    else:
        means = KMeans(number, n_init=STARTS, random_state=seed)
    with warnings.catch_warnings():  # equal vectors may leave a group empty: fewer groups, then
        warnings.simplefilter("ignore", ConvergenceWarning)
        codes = means.fit_predict(vectors)
    centres = means.cluster_centers_  # (k, d)
    lengths = np.linalg.norm(centres, axis=1)  # (k,)
    dots = np.einsum("nd,nd->n", vectors, centres[codes])  # (n, d), (n, d) -> (n,)
    similarity = dots / np.maximum(lengths[codes], 1e-12)
    return Clustering(_by_size(codes), np.clip(similarity, -1, 1), float(means.inertia_))


def _by_size(codes: NDArray[np.integer]) -> NDArray[np.int64]:
    """The same groups numbered from 1, largest first, then by their first member."""
    found, first, sizes = np.unique(codes, return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    numbers: NDArray[np.int64] = np.zeros(int(found.max()) + 1, dtype=np.int64)
    numbers[found[order]] = np.arange(1, len(found) + 1)
    return np.take(numbers, codes)
