"""Shared k-mers of a query and stored plasmids: a plasmid and neighbors in, exact overlaps out.

The measure is the set of canonical 21-mers, so rotation and strand make no difference, and it
depends on the bases alone, not on the encoder. It does not exist for plasmids whose bases were
left out of the index.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vecattr.attribution import Neighbor
from vecattr.indexes.scoring.opened_index import OpenedIndex
from vecattr.indexes.search.embedding import QueryVectors
from vecattr.indexes.storage.kmer_schema import SCALED
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.segment_kmers import NO_PLACE, Places
from vecattr.plasmid import Plasmid
from vecattr.sequences.canonical import canonical_sequence
from vecattr.sequences.kmer_set import KmerSet
from vecattr.sequences.kmers import Hashes, distinct, is_sampled, mix, sampled_kmers, windows_of
from vecattr.sequences.two_bit import unpack_bases

#: Long enough that unrelated plasmids share next to none by chance.
K = 21

#: From this Jaccard similarity on, a stored plasmid is a near copy. Each point mutation takes 21
#: k-mers from both sides, so s of them in n bases leave (n - 21 s) / (n + 21 s): 0.95 is 8 in
#: 7,000 bases, an identity of 99.88 % (by the formula of Mash, Ondov et al. 2016), or a stretch of
#: 5 % added, or 2.6 % replaced. So a mutant, another guide or a short tag is a near copy; another
#: gene or marker (0.7 kb of 7 kb, 0.83) is another construct.
NEAR_COPY = 0.95

#: How many of the plasmids nearest by vector are compared by k-mers. Variants of one construct
#: often have equal vectors, so the true copy may stand behind some of its siblings.
NEAREST = 20

#: What is less likely than 1 in 10^20 is beyond doubt (nats).
_DOUBT = 20 * math.log(10)

#: Queries up to so many bases are compared by all of their k-mers, longer ones by a sample.
_WHOLE = 100_000


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a query and the stored plasmid `id` share of their sets of k-mers, from 0 to 1.

    `containment`: the share of the query's k-mers that the stored one holds; `jaccard`: of those
    of either; `is_identical`: the same molecule up to rotation and strand.

    >>> Overlap("p1", "A", "A", containment=1.0, jaccard=0.96, is_identical=False).is_near_copy
    True
    """

    id: str
    lab: str
    label: str
    containment: float
    jaccard: float
    is_identical: bool

    @property
    def is_near_copy(self) -> bool:
        """Whether the Jaccard index reaches that of near copies, `NEAR_COPY`."""
        return self.jaccard >= NEAR_COPY


def kmers_of(bases: str, *, circular: bool, scaled: int = 1) -> Hashes:
    """Numbers that stand for all canonical k-mers in order, repeats included (m,): the k-mers
    themselves, or the hashes of a sample of one in `scaled`."""
    if scaled == 1:
        return windows_of(bases, k=K, circular=circular).canonical
    return sampled_kmers(bases, k=K, scaled=scaled, circular=circular)


def overlaps(
    index: OpenedIndex, plasmid: Plasmid, neighbors: Sequence[Neighbor]
) -> tuple[Overlap, ...]:
    """What a plasmid shares with each of these stored ones, in their order; nothing when the index
    keeps no sequences."""
    if not index.manifest.keep_sequences or not neighbors:
        return ()
    query = _QueryKmers.from_plasmid(plasmid)
    places = index.places_of(neighbor.id for neighbor in neighbors)
    return tuple(
        _overlap(query, neighbor, _bases_at(places[neighbor.id])) for neighbor in neighbors
    )


