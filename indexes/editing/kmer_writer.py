"""Packed plasmids in, the k-mer arrays of a segment out.

Everything is sorted, so the same content gives the same arrays. For e k-mers in all sketches the
largest arrays have 8 e bytes, and at most about four of them exist at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.storage.kmer_schema import (
    MOST_LABS,
    array_name,
    bucket_bits,
    bucket_of,
    sketch_of,
)
from vecattr.indexes.storage.segment_kmers import first_of_each
from vecattr.indexes.storage.segment_schema import StoredCodes
from vecattr.plasmid import Topology
from vecattr.sequences.composition import WORDS, composition
from vecattr.sequences.kmers import Hashes, distinct
from vecattr.sequences.two_bit import PackedBases, unpack_bases

Arrays = dict[str, NDArray[np.generic]]

_HALF = np.uint64(32)


class MoleculeKmers(NamedTuple):
    """The sampled k-mers of a molecule, ascending, each once (s,), and its composition (w,)."""

    sketch: Hashes
    composition: NDArray[np.float32]

    @classmethod
    def from_bases(cls, bases: str, *, circular: bool) -> MoleculeKmers:
        """Counted in upper-case bases."""
        sketch = sketch_of(bases, circular=circular)
        return cls(sketch, composition(bases, circular=circular))

    @classmethod
    def from_packed(cls, packed: PackedBases, topology: Topology) -> MoleculeKmers:
        """The same of packed bases."""
        return cls.from_bases(unpack_bases(packed), circular=topology == "circular")


def kmer_arrays(
    molecules: Iterable[MoleculeKmers], *, labs: StoredCodes, groups: StoredCodes
) -> Arrays:
    """The arrays of `kmers/` of n plasmids, with their lab codes (n,) and group codes (n,)."""
    sketches, compositions = [], [np.zeros((0, WORDS), dtype=np.float32)]
    for molecule in molecules:
        sketches.append(molecule.sketch)
        compositions.append(molecule.composition[None, :])
    hashes, offsets = _concatenated(sketches)
    kmers = distinct(hashes)  # (e,) -> (u,)
    places = np.searchsorted(kmers, hashes).astype(np.uint32)  # (e,)
    del hashes
    arrays: Arrays = {
        "hash": kmers,
        "bucket": bucket_starts(kmers),
        "composition": np.concatenate(compositions),
        "sketch/offsets": offsets,
        "sketch/place": places,
        **_postings(places, offsets, labs=labs, groups=groups, size=len(kmers)),
    }
    return {array_name(column): array for column, array in arrays.items()}


def bucket_starts(kmers: Hashes) -> NDArray[np.uint32]:
    """Where each bucket of ascending hashes (u,) begins, and the end, (2^b + 1,)."""
    bits = bucket_bits(len(kmers))
    sizes = np.bincount(bucket_of(kmers, bits=bits), minlength=1 << bits)
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint32)


def _concatenated(sketches: list[Hashes]) -> tuple[Hashes, NDArray[np.int64]]:
    """All sketches as one array (e,), and where each begins (n + 1,). The list is empty then, so
    that memory holds them once."""
    offsets = np.cumsum([0, *map(len, sketches)], dtype=np.int64)
    hashes = np.empty(int(offsets[-1]), dtype=np.uint64)
    for row in reversed(range(len(sketches))):
        hashes[offsets[row] : offsets[row + 1]] = sketches.pop()
    return hashes, offsets


def _postings(
    places: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    *,
    labs: StoredCodes,
    groups: StoredCodes,
    size: int,
) -> Arrays:
    """Counts of labs and plasmids of each of `size` k-mers, and its rows unless it is common."""
    order = np.lexsort((groups, labs))  # by lab, then group, then row: rank -> row, (n,)
    kmer_places, ranks = _sorted_pairs(places, np.repeat(_inverse(order), np.diff(offsets)))
    plasmids = np.bincount(kmer_places, minlength=size)  # (u,)
    lab_of = labs[order][ranks]  # (e,)
    is_new_lab = first_of_each(kmer_places) | first_of_each(lab_of)
    lab_counts = np.bincount(kmer_places[is_new_lab], minlength=size)
    del lab_of, is_new_lab
    is_rare = lab_counts <= MOST_LABS
    rows = order.astype(np.uint32)[ranks[is_rare[kmer_places]]]  # (p,)
    posting_offsets = np.concatenate([[0], np.cumsum(np.where(is_rare, plasmids, 0))])
    return {
        "labs": lab_counts.astype(np.int32),
        "plasmids": plasmids.astype(np.int32),
        "posting/offsets": posting_offsets.astype(np.int64),
        "posting/row": rows,
        "rare": np.bincount(rows, minlength=len(labs)).astype(np.int32),
    }


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
