"""What plasmids in general look like: stored vectors in, directions that set a lab apart out.

The mean of a new lab's plasmids points mostly where all plasmids point (their common backbones),
so it is near every query and takes places from labs whose vectors were learned against all
others. Fisher's discriminant removes that: the direction that separates a class with mean m from
a background with mean b and covariance S is S^-1 (m - b). S is shrunk toward a multiple of the
identity, since it is estimated from few vectors (compare Ledoit & Wolf 2004).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vecattr.vectors import Vectors, unit_rows

#: The share of the covariance that is replaced by the identity; see `tools/tune_new_labs.py`.
SHRINKAGE = 0.6

_AT_ONCE = 8


@dataclass(frozen=True)
class Moments:
    """Count, sum (d,) and sum of outer products (d, d) of some vectors: they add up."""

    count: int
    total: NDArray[np.float64]
    outer: NDArray[np.float64]

    @classmethod
    def from_vectors(cls, vectors: Vectors) -> Self:
        """Of the rows of (n, d)."""
        wide = vectors.astype(np.float64)
        return cls(len(wide), wide.sum(axis=0), wide.T @ wide)


def _products(rows: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows (n, d) times a matrix (d, d), a fixed number at a time: in a product of all of them the
    last digits of a row would depend on how many there are."""
    some = np.zeros((-(-len(rows) // _AT_ONCE), _AT_ONCE, rows.shape[1]))
    some.reshape(-1, rows.shape[1])[: len(rows)] = rows
    found: NDArray[np.float64] = np.matmul(some, matrix).reshape(-1, rows.shape[1])[: len(rows)]
    return found


@dataclass(frozen=True)
class Discriminant:
    """Mean (d,) and inverse shrunk covariance (d, d) of the plasmids an index was built from."""

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]

    @classmethod
    def from_moments(
        cls, moments: Iterable[Moments], *, shrinkage: float = SHRINKAGE
    ) -> Self | None:
        """From moments, whatever their order; None from no vectors. With fewer vectors than
        columns the shrinkage grows toward 1, where only the mean is removed."""
        ordered = sorted(moments, key=lambda one: (one.count, one.total.tobytes()))
        count = sum(one.count for one in ordered)
        if not count:
            return None
        mean = np.sum([one.total for one in ordered], axis=0) / count
        outer = np.sum([one.outer for one in ordered], axis=0) / count
        covariance = outer - np.outer(mean, mean)  # (d, d)
        width = len(mean)
        variance = np.trace(covariance) / width
        if variance < np.finfo(np.float32).eps:
            return cls(mean, np.eye(width))
        share = min(1.0, shrinkage + width / count)
        shrunk = (1 - share) * covariance / variance + share * np.eye(width)
        return cls(mean, np.linalg.inv(shrunk))

    def direction(self, mean: Vectors) -> Vectors:
        """The unit vector that sets a class with this (unit) mean apart, (d,) -> (d,).

        A class that is exactly the background has no such direction and keeps its mean.
        """
        direction: Vectors = self.directions(mean[None, :])[0]
        return direction

    def directions(self, means: Vectors) -> Vectors:
        """The same of many means, (n, d) -> (n, d), each of itself alone."""
        apart = means.astype(np.float64) - self.mean  # (n, d)
        apart = _products(apart, self.precision)
        lengths = np.sqrt((apart * apart).sum(axis=1))  # (n, d) -> (n,)
        found = means.astype(np.float32)
        far = lengths >= np.finfo(np.float32).eps
        found[far] = unit_rows(apart[far])
        return found
