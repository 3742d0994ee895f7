"""The mosaic of a query: its k-mers and the labs that have them in, consecutive parts of the whole
query out, each with the labs that it speaks for.

Of the query's sampled 21-mers (`vecattr.indexes.evidence.stretches`) the index knows which labs
have them. Neighbours with about the same labs make a part: among all ways to divide the query, that
one is chosen which costs least, where each 21-mer costs the distance between its set of labs and
that of its part (`LabSets.distances_from`), a quarter of it where four are sampled for one, and
each boundary costs BOUNDARY. So a few 21-mers over a junction, or around a point mutation, are no
part of their own.

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
from vecattr.indexes.joining.catalogue import Catalogue
from vecattr.indexes.scoring.shared_kmers import SharedKmers
from vecattr.indexes.storage.kmer_schema import SCALED, K
from vecattr.mosaic import Holder, LabShare, MosaicPart, PartKind
from vecattr.sequences.postings import first_of_each, joined_ranges
from vecattr.vectors import Codes, Column, Mask, Rows

#: What a boundary costs, in 21-mers with no lab in common. A junction of two parts has sampled
#: 21-mers that no plasmid has, which count as 2 or 3 and are no part of their own.
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

    def weights(self, shared: SharedKmers) -> Column:
        """How much each window counts (t,)."""
        weights = np.ones(len(self.kmers))
        is_clear = self.kmers != _NO_KMER
        weights[is_clear] = shared.weights[self.kmers[is_clear]]
        return weights

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
        runs = list(_runs(windows, sets, windows.weights(shared)))
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
        fullest = members.row_amounts[is_own].max()
        rows = members.rows[is_own & (2 * members.row_amounts >= fullest)]
        plasmids = len(set(self._ids(rows.tolist()))) if self._are_repeated else len(rows)
        return LabShare(self._catalogue.lab_names[code], plasmids, members.share(code))

    def _holders(self, members: _Members, codes: Sequence[int]) -> tuple[Holder, ...]:
        """The fullest plasmids of these labs; one that several segments hold is named once."""
        is_own = np.isin(self._catalogue.labs[members.rows], codes)
        rows, amounts = members.rows[is_own], members.row_amounts[is_own]
        order = np.lexsort((rows, -amounts))
        holders: dict[str, Holder] = {}
        for place in order.tolist():
            if len(holders) == HOLDERS_NAMED:
                break
            [plasmid_id] = self._ids([int(rows[place])])
            lab = self._catalogue.lab_names[self._catalogue.labs[rows[place]]]
            share = float(amounts[place] / members.amount)
            holders.setdefault(plasmid_id, Holder(plasmid_id, lab, share))
        return tuple(holders.values())


def whole_unknown(length: int) -> tuple[MosaicPart, ...]:
    """The mosaic of so many bases of which nothing is known."""
    return (MosaicPart(1, length, length, "unknown", (), 0, 0),) if length else ()


def _runs(windows: SampledWindows, sets: LabSets, weights: Column) -> Iterator[_Run]:
    """The windows of each part, along the query, each of which counts so much (t,); of a circle the
    last may go over the origin."""
    is_clear = windows.kmers != _NO_KMER
    steps = np.where(is_clear, sets.set_of[windows.kmers] if is_clear.any() else NOBODY, NOBODY)
    amounts = np.bincount(steps, weights, minlength=len(sets))
    amounts[[NOBODY, MANY]] = len(steps) + 1  # always among them
    states = np.lexsort((np.arange(len(sets)), -amounts))[:MOST_SETS]
    costs = sets.distances_from(states)
    if windows.closed:
        first = int(np.argmin(_places_once(windows.kmers)))
        chosen = cheapest_states_of_circle(costs, steps, weights, change=BOUNDARY, first=first)
    else:
        chosen = cheapest_states(costs, steps, weights, change=BOUNDARY)
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

    @cached_property
    def amount(self) -> float:
        """How much all of them count; ambiguous windows together count as one."""
        ambiguous = len(self.distinct) - len(self._clear)
        return ambiguous + float(self.shared.weights[self._clear].sum())

    @property
    def median_labs(self) -> int:
        """How many labs have the middle k-mer (the lower one of two), by what each counts."""
        counts, weights = self.shared.lab_counts[self._clear], self.shared.weights[self._clear]
        if not len(counts):
            return 0
        order = np.argsort(counts, kind="stable")
        below = np.cumsum(weights[order])
        return int(counts[order[np.searchsorted(below, below[-1] / 2)]])

    @cached_property
    def _lab_amounts(self) -> Column:
        """How much the k-mers count that each lab has (l,)."""
        pairs = _entries(self.shared.pair_kmers, self._clear)
        weights = self.shared.weights[self.shared.pair_kmers[pairs]]
        labs = self.shared.pair_labs[pairs]
        return _sums(labs, weights, count=len(self.catalogue.lab_names))

    def share(self, code: int) -> float:
        """How much of the part a lab has."""
        return float(self._lab_amounts[code] / self.amount)

    @property
    def labs(self) -> list[int]:
        """The labs that have LEAST_SHARE of the part or more, else those that have most of it."""
        least = min(LEAST_SHARE * self.amount, float(self._lab_amounts.max()))
        codes: list[int] = np.flatnonzero(self._lab_amounts >= least).tolist()
        return codes

    @cached_property
    def _rows(self) -> tuple[Rows, Column]:
        postings = self.shared.postings
        postings = postings.select(_entries(postings.kmers, self._clear))
        weights = self.shared.weights[postings.kmer_of_each]
        rows, codes = np.unique(postings.rows, return_inverse=True)
        return rows, _sums(codes, weights, count=len(rows))

    @property
    def rows(self) -> Rows:
        """The rows that have any of the k-mers (n,)."""
        return self._rows[0]

    @property
    def row_amounts(self) -> Column:
        """How much the k-mers count that each of these has (n,)."""
        return self._rows[1]


def _sums(codes: Codes, weights: Column, *, count: int) -> Column:
    """The sum of the weights of each of so many codes."""
    return np.bincount(codes, weights, minlength=count).astype(np.float64)


def _entries(keys: Codes, wanted: Codes) -> Rows:
    """The places of the keys, ascending, that are among the wanted ones (distinct)."""
    starts = np.searchsorted(keys, wanted)
    stops = np.searchsorted(keys, wanted, side="right")
    return joined_ranges(starts, stops - starts)
