"""The windows of one query: lab counts and the windows of source plasmids in, stretches out.

`vecattr.indexes.evidence.stretches` defines what a stretch is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Source, Stretch, StretchKind
from vecattr.indexes.scoring.shared_kmers import SharedKmers
from vecattr.indexes.storage.kmer_schema import K
from vecattr.plasmid import Plasmid
from vecattr.sequences.kmers import Hashes, Windows
from vecattr.vectors import Codes, Column, Mask

#: The number of labs of a window that is not sampled.
UNSAMPLED = -1

Run = tuple[int, int]  # the first window, and how many


@dataclass(frozen=True)
class SourceWindows:
    """Which windows (w,) of a query a stored plasmid has, on the query's strand and the other."""

    id: str
    lab: str
    forward: Mask
    backward: Mask

    @cached_property
    def either(self) -> Mask:
        """Windows of the query that the plasmid holds on one strand or the other, (w,)."""
        return self.forward | self.backward

    def source(self, inside: NDArray[np.intp]) -> Source:
        """What the plasmid holds of a stretch with these windows."""
        forward, backward = (
            np.count_nonzero(mask[inside]) for mask in (self.forward, self.backward)
        )
        share = float(self.either[inside].mean())
        return Source(self.id, self.lab, share, 1 if forward >= backward else -1)


@dataclass(frozen=True)
class WindowIndex:
    """The windows of a query on both strands (2w,), forward first, sorted once for many stored
    plasmids: `order` sorts them, `values` (2w,) are sorted."""

    order: NDArray[np.intp]
    values: Hashes
    clean: Mask

    @classmethod
    def from_windows(cls, windows: Windows) -> WindowIndex:
        """Of the windows of a query."""
        values = np.concatenate([windows.forward, windows.backward])
        order = np.argsort(values)
        return cls(order, values[order], np.tile(windows.clean, 2))

    def found_in(self, stored: Windows) -> tuple[Mask, Mask]:
        """Which windows a stored plasmid has on the query's strand, and on the other, (w,) both."""
        stored_values = np.sort(stored.forward[stored.clean])
        is_found = np.zeros(len(self.values), dtype=bool)
        if len(stored_values):
            places = np.searchsorted(stored_values, self.values)
            places = np.minimum(places, len(stored_values) - 1)
            is_found[self.order] = stored_values[places] == self.values
        forward, backward = np.split(is_found & self.clean, 2)
        return forward, backward


@dataclass(frozen=True)
class QueryWindows:
    """The windows of a query, how many labs have each (w,), UNSAMPLED where it is unknown, and how
    much each counts (w,)."""

    plasmid: Plasmid
    windows: Windows
    labs: NDArray[np.int64]
    weights: Column
    common_labs: int

    @classmethod
    def from_shared(
        cls,
        plasmid: Plasmid,
        windows: Windows,
        sampled: Mask,
        kmers: Codes,
        shared: SharedKmers,
        *,
        common_labs: int,
    ) -> QueryWindows:
        """Of w windows, of which some are `sampled` (w,), with these `kmers` (t,)."""
        labs = np.full(len(windows), UNSAMPLED, dtype=np.int64)
        labs[sampled] = shared.lab_counts[kmers]
        weights = np.zeros(len(windows))
        weights[sampled] = shared.weights[kmers]
        return cls(plasmid, windows, labs, weights, common_labs)

    @property
    def is_common(self) -> Mask:
        """The sampled windows that more than `common_labs` labs have, (w,)."""
        common: Mask = self.labs > self.common_labs
        return common

    def common(self) -> list[Stretch]:
        """The stretches of common property, longest first."""
        mask = between(self.is_common, self._events, closed=self._closed)
        runs = runs_of(mask, closed=self._closed)
        stretches = [self._stretch("common", run, ()) for run in runs]
        return sorted(stretches, key=lambda stretch: (-stretch.bases, stretch.start))

    def support(self, sources: Sequence[SourceWindows]) -> list[Stretch]:
        """The stretches that these plasmids have (their order decides between equal ones), those
        that fewest labs have first."""
        if not sources:
            return []
        in_sources = np.any([source.either for source in sources], axis=0)  # (w,)
        weights = np.where(self.labs > 0, self.weights / np.maximum(self.labs, 1), 0)  # (w,)
        sums = np.concatenate([[0], np.cumsum(np.tile(weights, 2))])
        weighted = []
        for first, count in runs_of(in_sources & ~self.is_common, closed=self._closed):
            weight = round(float(sums[first + count] - sums[first]), 6)
            if weight > 0:
                weighted.append((-weight, (first, count)))
        return [self._stretch("support", run, sources) for _, run in sorted(weighted)]

    @property
    def _closed(self) -> bool:
        return self.plasmid.is_circular

    @property
    def _events(self) -> NDArray[np.intp]:
        """The places of the sampled windows and of those that are not clean."""
        return np.flatnonzero((self.labs != UNSAMPLED) | ~self.windows.clean)

    def _inside(self, run: Run) -> NDArray[np.intp]:
        first, count = run
        return np.arange(first, first + count) % len(self.windows)

    def _stretch(
        self, kind: StretchKind, run: Run, source_windows: Iterable[SourceWindows]
    ) -> Stretch:
        inside = self._inside(run)
        labs = self.labs[inside]
        labs = labs[labs != UNSAMPLED]
        sources = [windows.source(inside) for windows in source_windows]
        complete = [source for source in sources if source.share == 1]
        partial = sorted((source for source in sources if source.share), key=_by_share)
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
            sources=tuple(complete or partial),
        )


def _by_share(source: Source) -> float:
    return -source.share


def runs_of(mask: Mask, *, closed: bool) -> list[Run]:
    """The longest stretches of neighbouring True of a mask (w,); the last place is beside the first
    when closed. Of a closed mask that is True everywhere, the one run begins at 0."""
    if not mask.any():
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]))).tolist()
    runs = [(first, stop - first) for first, stop in zip(edges[::2], edges[1::2], strict=True)]
    if closed and len(runs) > 1 and mask[0] and mask[-1]:
        (_, head), (first, tail) = runs[0], runs[-1]
        runs = [*runs[1:-1], (first, tail + head)]
    return runs


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
