"""The exact k-mers of one segment: a checked file in; counts, sketches and postings by k-mer out.

A sketch is a sample of the canonical k-mers of one plasmid. A posting list holds the plasmids
that have a k-mer; k-mers that the same plasmids have share one. K-mers of many labs (a backbone, a
resistance gene) do not tell labs apart and have an empty list. A finer sample has more of those
that few labs have. The layout is in indexes/FORMAT.md; arrays are read when they are needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError
from vecattr.files.arrays import ArrayFile
from vecattr.indexes.storage.kmer_schema import (
    FINE_KMERS,
    KMERS,
    SCALED,
    SKETCH_PARAMETER,
    KmerSample,
    array_name,
    bucket_bits,
    bucket_of,
    check_kmer_layout,
    check_kmer_type,
    kmer_damage,
)
from vecattr.sequences.composition import WORDS
from vecattr.sequences.kmers import Hashes
from vecattr.sequences.posting_lists import DistinctLists
from vecattr.sequences.postings import Postings, joined_ranges
from vecattr.vectors import Rows

#: The places of the k-mers of this many queries are cached, about 15 kB each.
_CACHED_QUERIES = 256

#: The place of a k-mer that the segment lacks.
NO_PLACE = -1

Places = NDArray[np.int64]
Counts = NDArray[np.int64]


class KmerTable:
    """The u distinct k-mers of the n plasmids of a segment that are in a sample. The *place* of a
    k-mer is its position among them, by ascending hash; NO_PLACE stands for one that is absent.

    MismatchError when the k-mers were sampled in another way; DamagedError, here or when an array
    is first read, when arrays do not fit together.
    """

    def __init__(self, file: ArrayFile, *, rows: int, sample: KmerSample) -> None:
        self._file = file
        self._rows = rows
        self._sample = sample
        self._cached_places: dict[bytes, Places] = {}
        self._size = check_kmer_layout(file, rows=rows, sample=sample)

    def __len__(self) -> int:
        return self._size

    @cached_property
    def hashes(self) -> Hashes:
        """Every k-mer (u,), ascending."""
        hashes = cast("Hashes", self._column("hash"))
        if not np.all(hashes[1:] > hashes[:-1]):
            raise self._damage(f"{self._name('hash')} does not ascend")
        return hashes

    @property
    def all_lab_counts(self) -> NDArray[np.integer]:
        """How many labs have each k-mer (u,)."""
        return cast("NDArray[np.integer]", self._column("labs"))

    @cached_property
    def posting_rows(self) -> NDArray[np.uint32]:
        """The rows of all posting lists, one after the other."""
        rows = cast("NDArray[np.uint32]", self._column("posting/row"))
        self._check_rows(rows)
        return rows

    @cached_property
    def posting_offsets(self) -> NDArray[np.integer]:
        """Where each posting list begins, and the end (s + 1,)."""
        return self._offsets("posting/offsets", "posting/row")

    def list_spans(self, places: slice) -> tuple[Places, Places]:
        """Where the posting list of each k-mer at these places begins, and how long it is."""
        if self._has_lists:
            lists = self._column("posting/list")[places].astype(np.int64)
            if len(lists) and int(lists.max()) >= len(self.posting_offsets) - 1:
                raise self._damage(f"{self._name('posting/list')} leaves the lists")
        else:
            lists = np.arange(len(self))[places]
        starts = self.posting_offsets[lists].astype(np.int64)
        return starts, self.posting_offsets[lists + 1] - starts

    def find(self, hashes: Hashes) -> Places:
        """The places of these k-mers (m,) -> (m,), NO_PLACE where the segment lacks one."""
        if self._name("bucket") in self._file:
            return self._find_cached(hashes)
        candidates = np.searchsorted(self.hashes, hashes)
        inside = np.flatnonzero(candidates < self._size)
        equal = inside[self.hashes[candidates[inside]] == hashes[inside]]
        places = np.full(len(hashes), NO_PLACE, dtype=np.int64)
        places[equal] = candidates[equal]
        return places

    def _find_cached(self, hashes: Hashes) -> Places:
        """As `find`; near copies and evidence look up the k-mers of the same queries."""
        key = hashes.tobytes()
        if key not in self._cached_places:
            if len(self._cached_places) >= _CACHED_QUERIES:
                self._cached_places.clear()
            self._cached_places[key] = self._find_in_buckets(hashes)
        return self._cached_places[key].copy()

    def _find_in_buckets(self, hashes: Hashes) -> Places:
        """As `find`, reading little but the buckets of these k-mers."""
        bits = bucket_bits(self._size, sample=self._sample)
        buckets = bucket_of(hashes, bits=bits, sample=self._sample)
        buckets = np.minimum(buckets, (1 << bits) - 1)  # hashes beyond the sample's range
        starts = self._items("bucket", buckets).astype(np.int64)
        stops = self._items("bucket", buckets + 1).astype(np.int64)
        if not np.all((starts <= stops) & (stops <= self._size)):
            raise self._damage(f"{self._name('bucket')} does not divide {self._name('hash')}")
        candidates = joined_ranges(starts, stops - starts)  # (t,)
        queries = np.repeat(np.arange(len(hashes)), stops - starts)  # (t,)
        check_kmer_type(self._file, "hash", self._sample)
        stored = cast("Hashes", self._file.pieces(self._name("hash"), starts, stops)(candidates))
        if not np.all((stored[1:] > stored[:-1]) | (queries[1:] != queries[:-1])):
            raise self._damage(f"{self._name('hash')} does not ascend")
        equal = np.flatnonzero(stored == hashes[queries])
        places = np.full(len(hashes), NO_PLACE, dtype=np.int64)
        places[queries[equal]] = candidates[equal]
        return places

    def lab_counts(self, places: Places) -> Counts:
        """How many different labs of the segment have each k-mer (m,) -> (m,); 0 for NO_PLACE."""
        return self._at("labs", places)

    def lists_of(self, places: Places) -> Places:
        """The number of the posting list of each k-mer (m,) -> (m,), NO_PLACE of NO_PLACE. A common
        k-mer has an empty one."""
        return self._at("posting/list", places, absent=NO_PLACE) if self._has_lists else places

    def postings(self, places: Places) -> Postings:
        """The plasmids that have each of these k-mers (m,), which `kmers` numbers from 0, by lab
        code, group code and row. A common k-mer has an empty list, NO_PLACE none."""
        lists = self.lists_of(places)
        stored = np.flatnonzero(lists != NO_PLACE)
        starts = self._items("posting/offsets", lists[stored]).astype(np.int64)
        stops = self._items("posting/offsets", lists[stored] + 1).astype(np.int64)
        [length] = self._file.shape(self._name("posting/row"))
        if not np.all((starts >= 0) & (starts <= stops) & (stops <= length)):
            raise self._damage(
                f"{self._name('posting/offsets')} does not divide {self._name('posting/row')}"
            )
        check_kmer_type(self._file, "posting/row", self._sample)
        read = self._file.pieces(self._name("posting/row"), starts, stops)
        view = read(slice(None)).data  # pieces of it are joined faster than arrays
        ends = zip(starts.tolist(), stops.tolist(), strict=True)
        rows = np.frombuffer(b"".join([view[start:stop] for start, stop in ends]), dtype=np.uint32)
        self._check_rows(rows)
        return Postings(stored, stops - starts, cast("Rows", rows))

    def _check_rows(self, rows: NDArray[np.uint32]) -> None:
        """DamagedError unless the plasmids of posting lists are rows of the file."""
        if len(rows) and not int(rows.max()) < self._rows:
            raise self._damage(f"a posting leaves the {self._rows} rows")

    def unequal(self, expected: Mapping[str, NDArray[np.generic]]) -> list[str]:
        """The names of the arrays of this sample that differ from the `expected` ones."""
        if not self._has_lists:
            expected = self._with_own_lists(expected)
        return [
            self._name(column)
            for column in self._sample.columns
            if (column not in self._sample.optional or self._name(column) in self._file)
            and not np.array_equal(self._column(column), expected[self._name(column)])
        ]

    def _with_own_lists(
        self, arrays: Mapping[str, NDArray[np.generic]]
    ) -> Mapping[str, NDArray[np.generic]]:
        """The arrays with a posting list of its own for each k-mer."""
        names = [self._name(f"posting/{column}") for column in ("list", "offsets", "row")]
        lists = DistinctLists(*(cast("Any", arrays[name]) for name in names))
        offsets, rows = lists.expanded()
        return {**arrays, names[1]: offsets, names[2]: rows}

    @property
    def _has_lists(self) -> bool:
        """Whether k-mers share posting lists; in older files each has its own."""
        return self._name("posting/list") in self._file

    def _at(self, column: str, places: Places, *, absent: int = 0) -> Counts:
        """The numbers of a column at these places, for NO_PLACE that for `absent` ones."""
        numbers = np.full(len(places), absent, dtype=np.int64)
        is_stored = places != NO_PLACE
        numbers[is_stored] = self._items(column, places[is_stored])
        return numbers

    def _items(self, column: str, places: Places) -> NDArray[np.generic]:
        """The numbers of a column at these places, reading little else."""
        check_kmer_type(self._file, column, self._sample)
        return self._file.items(self._name(column), places)

    def _offsets(self, column: str, pieces: str) -> NDArray[np.integer]:
        """Where the pieces of an array begin, and its end."""
        offsets = cast("NDArray[np.integer]", self._column(column))
        ends = int(offsets[0]), int(offsets[-1])
        [length] = self._file.shape(self._name(pieces))
        if ends != (0, length) or not np.all(offsets[1:] >= offsets[:-1]):
            raise self._damage(f"{self._name(column)} does not divide {self._name(pieces)}")
        return offsets

    def _name(self, column: str) -> str:
        return self._sample.array_name(column)

    def _column(self, column: str) -> NDArray[np.generic]:
        check_kmer_type(self._file, column, self._sample)
        return self._file.array(self._name(column))

    def _damage(self, what: str) -> DamagedError:
        return kmer_damage(self._file, what)


class SegmentKmers(KmerTable):
    """The k-mers of a segment: those of the sample that all of its plasmids have, and the `fine`
    ones of the finer sample beside it (None in a file written before there was one)."""

    def __init__(self, file: ArrayFile, *, rows: int) -> None:
        super().__init__(file, rows=rows, sample=KMERS)
        is_there = FINE_KMERS.is_in(file)
        self.fine = FineKmers(file, rows=rows) if is_there else None

    @staticmethod
    def are_in(file: ArrayFile) -> bool:
        """Whether the file has any array of k-mers; those made without sequences have none."""
        return KMERS.is_in(file)

    @property
    def sketch_scaled(self) -> int:
        """One k-mer in so many is in the sketch of its plasmid."""
        scaled = self._file.attributes.get(SKETCH_PARAMETER, SCALED)
        if type(scaled) is not int or scaled < SCALED:
            raise self._damage(f"{SKETCH_PARAMETER} is {scaled!r}")
        return scaled

    def sketches(self, rows: Places) -> tuple[Places, Places]:
        """The places of the k-mers of some plasmids (r,), those of one after those of another,
        each ascending (t,), and how many each has (r,); little else is read."""
        starts, stops = self._sketch_offsets[rows], self._sketch_offsets[rows + 1]
        check_kmer_type(self._file, "sketch/place")
        read = self._file.pieces(array_name("sketch/place"), starts, stops)
        spans = [read(slice(*span)) for span in zip(starts.tolist(), stops.tolist(), strict=True)]
        places = np.concatenate([np.zeros(0, dtype=np.uint32), *spans]).astype(np.int64)
        sizes, ends = stops - starts, np.cumsum(stops - starts)
        is_first = np.zeros(len(places) + 1, dtype=bool)
        is_first[ends - sizes] = True
        descents = np.flatnonzero(~((places[1:] > places[:-1]) | is_first[1:-1]))
        beyond = np.flatnonzero(places >= self._size)
        for wrong, what in ((descents, "does not ascend"), (beyond, "leaves the k-mers")):
            if len(wrong):
                row = rows[np.searchsorted(ends, wrong[0], side="right")]
                raise self._damage(f"the sketch of row {row} {what}")
        return places, sizes

    @cached_property
    def rare_sizes(self) -> Places:
        """How many of each plasmid's k-mers are not common (n,)."""
        if array_name("rare") in self._file:
            return self._column("rare").astype(np.int64)
        rows = self.posting_rows[joined_ranges(*self.list_spans(slice(None)))]
        return np.bincount(rows, minlength=self._rows)

    @property
    def has_compositions(self) -> bool:
        """Whether the file holds the composition of its plasmids."""
        return array_name("composition") in self._file

    @property
    def compositions(self) -> NDArray[np.float32]:
        """As `vecattr.sequences.composition.composition`, of each plasmid (n, WORDS); zeros for a
        file written before compositions were stored."""
        if not self.has_compositions:
            return np.zeros((self._rows, WORDS), dtype=np.float32)
        shares = cast("NDArray[np.float32]", self._column("composition"))
        if not (shares.min(initial=0) >= 0 and shares.max(initial=0) <= 1):
            raise self._damage(f"{array_name('composition')} holds no shares")
        return shares

    def differing(self, expected: Mapping[str, NDArray[np.generic]]) -> list[str]:
        """The names of the stored arrays that differ from `expected`, which has every array of
        both samples, in file order."""
        tables = [self, *([self.fine] if self.fine is not None else [])]
        return [name for table in tables for name in table.unequal(expected)]

    @cached_property
    def _sketch_offsets(self) -> Places:
        return cast("Places", self._offsets("sketch/offsets", "sketch/place"))


class FineKmers(KmerTable):
    """The k-mers of the finer sample of a segment."""

    def __init__(self, file: ArrayFile, *, rows: int) -> None:
        super().__init__(file, rows=rows, sample=FINE_KMERS)

    @cached_property
    def units(self) -> Places:
        """How much the k-mers of each plasmid count that are not common (n,), in units of a k-mer
        that few labs have."""
        return self._column("units").astype(np.int64)
