"""K-means clustering: unit vectors in; a clustering for each k and the one at the elbow out.

This is the only module that imports scikit-learn.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import UsageError
from vecattr.extras import require
from vecattr.vectors import Codes, Column, Vectors

#: Random starts of K-means, of which the best is kept; rows of a mini-batch.
STARTS = 10
BATCH = 4096

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Clustering:
    """Groups of n vectors: `group[i]` counts from 1, the largest group first; `similarity[i]` is
    the cosine of vector i to its group's centre; `inertia` the sum of squared distances."""

    group: Codes  # (n,)
    similarity: Column  # (n,)
    inertia: float

    def __post_init__(self) -> None:
        assert len(self.group) == len(self.similarity), "a vector without a group"

    @property
    def sizes(self) -> list[int]:
        """The number of vectors in each group, descending."""
        return [int(size) for size in np.bincount(self.group)[1:]]


@dataclass(frozen=True)
class Elbow:
    """Clusterings by ascending number of groups, and the number at the knee of their inertias;
    `total` is the inertia of all vectors as one group."""

    clusterings: dict[int, Clustering]
    knee: int
    total: float

    @property
    def chosen(self) -> Clustering:
        """The division at the knee of the curve."""
        return self.clusterings[self.knee]

    @property
    def explained(self) -> float:
        """The share (0 to 1) of the total inertia that the chosen clustering removes."""
        return 1 - self.chosen.inertia / self.total if self.total else 0.0

    @property
    def curve(self) -> list[tuple[int, float]]:
        """Number of groups and inertia."""
        return [(number, groups.inertia) for number, groups in self.clusterings.items()]


def knee_point(numbers: Sequence[int], inertias: Sequence[float]) -> int:
    """The knee of a falling curve: the number farthest below the chord from its first to its last
    point, both axes scaled to 0..1 (Satopaa et al. 2011); the first of a tie."""
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

    `in_batches` fits on mini-batches, for very many vectors. `progress` is called with 1 after each
    number. UsageError when there are fewer different vectors than groups, or without the extra
    `viz`.
    """
    require("sklearn")
    from threadpoolctl import threadpool_limits  # extra

    distinct = len(np.unique(vectors, axis=0))
    if distinct < max(numbers):
        raise UsageError(f"{max(numbers)} groups of {distinct} different vectors", hint="lower --k")
    clusterings = {}
    with threadpool_limits(limits=1):  # sums over threads vary in the last digits
        for number in numbers:
            clusterings[number] = _fit(vectors, number, seed=seed, in_batches=in_batches)
            if progress is not None:
                progress(1)
    knee = knee_point(numbers, [groups.inertia for groups in clusterings.values()])
    deviations = vectors - vectors.mean(axis=0, dtype=np.float64)  # (n, d)
    return Elbow(clusterings, knee, float(np.square(deviations).sum()))


def _fit(vectors: Vectors, number: int, *, seed: int, in_batches: bool) -> Clustering:
    from sklearn.cluster import KMeans, MiniBatchKMeans  # extra
    from sklearn.exceptions import ConvergenceWarning  # extra

    if in_batches:
        k_means = MiniBatchKMeans(number, n_init=STARTS, batch_size=BATCH, random_state=seed)
    else:
        k_means = KMeans(number, n_init=STARTS, random_state=seed)
    with warnings.catch_warnings():  # equal vectors may leave groups empty
        warnings.simplefilter("ignore", ConvergenceWarning)
        codes = k_means.fit_predict(vectors)
    centres = k_means.cluster_centers_  # (k, d)
    lengths = np.linalg.norm(centres, axis=1)  # (k,)
    dots = np.einsum("nd,nd->n", vectors, centres[codes])  # (n, d), (n, d) -> (n,)
    similarity = dots / np.maximum(lengths[codes], 1e-12)
    return Clustering(_numbered_by_size(codes), np.clip(similarity, -1, 1), float(k_means.inertia_))


def _numbered_by_size(codes: NDArray[np.integer]) -> Codes:
    """The groups numbered from 1, largest first, then by their first member."""
    groups, first_rows, sizes = np.unique(codes, return_index=True, return_counts=True)
    order = np.lexsort((first_rows, -sizes))
    numbers: Codes = np.zeros(int(groups.max()) + 1, dtype=np.int64)
    numbers[groups[order]] = np.arange(1, len(groups) + 1)
    return np.take(numbers, codes)
