"""Log odds of labs with pseudocounts: sums over the plasmids of each lab in, log odds out.

Every lab counts as if it had a few more plasmids, with the shares of all plasmids together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from vecattr.vectors import Codes, LabColumn

#: Plasmids with the shares of all labs together that are added to each lab's own.
PSEUDOCOUNT = 2.0
#: Added to the share of all labs, so that no odds are infinite.
_SHARE_FLOOR = 1e-6


@dataclass(frozen=True)
class LabSums:
    """Sums over the plasmids of each of l labs: each field is a column (l,)."""

    def concatenated(self, others: Self) -> Self:
        """These labs, followed by others."""
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return type(self)(*(np.concatenate(pair) for pair in pairs))

    def select(self, labs: Codes) -> Self:
        """The sums of s of the labs, (s,) each."""
        return type(self)(*(column[labs] for column in vars(self).values()))

    def plus(self, other: Self) -> Self:
        """The sums of both together, lab by lab."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return type(self)(*(first + second for first, second in pairs))

    def total(self) -> Self:
        """The sums of all labs together, () each."""
        columns = vars(self).values()  # widened first, and not by `sum`, which takes longer
        return type(self)(*(column.astype(np.float64).sum() for column in columns))


def log_odds(
    matching: LabColumn,
    plasmids: LabColumn,
    all_matching: LabColumn,
    all_plasmids: LabColumn,
    *,
    pseudocount: float = PSEUDOCOUNT,
    share_floor: float = _SHARE_FLOOR,
) -> LabColumn:
    """The logarithm of the share of each lab's plasmids that match (l,), over the share of all
    labs' plasmids together (); 0 when none of these match."""
    overall_share = float(all_matching / all_plasmids + share_floor) if all_plasmids else 0.0
    if not overall_share:
        return np.zeros(len(matching))
    shares = matching + pseudocount * overall_share
    shares /= plasmids + pseudocount
    shares /= overall_share
    odds: LabColumn = np.log(shares, out=shares)
    return odds
