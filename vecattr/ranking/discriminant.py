"""Fisher's discriminant for new labs: moments of stored vectors in, directions of labs out.

The mean of a new lab's plasmids points mostly where all plasmids point (their common backbones),
so it is near every query and outranks labs whose vectors were trained against all others. Fisher's
discriminant removes that: the direction that separates a class with mean m from a background with
mean b and covariance S is S^-1 (m - b). S is shrunk toward a multiple of the identity, since it is
estimated from few vectors (compare Ledoit & Wolf 2004).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vecattr.products import exact_products, inverse, rounded_unit_rows
from vecattr.vectors import Vectors, unit_rows

#: The share of the covariance that is replaced by the identity; see `tools/tune_new_labs.py`.
SHRINKAGE = 0.6

#: Rows whose outer products are added at once: of so many unit rows of 22 binary digits the sums
#: are exact, whatever their order, and so do not depend on the threads of BLAS.
_ROWS_AT_ONCE = 1 << 8

#: Means whose directions are found at once: what a core's cache holds.
_MEANS_AT_ONCE = 256

#: A difference of two means of unit vectors is shorter than 2 to this power.
_EXPONENT = 2


@dataclass(frozen=True)
class Moments:
    """Count, sum (d,) and sum of outer products (d, d) of a set of vectors; moments of disjoint
    sets add up."""

    count: int
    total: NDArray[np.float64]
    outer: NDArray[np.float64]

    @classmethod
    def from_vectors(cls, vectors: Vectors) -> Self:
        """The moments of the rows of (n, d)."""
        return cls.from_pieces([vectors], width=vectors.shape[1])

    @classmethod
    def from_pieces(cls, pieces: Iterable[Vectors], *, width: int) -> Self:
        """The same of pieces (m, width) of which one follows the other; as if they were joined."""
        count, total, outer = 0, np.zeros(width), np.zeros((width, width))
        for block in _in_blocks(pieces):
            count += len(block)
            total += block.sum(axis=0, dtype=np.float64)
            rounded = rounded_unit_rows(block).astype(np.float64)
            outer += rounded.T @ rounded
        return cls(count, total, outer)


def _in_blocks(pieces: Iterable[Vectors]) -> Iterator[Vectors]:
    """Pieces (m, d) divided anew, into blocks of _ROWS_AT_ONCE rows and the rest."""
    waiting: list[Vectors] = []
    count = 0
    for piece in pieces:
        start = 0
        while start < len(piece):
            part = piece[start : start + _ROWS_AT_ONCE - count]
            start += len(part)
            count += len(part)
            waiting.append(part)
            if count == _ROWS_AT_ONCE:
                yield _joined(waiting)
                waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(parts: list[Vectors]) -> Vectors:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


@dataclass(frozen=True)
class Discriminant:
    """Mean (d,) and inverse shrunk covariance (d, d) of the plasmids an index was built from."""

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]

    @classmethod
    def from_moments(
        cls, moments: Iterable[Moments], *, shrinkage: float = SHRINKAGE
    ) -> Self | None:
        """From moments in any order; None when they are of no vectors. With fewer vectors than
        columns the shrinkage grows toward 1, where only the mean is removed."""
        ordered = sorted(moments, key=lambda part: (part.count, part.total.tobytes()))
        count = sum(part.count for part in ordered)
        if not count:
            return None
        mean = np.sum([part.total for part in ordered], axis=0) / count
        outer = np.sum([part.outer for part in ordered], axis=0) / count
        covariance = outer - np.outer(mean, mean)  # (d, d)
        width = len(mean)
        variance = np.trace(covariance) / width
        if variance < np.finfo(np.float32).eps:
            return cls(mean, np.eye(width))
        share = min(1.0, shrinkage + width / count)
        shrunk = (1 - share) * covariance / variance + share * np.eye(width)
        return cls(mean, inverse(shrunk))

    def direction(self, mean: Vectors) -> Vectors:
        """The unit vector that separates a class with this unit mean from the rest, (d,) -> (d,).

        A class whose mean is that of the background has no such direction and keeps its mean.
        """
        direction: Vectors = self.directions(mean[None, :])[0]
        return direction

    def directions(self, means: Vectors) -> Vectors:
        """The directions of many means, (n, d) -> (n, d), each independent of the others."""
        directions = np.empty(means.shape, dtype=np.float32)
        for start in range(0, len(means), _MEANS_AT_ONCE):
            block = slice(start, start + _MEANS_AT_ONCE)
            directions[block] = self._directions(means[block])
        return directions

    def _directions(self, means: Vectors) -> Vectors:
        differences = means.astype(np.float64) - self.mean  # (n, d)
        separating = exact_products(differences, self.precision.T, exponent=_EXPONENT)
        lengths = np.sqrt((separating * separating).sum(axis=1))  # (n, d) -> (n,)
        directions = means.astype(np.float32)
        has_direction = lengths >= np.finfo(np.float32).eps
        directions[has_direction] = unit_rows(separating[has_direction])
        return directions
