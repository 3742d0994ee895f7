"""int8 tables: no number is off by more than half a step."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vecattr.encoders.quantisation import dequantised, quantised

_TABLES = arrays(np.float32, (5, 7), elements=st.floats(-100, 100, width=32))


@given(_TABLES)
def test_a_round_trip_is_within_half_a_step(rows: np.ndarray) -> None:
    whole, steps = quantised(rows)
    assert whole.dtype == np.int8
    off = np.abs(dequantised(whole, steps).astype(np.float64) - rows)
    assert np.all(off <= 0.5001 * steps[:, None] + 1e-30)


@given(_TABLES)
def test_the_largest_number_of_a_row_comes_back(rows: np.ndarray) -> None:
    back = dequantised(*quantised(rows))
    np.testing.assert_allclose(np.abs(back).max(1), np.abs(rows).max(1), rtol=1e-5, atol=1e-30)


def test_steps_are_a_row_s_own() -> None:
    rows = np.array([[1, 2], [1000, 2000], [0, 0]], dtype=np.float32)
    whole, steps = quantised(rows)
    assert whole[0].tolist() == whole[1].tolist() == [64, 127]
    assert whole[2].tolist() == [0, 0]
    assert steps[1] == 1000 * steps[0]


def test_an_empty_table_stays_empty() -> None:
    whole, steps = quantised(np.empty((0, 3), dtype=np.float32))
    assert whole.shape == (0, 3)
    assert dequantised(whole, steps).shape == (0, 3)
