"""Rows by lab: the lab of each row in; sums, or maxima, of values over the rows of each lab out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.sequences.postings import joined_ranges
from vecattr.vectors import Codes, Rows

#: Rows of a block, about: what a core's cache holds of several columns of values of a batch.
_ROWS_AT_ONCE = 2048
#: No lab of a block has more than so many times as many rows as another, so that few are left
#: when those that all labs of it have are joined.
_SPREAD = 1.25


@dataclass(frozen=True)
class LabBlock:
    """Some `labs` with nearly as many rows each (m,), by falling number of rows; their `rows`, the
    first of each lab, then the second of each that has one, and so on (b,); and how many labs have
    a first one, a second one ... (c,)."""

    labs: Codes
    rows: Rows
    counts: tuple[int, ...]

    def join(
        self, values: NDArray[np.float32], join: np.ufunc, *, out: NDArray[np.float32]
    ) -> None:
        """The values of the rows (b, q), added in float64 or their maximum, of each lab, written to
        `out` (m, q)."""
        labs, all_have = len(self.labs), self.counts.count(len(self.labs))
        start = labs * all_have
        together = values[:start].reshape(all_have, labs, -1)
        dtype = np.float64 if join is np.add else values.dtype
        joined: NDArray[np.floating] = join.reduce(together, axis=0, dtype=dtype)
        for count in self.counts[all_have:]:
            first = joined[:count]
            join(first, values[start : start + count], out=first)
            start += count
        out[:] = joined


@dataclass(frozen=True)
class RowsByLab:
    """The rows that count, by lab (n,); the labs that occur (m,); and where the rows of each begin,
    and the end (m + 1,)."""

    rows: Rows
    labs: Codes
    starts: Rows

    @classmethod
    def from_labs(cls, labs: Codes, *, rows: Rows | None = None) -> RowsByLab:
        """From the lab of each row, below 0 for a row that does not count; `rows` are their
        numbers (None: 0, 1, ...)."""
        order = np.argsort(labs, kind="stable")
        order = order[np.count_nonzero(labs < 0) :]
        counts = np.bincount(labs[order]) if len(order) else np.zeros(0, dtype=np.int64)
        occurring = np.flatnonzero(counts)
        starts = np.append(0, np.cumsum(counts[occurring]))
        return cls(order if rows is None else rows[order], occurring, starts)

    def rows_of(self, labs: Codes) -> Rows:
        """The rows of some labs (ascending), each once."""
        places = np.flatnonzero(np.isin(self.labs, labs))
        starts = self.starts[places]
        return self.rows[joined_ranges(starts, self.starts[places + 1] - starts)]

    def joined(self, values: NDArray[np.float32], join: np.ufunc) -> NDArray[np.float64]:
        """Values in the order of `rows` (n, q), added or their maximum, of each lab (m, q)."""
        joined: NDArray[np.float64] = join.reduceat(
            values, self.starts[:-1], axis=0, dtype=np.float64
        )
        return joined

    @cached_property
    def blocks(self) -> tuple[LabBlock, ...]:
        """All labs, each in one block."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[LabBlock]:
        sizes = np.diff(self.starts)
        order = np.argsort(-sizes, kind="stable")
        falling = sizes[order]
        first = 0
        while first < len(order):
            here = falling[first : first + _ROWS_AT_ONCE]
            fits = (np.cumsum(here) <= _ROWS_AT_ONCE) & (_SPREAD * here >= here[0])
            stop = first + max(1, int(np.count_nonzero(fits)))
            yield self._block(order[first:stop], falling[first:stop])
            first = stop

    def _block(self, labs: Codes, sizes: Rows) -> LabBlock:
        """Of some of the occurring labs, with so many rows each."""
        places = joined_ranges(self.starts[labs], sizes)
        ranks = np.arange(len(places)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        by_rank = np.argsort(ranks, kind="stable")
        counts = tuple(np.bincount(ranks).tolist())
        return LabBlock(self.labs[labs], self.rows[places[by_rank]], counts)
