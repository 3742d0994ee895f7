"""Measured ranks with publications and dates in, the newest publications beside earlier ones out.

Labs change their habits, and new work is about new genes. An index that names the labs of earlier
publications well and those of the newest ones badly has grown old.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import InputError
from vecattr.indexes.evaluation.true_ranks import TrueRanks
from vecattr.metrics.bootstrap import group_codes, share_intervals
from vecattr.metrics.ranking import top_share

_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class DatedPlasmids:
    """Of each measured plasmid the publication (None: one of its own) and the date, (q,); a date is
    any text whose numbers grow with time, such as 2024 or 2024-05-17, None where it is unknown."""

    publications: Sequence[str | None]
    dates: Sequence[str | None]

    def newest(self, count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_], str]:
        """Which plasmids are of the `count` newest publications, which of dated earlier ones, (q,),
        and the date of the oldest of the newest. InputError when nothing is dated.

        A publication is as new as its newest plasmid.
        """
        codes = group_codes(list(self.publications))  # (q,)
        dated: dict[int, tuple[int, ...]] = {}
        for code, date in zip(codes.tolist(), self.dates, strict=True):
            if date and (numbers := tuple(map(int, _DIGITS.findall(date)))):
                dated[code] = max(numbers, dated.get(code, ()))
        if not dated:
            raise InputError(
                "no plasmid that was measured has a date",
                hint="name a column of years or dates with --newest-by",
            )
        ordered = sorted(dated, key=lambda code: dated[code], reverse=True)
        since = "-".join(f"{number:02}" for number in dated[ordered[:count][-1]])
        is_newest = np.isin(codes, ordered[:count])
        return is_newest, np.isin(codes, ordered[count:]), since


def drift_facts(
    measured: TrueRanks, dated: DatedPlasmids, *, newest: int, seed: int
) -> dict[str, object]:
    """The figures of the `newest` publications beside those of the earlier ones."""
    is_newest, is_earlier, since = dated.newest(newest)
    groups = group_codes(list(dated.publications))
    return {
        "since": since,
        "newest": _figures(measured, groups, is_newest, seed=seed),
        "earlier": _figures(measured, groups, is_earlier, seed=seed),
        "undated": int(np.count_nonzero(~is_newest & ~is_earlier)),
    }


def _figures(
    measured: TrueRanks, groups: NDArray[np.intp], rows: NDArray[np.bool_], *, seed: int
) -> dict[str, object] | None:
    """Accuracy of some plasmids (q,), its interval over their publications, and the mean
    probability stated for their first labs; None for no plasmids."""
    if not rows.any():
        return None
    ranks = measured.ranks[rows]
    hits = (ranks <= 1)[:, np.newaxis]  # (n, 1)
    codes = np.unique(groups[rows], return_inverse=True)[1]  # (n,)
    [interval] = share_intervals(hits, codes, rng=np.random.default_rng(seed))
    stated = measured.first_probabilities
    return {
        "n": len(ranks),
        "publications": int(codes.max()) + 1,
        "top1": top_share(ranks, k=1),
        "top10": top_share(ranks, k=10),
        "interval": interval,
        "stated": None if stated is None else float(stated[rows].mean()),
    }
