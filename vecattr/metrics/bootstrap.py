"""Bootstrap intervals of shares: hits and their groups in, an interval for each share out.

Plasmids of one publication are often near copies, so their results are not independent: whole
groups are drawn (the cluster bootstrap); drawing rows would give intervals that are too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from vecattr.vectors import Codes, Column, Mask, Rows

#: Bootstrap samples; the interval's ends vary by about a tenth of its width.
SAMPLES = 2000

#: Samples drawn at once, so that memory stays linear in the groups.
_SAMPLES_AT_ONCE = 100


def group_codes(groups: Sequence[str | None]) -> Codes:
    """The code of each row's group, from 0 in order of first appearance; a row without a group is
    a group of its own.

    >>> group_codes(["a", None, "a", None]).tolist()
    [0, 1, 0, 2]
    """
    next_code = count()
    codes: dict[str, int] = {}

    def code(group: str | None) -> int:
        if group is None:
            return next(next_code)
        if group not in codes:
            codes[group] = next(next_code)
        return codes[group]

    return np.array([code(group) for group in groups], dtype=np.int64)


def share_intervals(
    hits: Mask,
    groups: Codes,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    samples: int = SAMPLES,
) -> list[tuple[float, float]]:
    """The percentile interval of the share of hits in each column, (q, m) -> m pairs, from the same
    samples; `groups` (q,) are those of `group_codes`."""
    sizes = np.bincount(groups).astype(np.float64)  # (g,)
    columns = [np.bincount(groups, weights=column) for column in hits.T]
    sums = np.stack(columns, axis=1).astype(np.float64)  # (g, m)
    shares = np.concatenate(list(_sampled(sums, sizes, rng=rng, samples=samples)))  # (s, m)
    tail = (1 - level) / 2
    ends = np.quantile(shares, [tail, 1 - tail], axis=0)  # (2, m)
    return [(float(low), float(high)) for low, high in ends.T]


def resampled_rows(groups: Codes, *, draws: int, rng: np.random.Generator) -> Iterator[Rows]:
    """For each draw the rows of as many groups as there are, drawn with replacement; `groups` (q,)
    are those of `group_codes`."""
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups))
    members = np.split(order, ends[:-1])
    for _ in range(draws):
        drawn = rng.integers(len(members), size=len(members))
        yield np.concatenate([members[group] for group in drawn])


def _sampled(
    sums: NDArray[np.float64],
    sizes: Column,
    *,
    rng: np.random.Generator,
    samples: int,
) -> Iterator[NDArray[np.float64]]:
    """Shares of bootstrap samples, (s, m) at a time, from hits (g, m) and rows (g,) of groups."""
    for start in range(0, samples, _SAMPLES_AT_ONCE):
        shape = min(_SAMPLES_AT_ONCE, samples - start), len(sizes)
        drawn = rng.integers(len(sizes), size=shape)  # (s, g)
        yield sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)[:, None]  # (s, m)
