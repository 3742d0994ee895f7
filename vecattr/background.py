"""What plasmids in general look like: stored vectors in, directions that set a lab apart out.

The mean of a new lab's plasmids points mostly where all plasmids point (their common backbones),
so it is near every query and takes places from labs whose vectors were learned against all
others. Fisher's discriminant removes that: the direction that separates a class with mean m from
a background with mean b and covariance S is S^-1 (m - b). S is shrunk toward a multiple of the
identity, since it is estimated from few vectors (compare Ledoit & Wolf 2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.table import Vectors, unit_rows

#: The share of the covariance that is replaced by the identity; see `tools/tune_new_labs.py`.
SHRINKAGE = 0.2


@dataclass(frozen=True)
class Background:
    """Mean (d,) and inverse shrunk covariance (d, d) of the plasmids of an index."""

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]

    @classmethod
    def of(cls, vectors: Vectors, *, shrinkage: float = SHRINKAGE) -> Background:
        """From stored unit vectors, (n, d). With fewer rows than columns the shrinkage grows
        toward 1, where only the mean is removed."""
        count, width = vectors.shape
        wide = vectors.astype(np.float64)
        mean = wide.mean(axis=0)
        centred = wide - mean  # (n, d)
        covariance = centred.T @ centred / count  # (d, d)
        variance = np.trace(covariance) / width
        if variance == 0:
            return cls(mean, np.eye(width))
        share = min(1.0, shrinkage + width / count)
        shrunk = (1 - share) * covariance / variance + share * np.eye(width)
        return cls(mean, np.linalg.inv(shrunk))

    def directions(self, means: NDArray[np.floating]) -> Vectors:
        """Unit vectors that set classes with these means apart, (n, d) -> (n, d).

        A class that is exactly the background has no such direction and keeps its mean.
        """
        apart = (means.astype(np.float64) - self.mean) @ self.precision  # (n, d)
        lost = np.linalg.norm(apart, axis=1) < 1e-9
        apart[lost] = means[lost]
        return unit_rows(apart)
