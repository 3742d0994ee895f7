"""The mosaic of a query: its k-mers and the labs that have them in, consecutive parts of the whole
query out, each with the labs that it speaks for.

Of the query's sampled 21-mers (`vecattr.indexes.evidence.stretches`) the index knows which labs
have them. Neighbours with about the same labs make a part: among all ways to divide the query, that
one is chosen which costs least, where each 21-mer costs the distance between its set of labs and
that of its part (`LabSets.distances_from`), and each boundary costs BOUNDARY. So a few 21-mers over
a junction, or around a point mutation, are no part of their own.

Parts meet halfway between the 21-mers beside the boundary, and cover the query without overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.evidence.lab_sets import MANY, NOBODY, LabSets
from vecattr.indexes.evidence.query_windows import runs_of
from vecattr.indexes.evidence.segmentation import cheapest_states, cheapest_states_of_circle
from vecattr.indexes.scoring.catalogue import Catalogue
from vecattr.indexes.scoring.kmer_features import SharedKmers
from vecattr.indexes.storage.kmer_schema import SCALED, K
from vecattr.indexes.storage.segment_kmers import first_of_each, joined_ranges
from vecattr.mosaic import Holder, LabShare, MosaicPart, PartKind
from vecattr.vectors import Codes, Mask, Rows

#: What a boundary costs, in 21-mers with no lab in common. A junction of two parts has 2 or 3
#: sampled 21-mers that no plasmid has, which are no part of their own.
BOUNDARY = 3.0
#: Sets of labs that parts are made of, the most frequent ones.
MOST_SETS = 128
#: Labs and plasmids that are named for each part.
LABS_NAMED = 5
HOLDERS_NAMED = 3
#: A lab has a part when its plasmids have so much of it.
LEAST_SHARE = 0.5

#: Windows with ambiguous letters, one in so many of them, count as 21-mers that nobody has.
_UNCLEAR = SCALED
#: The k-mer of such a window.
_NO_KMER = -1

#: The ids of rows.
PlasmidIds = Callable[[Sequence[int]], list[str]]


@dataclass(frozen=True)
class SampledWindows:
    """The windows of a query of `length` bases that parts are made of: their `places` (t,),
    ascending, and their k-mers (t,) as numbers, _NO_KMER where letters are ambiguous."""

    length: int
    closed: bool
    places: NDArray[np.intp]
    kmers: Codes

    @classmethod
    def from_masks(
        cls, clean: Mask, sampled: Mask, kmers: Codes, *, length: int, closed: bool
    ) -> SampledWindows:
        """Of w windows those that are `sampled` (w,), with their `kmers` (t',), and some of those
        that are not `clean` (w,)."""
        unclear = [
            np.arange(first, first + count, _UNCLEAR) % len(clean)
            for first, count in runs_of(~clean, closed=closed)
        ]
        places = np.concatenate([np.flatnonzero(sampled), *unclear])
        numbers = np.concatenate([kmers, np.full(len(places) - len(kmers), _NO_KMER)])
        order = np.argsort(places)
        return cls(length, closed, places[order], numbers[order])

    @property
    def boundaries(self) -> NDArray[np.int64]:
        """The base, from 0, at which a part begins that begins with each window (t,): halfway
        between its middle and that of the window before. On a line the first is 0."""
        before = np.roll(self.places, 1)
        before[0] -= self.length
        boundaries = (before + self.places + 1) // 2 + K // 2
        if not self.closed:
            boundaries[0] = 0
        return np.asarray(boundaries % self.length, dtype=np.int64)


@dataclass(frozen=True)
class _Run:
    """Neighbouring windows of one part: their numbers (r,), and the set of labs of the part."""

    windows: NDArray[np.intp]
    set_number: int


class MosaicFinder:
    """Divides queries into parts by the plasmids of a catalogue."""

    def __init__(self, catalogue: Catalogue, ids: PlasmidIds, *, are_repeated: bool) -> None:
        self._catalogue = catalogue
        self._ids = ids
        self._are_repeated = are_repeated  # may several rows have one id?

    def find(
        self, windows: SampledWindows, shared: SharedKmers, *, common_labs: int
    ) -> tuple[MosaicPart, ...]:
        """The parts along the query, first the one that holds base 1 (of a circle the one that
        begins at or after base 1, when no part begins there: the last one goes over the origin)."""
        if not len(windows.places):
            return whole_unknown(windows.length)
        sets = LabSets.from_shared(shared, common_labs=common_labs)
        runs = list(_runs(windows, sets))
        boundaries = windows.boundaries
        starts = [int(boundaries[run.windows[0]]) for run in runs]
        if len(runs) == 1:
            starts = [0]
        parts = []
        for number, run in enumerate(runs):
            bases = (starts[(number + 1) % len(runs)] - starts[number]) % windows.length
            bases = bases or windows.length
            members = _Members(windows.kmers[run.windows], shared, self._catalogue)
            parts.append(self._part(starts[number], bases, windows.length, run, members))
        return tuple(sorted(parts, key=lambda part: part.start))

    def _part(
        self, start: int, bases: int, length: int, run: _Run, members: _Members
    ) -> MosaicPart:
        labs: list[LabShare] = []
        n_labs = 0
        kind: PartKind = "unknown"
        if run.set_number == MANY:
            kind, n_labs = "common", members.median_labs
        elif run.set_number != NOBODY:
            codes = members.labs
            n_labs, kind = len(codes), "one_lab" if len(codes) == 1 else "few_labs"
            labs = [self._lab_share(members, code) for code in codes]
            labs.sort(key=lambda lab: (-lab.share, -lab.plasmids, lab.name))
            holders = self._holders(members, codes)
        return MosaicPart(
            start=start + 1,
            end=(start + bases - 1) % length + 1,
            bases=bases,
            kind=kind,
            labs=tuple(labs[:LABS_NAMED]),
            n_labs=n_labs,
            kmers=int(np.count_nonzero(members.kmers != _NO_KMER)),
            holders=holders if labs else (),
        )

    def _lab_share(self, members: _Members, code: int) -> LabShare:
        is_own = self._catalogue.labs[members.rows] == code
        fullest = members.row_counts[is_own].max()
        rows = members.rows[is_own & (2 * members.row_counts >= fullest)]
        plasmids = len(set(self._ids(rows.tolist()))) if self._are_repeated else len(rows)
        return LabShare(self._catalogue.lab_names[code], plasmids, members.share(code))

    def _holders(self, members: _Members, codes: Sequence[int]) -> tuple[Holder, ...]:
        """The fullest plasmids of these labs; one that several segments hold is named once."""
        is_own = np.isin(self._catalogue.labs[members.rows], codes)
        rows, counts = members.rows[is_own], members.row_counts[is_own]
        order = np.lexsort((rows, -counts))
        holders: dict[str, Holder] = {}
        for place in order.tolist():
            if len(holders) == HOLDERS_NAMED:
                break
            [plasmid_id] = self._ids([int(rows[place])])
            lab = self._catalogue.lab_names[self._catalogue.labs[rows[place]]]
            share = float(counts[place] / len(members.distinct))
            holders.setdefault(plasmid_id, Holder(plasmid_id, lab, share))
        return tuple(holders.values())


def whole_unknown(length: int) -> tuple[MosaicPart, ...]:
    """The mosaic of so many bases of which nothing is known."""
    return (MosaicPart(1, length, length, "unknown", (), 0, 0),) if length else ()


def _runs(windows: SampledWindows, sets: LabSets) -> Iterator[_Run]:
    """The windows of each part, along the query; of a circle the last may go over the origin."""
    is_clear = windows.kmers != _NO_KMER
    steps = np.where(is_clear, sets.set_of[windows.kmers] if is_clear.any() else NOBODY, NOBODY)
    counts = np.bincount(steps, minlength=len(sets))
    counts[[NOBODY, MANY]] = len(steps) + 1  # always among them
    states = np.lexsort((np.arange(len(sets)), -counts))[:MOST_SETS]
    costs = sets.distances_from(states)
    if windows.closed:
        first = int(np.argmin(_places_once(windows.kmers)))
        chosen = cheapest_states_of_circle(costs, steps, change=BOUNDARY, first=first)
    else:
        chosen = cheapest_states(costs, steps, change=BOUNDARY)
    starts = np.flatnonzero(first_of_each(chosen))
    pieces = np.split(np.arange(len(chosen)), starts[1:])
    if windows.closed and len(pieces) > 1 and chosen[0] == chosen[-1]:
        pieces = [*pieces[1:-1], np.concatenate([pieces[-1], pieces[0]])]
    for piece in pieces:
        yield _Run(piece, int(states[chosen[piece[0]]]))


def _places_once(kmers: Codes) -> NDArray[np.int64]:
    """A number for each window (t,), least at a k-mer that occurs once, if any does: the same
    window whatever the rotation."""
    counts = np.bincount(kmers + 1)
    return np.asarray(kmers + len(counts) * (counts[kmers + 1] > 1), dtype=np.int64)


@dataclass(frozen=True)
class _Members:
    """What the catalogue has of the windows of one part, whose `kmers` are (r,)."""

    kmers: Codes
    shared: SharedKmers
    catalogue: Catalogue

    @cached_property
    def distinct(self) -> Codes:
        """The k-mers of the part, each once; ambiguous windows together are one."""
        return np.unique(self.kmers)

    @property
    def _clear(self) -> Codes:
        return np.asarray(self.distinct[self.distinct != _NO_KMER], dtype=np.int64)

    @property
    def median_labs(self) -> int:
        """How many labs have the middle k-mer (the lower one of two)."""
        counts = np.sort(self.shared.lab_counts[self._clear])
        return int(counts[(len(counts) - 1) // 2]) if len(counts) else 0

    @cached_property
    def _lab_counts(self) -> NDArray[np.int64]:
        """How many of the k-mers each lab has (l,)."""
        labs = _entries(self.shared.pair_kmers, self.shared.pair_labs, self._clear)
        return np.bincount(labs, minlength=len(self.catalogue.lab_names))

    def share(self, code: int) -> float:
        """How much of the part a lab has."""
        return float(self._lab_counts[code] / len(self.distinct))

    @property
    def labs(self) -> list[int]:
        """The labs that have LEAST_SHARE of the part or more, else those that have most of it."""
        least = min(LEAST_SHARE * len(self.distinct), float(self._lab_counts.max()))
        codes: list[int] = np.flatnonzero(self._lab_counts >= least).tolist()
        return codes

    @cached_property
    def _rows(self) -> tuple[Rows, NDArray[np.int64]]:
        rows = _entries(self.shared.posting_kmers, self.shared.posting_rows, self._clear)
        distinct_rows, counts = np.unique(rows, return_counts=True)
        return distinct_rows, counts

    @property
    def rows(self) -> Rows:
        """The rows that have any of the k-mers (n,)."""
        return self._rows[0]

    @property
    def row_counts(self) -> NDArray[np.int64]:
        """How many of them each has (n,)."""
        return self._rows[1]


def _entries(keys: Codes, values: Codes, wanted: Codes) -> Codes:
    """The values whose keys, ascending, are among the wanted ones (distinct)."""
    starts = np.searchsorted(keys, wanted)
    stops = np.searchsorted(keys, wanted, side="right")
    return values[joined_ranges(starts, stops - starts)]
