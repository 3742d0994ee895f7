"""Segments of an index in, files of their joined k-mers into its folder out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import ArtifactError
from vecattr.files.array_directory import Attribute
from vecattr.files.array_writer import array_file
from vecattr.files.folder import Entry
from vecattr.indexes.joining.joined_kmers import (
    JOINED_FORMAT,
    JOINED_VERSION,
    open_joined,
)
from vecattr.indexes.joining.joined_labs import lab_arrays
from vecattr.indexes.joining.kmer_merging import MergedKmers, RowRanks, merged_kmers
from vecattr.indexes.storage.index_folder import joined_path
from vecattr.indexes.storage.kmer_schema import (
    FINE_MOST_LABS,
    FINE_PARAMETERS,
    JOINED_FINE_KMERS,
    JOINED_KMERS,
    MOST_LABS,
    PARAMETERS,
    KmerSample,
    bucket_bits,
    bucket_of,
    starts_of_buckets,
)
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.segment_kmers import KmerTable
from vecattr.indexes.storage.segment_schema import SMALL_SEGMENT
from vecattr.sequences.postings import add_counts

#: Segments in one file, 1.3 million plasmids or so: a segment has at most 90 million k-mers in the
#: finer sample, so that places and postings are numbered in 32 bits even if no two share any.
MOST_JOINED = 32
_NUMBERS = 1 << 32
#: Counts of labs end where their type does.
_MOST_COUNTED = {np.uint8: np.iinfo(np.uint8).max, np.int32: np.iinfo(np.int32).max}


class Writer(Protocol):
    """What takes the numbers of arrays: of each array in order, of several in turn."""

    def append(self, name: str, numbers: NDArray[np.generic]) -> None:
        """The next numbers of an array (m, ...)."""


class Lengths(NamedTuple):
    """How many k-mers there are, how many posting lists, and how many rows these have."""

    kmers: int
    lists: int
    postings: int


class Joining(NamedTuple):
    """One sample of the segments that are joined, and how many labs may share a posting list."""

    sample: KmerSample
    tables: list[KmerTable]
    ranks: RowRanks
    most_labs: int

    def parts(self) -> Iterator[MergedKmers]:
        """The k-mers of all segments, ascending."""
        return merged_kmers(self.tables, self.sample, self.ranks, most_labs=self.most_labs)

    def lengths(self) -> Lengths:
        """How much there is of all; all of them are merged for that."""
        kmers = lists = postings = 0
        for part in self.parts():
            kmers, lists = kmers + len(part.hashes), lists + len(part.sizes)
            postings += len(part.rows)
        return Lengths(kmers, lists, postings)


def join_kmers(path: Entry, segments: Sequence[LiveSegment]) -> list[Entry]:
    """Write the joined k-mers of the index at `path` with these segments, unless they are there;
    the files written. Segments next to each other are joined, except small ones, which will be
    merged before long, and those without the finer sample."""
    written = []
    for are_joined, group in groupby(segments, key=_is_joined):
        run = [*group]
        for start in range(0, len(run) if are_joined else 0, MOST_JOINED):
            part = run[start : start + MOST_JOINED]
            are_all = len(part) == len(segments)
            if len(part) > 1 and not _is_there(path, part, are_all=are_all):
                written.append(_write(path, part, are_all=are_all))
    return written


def _is_there(path: Entry, segments: Sequence[LiveSegment], *, are_all: bool) -> bool:
    """Whether there is a whole file of exactly these segments, with labs where they `are_all`."""
    try:
        joins = [joined for _, joined in open_joined(path, segments)]
    except ArtifactError:  # it is written anew
        return False
    return len(joins) == 1 and len(joins[0]) == len(segments) and bool(joins[0].labs or not are_all)


def _is_joined(segment: LiveSegment) -> bool:
    kmers = segment.stored.kmers
    return kmers is not None and kmers.fine is not None and segment.stored.rows >= SMALL_SEGMENT


def _write(path: Entry, segments: Sequence[LiveSegment], *, are_all: bool) -> Entry:
    """The file of these segments; with their labs where they `are_all` of the index."""
    labs = lab_arrays(segments) if are_all else {}
    names = [segment.entry.name for segment in segments]
    joinings = list(joinings_of(segments))
    lengths = [joining.lengths() for joining in joinings]
    assert max(map(max, lengths)) < _NUMBERS, "too many segments are joined"
    layouts = {
        joining.sample.array_name(column): (np.dtype(dtype).str, (length,))
        for joining, length_of in zip(joinings, lengths, strict=True)
        for column, dtype, length in _columns(joining.sample, length_of)
    }
    layouts |= {name: (array.dtype.str, array.shape) for name, array in labs.items()}
    attributes: dict[str, Attribute] = {
        "format": JOINED_FORMAT,
        "version": JOINED_VERSION,
        "segments": " ".join(names),
        "rows": sum(segment.stored.rows for segment in segments),
        **PARAMETERS,
        **FINE_PARAMETERS,
    }
    file = joined_path(path, names[0])
    with array_file(file, layouts, attributes) as writer:
        for name, array in labs.items():
            writer.append(name, array)
        for joining, length_of in zip(joinings, lengths, strict=True):
            fill(writer, joining, length_of.kmers)
    return file


def joinings_of(segments: Sequence[LiveSegment]) -> Iterator[Joining]:
    """Both samples of some segments, which have both."""
    ranks = RowRanks.from_segments(segments)
    kmers = [segment.stored.kmers for segment in segments]
    coarse = [table for table in kmers if table is not None]
    fine = [table.fine for table in coarse if table.fine is not None]
    assert len(fine) == len(coarse) == len(segments), "only segments with both samples are joined"
    yield Joining(JOINED_KMERS, [*coarse], ranks, MOST_LABS)
    yield Joining(JOINED_FINE_KMERS, [*fine], ranks, FINE_MOST_LABS)


def _columns(sample: KmerSample, length_of: Lengths) -> Iterator[tuple[str, type[np.generic], int]]:
    """The arrays of a sample, their types and lengths."""
    lengths = {
        "hash": length_of.kmers,
        "labs": length_of.kmers,
        "posting/list": length_of.kmers,
        "posting/offsets": length_of.lists + 1,
        "posting/row": length_of.postings,
        "bucket": (1 << bucket_bits(length_of.kmers, sample=sample)) + 1,
    }
    for column in sorted(sample.columns):
        yield column, sample.columns[column], lengths[column]


def fill(writer: Writer, joining: Joining, kmers: int) -> None:
    """Write the arrays of one sample, which has so many k-mers of all segments."""
    sample = joining.sample
    bits = bucket_bits(kmers, sample=sample)
    bucket_sizes = np.zeros(1 << bits, dtype=np.uint32)
    most_counted = _MOST_COUNTED[sample.columns["labs"]]
    end = 0
    writer.append(sample.array_name("posting/offsets"), np.zeros(1, dtype=np.int64))
    for part in joining.parts():
        columns = {
            "hash": part.hashes,
            "labs": np.minimum(part.labs, most_counted),
            "posting/list": part.lists,
            "posting/offsets": end + np.cumsum(part.sizes),
            "posting/row": part.rows,
        }
        for column, numbers in columns.items():
            writer.append(sample.array_name(column), numbers)
        end += len(part.rows)
        add_counts(bucket_sizes, bucket_of(part.hashes, bits=bits, sample=sample))
    writer.append(sample.array_name("bucket"), starts_of_buckets(bucket_sizes))
