"""The k-mers of several segments in; those of all together out, a part of the hashes at a time.

The hashes of k-mers are evenly distributed. So each part of their range holds about as many as any
other, and memory follows the size of a part, not that of the segments, but for the lists that are
remembered (`vecattr.indexes.joining.known_lists`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vecattr.indexes.joining.known_lists import KnownLists
from vecattr.indexes.storage.kmer_schema import KmerSample
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.segment_kmers import KmerTable
from vecattr.indexes.storage.segment_schema import StoredCodes, joined_codes
from vecattr.sequences.kmers import Hashes
from vecattr.sequences.posting_lists import DistinctLists
from vecattr.sequences.postings import distinct_places, inverse, joined_ranges

#: Postings and k-mers of segments that are merged at once.
_AT_ONCE = 1 << 22
_LOW_HALF = np.uint64((1 << 32) - 1)


class MergedKmers(NamedTuple):
    """Some k-mers of several segments: their hashes, ascending, how many labs have each, a lab
    counted in every segment that it is in, and the number of its posting list, (u,); the sizes of
    the lists that are new (s,), which follow those of the k-mers before, and their rows, one list
    after the other (p,)."""

    hashes: Hashes
    labs: NDArray[np.int64]
    lists: NDArray[np.uint32]
    sizes: NDArray[np.int64]
    rows: NDArray[np.uint32]


@dataclass(frozen=True)
class RowRanks:
    """The n rows of several segments, numbered one segment after the other: where those of each
    segment begin (s,), the rank of each row by lab, group and row, by stored names (n,), and the
    row of each rank (n,)."""

    starts: tuple[int, ...]
    ranks: NDArray[np.uint32]
    rows: NDArray[np.uint32]

    @classmethod
    def from_segments(cls, segments: Sequence[LiveSegment]) -> RowRanks:
        """Of all rows of these segments, removed ones included."""
        stored = [segment.stored for segment in segments]
        labs = _codes([(one.lab_names, one.lab_codes) for one in stored])
        groups = _codes([(one.group_names, one.group_codes) for one in stored])
        order = np.lexsort((groups, labs))
        starts = np.cumsum([0, *(one.rows for one in stored[:-1])])
        return cls(tuple(starts.tolist()), inverse(order), order.astype(np.uint32))


def _codes(columns: Sequence[tuple[Sequence[str], StoredCodes]]) -> NDArray[np.int64]:
    """The codes of all columns into the sorted names of all (n,)."""
    return joined_codes(columns, sorted({name for names, _ in columns for name in names}))


def merged_kmers(
    tables: Sequence[KmerTable], sample: KmerSample, ranks: RowRanks, *, most_labs: int
) -> Iterator[MergedKmers]:
    """The k-mers of one sample of several segments, ascending; a k-mer that more labs have has an
    empty list."""
    size = sum(len(table) + _postings_of(table) for table in tables)
    parts = -(-size // _AT_ONCE) or 1
    stop = (1 << 64) // sample.scaled
    edges = np.array([part * stop // parts for part in range(1, parts)], dtype=np.uint64)
    known = KnownLists(len(ranks.rows))
    cuts = [[0, *np.searchsorted(table.hashes, edges).tolist(), len(table)] for table in tables]
    for part in range(parts):
        spans = [slice(cut[part], cut[part + 1]) for cut in cuts]
        yield _merged(tables, spans, ranks, known, most_labs=most_labs)


def _merged(
    tables: Sequence[KmerTable],
    spans: Sequence[slice],
    ranks: RowRanks,
    known: KnownLists,
    *,
    most_labs: int,
) -> MergedKmers:
    """Those of these places of each table."""
    hashes = np.concatenate([table.hashes[span] for table, span in zip(tables, spans, strict=True)])
    labs = np.concatenate(
        [table.all_lab_counts[span] for table, span in zip(tables, spans, strict=True)]
    ).astype(np.int64)
    examples, numbers = distinct_places(hashes)
    distinct = hashes[examples]
    counts = np.bincount(numbers, labs, minlength=len(distinct)).astype(np.int64)
    keys, first = [np.zeros(0, dtype=np.uint64)], 0
    for table, span, start in zip(tables, spans, ranks.starts, strict=True):
        own = numbers[first : first + span.stop - span.start]
        first += len(own)
        keys.append(_keys(table, span, own, counts[own] <= most_labs, ranks.ranks[start:]))
    pairs = np.sort(np.concatenate(keys))
    sizes = np.bincount((pairs >> np.uint64(32)).astype(np.int64), minlength=len(distinct))
    ends = np.append(np.int64(0), np.cumsum(sizes))
    lists = DistinctLists.from_lists(ranks.rows[pairs & _LOW_HALF], ends, known.scrambles)
    numbers_of_lists, are_new = known.numbers_of(lists)
    sizes = np.diff(lists.offsets)
    rows = lists.rows[np.repeat(are_new, sizes)]
    return MergedKmers(distinct, counts, numbers_of_lists[lists.numbers], sizes[are_new], rows)


def _keys(
    table: KmerTable,
    span: slice,
    numbers: NDArray[np.int64],
    are_kept: NDArray[np.bool_],
    ranks: NDArray[np.uint32],
) -> NDArray[np.uint64]:
    """A number for each posting of the kept k-mers of a table at these places, which sorts by k-mer
    and rank (e,)."""
    starts, sizes = (column[are_kept] for column in table.list_spans(span))
    rows = table.posting_rows[joined_ranges(starts, sizes)]
    keys = np.repeat(numbers[are_kept].astype(np.uint64), sizes) << np.uint64(32)
    keys |= ranks[rows]
    return keys


def _postings_of(table: KmerTable) -> int:
    """How many rows the lists of all k-mers have together, one that they share once for each."""
    spans = range(0, len(table), _AT_ONCE)
    sizes = (table.list_spans(slice(start, start + _AT_ONCE))[1] for start in spans)
    return sum(int(part.sum()) for part in sizes)
