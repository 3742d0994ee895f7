"""The largest of many numbers are those that sorting all of them finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.ranking.largest import nth_largest, places_of_largest


def numbers(seed: int, *, count: int, distinct: int) -> np.ndarray:
    """Some numbers, of which few are distinct, minus infinity among them."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=distinct).astype(np.float32)
    values[0] = -np.inf
    return values[rng.integers(distinct, size=count)]


@given(st.integers(0, 2**32), st.integers(1, 3000), st.sampled_from([1, 2, 40, 10**5]), st.data())
def test_the_largest_are_those_of_sorting(
    seed: int, count: int, distinct: int, data: st.DataObject
) -> None:
    values = numbers(seed, count=count, distinct=distinct)
    n = data.draw(st.integers(1, count))
    falling = np.sort(values)[::-1]
    assert nth_largest(values, n) == falling[n - 1]
    expected = np.sort(np.argsort(-values, kind="stable")[:n])
    assert places_of_largest(values, n).tolist() == expected.tolist()


@pytest.mark.parametrize("count", [0, 3, 1000])
def test_no_number_is_the_largest_of_fewer(count: int) -> None:
    values = np.zeros(count)
    assert nth_largest(values, count + 1) == nth_largest(values, 0) == -np.inf
    assert places_of_largest(values, count + 1).tolist() == list(range(count))
    assert not len(places_of_largest(values, 0))
