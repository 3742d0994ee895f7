"""Splits of labelled rows, in whole groups or one by one: labels and groups in, masks out.

Plasmids of one publication are often near copies. Rows that stand for new work are therefore split
off in whole groups; single rows of the other groups stand for work of which a part is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vecattr.datasets.classes import LabelledSet

#: The most rows of one group that calibrate as new work, so that no large publication dominates.
MOST_OF_A_GROUP = 10


#: A group is large with more than this share of the rows, and with so many: more than a split can
#: set aside.
LARGE_SHARE = 0.2
LARGE_ROWS = 10


@dataclass(frozen=True)
class Split:
    """The rows of a run, (n,) each: those it is trained on, those that decide when to stop, and
    those that calibrate: whole groups (`new_work`) and single rows of other groups
    (`known_work`)."""

    training: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    new_work: NDArray[np.bool_]
    known_work: NDArray[np.bool_]

    @property
    def calibration(self) -> NDArray[np.bool_]:
        """The rows that calibrate, of both kinds, (n,)."""
        return self.new_work | self.known_work

    @property
    def is_fold(self) -> bool:
        """Do other groups calibrate than those that validate, as in cross-validation?"""
        return self.new_work is not self.validation


def split_labelled(
    labelled: LabelledSet, *, validation_share: float, calibration_share: float, seed: int
) -> Split:
    """The split of a run: shares of the plasmids (0 to 0.5) for validation and calibration."""
    return split_rows(
        labelled.labels,
        [plasmid.group for plasmid in labelled.plasmids],
        validation_share=validation_share,
        calibration_share=calibration_share,
        rng=np.random.default_rng(seed),
    )


def split_rows(
    labels: Sequence[str],
    groups: Sequence[str | None],
    *,
    validation_share: float,
    calibration_share: float,
    rng: np.random.Generator,
) -> Split:
    """Whole groups to validate and calibrate on (`split_off_groups`), single rows of other groups
    to calibrate on (`split_off_singly`), and all others to train on."""
    new_work = split_off_groups(labels, groups, share=validation_share, rng=rng)
    known_work = split_off_singly(labels, ~new_work, share=calibration_share, rng=rng)
    return Split(
        training=~new_work & ~known_work,
        validation=new_work,
        new_work=new_work,
        known_work=known_work,
    )


def split_off_groups(
    labels: Sequence[str],
    groups: Sequence[str | None],
    *,
    share: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """True for the rows to validate on: about `share` of them, in whole groups, (n,).

    A row without a group is a group of its own. A group is passed over when one of its labels
    would be left with no group to train on, or when it alone would exceed the share.
    """
    members = _group_members(groups)
    remaining = Counter(label for rows in members for label in {labels[row] for row in rows})
    wanted = round(share * len(labels))
    split_off = np.zeros(len(labels), dtype=bool)
    count = 0
    for group in rng.permutation(len(members)):
        rows = members[group]
        group_labels = {labels[row] for row in rows}
        if count + len(rows) > wanted or any(remaining[label] < 2 for label in group_labels):
            continue
        remaining.subtract(group_labels)
        split_off[rows] = True
        count += len(rows)
    return split_off


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
    shuffled = rng.permutation(np.flatnonzero(free)).tolist()
    remaining = Counter(labels[row] for row in shuffled)
    wanted = round(share * len(labels))
    split_off = np.zeros(len(labels), dtype=bool)
    first_of_each_label = {labels[row]: row for row in reversed(shuffled)}.values()
    for row in [*first_of_each_label, *shuffled]:
        if wanted and not split_off[row] and remaining[labels[row]] > 1:
            remaining[labels[row]] -= 1
            split_off[row] = True
            wanted -= 1
    return split_off


def fold_masks(
    labels: Sequence[str],
    groups: Sequence[str | None],
    *,
    folds: int,
    rng: np.random.Generator,
) -> list[NDArray[np.bool_]]:
    """For each cross-validation fold, true for the rows that validate it, (n,); no row is in two.

    Whole groups, the largest first, go to the fold that has the smallest share of their labels so
    far, so that the folds are alike. A row without a group is a group of its own. A group is in
    no fold when one of its labels would have no row left outside of that fold to train on.
    """
    members = _group_members(groups)
    totals = Counter(labels)
    fold_labels: list[Counter[str]] = [Counter() for _ in range(folds)]
    fold_of: dict[int, int] = {}  # group to fold
    shuffled = rng.permutation(len(members)).tolist()
    for group in sorted(shuffled, key=lambda group: -len(members[group])):
        group_labels = Counter(labels[row] for row in members[group])
        loads = [
            (
                sum(group_labels[label] * counts[label] / totals[label] for label in group_labels),
                counts.total(),
            )
            for counts in fold_labels
        ]
        fold_of[group] = loads.index(min(loads))
        fold_labels[fold_of[group]].update(group_labels)
    masks = [np.zeros(len(labels), dtype=bool) for _ in range(folds)]
    for group, fold in fold_of.items():
        rows = members[group]
        if all(fold_labels[fold][label] < totals[label] for label in {labels[row] for row in rows}):
            masks[fold][rows] = True
    return masks


def large_group(groups: Counter[str | None]) -> tuple[str, int] | None:
    """The group that holds a large share of the rows, and how many; None when none does. `groups`
    are counted (None: rows without one).

    >>> large_group(Counter(["unpublished"] * 30 + ["paper 1", None]))
    ('unpublished', 30)
    """
    named = ((group, rows) for group, rows in groups.items() if group is not None)
    group, rows = min(named, key=lambda item: (-item[1], item[0]), default=("", 0))
    is_large = rows >= LARGE_ROWS and rows > LARGE_SHARE * groups.total()
    return (group, rows) if is_large else None


def first_of_each_group(
    groups: Sequence[Hashable], rows: NDArray[np.bool_], *, most: int = MOST_OF_A_GROUP
) -> NDArray[np.bool_]:
    """True for the first `most` of `rows` (n,) of each group, (n,)."""
    counts: Counter[Hashable] = Counter()
    kept = np.zeros(len(rows), dtype=bool)
    for row in np.flatnonzero(rows).tolist():
        kept[row] = counts[groups[row]] < most
        counts[groups[row]] += 1
    return kept


def _group_members(groups: Sequence[str | None]) -> list[list[int]]:
    """The rows of each group, in the order of their first row."""
    rows: dict[object, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(row if group is None else group, []).append(row)
    return list(rows.values())
