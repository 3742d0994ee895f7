"""Which rows have which k-mers, as lists of rows one after the other; ranges in such arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vecattr.vectors import Codes, Mask, Rows

Number = TypeVar("Number", bound=np.generic)

#: Numbers that are counted at once.
_COUNTED_AT_ONCE = 1 << 20


def first_of_each(values: NDArray[np.generic]) -> Mask:
    """Which values (m,), equal ones being adjacent, are the first of their kind."""
    is_first = np.ones(len(values), dtype=bool)
    is_first[1:] = values[1:] != values[:-1]
    return is_first


def distinct_places(values: NDArray[np.integer]) -> tuple[Rows, Rows]:
    """The first place of each distinct value, by ascending value (u,), and the number of each value
    among the distinct ones (m,); as `np.unique` tells both, in less time for many values.

    >>> first, numbers = distinct_places(np.array([8, 5, 8]))
    >>> first.tolist(), numbers.tolist()
    ([1, 0], [1, 0, 1])
    """
    order = np.argsort(values)  # not stable, which takes several times longer
    is_first = first_of_each(values[order])
    starts = np.flatnonzero(is_first)
    numbers = np.empty(len(values), dtype=np.int64)
    numbers[order] = np.cumsum(is_first) - 1
    return np.minimum.reduceat(order, starts) if len(starts) else order, numbers


def joined_ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The integers of several ranges one after the other, each given by its start and its count;
    (m,), (m,) -> (t,).

    >>> joined_ranges(np.array([7, 3]), np.array([2, 3])).tolist()
    [7, 8, 3, 4, 5]
    """
    before = np.cumsum(counts) - counts
    joined: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(starts - before, counts)
    return joined


def in_parts(values: NDArray[Number]) -> Iterator[NDArray[Number]]:
    """Values (e,), a part of them at a time: what is made of a part takes little memory."""
    for start in range(0, len(values), _COUNTED_AT_ONCE):
        yield values[start : start + _COUNTED_AT_ONCE]


def add_counts(counts: NDArray[np.integer], codes: NDArray[np.integer]) -> None:
    """Add to `counts` (u,) how often each code occurs among ascending ones (e,), in place."""
    if not len(codes):
        return
    first, last = int(codes[0]), int(codes[-1]) + 1
    counts[first:last] += np.bincount(codes - codes[0]).astype(counts.dtype)


def inverse(order: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The rank of each row, when `order` has the row of each rank."""
    ranks = np.empty(len(order), dtype=np.uint32)
    ranks[order] = np.arange(len(order), dtype=np.uint32)
    return ranks


def numbering(codes: Codes, *, count: int) -> tuple[Codes, Codes]:
    """Those of so many codes that are among these (e,), ascending (m,), and the place there of each
    of all (count,); of others whatever was in memory."""
    occurs = np.zeros(count, dtype=bool)
    occurs[codes] = True
    occurring = np.flatnonzero(occurs)
    places = np.empty(count, dtype=np.int64)
    places[occurring] = np.arange(len(occurring))
    return occurring, places


def stable_order(codes: Codes, *, count: int) -> Rows:
    """The order that sorts codes of so many (t,), stable: by their last 16 bits, which numpy sorts
    several times faster, and then by the others."""
    order: Rows = np.argsort(codes.astype(np.uint16), kind="stable")
    if count > 1 << 16:
        order = order[np.argsort((codes >> 16).astype(np.uint16)[order], kind="stable")]
    return order


@dataclass(frozen=True)
class Postings:
    """Of s lists, each the rows that have one k-mer: the k-mer of each, as a number, and its size,
    (s,), and the rows of all, one list after the other (e,).

    >>> postings = Postings(np.array([4, 9]), np.array([2, 1]), np.array([0, 5, 5]))
    >>> postings.kmer_of_each.tolist()
    [4, 4, 9]
    """

    kmers: Codes
    sizes: NDArray[np.int64]
    rows: Rows

    @classmethod
    def joined(cls, parts: Sequence[Postings]) -> Postings:
        """The lists of all parts, one after the other."""
        none = np.zeros(0, dtype=np.int64)
        return cls(
            np.concatenate([none, *(part.kmers for part in parts)]),
            np.concatenate([none, *(part.sizes for part in parts)]),
            np.concatenate([none, *(part.rows for part in parts)], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def starts(self) -> Rows:
        """Where each list begins (s,)."""
        starts: Rows = np.cumsum(self.sizes) - self.sizes
        return starts

    @property
    def kmer_of_each(self) -> Codes:
        """The k-mer of each row (e,)."""
        return np.repeat(self.kmers, self.sizes)

    def select(self, lists: Codes | Mask) -> Postings:
        """Some of the lists, by their places or by a mask (s,)."""
        starts, sizes = self.starts[lists], self.sizes[lists]
        return Postings(self.kmers[lists], sizes, self.rows[joined_ranges(starts, sizes)])

    def where(self, is_kept: Mask) -> Postings:
        """Some of the rows (e,); lists of which none is kept stay, empty."""
        kept = np.flatnonzero(is_kept)
        ends = np.searchsorted(kept, np.cumsum(self.sizes))
        return Postings(self.kmers, np.diff(ends, prepend=0), self.rows[kept])

    def merged(self, order: Rows) -> Postings:
        """One list of each k-mer up to the largest, with the rows in this order (e,), which is that
        of the k-mers."""
        sizes = np.bincount(self.kmers, self.sizes).astype(np.int64)
        return Postings(np.arange(len(sizes)), sizes, self.rows[order])

    def first_of_each(self, values: NDArray[np.generic]) -> Mask:
        """Which values of the rows (e,), equal ones being adjacent, are the first of their kind in
        their list."""
        is_first = first_of_each(values)
        is_first[self.starts[self.sizes > 0]] = True
        return is_first