def near_copies_among(
    index: OpenedIndex, plasmid: Plasmid, neighbors: Sequence[Neighbor]
) -> tuple[Overlap, ...]:
    """Those of `overlaps` that are near copies. Most stored plasmids are excluded by the stored
    sample of their k-mers, so that their bases need not be read."""
    if not index.manifest.keep_sequences or not neighbors:
        return ()
    query = _QueryKmers.from_plasmid(plasmid)
    long_enough = [neighbor for neighbor in neighbors if query.may_be_covered_by(neighbor)]
    place_of = index.places_of(neighbor.id for neighbor in long_enough)
    places = [place_of[neighbor.id] for neighbor in long_enough]
    alike = [True] * len(places)
    if index.scorer is not None:  # then k-mers are read in any case
        alike = query.resembling(places, is_only=len(index.segments) == 1)
    candidates = (
        _overlap(query, neighbor, _bases_at(place))
        for neighbor, place, is_alike in zip(long_enough, places, alike, strict=True)
        if is_alike
    )
    return tuple(overlap for overlap in candidates if overlap.is_near_copy)


def _divergence(share: float) -> float:
    """The Kullback-Leibler divergence (1951) of a Bernoulli variable with this share from one with
    NEAR_COPY, in nats; 0 from there on."""
    if share >= NEAR_COPY:
        return 0.0
    absent = (1 - share) * math.log((1 - share) / (1 - NEAR_COPY))
    return absent + (share * math.log(share / NEAR_COPY) if share else 0.0)


def _doubts(common: NDArray[np.int64], query_size: int, sizes: NDArray[np.int64]) -> list[float]:
    """How doubtful it is that stored plasmids are near copies of a query, of whose sampled k-mers
    so many are in both, so many the query's and so many theirs, (r,) both."""
    totals = (query_size + sizes - common).tolist()
    return [
        total * _divergence(shared / max(1, total))
        for shared, total in zip(common.tolist(), totals, strict=True)
    ]


def _bases_at(place: tuple[LiveSegment, int]) -> str:
    segment, row = place
    return unpack_bases(segment.stored.bases(row))


@dataclass(frozen=True)
class _QueryKmers:
    """A query with its k-mers (m,), one in `scaled`, as they come and as a set."""

    plasmid: Plasmid
    kmers: Hashes
    members: KmerSet
    scaled: int

    @classmethod
    def from_plasmid(cls, plasmid: Plasmid) -> _QueryKmers:
        scaled = 1 + len(plasmid) // _WHOLE
        kmers = kmers_of(plasmid.sequence, circular=plasmid.is_circular, scaled=scaled)
        return cls(plasmid, kmers, KmerSet.from_kmers(kmers), scaled)

    def may_be_covered_by(self, neighbor: Neighbor) -> bool:
        """False only when the stored plasmid is too short for a near copy."""
        return self.scaled > 1 or neighbor.length >= NEAR_COPY * len(self.members)

    def resembling(self, places: Sequence[tuple[LiveSegment, int]], *, is_only: bool) -> list[bool]:
        """Of each stored plasmid, False only when it is no near copy, beyond doubt. `is_only`:
        there is one segment, in which lab features look the query's whole sample up.

        Hashes sample the k-mers of both alike and each by itself, so of n sampled k-mers of either
        the share s that both have is less than j, their Jaccard similarity, with a probability of
        at most exp(-n KL(s, j)) (Chernoff 1952); beyond doubt is 1 in 10^20."""
        alike = [True] * len(places)
        for segment in {id(segment): segment for segment, _ in places}.values():
            stored = segment.stored.kmers
            if stored is None or self.scaled > stored.sketch_scaled:
                continue
            numbers = [number for number, place in enumerate(places) if place[0] is segment]
            rows = np.array([places[number][1] for number in numbers])
            is_sketched = is_sampled(self._sample, scaled=stored.sketch_scaled)
            sketches, sizes = stored.sketches(rows)
            query_size = int(np.count_nonzero(is_sketched))
            doubts = _doubts(np.minimum(query_size, sizes), query_size, sizes)  # at least
            if min(doubts) < _DOUBT:
                if is_only and self.scaled <= SCALED:  # then places are found once for both
                    sample_places = stored.find(self._sample)[is_sketched]
                else:
                    sample_places = stored.find(self._sample[is_sketched])
                doubts = _doubts(_shared_with(sample_places, sketches, sizes), query_size, sizes)
            for number, doubt in zip(numbers, doubts, strict=True):
                alike[number] = doubt < _DOUBT
        return alike

    @cached_property
    def _sample(self) -> Hashes:
        """The hashes that a sketch may hold, ascending."""
        hashes = mix(self.kmers) if self.scaled == 1 else self.kmers
        return distinct(hashes[is_sampled(hashes, scaled=SCALED)])


