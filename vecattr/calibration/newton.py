"""Newton's method for a few parameters: a convex loss in, the parameters of its minimum out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vecattr.vectors import Column

#: Parameters (p,) to the loss there, its gradient (p,) and its Hessian (p, p).
LossFunction = Callable[[Column], tuple[float, Column, NDArray[np.float64]]]

_STEPS = 100
_HALVINGS = 40
_RIDGE = 1e-9  # keeps the Hessian invertible where a parameter does not matter
_SMALLEST_GAIN = 1e-12


def minimum(loss: LossFunction, start: Column) -> Column:
    """The parameters (p,) of the smallest loss, found from `start`.

    Each step is halved until the loss falls, so that it never rises; a negative curvature of the
    Hessian counts by its absolute value.
    """
    parameters = np.asarray(start, dtype=np.float64)
    value, gradient, hessian = loss(parameters)
    for _ in range(_STEPS):
        curvatures, directions = np.linalg.eigh(hessian)
        step = directions @ (directions.T @ gradient / (np.abs(curvatures) + _RIDGE))  # (p,)
        if gradient @ step < _SMALLEST_GAIN:  # twice what the step can gain
            return parameters
        for halving in range(_HALVINGS):
            candidate = parameters - step / 2**halving
            evaluated = loss(candidate)
            if evaluated[0] < value - _SMALLEST_GAIN:
                break
        else:
            return parameters
        parameters, (value, gradient, hessian) = candidate, evaluated
    return parameters
