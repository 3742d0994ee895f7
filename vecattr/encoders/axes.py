"""Axes of the space that an encoder's vectors lie in: rows that span it, or vectors, in; axes, or
coordinates along them, out.

An encoder that widens narrow vectors fills few of its dimensions: of the shipped one's 200 numbers
49 tell all. Along orthonormal axes of that space inner products are those of the vectors, and
there is a quarter as much to read and to multiply.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import MismatchError
from vecattr.products import exact_products
from vecattr.vectors import UNIT_TOLERANCE, Vectors, length_of

Axes = NDArray[np.float32]  # (r, d), orthonormal rows

#: What is left of a spanning row, as a share of its length, when the axes before it give it.
_NOTHING = 1e-6
#: How far a unit vector may lie outside the space. Of two such vectors, of which one is a query,
#: the inner product is that of their coordinates up to the square of this.
_OUTSIDE = 2.0**-10
COORDINATE_ERROR = _OUTSIDE**2
#: Vectors whose coordinates are computed at once.
_ROWS_AT_ONCE = 4096
#: A unit row is shorter than two to this power, rounding included.
_UNIT_EXPONENT = 1


def orthonormal_axes(spanning: NDArray[np.float64]) -> Axes | None:
    """Orthonormal axes (r, d) of the space that rows (s, d) span, by Gram and Schmidt, each row
    twice, in an order of summation of their own (LAPACK's depends on the processor); None when
    they are more than half of d, so that coordinates would spare little."""
    width = spanning.shape[1]
    axes = np.zeros((0, width))
    for row in spanning:
        rest, length = row, length_of(row)
        for _ in range(2):
            along = (axes * rest).sum(axis=1)  # (r, d) -> (r,)
            rest = rest - (along[:, None] * axes).sum(axis=0)
        if length_of(rest) > _NOTHING * length:
            axes = np.concatenate([axes, rest[None, :] / length_of(rest)])
    return axes.astype(np.float32) if 2 * len(axes) <= width else None


def are_orthonormal(axes: NDArray[np.generic], *, width: int) -> bool:
    """Whether an array is of one axis or more of so many float32 numbers, of length 1 and at right
    angles."""
    if axes.dtype != np.float32 or axes.ndim != 2 or axes.shape[1] != width or not len(axes):
        return False
    with np.errstate(all="ignore"):  # of numbers that are not finite
        products = axes.astype(np.float64) @ axes.astype(np.float64).T
    return bool(np.abs(products - np.eye(len(axes))).max() < UNIT_TOLERANCE)


def coordinates(vectors: NDArray[np.floating], axes: Axes) -> NDArray[np.float64]:
    """The coordinates (n, r) along axes (r, d) of unit vectors (n, d), each from itself alone."""
    return exact_products(vectors, axes, exponent=_UNIT_EXPONENT)


def stored_coordinates(vectors: Vectors, axes: Axes) -> Vectors:
    """The same as they are stored; MismatchError for a vector that lies outside the space."""
    along = np.empty((len(vectors), len(axes)), dtype=np.float32)
    for rows in _blocks(len(vectors)):
        along[rows] = coordinates(vectors[rows], axes)
        rest = vectors[rows] - along[rows] @ axes  # (b, d) - (b, r) @ (r, d)
        if not ((rest * rest).sum(axis=1) < _OUTSIDE**2).all():
            raise MismatchError(
                "a vector lies outside the space that the model says its vectors lie in",
                hint="the axes that the embedder tells are not those of its vectors",
            )
    return along


def are_coordinates(stored: Vectors, vectors: Vectors, axes: Axes) -> bool:
    """Whether these are the `stored_coordinates` of vectors."""
    try:
        return np.array_equal(stored, stored_coordinates(vectors, axes))
    except MismatchError:
        return False


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)
