"""The windows of one query: how many labs have each, and the plasmids that hold some in, stretches
out. What a stretch is stands in `vecattr.indexes.evidence.stretches`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Source, Stretch, StretchKind
from vecattr.indexes.storage.kmer_schema import K
from vecattr.plasmid import Plasmid
from vecattr.sequences.kmers import Hashes, Windows

#: The number of labs of a window that is not sampled.
UNSAMPLED = -1

Mask = NDArray[np.bool_]
Run = tuple[int, int]  # the first window, and how many


@dataclass(frozen=True)
class Held:
    """Which windows (w,) of a query a stored plasmid has as they are, and on its other strand."""

    id: str
    lab: str
    forward: Mask
    backward: Mask

    @cached_property
    def either(self) -> Mask:
        """Windows of the query that the plasmid holds on one strand or the other, (w,)."""
        return self.forward | self.backward

    def source(self, inside: NDArray[np.intp]) -> Source:
        """What it holds of a stretch with these windows."""
        same, other = (np.count_nonzero(mask[inside]) for mask in (self.forward, self.backward))
        return Source(
            self.id, self.lab, float(self.either[inside].mean()), 1 if same >= other else -1
        )


@dataclass(frozen=True)
class Needles:
    """The windows of a query on both strands (2w,), forward first, sorted once for many hays:
    `order` sorts them, `values` (2w,) are sorted."""

    order: NDArray[np.intp]
    values: Hashes
    clean: Mask

    @classmethod
    def of(cls, windows: Windows) -> Needles:
        """The windows of a query, sorted."""
        values = np.concatenate([windows.forward, windows.backward])
        order = np.argsort(values)
        return cls(order, values[order], np.tile(windows.clean, 2))

    def found_in(self, hay: Windows) -> tuple[Mask, Mask]:
        """Which windows a hay reads as they are, and which on their other strand, (w,) both."""
        known = np.sort(hay.forward[hay.clean])
        found = np.zeros(len(self.values), dtype=bool)
        if len(known):
            at = np.minimum(np.searchsorted(known, self.values), len(known) - 1)
            found[self.order] = known[at] == self.values
        forward, backward = np.split(found & self.clean, 2)
        return forward, backward


@dataclass(frozen=True)
class QueryWindows:
    """The windows of a query, and how many labs have each (w,), UNSAMPLED where nobody knows."""

    plasmid: Plasmid
    windows: Windows
    labs: NDArray[np.int64]
    common_labs: int

    @property
    def is_common(self) -> Mask:
        """The sampled windows that more than `common_labs` labs have, (w,)."""
        common: Mask = self.labs > self.common_labs
        return common

    def common(self) -> list[Stretch]:
        """The stretches of common property, longest first."""
        marked = between(self.is_common, self._events, closed=self._closed)
        runs = runs_of(marked, closed=self._closed)
        found = [self._stretch("common", run, ()) for run in runs]
        return sorted(found, key=lambda one: (-one.bases, one.start))

    def support(self, held: Sequence[Held]) -> list[Stretch]:
        """The stretches that these plasmids have (the order decides between equal sources), those
        that fewest labs have first."""
        if not held:
            return []
        known = np.any([one.either for one in held], axis=0) & ~self.is_common  # (w,)
        weights = np.where(self.labs > 0, 1 / np.maximum(self.labs, 1), 0)  # (w,)
        before = np.concatenate([[0], np.cumsum(np.tile(weights, 2))])
        weighed = [
            (round(float(before[first + count] - before[first]), 6), (first, count))
            for first, count in runs_of(known, closed=self._closed)
        ]
        weighed = sorted((-weight, run) for weight, run in weighed if weight > 0)
        return [self._stretch("support", run, held) for _, run in weighed]

    @property
    def _closed(self) -> bool:
        return self.plasmid.is_circular

    @property
    def _events(self) -> NDArray[np.intp]:
        """Where windows are that tell something: the sampled ones and those that are not clean."""
        return np.flatnonzero((self.labs != UNSAMPLED) | ~self.windows.clean)

    def _inside(self, run: Run) -> NDArray[np.intp]:
        first, count = run
        return np.arange(first, first + count) % len(self.windows)

    def _stretch(self, kind: StretchKind, run: Run, held: Iterable[Held]) -> Stretch:
        inside = self._inside(run)
        labs = self.labs[inside]
        labs = labs[labs != UNSAMPLED]
        sources = [one.source(inside) for one in held]
        whole = [one for one in sources if one.share == 1]
        length = len(self.plasmid)
        bases = min(run[1] + K - 1, length)
        return Stretch(
            kind,
            start=run[0] + 1,
            end=(run[0] + bases - 1) % length + 1,
            bases=bases,
            least_labs=int(labs.min()),
            most_labs=int(labs.max()),
            kmers=len(labs),
            sources=tuple(whole or sorted((one for one in sources if one.share), key=_fullest)),
        )


def _fullest(source: Source) -> float:
    return -source.share


def runs_of(mask: Mask, *, closed: bool) -> list[Run]:
    """The longest stretches of neighbouring True of a mask (w,); the last place is beside the first
    when closed. Of a closed mask that is True everywhere, the one run begins at 0."""
    if not mask.any():
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]))).tolist()
    found = [(first, stop - first) for first, stop in zip(edges[::2], edges[1::2], strict=True)]
    if closed and len(found) > 1 and mask[0] and mask[-1]:
        (_, head), (first, tail) = found[0], found[-1]
        found = [*found[1:-1], (first, tail + head)]
    return found


def between(marked: Mask, events: NDArray[np.intp], *, closed: bool) -> Mask:
    """Which places (w,) are marked events, or lie between one marked event and the next event,
    which is marked, too. `events` are places, ascending; all marked ones are among them."""
    if len(events) < 2:  # a lone event has no next one, on a circle neither
        return marked
    everywhere = np.arange(len(marked))
    last = np.searchsorted(events, everywhere, side="right") - 1  # -1: the last one of a circle
    following = np.searchsorted(events, everywhere)  # (w,)
    inside = marked[events[last]] & marked[events[following % len(events)]]
    if not closed:
        inside &= (last >= 0) & (following < len(events))
    return inside
