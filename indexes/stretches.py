"""Which stretches of a query speak for a lab: a query and segments in, stretches and their sources
out.

A *window* is 21 bases of the query, A, C, G and T alone, over the origin of a circle, too. The index
knows of one window in eight, the *sampled* ones (`vecattr.indexes.segment_kmers`), how many labs
have its bases on either strand. It is *rare* when 1 to N labs do, and *common* when more do.

- A `support` stretch is as many neighbouring windows as possible that all occur, letter by letter
  and on either strand, in chosen plasmids of the lab (each window in at least one of them), with no
  common one and at least one rare one among them.
- A `common` stretch goes from a common window to the next sampled one, which is common, too, and so
  on; no ambiguous letter lies inside. Nothing is known of the windows in between.

All bases of its windows belong to a stretch, so neighbours may overlap by 20. The chosen plasmids
are the SOURCES that together hold most of the query's rare windows, each window weighing 1 / labs:
one after the other the one that adds most, and once nothing can be added, those that hold most.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.bases import unpack_bases
from vecattr.indexes.catalogue import Catalogue, Codes, Rows
from vecattr.indexes.evidence import NO_ROWS, Evidence, Shared
from vecattr.indexes.live import LiveSegment
from vecattr.indexes.segment_kmers import SCALED, K
from vecattr.kmers import Hashes, Windows, is_sampled, windows_of
from vecattr.plasmid import Plasmid
from vecattr.stretch import Source, Stretch, Stretches, StretchKind

#: A stretch that more labs have is common property, unless another number is asked for.
COMMON_LABS = 20
#: So many plasmids of a lab are looked at.
SOURCES = 12
#: So many stretches of each kind are told.
MOST = 10

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
        return self.forward | self.backward

    def source(self, inside: NDArray[np.intp]) -> Source:
        """What it holds of a stretch with these windows."""
        same, other = (np.count_nonzero(mask[inside]) for mask in (self.forward, self.backward))
        return Source(
            self.id, self.lab, float(self.either[inside].mean()), 1 if same >= other else -1
        )


@dataclass(frozen=True)
class Reading:
    """The windows of a query and how many labs have each (w,), UNSAMPLED where nobody knows."""

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
        runs = runs_of(between(self.is_common, self._events, closed=self._closed), self._closed)
        found = [self._stretch("common", run, ()) for run in runs]
        return sorted(found, key=lambda one: (-one.bases, one.start))

    def support(self, held: Sequence[Held]) -> list[Stretch]:
        """The stretches that these plasmids have (the order decides between equal sources), those
        that fewest labs have first."""
        if not held:
            return []
        known = np.any([one.either for one in held], axis=0) & ~self.is_common  # (w,)
        runs = [run for run in runs_of(known, self._closed) if self._weight(run) > 0]
        runs.sort(key=lambda run: (-round(self._weight(run), 6), run))
        return [self._stretch("support", run, held) for run in runs]

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

    def _weight(self, run: Run) -> float:
        """The sum of 1 / labs over the sampled windows that any lab has."""
        labs = self.labs[self._inside(run)]
        return float((1 / labs[labs > 0]).sum())

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


def runs_of(mask: Mask, closed: bool) -> list[Run]:
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


class StretchFinder:
    """Of the plasmids of some segments that are all stored with their bases and k-mers."""

    def __init__(self, segments: Sequence[LiveSegment], class_names: Sequence[str]) -> None:
        self._segments = tuple(segments)
        self._catalogue = Catalogue.of(segments, class_names)
        self._evidence = Evidence(self._catalogue, segments)

    def find(
        self,
        plasmid: Plasmid,
        lab: str | None,
        *,
        common_labs: int = COMMON_LABS,
        left_out: Collection[str] = (),
    ) -> Stretches:
        """What of a plasmid speaks for a class (None: for nobody), as if the plasmids of the ids
        `left_out` were not stored; the labs of the pool are meant by its name."""
        windows = windows_of(plasmid.sequence, k=K, circular=plasmid.is_circular)
        hashes = windows.hashes
        sampled = windows.clean & is_sampled(hashes, scaled=SCALED)
        distinct, order = np.unique(hashes[sampled], return_inverse=True)
        shared = self._evidence.shared(distinct, left_out=self._rows_of(left_out))
        labs = np.full(len(windows), UNSAMPLED, dtype=np.int64)
        labs[sampled] = shared.labs[order]
        reading = Reading(plasmid, windows, labs, common_labs)
        rows = self._chosen(shared, self._codes_of(lab), common_labs=common_labs)
        common = reading.common()
        support = reading.support([self._held(windows, row) for row in rows])
        told = len(common[:MOST]) + len(support[:MOST])
        return Stretches(
            lab,
            common_labs,
            tuple(support[:MOST]),
            tuple(common[:MOST]),
            len(common) + len(support) - told,
        )

    def _rows_of(self, ids: Collection[str]) -> Rows:
        """The living rows of these ids, in whatever segments."""
        found: list[int] = []
        for start, segment in zip(self._catalogue.starts, self._segments, strict=True):
            places = segment.stored.find(sorted(ids)).values()
            found += [start + row for rows in places for row in rows if segment.alive[row]]
        return np.array(found, dtype=np.int64) if found else NO_ROWS

    def _codes_of(self, lab: str | None) -> Codes:
        """The true labs of a class."""
        if lab is None:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(
            self._catalogue.class_of_lab == self._catalogue.class_names.index(lab)
        )

    def _chosen(self, shared: Shared, codes: Codes, *, common_labs: int) -> list[int]:
        """At most SOURCES rows of these labs, by all that they hold, the fullest first."""
        rare = (shared.labs <= common_labs) & ~shared.common
        mine = rare[shared.which] & np.isin(self._catalogue.labs[shared.rows], codes)
        which = shared.which[mine]
        rows, place = np.unique(shared.rows[mine], return_inverse=True)  # (r,), (e,)
        weight = 1 / np.maximum(shared.labs, 1)  # (m,)
        total = np.bincount(place, weight[which], minlength=len(rows))
        chosen: dict[str, int] = {}  # several segments may hold one plasmid
        open_rows = np.ones(len(rows), dtype=bool)
        while len(chosen) < SOURCES and open_rows.any():
            gain = np.bincount(place, weight[which], minlength=len(rows))
            order = np.lexsort((np.arange(len(rows)), -total, -gain, ~open_rows))
            best = int(order[0])
            segment, at = self._segment_of(int(rows[best]))
            [name] = segment.stored.ids([at])
            chosen.setdefault(name, best)
            open_rows[best] = False
            weight[which[place == best]] = 0
        return [int(rows[best]) for best in sorted(chosen.values(), key=lambda b: (-total[b], b))]

    def _segment_of(self, row: int) -> tuple[LiveSegment, int]:
        """Where a row lies: its segment and its row there."""
        number = int(np.searchsorted(self._catalogue.starts, row, side="right")) - 1
        return self._segments[number], row - self._catalogue.starts[number]

    def _held(self, windows: Windows, row: int) -> Held:
        segment, place = self._segment_of(row)
        bases = unpack_bases(segment.stored.bases(place))
        circular = segment.stored.topology(place) == "circular"
        theirs = windows_of(bases, k=K, circular=circular)
        known = np.sort(theirs.forward[theirs.clean])
        [name] = segment.stored.ids([place])
        return Held(
            name,
            segment.lab(place),
            windows.clean & _occur(windows.forward, known),
            windows.clean & _occur(windows.backward, known),
        )


def _occur(values: Hashes, known: Hashes) -> Mask:
    """Which values (m,) are among the ascending known ones."""
    if not len(known):
        return np.zeros(len(values), dtype=bool)
    at = np.minimum(np.searchsorted(known, values), len(known) - 1)
    same: Mask = known[at] == values
    return same
