"""Posting lists of which none is kept twice: lists one after the other in; the different ones, and
which of these each is, out.

K-mers that follow each other on a plasmid are mostly in the same plasmids, and have one list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vecattr.sequences.kmers import Hashes, mix
from vecattr.sequences.postings import inverse, joined_ranges, numbered
from vecattr.vectors import Mask

#: Rows of lists that are hashed or compared at once.
_AT_ONCE = 1 << 20

Offsets = NDArray[np.int64]
StoredRows = NDArray[np.uint32]


@dataclass(frozen=True)
class DistinctLists:
    """Of u lists, which may be empty, the s different ones, in the order in which they come first:
    which of these each of the u is (u,); where each begins, and the end (s + 1,); and the rows of
    all, one list after the other (p,)."""

    numbers: NDArray[np.uint32]
    offsets: Offsets
    rows: StoredRows

    @classmethod
    def from_lists(cls, rows: StoredRows, offsets: Offsets) -> Self:
        """Of lists one after the other (e,), and where each begins, and the end (u + 1,).

        >>> lists = DistinctLists.from_lists(
        ...     np.array([7, 8, 9, 7, 8], dtype=np.uint32), np.array([0, 2, 3, 5])
        ... )
        >>> lists.numbers.tolist(), lists.offsets.tolist(), lists.rows.tolist()
        ([0, 1, 0], [0, 2, 3], [7, 8, 9])
        """
        scrambles = mix(np.arange(int(rows.max(initial=0)) + 1, dtype=np.uint64))
        hashes = list_hashes(rows, offsets, scrambles)
        examples, numbers = numbered(hashes)
        others = np.flatnonzero(~_are_equal(rows, offsets, examples[numbers]))
        numbers[others] = len(examples) + np.arange(len(others))  # of one hash by chance
        examples = np.append(examples, others)
        order = np.argsort(examples)
        examples = examples[order]
        sizes = np.diff(offsets)[examples]
        ends = np.append(np.int64(0), np.cumsum(sizes))
        return cls(inverse(order)[numbers], ends, rows[joined_ranges(offsets[examples], sizes)])

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def expanded(self) -> tuple[Offsets, StoredRows]:
        """The u lists again: where each begins, and the end (u + 1,), and all rows (e,)."""
        offsets = self.offsets.astype(np.int64)  # a file has them in fewer bits
        sizes = np.diff(offsets)[self.numbers]
        ends = np.append(np.int64(0), np.cumsum(sizes))
        return ends, self.rows[joined_ranges(offsets[self.numbers], sizes)]


def list_hashes(rows: StoredRows, offsets: Offsets, scrambles: Hashes) -> Hashes:
    """The hash of each list (u,), 0 of an empty one: the sum of the `scrambles` of its rows, of one
    for each row that there is (n,)."""
    hashes = np.zeros(len(offsets) - 1, dtype=np.uint64)
    for part in _parts(offsets):
        bounds = offsets[part.start : part.stop + 1]
        filled = np.flatnonzero(bounds[1:] > bounds[:-1])
        if len(filled):
            of_rows = scrambles[rows[bounds[0] : bounds[-1]]]
            hashes[part][filled] = np.add.reduceat(of_rows, bounds[filled] - bounds[0])
    return hashes


def _are_equal(rows: StoredRows, offsets: Offsets, examples: NDArray[np.int64]) -> Mask:
    """Whether each list (u,) is the same as its example, another of these lists (u,)."""
    sizes = np.diff(offsets)
    are_equal: Mask = sizes == sizes[examples]
    for part in _parts(offsets):
        own = part.start + np.flatnonzero(are_equal[part] & (sizes[part] > 0))
        own = own[examples[own] != own]
        if not len(own):
            continue
        of_example = joined_ranges(offsets[examples[own]], sizes[own])
        differs = rows[joined_ranges(offsets[own], sizes[own])] != rows[of_example]
        starts = np.cumsum(sizes[own]) - sizes[own]
        are_equal[own] = ~np.logical_or.reduceat(differs, starts)
    return are_equal


def _parts(offsets: Offsets) -> Iterator[slice]:
    """All lists, some at a time, of about so many rows together."""
    edges = np.arange(offsets[0], offsets[-1], _AT_ONCE)
    bounds = np.unique([*np.searchsorted(offsets, edges).tolist(), len(offsets) - 1])
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        yield slice(start, stop)
