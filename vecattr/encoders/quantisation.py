"""Quantised vectors, a quarter of the bytes: float rows in, int8 rows and a step a row out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vecattr.vectors import Vectors

_LARGEST = 127


def quantised(rows: Vectors) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The rows (n, e) as integers from -127 to 127, and the step of each row, (n,).

    The step is the row's largest magnitude over 127, so the error is at most half a step.
    """
    wide = rows.astype(np.float32)
    largest = np.abs(wide).max(axis=1, initial=0)  # (n, e) -> (n,)
    steps = (largest / _LARGEST).astype(np.float32)
    divisors = np.where(steps > 0, steps, 1)  # a row of zeros stays one
    whole = np.clip(np.rint(wide / divisors[:, None]), -_LARGEST, _LARGEST)
    return whole.astype(np.int8), steps


def dequantised(whole: NDArray[np.int8], steps: NDArray[np.float32]) -> Vectors:
    """The rows (n, e) that were quantised, to within half a step."""
    rows: Vectors = whole.astype(np.float32) * steps[:, None]
    return rows