def _shared_with(places: Places, sketches: Places, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many k-mers at these places, sampled as sketches are, some stored plasmids have (r,);
    their sketches follow each other (t,), of so many k-mers each (r,)."""
    places = np.sort(places[places != NO_PLACE])
    insertion = np.searchsorted(places, sketches)
    insertion[insertion == len(places)] = 0
    is_shared = places[insertion] == sketches if len(places) else np.zeros(len(sketches), bool)
    before = np.append(0, np.cumsum(is_shared))
    ends = np.cumsum(sizes)
    shared: NDArray[np.int64] = before[ends] - before[ends - sizes]
    return shared


def _overlap(query: _QueryKmers, neighbor: Neighbor, bases: str) -> Overlap:
    circular = neighbor.topology == "circular"
    common = query.members.common(kmers_of(bases, circular=circular, scaled=query.scaled))
    return Overlap(
        neighbor.id,
        neighbor.lab,
        neighbor.label,
        containment=common.containment,
        jaccard=common.jaccard,
        is_identical=common.jaccard == 1.0 and _are_identical(query.plasmid, neighbor, bases),
    )


def _are_identical(plasmid: Plasmid, neighbor: Neighbor, bases: str) -> bool:
    """Equal sets of k-mers are no proof: repeats may differ in number, and N hides k-mers."""
    if (len(plasmid), plasmid.topology) != (neighbor.length, neighbor.topology):
        return False
    stored = Plasmid(neighbor.id, bases, neighbor.topology)
    return canonical_sequence(plasmid) == canonical_sequence(stored)


def nearest_overlaps(
    index: OpenedIndex, plasmids: Sequence[Plasmid], vectors: QueryVectors, *, n: int = NEAREST
) -> list[tuple[Overlap, ...]]:
    """What each plasmid shares with the n stored ones nearest to its vector, nearest first.

    >>> from vecattr import Index, read_plasmids
    >>> index = Index.open("my.index")
    >>> plasmids = list(read_plasmids(["query.fasta"]))
    >>> [overlaps] = nearest_overlaps(index, plasmids, index.embed(plasmids), n=3)
    >>> len(overlaps)
    3
    """
    if not index.manifest.keep_sequences:
        return [()] * len(plasmids)
    return [
        overlaps(index, plasmid, neighbors)
        for plasmid, neighbors in zip(plasmids, index.neighbors(vectors, n=n), strict=True)
    ]


def best_containment(overlaps: Iterable[Overlap]) -> float:
    """The largest containment; NaN of nothing."""
    return max((overlap.containment for overlap in overlaps), default=float("nan"))


def best_containments(
    index: OpenedIndex, plasmids: Sequence[Plasmid], vectors: QueryVectors, n: int = NEAREST
) -> NDArray[np.float64]:
    """How much of each plasmid the best of its n nearest stored ones holds (q,), from 0 to 1; NaN
    where the index keeps no sequences.

    >>> from vecattr import Index, read_plasmids
    >>> index = Index.open("my.index")
    >>> plasmids = list(read_plasmids(["query.fasta"]))
    >>> best_containments(index, plasmids, index.embed(plasmids)).round(2).tolist()
    [0.76]
    """
    per_query = nearest_overlaps(index, plasmids, vectors, n=n)
    return np.array([best_containment(overlaps) for overlaps in per_query], dtype=np.float64)
