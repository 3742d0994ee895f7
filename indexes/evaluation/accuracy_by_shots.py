"""Accuracy on new labs: the ranks of queries in each repeat in, mean top-1 and top-10 out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vecattr.metrics.ranking import top_share
from vecattr.vectors import Ranks


@dataclass(frozen=True)
class FewShotAccuracy:
    """Mean shares over the repeats; `sd` is the standard deviation of top-10 between repeats, `n`
    the number of queries in each repeat."""

    top1: float | None
    top10: float | None
    sd: float | None
    n: int

    @classmethod
    def from_ranks(cls, repeats: Sequence[Ranks]) -> FewShotAccuracy:
        """The accuracy of the ranks of each repeat; None for every share when there are none."""
        if not len(repeats[0]):
            return cls(None, None, None, 0)
        shares = [[top_share(ranks, k=k) for ranks in repeats] for k in (1, 10)]
        sd = float(np.std(shares[1], ddof=1)) if len(repeats) > 1 else None
        return cls(float(np.mean(shares[0])), float(np.mean(shares[1])), sd, len(repeats[0]))


#: Accuracy for each number of shots.
AccuracyByShots = dict[int, FewShotAccuracy]
