"""Arrays by what they hold, with their dtypes; names and unit vectors in, a checked table out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError

Vectors = NDArray[np.float32]  # (n, d), unit rows unless said otherwise
Column = NDArray[np.float64]  # (n,), one value a row, such as a lab or a query
LabColumn = NDArray[np.floating[Any]]  # (l,), one value a lab, of either width
Rows = NDArray[np.int64]  # (n,), row numbers of another array
Codes = NDArray[np.int64]  # (n,), numbers that stand for names: of a lab, a class, a group
Mask = NDArray[np.bool_]  # (n,), True for the rows that are meant
Scores = NDArray[np.float64]  # (q, n) of q queries and n labs, bigger is better
Cosines = NDArray[np.float64]  # (q, n), or (n,) of one query, from -1 to 1
Probabilities = NDArray[np.float64]  # (q, n), each row sums to 1
Confidences = NDArray[np.float64]  # (q,), bigger is surer that the lab is known
Ranks = NDArray[np.float64]  # (q,), best 1, ties at their mean rank

#: How far a stored vector's length may be from 1 (float32 rounding over some hundred terms).
UNIT_TOLERANCE = 1e-4


def unit_rows(rows: NDArray[np.floating]) -> Vectors:
    """Rows scaled to length 1, float32; (n, d) -> (n, d). AssertionError for a zero row."""
    wide = np.asarray(rows, dtype=np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)  # (n, 1)
    assert np.all(lengths > 0), "a zero vector has no direction"
    scaled: Vectors = (wide / lengths).astype(np.float32)
    return scaled


def are_within_unit_length(numbers: Vectors) -> bool:
    """Whether each number may be one of a unit vector, or a coordinate of one; NaN may not."""
    longest = 1 + UNIT_TOLERANCE
    return bool(numbers.min(initial=0) >= -longest and numbers.max(initial=0) <= longest)


def length_of(vector: Column) -> float:
    """The length of a vector (d,), in an order of summation that no kernel of BLAS changes."""
    return float(np.sqrt((vector * vector).sum()))


@dataclass(frozen=True)
class EmbeddingTable:
    """`vectors[i]` (unit length, width d) belongs to `names[i]`; lengths are checked at birth.

    Raises DamagedError when the two lengths differ, a vector is not finite or not of unit length.

    >>> EmbeddingTable(("a", "b"), np.eye(2, 3, dtype=np.float32)).width
    3
    """

    names: tuple[str, ...]
    vectors: Vectors  # (n, d)

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.names) != len(self.vectors):
            raise DamagedError(
                f"{len(self.names)} names for vectors of shape {self.vectors.shape}",
                hint="the file that held them is damaged; make it again",
            )
        lengths = np.linalg.norm(self.vectors, axis=1)  # (n,)
        if not np.all(np.abs(lengths - 1) < UNIT_TOLERANCE):  # False for NaN, too
            row = int(np.flatnonzero(~(np.abs(lengths - 1) < UNIT_TOLERANCE))[0])
            raise DamagedError(
                f"the vector of {self.names[row]!r} has length {lengths[row]:.6f}, expected 1",
                hint="the file that held it is damaged; make it again",
            )

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"<EmbeddingTable: {len(self):,} vectors of width {self.width}>"

    @property
    def width(self) -> int:
        """Components of a vector, d."""
        return int(self.vectors.shape[1])
