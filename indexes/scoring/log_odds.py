"""What labs have that is like a query: sums over their plasmids in, log odds out.

All odds are drawn toward what is usual, as if every lab had a few usual plasmids more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

#: Plasmids of the usual kind that every lab is taken to have beside its own.
USUAL = 2.0
_LEAST = 1e-6


@dataclass(frozen=True)
class LabSums:
    """Sums over the plasmids of each lab (l,), one in each field."""

    def and_more(self, others: Self) -> Self:
        """These labs, and others behind them."""
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return type(self)(*(np.concatenate(pair) for pair in pairs))

    def some(self, labs: NDArray[np.int64]) -> Self:
        """The same of some labs (s,)."""
        return type(self)(*(column[labs] for column in vars(self).values()))

    def total(self) -> Self:
        """Of all labs together, () each."""
        return type(self)(*(column.sum() for column in vars(self).values()))


def log_odds(
    near: Column,
    of: Column,
    all_near: Column,
    all_of: Column,
    *,
    more: float = USUAL,
    least: float = _LEAST,
) -> Column:
    """Of each lab (l,), that so many of its plasmids are near, against all labs' together (); with
    `more` usual ones beside its own, and of all labs a share of `least` at least."""
    usual = all_near / all_of + least if all_of else 0.0
    if not usual:
        return np.zeros(len(near))
    found: Column = np.log((near + more * usual) / (of + more) / usual)
    return found
