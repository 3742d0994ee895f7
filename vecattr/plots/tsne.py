"""Unit vectors in, points of a plane out: t-SNE, and the places of new vectors among old ones.

t-SNE after van der Maaten & Hinton (2008), by openTSNE (Poličar et al. 2019), which can place new
points into a map that stays as it is. Its neighbours are exact, and it descends on one thread: the
order in which several threads add up changes the last digits, and a map turns such digits into
another map. This is the only module that imports openTSNE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import UsageError
from vecattr.plots.extras import require_extra
from vecattr.vectors import Rows, Vectors

Points = NDArray[np.float64]  # (n, 2)


#: Of the published map; smaller where there are fewer than 120 neighbours.
PERPLEXITY = 40.0
#: Iterations with near points drawn together, and after that.
EARLY, LATE = 250, 500
#: A map of fewer points has no neighbourhoods.
FEWEST = 5

#: Above so many points interpolation is faster than a tree (openTSNE's own rule).
_MANY = 10_000

#: Cosines held at once while neighbours are sought: 64 MB.
_HELD = 1 << 24
#: Cosines are compared to so many decimals: what lies beyond depends on the processor.
_DECIMALS = 6

Progress = Callable[[int], None]


def nearest_rows(
    queries: Vectors, vectors: Vectors, *, k: int, itself: bool = False
) -> tuple[Rows, NDArray[np.float64]]:
    """The k nearest of the unit vectors (n, d) of each unit query (q, d), and 1 - cosine, both
    (q, k), nearest first, ties by row. With `itself`, query i is row i and does not count."""
    rows = np.empty((len(queries), k), dtype=np.int64)
    cosine = np.empty((len(queries), k))
    step = max(1, _HELD // len(vectors))
    for start in range(0, len(queries), step):
        part = slice(start, min(start + step, len(queries)))
        near = np.round(queries[part] @ vectors.T, _DECIMALS)  # (b, d) @ (d, n) -> (b, n)
        if itself:
            near[np.arange(len(near)), np.arange(part.start, part.stop)] = -np.inf
        best = np.argpartition(near, -k, axis=1)[:, -k:]  # (b, n) -> (b, k)
        values = np.take_along_axis(near, best, axis=1)
        order = np.lexsort((best, -values), axis=1)
        rows[part] = np.take_along_axis(best, order, axis=1)
        cosine[part] = np.take_along_axis(values, order, axis=1)
    return rows, np.maximum(1 - cosine, 0)


@dataclass(frozen=True)
class _Neighbours:
    """The exact neighbours that openTSNE asks for; it wants these names and this shape."""

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
    """A finished map: row i of the vectors lies at `points[i]`; `place` adds to it."""

    points: Points
    _embedding: Any

    def place(self, vectors: Vectors) -> Points:
        """Where new unit vectors (q, d) belong, (q, 2), each for itself; nothing else moves.

        A point starts at its nearest and descends from there (perplexity 5). The median of its 25
        nearest, which is the custom (Poličar et al. 2019), lies in no group at all when they are
        of several small ones: one copy in ten then came to lie far from its original.
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
    """The map of unit vectors (n, d) by cosine; `progress` hears of EARLY + LATE iterations.

    The same vectors and seed give the same map. UsageError for fewer than FEWEST vectors, or
    when the extra `viz` is not installed.
    """
    if len(vectors) < FEWEST:
        raise UsageError(f"a map of {len(vectors)} points, expected {FEWEST} or more")
    require_extra("openTSNE", extra="viz")
    import openTSNE  # extra
    from openTSNE.affinity import PerplexityBasedNN  # extra

    k = min(len(vectors) - 1, round(3 * perplexity))
    near = PerplexityBasedNN(
        perplexity=min(perplexity, k / 3), knn_index=_Neighbours(vectors, k), n_jobs=1
    )
    descent = openTSNE.TSNE(
        early_exaggeration_iter=EARLY,
        n_iter=LATE,
        negative_gradient_method="fft" if len(vectors) > _MANY else "bh",
        random_state=seed,
        n_jobs=1,
        callbacks=_Listener(progress) if progress else None,
        callbacks_every_iters=_Listener.EVERY,
    )
    start = _principal_plane(vectors, seed)
    embedding = descent.fit(affinities=near, initialization=start)
    embedding -= (embedding.max(axis=0) + embedding.min(axis=0)) / 2
    return TsneMap(np.array(embedding), embedding)


class _Listener:
    """Tells a progress bar how far the descent is; openTSNE stops at a true value."""

    EVERY = 10

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, iteration: int, error: float, points: object) -> bool:
        self._progress(self.EVERY)
        return False


def _principal_plane(vectors: Vectors, seed: int) -> Points:
    """The two principal components, scaled to almost nothing: (n, d) -> (n, 2).

    A start that keeps the large distances (Kobak & Linderman 2021); equal vectors are parted a
    little, because between equal points there is no gradient.
    """
    middle = vectors - vectors.mean(axis=0, dtype=np.float64)  # (n, d)
    _, axes = np.linalg.eigh(middle.T @ middle)  # (d, d), ascending
    axes = axes[:, [-1, -2]]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])  # an axis has no sign
    plane = middle @ axes  # (n, d) @ (d, 2) -> (n, 2)
    noise = np.random.default_rng(seed).normal(size=plane.shape)
    started: Points = 1e-4 * plane / max(plane[:, 0].std(), 1e-12) + 1e-6 * noise
    return started
