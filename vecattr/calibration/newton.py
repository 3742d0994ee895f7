"""Newton's method for fits of a few parameters: a convex loss in, its minimum out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Parameters = NDArray[np.float64]
#: The loss, its gradient (p,) and its Hessian (p, p) at some parameters (p,).
Loss = Callable[[Parameters], tuple[float, Parameters, NDArray[np.float64]]]

_STEPS = 100
_HALVINGS = 40
_RIDGE = 1e-9  # keeps the Hessian invertible where a parameter does not matter
_SMALLEST_GAIN = 1e-12


def minimum(loss: Loss, start: Parameters) -> Parameters:
    """The parameters (p,) of the least loss, from `start` on.

    Each step is halved until the loss falls, so that it never rises; where the Hessian has a
    direction of no or negative curvature, its absolute value is used.
    """
    here = np.asarray(start, dtype=np.float64)
    value, gradient, hessian = loss(here)
    for _ in range(_STEPS):
        curvatures, directions = np.linalg.eigh(hessian)
        downhill = directions.T @ gradient / (np.abs(curvatures) + _RIDGE)
        step = directions @ downhill  # (p, p) @ (p,)
        for halving in range(_HALVINGS):
            there = here - step / 2**halving
            found = loss(there)
            if found[0] < value - _SMALLEST_GAIN:
                break
        else:
            return here
        here, (value, gradient, hessian) = there, found
    return here
