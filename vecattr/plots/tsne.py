"""t-SNE maps: unit vectors in, points of a plane out, and points of new vectors on a finished map.

t-SNE after van der Maaten & Hinton (2008), by openTSNE (Poličar et al. 2019), which can place new
points on a map without moving the others. Its neighbours are exact, and it runs on one thread: sums
over several threads vary in the last digits, and the descent amplifies such differences into
another map. This is the only module that imports openTSNE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import UsageError
from vecattr.extras import require
from vecattr.vectors import Rows, Vectors

Points = NDArray[np.float64]  # (n, 2)

#: The perplexity of the published map; smaller with fewer than 120 neighbours.
PERPLEXITY = 40.0
#: Iterations with early exaggeration, and after it.
EARLY, LATE = 250, 500
#: The smallest number of points of a map.
FEWEST = 5

#: Above so many points interpolation is faster than a tree (openTSNE's own rule).
_MANY = 10_000

#: Cosines in memory at once in the neighbour search: 64 MB.
_COSINES_AT_ONCE = 1 << 24
#: Cosines are rounded to these decimals, since further digits depend on the processor.
_DECIMALS = 6

Progress = Callable[[int], None]


def nearest_rows(
    queries: Vectors, vectors: Vectors, *, k: int, itself: bool = False
) -> tuple[Rows, NDArray[np.float64]]:
    """The rows of the k unit vectors (n, d) nearest to each unit query (q, d), and 1 - cosine, both
    (q, k), nearest first, ties by row. With `itself`, query i is row i and is left out."""
    rows = np.empty((len(queries), k), dtype=np.int64)
    nearest_cosines = np.empty((len(queries), k))
    step = max(1, _COSINES_AT_ONCE // len(vectors))
    for start in range(0, len(queries), step):
        block = slice(start, min(start + step, len(queries)))
        cosines = np.round(queries[block] @ vectors.T, _DECIMALS)  # (b, d) @ (d, n) -> (b, n)
        if itself:
            cosines[np.arange(len(cosines)), np.arange(block.start, block.stop)] = -np.inf
        nearest = np.argpartition(cosines, -k, axis=1)[:, -k:]  # (b, n) -> (b, k)
        values = np.take_along_axis(cosines, nearest, axis=1)
        order = np.lexsort((nearest, -values), axis=1)
        rows[block] = np.take_along_axis(nearest, order, axis=1)
        nearest_cosines[block] = np.take_along_axis(values, order, axis=1)
    return rows, np.maximum(1 - nearest_cosines, 0)


@dataclass(frozen=True)
class _Neighbours:
    """An exact neighbour search with the names and shapes of openTSNE's own."""

    vectors: Vectors
    k: int

    @property
    def n_samples(self) -> int:
        return len(self.vectors)

    def build(self) -> tuple[Rows, NDArray[np.float64]]:
        return nearest_rows(self.vectors, self.vectors, k=self.k, itself=True)

    def query(self, queries: Vectors, k: int) -> tuple[Rows, NDArray[np.float64]]:
        return nearest_rows(queries, self.vectors, k=k)


@dataclass(frozen=True)
class TsneMap:
    """A finished map: row i of the vectors lies at `points[i]`."""

    points: Points
    _embedding: Any

    def place(self, vectors: Vectors) -> Points:
        """Points for new unit vectors, (q, d) -> (q, 2), independent of each other; the map stays.

        A point starts at its nearest neighbour and descends from there (perplexity 5). The usual
        start, the median of the 25 nearest (Poličar et al. 2019), lies between groups when these
        are small: one copy in ten was then placed far from its original.
        """
        if not len(vectors):
            return np.empty((0, 2))
        perplexity = min(5.0, len(self.points) / 3)
        return np.array(self._embedding.transform(vectors, perplexity=perplexity, k=1))


