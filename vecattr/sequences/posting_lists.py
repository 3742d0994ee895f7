"""Posting lists that are kept once: lists one after the other in; the different ones, and the
number of each of the lists among these, out.

K-mers that follow each other on a plasmid are mostly in the same plasmids, and have one list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vecattr.sequences.kmers import Hashes, mix
from vecattr.sequences.postings import distinct_places, inverse, joined_ranges
from vecattr.vectors import Mask

#: Rows of lists that are hashed or compared at once.
_AT_ONCE = 1 << 20

Offsets = NDArray[np.int64]
StoredRows = NDArray[np.uint32]


@dataclass(frozen=True)
class DistinctLists:
    """The s different lists among u, which may be empty: the number of each of the u among the
    different ones, in the order in which these come first (u,); where each of the different ones
    begins, and the end (s + 1,); and their rows, one list after the other (p,)."""

    numbers: NDArray[np.uint32]
    offsets: Offsets
    rows: StoredRows

    @classmethod
    def from_lists(
        cls, rows: StoredRows, offsets: Offsets, scrambles: Hashes | None = None
    ) -> Self:
        """Of lists one after the other (e,), and where each begins, and the end (u + 1,). Two of
        one hash that differ, which chance hardly makes, are kept, and their copies with them.
        `scrambles`: as those of `list_hashes`, where they are known.

        >>> lists = DistinctLists.from_lists(
        ...     np.array([7, 8, 9, 7, 8], dtype=np.uint32), np.array([0, 2, 3, 5])
        ... )
        >>> lists.numbers.tolist(), lists.offsets.tolist(), lists.rows.tolist()
        ([0, 1, 0], [0, 2, 3], [7, 8, 9])
        """
        if scrambles is None:
            scrambles = mix(np.arange(int(rows.max(initial=0)) + 1, dtype=np.uint64))
        examples, numbers = distinct_places(list_hashes(rows, offsets, scrambles))
        others = np.flatnonzero(~_are_equal(rows, offsets, examples[numbers]))
        numbers[others] = len(examples) + np.arange(len(others))  # of one hash by chance
        examples = np.append(examples, others)
        order = np.argsort(examples)
        examples = examples[order]
        sizes = np.diff(offsets)[examples]
        ends = np.append(np.int64(0), np.cumsum(sizes))
        return cls(inverse(order)[numbers], ends, rows[joined_ranges(offsets[examples], sizes)])

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Of the lists of several parts, one or more, one part after the other."""
        row_starts = np.cumsum([0, *(len(part.rows) for part in parts)])
        starts = np.cumsum([0, *map(len, parts)])
        offsets = [part.offsets[:-1] + row_starts[at] for at, part in enumerate(parts)]
        rows = np.concatenate([part.rows for part in parts])
        lists = cls.from_lists(rows, np.append(np.concatenate(offsets), row_starts[-1]))
        numbers = [lists.numbers[starts[at] + part.numbers] for at, part in enumerate(parts)]
        return cls(np.concatenate(numbers), lists.offsets, lists.rows)

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
