"""How sure is a share? Hits and their groups in, an interval by bootstrap over groups out.

Plasmids of one publication are often near copies, so they succeed or fail together: whole groups
are drawn (the cluster bootstrap), not rows, which would flatter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

#: Bootstrap samples; the interval's ends are good to about a tenth of its width.
SAMPLES = 2000

#: Samples that are drawn at once, so that memory stays linear in the groups.
_AT_ONCE = 100


def group_codes(groups: Sequence[str | None]) -> NDArray[np.intp]:
    """A number from 0 for each group, in the order they come; a row without one is its own.

    >>> group_codes(["a", None, "a", None]).tolist()
    [0, 1, 0, 2]
    """
    fresh = count()
    seen: dict[str, int] = {}

    def code(group: str | None) -> int:
        if group is None:
            return next(fresh)
        if group not in seen:
            seen[group] = next(fresh)
        return seen[group]

    return np.array([code(group) for group in groups], dtype=np.intp)


def share_intervals(
    hits: NDArray[np.bool_],
    groups: NDArray[np.intp],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    samples: int = SAMPLES,
) -> list[tuple[float, float]]:
    """The percentile interval of each share of hits, (q, m) -> m pairs, the same samples for all;
    `groups` (q,) are the numbers of `group_codes`."""
    sizes = np.bincount(groups).astype(np.float64)  # (g,)
    columns = [np.bincount(groups, weights=column) for column in hits.T]
    sums = np.stack(columns, axis=1).astype(np.float64)  # (g, m)
    shares = np.concatenate(list(_sampled(sums, sizes, rng=rng, samples=samples)))  # (s, m)
    tail = (1 - level) / 2
    ends = np.quantile(shares, [tail, 1 - tail], axis=0)  # (2, m)
    return [(float(low), float(high)) for low, high in ends.T]


def resampled_rows(
    groups: NDArray[np.intp], *, draws: int, rng: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    """For each draw the rows of as many groups as there are, drawn with replacement; `groups` (q,)
    are the numbers of `group_codes`."""
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups))
    members = np.split(order, ends[:-1])
    for _ in range(draws):
        yield np.concatenate([members[g] for g in rng.integers(len(members), size=len(members))])


def _sampled(
    sums: NDArray[np.float64],
    sizes: NDArray[np.float64],
    *,
    rng: np.random.Generator,
    samples: int,
) -> Iterator[NDArray[np.float64]]:
    for start in range(0, samples, _AT_ONCE):
        shape = min(_AT_ONCE, samples - start), len(sizes)
        drawn = rng.integers(len(sizes), size=shape)  # (s, g)
        yield sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)[:, None]  # (s, m)
