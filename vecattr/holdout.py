"""Validation rows held out by group: labels and groups in, a mask out.

Plasmids of one publication are often near copies, so a group goes to one side as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def hold_out(
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


def _members(groups: Sequence[str | None]) -> list[list[int]]:
    """The rows of each group, in the order of their first row."""
    rows: dict[object, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(row if group is None else group, []).append(row)
    return list(rows.values())
