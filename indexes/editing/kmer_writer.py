"""The k-mers of a segment in the making: packed plasmids in, all arrays of the group out.

Everything is sorted, so the same content gives the same arrays. For e k-mers in all sketches the
largest arrays have 8 e bytes, and at most about four of them are there at once.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.storage.segment_kmers import (
    MOST_LABS,
    array_name,
    bucket_bits,
    bucket_of,
    first_of_each,
    sketch_of,
)
from vecattr.plasmid import Topology
from vecattr.sequences.composition import WORDS, composition
from vecattr.sequences.kmers import Hashes
from vecattr.sequences.two_bit import PackedBases, unpack_bases

Arrays = dict[str, NDArray[np.generic]]
Codes = NDArray[np.int32]

_HALF = np.uint64(32)
_LOW = np.uint64((1 << 32) - 1)


def kmer_arrays(
    plasmids: Iterable[tuple[PackedBases, Topology]], *, labs: Codes, groups: Codes
) -> Arrays:
    """The arrays of `kmers/` of n plasmids, with their lab codes (n,) and group codes (n,)."""
    sketches, made_of = [], [np.zeros((0, WORDS), dtype=np.float32)]
    for packed, topology in plasmids:
        bases, circular = unpack_bases(packed), topology == "circular"
        sketches.append(sketch_of(bases, circular=circular))
        made_of.append(composition(bases, circular=circular)[None, :])
    hashes, offsets = _end_to_end(sketches)
    del sketches
    distinct = np.sort(hashes)
    distinct = distinct[first_of_each(distinct)]  # (e,) -> (u,)
    places = np.searchsorted(distinct, hashes).astype(np.uint32)  # (e,)
    del hashes
    arrays: Arrays = {
        "hash": distinct,
        "bucket": _buckets(distinct),
        "composition": np.concatenate(made_of),
        "sketch/offsets": offsets,
        "sketch/place": places,
        **_inverted(places, offsets, labs=labs, groups=groups, size=len(distinct)),
    }
    return {array_name(column): array for column, array in arrays.items()}


def _buckets(distinct: Hashes) -> NDArray[np.uint32]:
    """Where each bucket of ascending hashes (u,) begins, and the end, (2^b + 1,)."""
    bits = bucket_bits(len(distinct))
    sizes = np.bincount(bucket_of(distinct, bits=bits), minlength=1 << bits)
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint32)


def _end_to_end(sketches: Iterable[Hashes]) -> tuple[Hashes, NDArray[np.int64]]:
    """All sketches as one array (e,), and where each begins (n + 1,)."""
    pieces = [np.zeros(0, dtype=np.uint64), *sketches]
    offsets = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    return np.concatenate(pieces), offsets


def _inverted(
    places: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    *,
    labs: Codes,
    groups: Codes,
    size: int,
) -> Arrays:
    """What each of `size` k-mers has: counts of labs and plasmids, and rows unless it is common."""
    order = np.lexsort((groups, labs))  # by lab, then group, then row: rank -> row, (n,)
    holders, ranks = _sorted_pairs(places, np.repeat(_inverse(order), np.diff(offsets)))
    plasmids = np.bincount(holders, minlength=size)  # (u,)
    lab_of = labs[order][ranks]  # (e,)
    new_lab = first_of_each(holders) | first_of_each(lab_of)
    lab_counts = np.bincount(holders[new_lab], minlength=size)
    del lab_of, new_lab
    rare = lab_counts <= MOST_LABS
    rows = order.astype(np.uint32)[ranks[rare[holders]]]  # (p,)
    posted = np.concatenate([[0], np.cumsum(np.where(rare, plasmids, 0))])
    return {
        "labs": lab_counts.astype(np.int32),
        "plasmids": plasmids.astype(np.int32),
        "posting/offsets": posted.astype(np.int64),
        "posting/row": rows,
        "rare": np.bincount(rows, minlength=len(labs)).astype(np.int32),
    }


def _sorted_pairs(
    places: NDArray[np.uint32], ranks: NDArray[np.uint32]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Pairs (e,) by place, then by rank; both in one word, because words sort faster than pairs."""
    pairs = places.astype(np.uint64)
    pairs <<= _HALF
    pairs |= ranks
    pairs.sort()
    return (pairs >> _HALF).astype(np.uint32), (pairs & _LOW).astype(np.uint32)


def _inverse(order: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The rank of each row, when `order` has the row of each rank."""
    ranks = np.empty(len(order), dtype=np.uint32)
    ranks[order] = np.arange(len(order), dtype=np.uint32)
    return ranks
