"""Rows held out, in whole groups or one by one: labels and groups in, masks out.

Plasmids of one publication are often near copies, so what is to be like new work is held out in
whole groups; single rows of the other groups are like work that is known in part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: The rows of one group that calibrate as new work; more would make one large publication the
#: measure of all.
MOST_OF_A_GROUP = 10


@dataclass(frozen=True)
class Split:
    """Which rows a run learns from, which tell it when to stop, and which calibrate it: whole
    groups (`new_work`) and single rows of other groups (`known_work`), (n,)."""

    learned: NDArray[np.bool_]
    watched: NDArray[np.bool_]
    new_work: NDArray[np.bool_]
    known_work: NDArray[np.bool_]

    @property
    def calibrated(self) -> NDArray[np.bool_]:
        """The rows that calibrate, of both kinds, (n,)."""
        return self.new_work | self.known_work

    @property
    def is_fold(self) -> bool:
        """Are other groups set aside for calibration than those that are watched?"""
        return self.new_work is not self.watched


def split_off_groups(
    labels: Sequence[str],
    groups: Sequence[str | None],
    *,
    share: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """True for the rows to validate on: about `share` of them, in whole groups, (n,).

    A row without a group is a group of its own. A group is passed over when one of its labels
    would be left with no group to learn from, or when it alone would exceed the share.
    """
    members = _members(groups)
    remaining = Counter(label for rows in members for label in {labels[row] for row in rows})
    wanted = round(share * len(labels))
    held = np.zeros(len(labels), dtype=bool)
    taken = 0
    for place in rng.permutation(len(members)):
        rows = members[place]
        touched = {labels[row] for row in rows}
        if taken + len(rows) > wanted or any(remaining[label] < 2 for label in touched):
            continue
        remaining.subtract(touched)
        held[rows] = True
        taken += len(rows)
    return held


def split_rows(
    labels: Sequence[str],
    groups: Sequence[str | None],
    *,
    validation_share: float,
    calibration_share: float,
    rng: np.random.Generator,
) -> Split:
    """Whole groups held out to stop by and to calibrate on, single rows of other groups held out
    to calibrate on, and all others to learn from; `split_off_groups` and `split_off_singly` say
    how."""
    new = split_off_groups(labels, groups, share=validation_share, rng=rng)
    known = split_off_singly(labels, ~new, share=calibration_share, rng=rng)
    return Split(learned=~new & ~known, watched=new, new_work=new, known_work=known)


def split_off_singly(
    labels: Sequence[str],
    free: NDArray[np.bool_],
    *,
    share: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """True for the rows to calibrate on, (n,): about `share` of all, drawn one by one from the
    `free` ones (n,), whatever their group.

    First one row of each label, then any: as in the recipe of the attribution challenge, so that
    rare labels count. No label loses its last free row.
    """
    drawn = rng.permutation(np.flatnonzero(free)).tolist()
    remaining = Counter(labels[row] for row in drawn)
    wanted = round(share * len(labels))
    held = np.zeros(len(labels), dtype=bool)
    firsts = {labels[row]: row for row in reversed(drawn)}.values()
    for row in [*firsts, *drawn]:
        if wanted and not held[row] and remaining[labels[row]] > 1:
            remaining[labels[row]] -= 1
            held[row] = True
            wanted -= 1
    return held


def fold_masks(
    labels: Sequence[str],
    groups: Sequence[str | None],
    *,
    folds: int,
    rng: np.random.Generator,
) -> list[NDArray[np.bool_]]:
    """For each fold, true for the rows that it holds out, (n,); none is held out by two.

    Whole groups, the largest first, go to the fold that has the smallest share of their labels so
    far, so that the folds are alike. A row without a group is a group of its own. A group is held
    out by no fold when its fold would be left with nothing to learn one of its labels from.
    """
    members = _members(groups)
    totals = Counter(labels)
    have: list[Counter[str]] = [Counter() for _ in range(folds)]
    homes: dict[int, int] = {}  # group to fold
    for place in sorted(rng.permutation(len(members)).tolist(), key=lambda p: -len(members[p])):
        mine = Counter(labels[row] for row in members[place])
        crowd = [
            (sum(mine[label] * held[label] / totals[label] for label in mine), held.total())
            for held in have
        ]
        homes[place] = crowd.index(min(crowd))
        have[homes[place]].update(mine)
    masks = [np.zeros(len(labels), dtype=bool) for _ in range(folds)]
    for place, fold in homes.items():
        rows = members[place]
        if all(have[fold][label] < totals[label] for label in {labels[row] for row in rows}):
            masks[fold][rows] = True
    return masks


def few_of_each(
    groups: Sequence[Hashable], rows: NDArray[np.bool_], *, most: int = MOST_OF_A_GROUP
) -> NDArray[np.bool_]:
    """True for the first `most` of `rows` (n,) of each group, (n,)."""
    taken: Counter[Hashable] = Counter()
    few = np.zeros(len(rows), dtype=bool)
    for row in np.flatnonzero(rows).tolist():
        few[row] = taken[groups[row]] < most
        taken[groups[row]] += 1
    return few


def _members(groups: Sequence[str | None]) -> list[list[int]]:
    """The rows of each group, in the order of their first row."""
    rows: dict[object, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(row if group is None else group, []).append(row)
    return list(rows.values())