def fit_map(
    vectors: Vectors,
    *,
    perplexity: float = PERPLEXITY,
    seed: int = 0,
    progress: Progress | None = None,
) -> TsneMap:
    """The map of unit vectors (n, d) by cosine; `progress` is called with iterations done, of EARLY
    + LATE in all.

    The same vectors and seed give the same map. UsageError for fewer than FEWEST vectors, or
    when the extra `viz` is not installed.
    """
    if len(vectors) < FEWEST:
        raise UsageError(f"a map of {len(vectors)} points, expected {FEWEST} or more")
    require("openTSNE")
    from openTSNE.affinity import PerplexityBasedNN  # extra

    k = min(len(vectors) - 1, round(3 * perplexity))
    affinities = PerplexityBasedNN(
        perplexity=min(perplexity, k / 3), knn_index=_Neighbours(vectors, k), n_jobs=1
    )
    tsne = _descent(len(vectors), seed, progress)
    start = _principal_plane(vectors, seed)
    embedding = tsne.fit(affinities=affinities, initialization=start)
    embedding -= (embedding.max(axis=0) + embedding.min(axis=0)) / 2
    return TsneMap(np.array(embedding), embedding)


def finished_map(points: Points, vectors: Vectors, *, seed: int = 0) -> TsneMap:
    """The map that `fit_map` made of these vectors (n, d), from its points (n, 2): it places new
    vectors as that one does, and costs no descent.

    UsageError when the extra `viz` is not installed.
    """
    require("openTSNE")
    from openTSNE.affinity import PerplexityBasedNN  # extra

    affinities = PerplexityBasedNN.__new__(PerplexityBasedNN)  # without those of the map itself
    affinities.knn_index = _Neighbours(vectors, k=1)
    affinities.n_jobs, affinities.verbose = 1, False
    affinities.perplexity, affinities.P = 1.0, np.empty((len(vectors), 0))
    flat = points * (1e-6 / max(1.0, float(points.std())))  # a start, or openTSNE complains
    embedding = _descent(len(vectors), seed, None).prepare_initial(
        affinities=affinities, initialization=flat
    )
    embedding[:] = points
    return TsneMap(points, embedding)


def map_makers() -> tuple[str, ...]:
    """The versions of what a map depends on beside its vectors; UsageError as in `fit_map`."""
    require("openTSNE")
    import openTSNE  # extra

    return f"openTSNE {openTSNE.__version__}", f"NumPy {np.__version__}", f"{EARLY} + {LATE}"


def _descent(points: int, seed: int, progress: Progress | None) -> Any:
    """How a map of so many points is made."""
    import openTSNE  # extra

    return openTSNE.TSNE(
        early_exaggeration_iter=EARLY,
        n_iter=LATE,
        negative_gradient_method="fft" if points > _MANY else "bh",
        random_state=seed,
        n_jobs=1,
        callbacks=_ProgressCallback(progress) if progress else None,
        callbacks_every_iters=_ProgressCallback.EVERY,
    )


class _ProgressCallback:
    """A callback of openTSNE that reports iterations done; False lets the descent go on."""

    EVERY = 10

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, iteration: int, error: float, points: object) -> bool:
        self._progress(self.EVERY)
        return False


def _principal_plane(vectors: Vectors, seed: int) -> Points:
    """The first two principal components, scaled to 1e-4: (n, d) -> (n, 2).

    This start preserves the large distances (Kobak & Linderman 2021). A little noise separates
    equal vectors, because there is no gradient between equal points.
    """
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)  # (n, d)
    _, axes = np.linalg.eigh(centred.T @ centred)  # (d, d), ascending
    axes = axes[:, [-1, -2]]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])  # the sign is arbitrary
    plane = centred @ axes  # (n, d) @ (d, 2) -> (n, 2)
    noise = np.random.default_rng(seed).normal(size=plane.shape)
    start: Points = 1e-4 * plane / max(plane[:, 0].std(), 1e-12) + 1e-6 * noise
    return start
