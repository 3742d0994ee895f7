"""Packed plasmids in, the k-mer arrays of a segment out.

Everything is sorted, so the same content gives the same arrays. Memory is spared: the finer sample
is sorted in slices as large as the other one, and long arrays are counted a part at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

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
    SKETCH_SCALED,
    K,
    bucket_starts,
)
from vecattr.indexes.storage.segment_schema import StoredCodes
from vecattr.plasmid import Topology
from vecattr.sequences.composition import WORDS, composition
from vecattr.sequences.kmers import Hashes, distinct, sampled_kmers
from vecattr.sequences.posting_lists import DistinctLists
from vecattr.sequences.postings import add_counts, first_of_each, in_parts, inverse
from vecattr.sequences.two_bit import PackedBases, unpack_bases

Arrays = dict[str, NDArray[np.generic]]

_HALF = np.uint64(32)
#: The least hash of each slice but the first.
_SLICE_STARTS = np.arange(1, FINENESS, dtype=np.uint64) * FIRST_FINE
#: Hashes in a chunk of sketches: 64 MB, because the C library gives back no smaller piece of memory
#: while others beside it are kept.
_CHUNK = 1 << 23
#: Counts of labs in the finer sample end here.
_MOST_COUNTED = 255


class MoleculeKmers(NamedTuple):
    """The k-mers of a molecule in both samples, ascending, each once (s,), and its composition
    (w,)."""

    kmers: Hashes
    composition: NDArray[np.float32]

    @classmethod
    def from_bases(cls, bases: str, *, circular: bool) -> MoleculeKmers:
        """Counted in upper-case bases."""
        kmers = distinct(sampled_kmers(bases, k=K, scaled=FINE_SCALED, circular=circular))
        return cls(kmers, composition(bases, circular=circular))

    @classmethod
    def from_packed(cls, packed: PackedBases, topology: Topology) -> MoleculeKmers:
        """The same of packed bases."""
        return cls.from_bases(unpack_bases(packed), circular=topology == "circular")


class CollectedKmers:
    """The k-mers of n plasmids, one after the other, until they are counted."""

    def __init__(self) -> None:
        self._slices = [_Sketches() for _ in range(FINENESS)]  # the first is the coarser sample
        self._compositions = [np.zeros((0, WORDS), dtype=np.float32)]

    def __len__(self) -> int:
        return len(self._slices[0])

    def add(self, molecule: MoleculeKmers) -> None:
        """Those of the next plasmid."""
        pieces = np.split(molecule.kmers, np.searchsorted(molecule.kmers, _SLICE_STARTS))
        for sketches, piece in zip(self._slices, pieces, strict=True):
            sketches.add(piece)
        self._compositions.append(molecule.composition[None, :])

    def arrays(
        self, *, labs: StoredCodes, groups: StoredCodes, sketch_scaled: int = SKETCH_SCALED
    ) -> Arrays:
        """The arrays of both samples, with the lab codes (n,) and group codes (n,) of the plasmids,
        and sketches of one k-mer in so many. No k-mer is collected then, so that memory holds each
        once."""
        rows = _RowOrder.from_codes(labs, groups)
        sketches, *slices = self._slices
        fine = [_FineSlice.from_sketches(part, rows) for part in slices]
        counted = _Counted.from_sketches(sketches, rows, most_labs=MOST_LABS)
        units = counted.units(len(labs)) + sum(part.row_counts for part in fine)
        arrays = _coarse_arrays(counted, rows=len(labs), sketch_scaled=sketch_scaled)
        del counted  # its posting lists, of which none is shared
        arrays["composition"] = np.concatenate(self._compositions)
        named: Arrays = {KMERS.array_name(column): array for column, array in arrays.items()}
        for column, array in _fine_arrays(fine).items():
            named[FINE_KMERS.array_name(column)] = array
        return named | {FINE_KMERS.array_name("units"): units.astype(np.int32)}


def kmer_arrays(
    molecules: Iterable[MoleculeKmers],
    *,
    labs: StoredCodes,
    groups: StoredCodes,
    sketch_scaled: int = SKETCH_SCALED,
) -> Arrays:
    """The arrays of both samples of n plasmids, with their lab codes (n,) and group codes (n,);
    sketches are of one k-mer in so many."""
    collected = CollectedKmers()
    for molecule in molecules:
        collected.add(molecule)
    return collected.arrays(labs=labs, groups=groups, sketch_scaled=sketch_scaled)


def _coarse_arrays(counted: _Counted, *, rows: int, sketch_scaled: int) -> Arrays:
    """The arrays of the coarser sample of so many rows, but for compositions."""
    lists = DistinctLists.from_lists(counted.posting_rows, counted.posting_offsets)
    places, sketch_offsets = counted.sketches(sketch_scaled)
    return {
        "hash": counted.kmers,
        "labs": counted.labs,
        "plasmids": counted.plasmids,
        "bucket": bucket_starts(counted.kmers),
        "sketch/offsets": sketch_offsets,
        "sketch/place": places,
        "posting/list": lists.numbers,
        "posting/offsets": lists.offsets,
        "posting/row": lists.rows,
        "rare": _row_counts(counted.posting_rows, rows).astype(np.int32),
    }


class _FineSlice(NamedTuple):
    """Of one slice of the finer sample: its k-mers (u,), how many labs have each (u,), their
    posting lists, and how many of these k-mers each of n rows has (n,)."""

    kmers: Hashes
    labs: NDArray[np.uint8]
    lists: DistinctLists
    row_counts: NDArray[np.int64]

    @classmethod
    def from_sketches(cls, sketches: _Sketches, rows: _RowOrder) -> _FineSlice:
        """Of the sketch of each row, which are taken."""
        counted = _Counted.from_sketches(sketches, rows, most_labs=FINE_MOST_LABS)
        return cls(
            counted.kmers,
            np.minimum(counted.labs, _MOST_COUNTED).astype(np.uint8),
            DistinctLists.from_lists(counted.posting_rows, counted.posting_offsets),
            _row_counts(counted.posting_rows, len(rows.labs)),
        )


def _fine_arrays(slices: list[_FineSlice]) -> Arrays:
    """The arrays of the finer sample, but for its units, from the slices, of which none is left."""
    kmers, labs = [part.kmers for part in slices], [part.labs for part in slices]
    lists = DistinctLists.joined([part.lists for part in slices])
    slices.clear()
    hashes = _joined(kmers)
    return {
        "hash": hashes,
        "labs": _joined(labs),
        "bucket": bucket_starts(hashes, sample=FINE_KMERS),
        "posting/list": lists.numbers,
        "posting/offsets": lists.offsets.astype(np.uint32),
        "posting/row": lists.rows,
    }


def _counts(codes: NDArray[np.uint32], size: int) -> NDArray[np.int32]:
    """How often each of so many codes occurs among ascending ones (e,), (u,)."""
    counts = np.zeros(size, dtype=np.int32)
    for part in in_parts(codes):
        add_counts(counts, part)
    return counts


def _row_counts(rows: NDArray[np.uint32], count: int) -> NDArray[np.int64]:
    """How often each of so many rows occurs among these (p,), in any order, (n,)."""
    counts = np.zeros(count, dtype=np.int64)
    for part in in_parts(rows):
        counts += np.bincount(part, minlength=count)
    return counts


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """The parts, one or more, as one array; each is let go when it is copied, none is left."""
    stop = sum(map(len, parts))
    joined = np.empty(stop, dtype=parts[0].dtype)
    while parts:
        start = stop - len(parts[-1])
        joined[start:stop] = parts.pop()
        stop = start
    return joined


class _Sketches:
    """Sketches one after the other, in few large arrays."""

    def __init__(self) -> None:
        self._chunks = [np.zeros(0, dtype=np.uint64)]
        self._free = self._chunks[-1]  # what is left of the last chunk
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
        chunks, self._chunks, self._sizes = self._chunks, [np.zeros(0, dtype=np.uint64)], []
        chunks[-1] = chunks[-1][: len(chunks[-1]) - len(self._free)]
        self._free = chunks[-1][:0]
        return _joined(chunks), offsets


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
    labs: NDArray[np.int32]
    plasmids: NDArray[np.int32]
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
        ranks_of_rows = inverse(rows.order)  # (n,)
        kmer_places, ranks = _sorted_pairs(places, np.repeat(ranks_of_rows, np.diff(offsets)))
        plasmids = _counts(kmer_places, len(kmers))
        lab_of = rows.labs[rows.order][ranks]  # (e,)
        of_new_labs = kmer_places[first_of_each(kmer_places) | first_of_each(lab_of)]
        del lab_of
        lab_counts = _counts(of_new_labs, len(kmers))
        del of_new_labs
        is_rare = lab_counts <= most_labs
        posting_rows = rows.order.astype(np.uint32)[ranks[is_rare[kmer_places]]]  # (p,)
        begins = np.zeros(len(kmers) + 1, dtype=np.int64)
        np.cumsum(np.where(is_rare, plasmids, 0), out=begins[1:])
        return cls(kmers, lab_counts, plasmids, places, offsets, posting_rows, begins)

    def sketches(self, scaled: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The places of one k-mer in so many of each sketch (s,), and where these begin (n + 1,):
        those of the least hashes, which are the first places."""
        limit = np.searchsorted(self.kmers, np.uint64((1 << 64) // scaled))
        kept = np.flatnonzero(self.places < limit)
        return self.places[kept], np.searchsorted(kept, self.sketch_offsets)

    def units(self, count: int) -> NDArray[np.int64]:
        """How much the k-mers of each of so many plasmids count that are not common (n,): one that
        few labs have 1, another FINENESS."""
        sizes = np.diff(self.posting_offsets)
        of_many = self.posting_rows[np.repeat(self.labs > FINE_MOST_LABS, sizes)]
        return _row_counts(self.posting_rows, count) + (FINENESS - 1) * _row_counts(of_many, count)


def _sorted_pairs(
    places: NDArray[np.uint32], ranks: NDArray[np.uint32]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Pairs (e,) by place, then by rank; both in one integer, which sorts faster than pairs."""
    pairs = places.astype(np.uint64)
    pairs <<= _HALF
    pairs |= ranks
    del ranks
    pairs.sort()
    halves = pairs.view(np.uint32).reshape(-1, 2)  # shifts would need as much memory again
    high, low = (0, 1) if sys.byteorder == "big" else (1, 0)
    return halves[:, high].copy(), halves[:, low].copy()
