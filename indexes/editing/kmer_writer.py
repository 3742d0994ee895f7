"""Packed plasmids in, the k-mer arrays of a segment out.

Everything is sorted, so the same content gives the same arrays. For e k-mers in all sketches the
largest arrays have 8 e bytes, and at most about four of them exist at once. The finer sample has
three times as many, which are kept meanwhile, and is sorted in three slices.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.storage.kmer_schema import (
    FINE_KMERS,
    FINE_MOST_LABS,
    FINE_SCALED,
    FINENESS,
    FIRST_FINE,
    KMERS,
    MOST_LABS,
    SCALED,
    K,
    KmerSample,
    bucket_bits,
    bucket_of,
)
from vecattr.indexes.storage.segment_kmers import first_of_each
from vecattr.indexes.storage.segment_schema import StoredCodes
from vecattr.plasmid import Topology
from vecattr.sequences.composition import WORDS, composition
from vecattr.sequences.kmers import Hashes, distinct, sampled_kmers
from vecattr.sequences.two_bit import PackedBases, unpack_bases

Arrays = dict[str, NDArray[np.generic]]

_HALF = np.uint64(32)
#: Hashes in a chunk of sketches.
_CHUNK = 1 << 20
#: Counts of labs in the finer sample end here.
_MOST_COUNTED = 255


class MoleculeKmers(NamedTuple):
    """The sampled k-mers of a molecule and those that the finer sample has beside them, each
    ascending, each once (s,), and its composition (w,)."""

    sketch: Hashes
    fine: Hashes
    composition: NDArray[np.float32]

    @classmethod
    def from_bases(cls, bases: str, *, circular: bool) -> MoleculeKmers:
        """Counted in upper-case bases."""
        kmers = distinct(sampled_kmers(bases, k=K, scaled=FINE_SCALED, circular=circular))
        first = int(np.searchsorted(kmers, FIRST_FINE))
        return cls(kmers[:first], kmers[first:], composition(bases, circular=circular))

    @classmethod
    def from_packed(cls, packed: PackedBases, topology: Topology) -> MoleculeKmers:
        """The same of packed bases."""
        return cls.from_bases(unpack_bases(packed), circular=topology == "circular")


class CollectedKmers:
    """The k-mers of n plasmids, one after the other, until they are counted."""

    def __init__(self) -> None:
        self._sketches = _Sketches()
        self._slices = [_Sketches() for _ in range(1, FINENESS)]
        self._compositions = [np.zeros((0, WORDS), dtype=np.float32)]

    def __len__(self) -> int:
        return len(self._sketches)

    def add(self, molecule: MoleculeKmers) -> None:
        """Those of the next plasmid."""
        self._sketches.add(molecule.sketch)
        for number, sketches in enumerate(self._slices, start=1):
            sketches.add(_slice_of(molecule.fine, number))
        self._compositions.append(molecule.composition[None, :])

    def arrays(self, *, labs: StoredCodes, groups: StoredCodes) -> Arrays:
        """The arrays of both samples, with the lab codes (n,) and group codes (n,) of the plasmids.
        No k-mer is collected then, so that memory holds each once."""
        rows = _RowOrder.from_codes(labs, groups)
        counted = _Counted.from_sketches(self._sketches, rows, most_labs=MOST_LABS)
        arrays: Arrays = {
            "hash": counted.kmers,
            "labs": counted.labs.astype(np.int32),
            "plasmids": counted.plasmids.astype(np.int32),
            "bucket": bucket_starts(counted.kmers),
            "composition": np.concatenate(self._compositions),
            "sketch/offsets": counted.sketch_offsets,
            "sketch/place": counted.places,
            "posting/offsets": counted.posting_offsets,
            "posting/row": counted.posting_rows,
            "rare": np.bincount(counted.posting_rows, minlength=len(labs)).astype(np.int32),
        }
        units = counted.units(len(labs))
        del counted
        named: Arrays = {KMERS.array_name(column): array for column, array in arrays.items()}
        for column, array in _fine_arrays(self._slices, rows, units=units).items():
            named[FINE_KMERS.array_name(column)] = array
        return named


def kmer_arrays(
    molecules: Iterable[MoleculeKmers], *, labs: StoredCodes, groups: StoredCodes
) -> Arrays:
    """The arrays of both samples of n plasmids, with their lab codes (n,) and group codes (n,)."""
    collected = CollectedKmers()
    for molecule in molecules:
        collected.add(molecule)
    return collected.arrays(labs=labs, groups=groups)


def _fine_arrays(slices: list[_Sketches], rows: _RowOrder, *, units: NDArray[np.int64]) -> Arrays:
    """The arrays of the finer sample from its slices of each molecule; `units` (n,) are what the
    k-mers of the other sample count."""
    kmers, lab_counts, posting_rows, posting_counts = [], [], [], []
    for sketches in slices:
        counted = _Counted.from_sketches(sketches, rows, most_labs=FINE_MOST_LABS)
        kmers.append(counted.kmers)
        lab_counts.append(np.minimum(counted.labs, _MOST_COUNTED).astype(np.uint8))
        posting_counts.append(np.diff(counted.posting_offsets))
        posting_rows.append(counted.posting_rows)
        units = units + np.bincount(counted.posting_rows, minlength=len(units))
        del counted
    hashes, counts = np.concatenate(kmers), np.concatenate(posting_counts)
    return {
        "hash": hashes,
        "labs": np.concatenate(lab_counts),
        "bucket": bucket_starts(hashes, sample=FINE_KMERS),
        "posting/offsets": np.append(0, np.cumsum(counts)).astype(np.uint32),
        "posting/row": np.concatenate(posting_rows),
        "units": units.astype(np.int32),
    }


def _slice_of(sketch: Hashes, number: int) -> Hashes:
    """The k-mers of the slice of this number, of those into which the sample's width divides
    the range of hashes."""
    bounds = [np.uint64(((1 << 64) // SCALED) * end - 1) for end in (number, number + 1)]
    first, last = np.searchsorted(sketch, bounds, side="right")
    return sketch[first:last]


def bucket_starts(kmers: Hashes, *, sample: KmerSample = KMERS) -> NDArray[np.uint32]:
    """Where each bucket of ascending hashes (u,) begins, and the end, (2^b + 1,)."""
    bits = bucket_bits(len(kmers), sample=sample)
    sizes = np.bincount(bucket_of(kmers, bits=bits, sample=sample), minlength=1 << bits)
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint32)


class _Sketches:
    """Sketches one after the other. They are in few large arrays: memory of many small ones would
    not be given back while others beside them are kept."""

    def __init__(self) -> None:
        self._chunks: list[Hashes] = []
        self._free = np.zeros(0, dtype=np.uint64)  # what is left of the last chunk
        self._sizes: list[int] = []

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, sketch: Hashes) -> None:
        """The next one (s,)."""
        self._sizes.append(len(sketch))
        while len(sketch):
            if not len(self._free):
                self._chunks.append(np.empty(_CHUNK, dtype=np.uint64))
                self._free = self._chunks[-1]
            count = min(len(sketch), len(self._free))
            self._free[:count] = sketch[:count]
            self._free, sketch = self._free[count:], sketch[count:]

    def taken(self) -> tuple[Hashes, NDArray[np.int64]]:
        """All of them as one array (e,), and where each begins (n + 1,); none is left."""
        offsets = np.cumsum([0, *self._sizes], dtype=np.int64)
        chunks, self._chunks, self._sizes = self._chunks, [], []
        self._free = np.zeros(0, dtype=np.uint64)
        hashes = np.empty(int(offsets[-1]), dtype=np.uint64)
        for number in reversed(range(len(chunks))):
            part = hashes[number * _CHUNK : (number + 1) * _CHUNK]
            part[:] = chunks.pop()[: len(part)]
        return hashes, offsets


class _RowOrder(NamedTuple):
    """The rows (n,) by lab, then group, then row, and their lab codes (n,)."""

    order: NDArray[np.int64]
    labs: StoredCodes

    @classmethod
    def from_codes(cls, labs: StoredCodes, groups: StoredCodes) -> _RowOrder:
        return cls(np.lexsort((groups, labs)), labs)


@dataclass(frozen=True)
class _Counted:
    """Of all sketches: the u different k-mers, ascending, and how many `labs` and `plasmids` have
    each (u,); the places of the k-mers of each sketch (e,), and where these begin (n + 1,); and the
    rows that have each k-mer, none of a common one (p,), and where these begin (u + 1,)."""

    kmers: Hashes
    labs: NDArray[np.int64]
    plasmids: NDArray[np.int64]
    places: NDArray[np.uint32]
    sketch_offsets: NDArray[np.int64]
    posting_rows: NDArray[np.uint32]
    posting_offsets: NDArray[np.int64]

    @classmethod
    def from_sketches(cls, sketches: _Sketches, rows: _RowOrder, *, most_labs: int) -> _Counted:
        """Of the sketch of each row, which are taken. A k-mer is common that more labs have."""
        hashes, offsets = sketches.taken()
        kmers = distinct(hashes)  # (e,) -> (u,)
        places = np.searchsorted(kmers, hashes).astype(np.uint32)  # (e,)
        del hashes
        ranks_of_rows = np.repeat(_inverse(rows.order), np.diff(offsets))
        kmer_places, ranks = _sorted_pairs(places, ranks_of_rows)
        plasmids = np.bincount(kmer_places, minlength=len(kmers))  # (u,)
        lab_of = rows.labs[rows.order][ranks]  # (e,)
        is_new_lab = first_of_each(kmer_places) | first_of_each(lab_of)
        lab_counts = np.bincount(kmer_places[is_new_lab], minlength=len(kmers))
        del lab_of, is_new_lab
        is_rare = lab_counts <= most_labs
        posting_rows = rows.order.astype(np.uint32)[ranks[is_rare[kmer_places]]]  # (p,)
        begins = np.append(0, np.cumsum(np.where(is_rare, plasmids, 0)))
        return cls(kmers, lab_counts, plasmids, places, offsets, posting_rows, begins)

    def units(self, count: int) -> NDArray[np.int64]:
        """How much the k-mers of each of so many plasmids count that are not common (n,): one that
        few labs have 1, another FINENESS."""
        weights = np.where(self.labs > FINE_MOST_LABS, float(FINENESS), 1.0)
        repeated = np.repeat(weights, np.diff(self.posting_offsets))
        units = np.bincount(self.posting_rows, repeated, minlength=count)
        return units.astype(np.int64)


def _sorted_pairs(
    places: NDArray[np.uint32], ranks: NDArray[np.uint32]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Pairs (e,) by place, then by rank; both in one integer, which sorts faster than pairs."""
    pairs = places.astype(np.uint64)
    pairs <<= _HALF
    pairs |= ranks
    pairs.sort()
    halves = pairs.view(np.uint32).reshape(-1, 2)  # shifts would need as much memory again
    high, low = (0, 1) if sys.byteorder == "big" else (1, 0)
    return halves[:, high].copy(), halves[:, low].copy()


def _inverse(order: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The rank of each row, when `order` has the row of each rank."""
    ranks = np.empty(len(order), dtype=np.uint32)
    ranks[order] = np.arange(len(order), dtype=np.uint32)
    return ranks
