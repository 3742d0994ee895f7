"""Products in which nothing is rounded: exact, and so the same whatever computes them."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vecattr.products import (
    SHORT_DIGITS,
    exact_cosines,
    exact_products,
    exponent_of,
    inverse,
    on_grid,
    rounded_unit_rows,
    short_losses,
    short_rows,
    shrinkage,
)
from vecattr.vectors import Vectors, unit_rows

#: The same products in another process, as hexadecimal digits of a hash.
HASHES = """
import hashlib
import numpy as np
from vecattr.indexes.storage.lab_parts import mean_part
from vecattr.products import exact_cosines, exact_products, inverse, rounded_unit_rows
from vecattr.ranking.discriminant import Moments
from vecattr.vectors import unit_rows
chance = np.random.default_rng(0)
stored, queries = (unit_rows(chance.normal(size=(n, 200))) for n in (3001, 65))
rows, columns = chance.normal(size=(1500, 77)) * 30, chance.normal(size=(257, 77))
matrix = exact_products(stored.T, stored.T) * 0.03 + 0.6 * np.eye(200)
cosines = exact_cosines(queries, rounded_unit_rows(stored))
moments, part = Moments.from_vectors(stored), mean_part("a lab", stored)
results = cosines, exact_products(rows, columns), inverse(matrix), moments.total, moments.outer
results += np.array(part.weight), part.vector
print([hashlib.sha256(result.tobytes()).hexdigest() for result in results])
"""


def made_rows(count: int, width: int, *, seed: int = 0) -> Vectors:
    return unit_rows(np.random.default_rng(seed).normal(size=(count, width)))


def sum_of_products(row: NDArray[np.floating], column: NDArray[np.floating]) -> Fraction:
    terms = zip(row.tolist(), column.tolist(), strict=True)
    return sum((Fraction(a) * Fraction(b) for a, b in terms), start=Fraction(0))


@pytest.mark.parametrize("width", [1, 24, 200, 512])
def test_a_cosine_is_the_sum_of_fractions(width: int) -> None:
    queries, stored = made_rows(3, width), made_rows(5, width, seed=1)
    cosines = exact_cosines(queries, rounded_unit_rows(stored)).T
    for row, query in enumerate(on_grid(queries)):
        for column, other in enumerate(np.float32(3) + stored - np.float32(3)):
            assert Fraction(float(cosines[row, column])) == sum_of_products(query, other)
    assert cosines == pytest.approx(queries.astype(np.float64) @ stored.T, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 70), st.integers(0, 10**6), st.floats(1e-6, 1e6))
def test_products_are_the_sums_of_fractions(width: int, seed: int, size: float) -> None:
    chance = np.random.default_rng(seed)
    rows, columns = chance.normal(size=(2, width)) * size, chance.normal(size=(3, width))
    products = exact_products(rows, columns)
    first, second = (on_grid(factor, exponent=exponent_of(factor)) for factor in (rows, columns))
    for row in range(2):
        for column in range(3):
            exact = sum_of_products(first[row], second[column])
            assert Fraction(float(products[row, column])) == exact
    assert products == pytest.approx(rows @ columns.T, abs=1e-6 * size * width)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 700), st.integers(1, 40), st.integers(0, 10**6))
def test_no_other_row_changes_a_bit_of_a_cosine(stored: int, queries: int, seed: int) -> None:
    table, questions = made_rows(stored, 32, seed=seed), made_rows(queries, 32, seed=seed + 1)
    table = rounded_unit_rows(table)
    together = exact_cosines(questions, table).T
    order = np.random.default_rng(seed).permutation(queries)
    assert np.array_equal(exact_cosines(questions[order], table).T, together[order])
    alone = np.concatenate([exact_cosines(query[None, :], table).T for query in questions])
    assert np.array_equal(alone, together)
    half = stored // 2
    assert np.array_equal(exact_cosines(questions, table[half:]).T, together[:, half:])


@pytest.mark.parametrize("width", [1, 23, 24, 25, 200])
def test_an_inverse_is_that_of_lapack(width: int) -> None:
    rows = np.random.default_rng(0).normal(size=(300, width))
    matrix = rows.T @ rows / 300 + 0.5 * np.eye(width)
    assert inverse(matrix) == pytest.approx(np.linalg.inv(matrix), abs=1e-12)


def hashes(**variables: str) -> str:
    environment: dict[str, Any] = {**os.environ, **variables}
    command = [sys.executable, "-c", HASHES]
    process = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return process.stdout


@pytest.mark.parametrize(
    "variables",
    [
        {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
        {"OPENBLAS_NUM_THREADS": "3", "OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"},
        {"OPENBLAS_CORETYPE": "Haswell", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
        {"OPENBLAS_CORETYPE": "Prescott", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    ],
    ids=lambda variables: " ".join(variables.values()),
)
def test_neither_threads_nor_kernels_change_a_bit(variables: dict[str, str]) -> None:
    assert hashes(**variables) == hashes()


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 1 << 30), width=st.integers(1, 220), copies=st.integers(0, 4))
def test_short_rows_tell_distances_exactly(seed: int, width: int, copies: int) -> None:
    """Minus half the squares of distances of the rounded rows, whatever is multiplied at once: next
    to those of the rows themselves, and next to nothing of equal ones."""
    chance = np.random.default_rng(seed)
    rows = unit_rows(chance.normal(size=(40, width)) * chance.uniform(0, 1, width) ** 3)
    rows[:copies] = rows[-1]
    rows[0] = np.eye(width)[0]
    first, second = short_rows(rows), short_rows(rows, digits=SHORT_DIGITS - 1)
    shrunk = shrinkage(width) ** 2
    factors = np.column_stack(
        [first * 2.0 ** (1 - 2 * SHORT_DIGITS), short_losses(first) - shrunk, np.ones(40)]
    ).astype(np.float32)
    terms = np.column_stack(
        [second, np.ones(40), short_losses(second, digits=SHORT_DIGITS - 1)]
    ).astype(np.float32)
    sums = terms @ factors.T
    exact = terms.astype(np.float64) @ factors.astype(np.float64).T
    assert np.array_equal(sums, exact)
    order = chance.permutation(width + 2)
    assert np.array_equal(terms[:, order] @ factors[:, order].T, sums)
    assert np.array_equal(np.concatenate([row[None, :] @ factors.T for row in terms]), sums)
    true = ((rows[:, None, :].astype(np.float64) - rows) ** 2).sum(axis=2)
    assert sums.max() <= 0
    assert -2 * sums / shrunk == pytest.approx(true, abs=4e-3)
    assert (-sums[true < 1e-12] < width * 1e-7 + 2.0**-21).all()


def test_a_short_row_of_zeros_is_far_from_all_rows() -> None:
    rows = np.concatenate([np.zeros((1, 32)), unit_rows(np.ones((1, 32)))])
    losses = short_losses(short_rows(rows))
    assert losses[0] == 0
    assert 0 <= abs(losses[1]) < 2e-3
