"""Axes of the space that an encoder's vectors lie in: rows that span it, or vectors, in; axes, or
coordinates along them, out.

An encoder that widens narrow vectors fills few of its dimensions: of the shipped one's 200 numbers
49 tell all. Along orthonormal axes of that space inner products are those of the vectors, and
there is a quarter as much to read and to multiply.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vecattr.products import exact_products
from vecattr.vectors import Vectors

Axes = NDArray[np.float32]  # (r, d), orthonormal rows

#: What is left of a spanning row, as a share of its length, when the axes before it give it.
_NOTHING = 1e-6
#: A unit vector, its axes and its coordinates are float32: an inner product of coordinates is that
#: of the vectors up to this.
COORDINATE_ERROR = 2.0**-20
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
        rest, length = row, _length(row)
        for _ in range(2):
            along = (axes * rest).sum(axis=1)  # (r, d) -> (r,)
            rest = rest - (along[:, None] * axes).sum(axis=0)
        if _length(rest) > _NOTHING * length:
            axes = np.concatenate([axes, rest[None, :] / _length(rest)])
    return axes.astype(np.float32) if 2 * len(axes) <= width else None


def coordinates(vectors: NDArray[np.floating], axes: Axes) -> NDArray[np.float64]:
    """The coordinates (n, r) along axes (r, d) of unit vectors (n, d), each from itself alone."""
    return exact_products(vectors, axes, exponent=_UNIT_EXPONENT)


def stored_coordinates(vectors: Vectors, axes: Axes) -> Vectors:
    """The same as they are stored; AssertionError for a vector that does not lie in the space."""
    along = np.empty((len(vectors), len(axes)), dtype=np.float32)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        along[rows] = coordinates(vectors[rows], axes)
        rest = np.abs(vectors[rows] - along[rows] @ axes).max(initial=0.0)  # (b, r) @ (r, d)
        assert rest < COORDINATE_ERROR, "a vector lies outside the space of its encoder"
    return along


def _length(row: NDArray[np.float64]) -> float:
    return float(np.sqrt((row * row).sum()))
