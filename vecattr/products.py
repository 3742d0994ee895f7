"""Sums of products in which nothing is rounded: rows and columns in, their exact products out.

A sum of rounded products depends on its order, and so on how many rows are multiplied at once, on
threads and on the processor. Here both factors are rounded first, to a grid: multiples of a power
of two, DIGITS binary digits below the longest row. A product of two such numbers, and any partial
sum of products, is then a whole number of at most 2^53 units (by Cauchy and Schwarz a sum is at
most the product of both lengths), which a float64 holds without rounding. So every order of
summation, with or without fused multiplication and addition, gives the same bits.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

#: Binary digits of a number on a grid, below the power of two that no row is longer than.
DIGITS = 26

#: Binary digits of a number of a short row: of products of two such rows a float32 holds all.
SHORT_DIGITS = 12
#: Stored rows that are put on their grid at once: what fits into a core's cache.
_ROWS_AT_ONCE = 512
#: A float32 from -1 to 1 plus this number has 22 binary digits after the point.
_UNIT_SHIFT = np.float32(3)
#: Rows of a matrix that are eliminated at once.
_PIVOTS_AT_ONCE = 24


def exponent_of(rows: NDArray[np.floating]) -> int:
    """The exponent of the least power of two that all rows (n, d) are shorter than."""
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
    return int(np.frexp(lengths.max(initial=0.0))[1])


def on_grid(rows: NDArray[np.floating], *, exponent: int = 0) -> NDArray[np.float64]:
    """Rows (n, d) of at most 2^exponent in length, unit rows unless it is given, with each number
    rounded to a multiple of 2^(exponent - DIGITS)."""
    shift = _shift(exponent)
    shifted: NDArray[np.float64] = rows + shift
    shifted -= shift
    return shifted


def put_on_grid(rows: NDArray[np.float64], *, exponent: int) -> None:
    """The same in place."""
    shift = _shift(exponent)
    rows += shift
    rows -= shift


def _shift(exponent: int) -> np.float64:
    """What is added to a number and taken away again: the last digit of the sum is a unit of the
    grid. Of a type that widens what it is added to."""
    return np.float64(np.ldexp(1.5, 52 + exponent - DIGITS))


def exact_products(
    rows: NDArray[np.floating], columns: NDArray[np.floating], *, exponent: int | None = None
) -> NDArray[np.float64]:
    """The inner products of rows (n, d) with columns (m, d), (n, m). Rows of at most 2^exponent in
    length are independent of each other; without it their grid is that of the longest."""
    first = on_grid(rows, exponent=exponent_of(rows) if exponent is None else exponent)
    second = on_grid(columns, exponent=exponent_of(columns))
    return first @ second.T  # (n, d) @ (d, m)


def _precise_products(
    rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The same with what the grids leave out: to all digits of a float64 but the last few."""
    first, second = (on_grid(factor, exponent=exponent_of(factor)) for factor in (rows, columns))
    rest = exact_products(rows - first, second) + exact_products(first, columns - second)
    return first @ second.T + rest


def rounded_unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (n, d) of at most 1 in length with 22 binary digits of each number, as `exact_cosines`
    takes them, a copy: half the time of keeping DIGITS."""
    rounded: NDArray[np.float32] = rows + _UNIT_SHIFT
    rounded -= _UNIT_SHIFT
    return rounded


def exact_cosines(
    queries: NDArray[np.floating], stored: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The inner products of `rounded_unit_rows` (n, d) with unit queries (q, d), (n, q): each from
    its two rows alone, whatever is multiplied at once. Both may be up to 2 long: of the 53 binary
    digits of a sum 48 are needed below 1."""
    factors = on_grid(queries).T
    products = np.empty((len(stored), len(queries)))
    wide = np.empty((min(_ROWS_AT_ONCE, len(stored)), stored.shape[1]))
    for start in range(0, len(stored), _ROWS_AT_ONCE):
        block = stored[start : start + _ROWS_AT_ONCE]  # (b, d)
        rows = wide[: len(block)]
        rows[...] = block
        np.matmul(rows, factors, out=products[start : start + len(block)])  # (b, d) @ (d, q)
    return products


@cache
def shrinkage(width: int) -> float:
    """By what unit rows of so many numbers are shortened before they are rounded to SHORT_DIGITS or
    one less, so that none is longer than 1 afterwards; its square is a multiple of 2^-22."""
    return float(1 - np.ldexp(1.0, max(1, int(np.ceil(np.log2(width) / 2))) - SHORT_DIGITS))


def short_rows(rows: NDArray[np.floating], *, digits: int = SHORT_DIGITS) -> NDArray[np.float32]:
    """Unit rows (n, d), or zeros, shortened by their `shrinkage`, in whole units of 2^-digits.
    Products of rows of SHORT_DIGITS and of one digit less are whole numbers of 2^23 at most, as all
    partial sums are, and a float32 holds 2^24: they are as exact as `exact_products`, in half the
    time."""
    scale = np.float32(np.ldexp(shrinkage(rows.shape[1]), digits))
    scaled: NDArray[np.float32] = np.multiply(rows, scale, dtype=np.float32, casting="same_kind")
    return np.rint(scaled, out=scaled)


def short_losses(rows: NDArray[np.float32], *, digits: int = SHORT_DIGITS) -> NDArray[np.float64]:
    """By how much half the square of the length of each of `short_rows` (n, d) is below that of a
    unit row that was shortened and not rounded, a multiple of 2^-23, (n,). A product of two rows
    and these two numbers, less the square of their shrinkage, are minus half the square of their
    distance as they were rounded: never above 0. 0 of a row of zeros, so that it is far from all
    rows."""
    squares = np.einsum("nd,nd->n", rows, rows).astype(np.float64)  # exact, as products are
    unit = np.ldexp(shrinkage(rows.shape[1]), digits) ** 2
    halves = np.ldexp((unit - squares) / 2, 2 * SHORT_DIGITS - 1 - 2 * digits)
    losses: NDArray[np.float64] = np.ldexp(
        np.where(squares > 0, np.floor(halves), 0.0), 1 - 2 * SHORT_DIGITS
    )
    return losses


def inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of a symmetric, positive definite matrix (d, d), by Gauss-Jordan elimination of
    one block of pivots after the other; the order of LAPACK's sums depends on threads and on the
    processor."""
    swept = np.array(matrix, dtype=np.float64)
    for start in range(0, len(swept), _PIVOTS_AT_ONCE):
        block = slice(start, start + _PIVOTS_AT_ONCE)
        columns = swept[:, block].copy()  # (d, b)
        pivots = _small_inverse(swept[block, block])  # (b, b)
        rows = _precise_products(pivots, swept[block].T)  # (b, b) @ (b, d)
        swept -= _precise_products(columns, rows.T)  # (d, b) @ (b, d)
        swept[:, block] = -_precise_products(columns, pivots.T)
        swept[block] = rows
        swept[block, block] = pivots
    return swept


def _small_inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same of a small matrix (b, b), one pivot after the other."""
    swept = matrix.copy()
    for pivot in range(len(swept)):
        scale = 1 / swept[pivot, pivot]
        row, column = swept[pivot] * scale, swept[:, pivot].copy()
        swept -= column[:, None] * row
        swept[pivot] = row
        swept[:, pivot] = -column * scale
        swept[pivot, pivot] = scale
    return swept
