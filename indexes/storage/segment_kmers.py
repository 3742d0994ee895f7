"""The exact k-mers of one segment: a checked file in; counts, sketches and postings by k-mer out.

A sketch is the sampled set of canonical k-mers of one plasmid. A posting list has the plasmids that
hold one k-mer; k-mers that too many labs have are common property (a backbone, a resistance gene),
tell nobody apart and have none. The layout is described in FORMAT.md beside this file; arrays are
read when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError, MismatchError
from vecattr.files.arrays import ArrayFile
from vecattr.files.directory import Attribute
from vecattr.sequences.composition import WORDS
from vecattr.sequences.kmers import Hashes, sampled_kmers

#: Long enough that unrelated plasmids share next to none by chance.
K = 21
#: One k-mer in so many is kept, the same ones of every sequence.
SCALED = 8
#: A k-mer that more labs of a segment have than this is common: it has no postings.
MOST_LABS = 400

#: What the arrays depend on beside the sequences, as attributes of the file.
PARAMETERS: Mapping[str, Attribute] = {
    "kmer_k": K,
    "kmer_scaled": SCALED,
    "kmer_most_labs": MOST_LABS,
}

#: Every array of the group, without the group's name, and its type.
COLUMNS: Mapping[str, type[np.generic]] = {
    "hash": np.uint64,
    "labs": np.int32,
    "plasmids": np.int32,
    "sketch/offsets": np.int64,
    "sketch/place": np.uint32,
    "posting/offsets": np.int64,
    "posting/row": np.uint32,
    "rare": np.int32,
    "bucket": np.uint32,
    "composition": np.float32,
}
#: Those that a file may lack, because it was made before there were any; they save time.
LATER = ("rare", "bucket", "composition")
#: So many k-mers are in a bucket, on average, or fewer.
_BUCKET = 32
#: Queries whose k-mers are found are kept, about 15 kB each.
_REMEMBERED = 256

#: The place of a k-mer that the segment lacks.
NO_PLACE = -1

_GROUP = "kmers"

Places = NDArray[np.int64]
Counts = NDArray[np.int32]


def sketch_of(bases: str, *, circular: bool) -> Hashes:
    """The sampled canonical k-mers of upper-case `bases` (s,), ascending, each once."""
    found = np.sort(sampled_kmers(bases, k=K, scaled=SCALED, circular=circular))
    return found[first_of_each(found)]


def first_of_each(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where a new value begins, of values (m,) of which equal ones stand together."""
    fresh = np.ones(len(values), dtype=bool)
    fresh[1:] = values[1:] != values[:-1]
    return fresh


def joined_ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers from each start on, so many of each, one range after the other; (m,), (m,) ->
    (t,).

    >>> joined_ranges(np.array([7, 3]), np.array([2, 3])).tolist()
    [7, 8, 3, 4, 5]
    """
    before = np.cumsum(counts) - counts
    joined: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(starts - before, counts)
    return joined


def bucket_bits(size: int) -> int:
    """The number b of `bucket` for so many k-mers."""
    return max(0, -(-size // _BUCKET) - 1).bit_length()


def bucket_of(hashes: Hashes, *, bits: int) -> NDArray[np.int64]:
    """The part of 2^bits equal parts of the sample's range that each hash lies in (m,) -> (m,)."""
    range_bits = 64 - (SCALED - 1).bit_length()
    return (hashes >> np.uint64(range_bits - bits)).astype(np.int64)


def array_name(column: str) -> str:
    """The name of an array of COLUMNS inside the segment file."""
    return f"{_GROUP}/{column}"


class SegmentKmers:
    """The u distinct sampled k-mers of the n plasmids of a segment. The *place* of a k-mer is its
    position among them, by ascending hash; NO_PLACE stands for one that the segment lacks.

    MismatchError when the k-mers were sampled in another way; DamagedError, here or when an array
    is first read, when arrays do not fit together.
    """

    def __init__(self, file: ArrayFile, *, rows: int) -> None:
        self._file = file
        self._rows = rows
        self._found: dict[bytes, Places] = {}
        self._check_parameters()
        self._check_shapes()

    @staticmethod
    def are_in(file: ArrayFile) -> bool:
        """Whether the file has any array of k-mers; those made without sequences have none."""
        return any(array_name(column) in file for column in COLUMNS)

    def _check_parameters(self) -> None:
        found = {name: self._file.attributes.get(name) for name in PARAMETERS}
        if found != PARAMETERS:
            raise MismatchError(
                f"k-mers made with {_shown(found)}, expected {_shown(PARAMETERS)}",
                where=self._file.name,
                hint="use the vecattr that wrote it, or build the index again",
            )

    def _check_shapes(self) -> None:
        [self._size] = self._file.shape(array_name("hash"))
        for column, expected in {
            "labs": self._size,
            "plasmids": self._size,
            "sketch/offsets": self._rows + 1,
            "posting/offsets": self._size + 1,
            "rare": self._rows,
            "bucket": (1 << bucket_bits(self._size)) + 1,
        }.items():
            if column in LATER and array_name(column) not in self._file:
                continue
            if self._file.shape(array_name(column)) != (expected,):
                raise self._damage(f"{array_name(column)} is not of length {expected}")
        if self.has_compositions:
            shape = self._file.shape(array_name("composition"))
            if shape != (self._rows, WORDS):
                raise self._damage(f"{array_name('composition')} is of shape {shape}")

    def __len__(self) -> int:
        return self._size

    @cached_property
    def hashes(self) -> Hashes:
        """Every k-mer (u,), ascending."""
        found = cast("Hashes", self._column("hash"))
        if not np.all(found[1:] > found[:-1]):
            raise self._damage(f"{array_name('hash')} does not ascend")
        return found

    def find(self, hashes: Hashes) -> Places:
        """The places of these k-mers (m,) -> (m,), NO_PLACE where the segment lacks one."""
        if array_name("bucket") in self._file:
            return self._remembered(hashes)
        places = np.searchsorted(self.hashes, hashes)
        inside = np.flatnonzero(places < self._size)
        found = np.full(len(hashes), NO_PLACE, dtype=np.int64)
        same = inside[self.hashes[places[inside]] == hashes[inside]]
        found[same] = places[same]
        return found

    def _remembered(self, hashes: Hashes) -> Places:
        """The same: near copies and evidence ask for the k-mers of the same queries."""
        key = hashes.tobytes()
        if key not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[key] = self._found_in_buckets(hashes)
        return self._found[key].copy()

    def _found_in_buckets(self, hashes: Hashes) -> Places:
        """The same, reading little but the buckets of these k-mers."""
        bits = bucket_bits(self._size)
        begins = cast("NDArray[np.uint32]", self._column("bucket"))
        buckets = bucket_of(hashes, bits=bits)
        buckets = np.minimum(buckets, (1 << bits) - 1)  # hashes beyond the sample's range
        starts, stops = begins[buckets].astype(np.int64), begins[buckets + 1].astype(np.int64)
        if not np.all((starts <= stops) & (stops <= self._size)):
            raise self._damage(f"{array_name('bucket')} does not divide {array_name('hash')}")
        at = joined_ranges(starts, stops - starts)  # (t,)
        which = np.repeat(np.arange(len(hashes)), stops - starts)
        self._check_type("hash")
        there = cast("Hashes", self._file.pieces(array_name("hash"), starts, stops)(at))
        if not np.all((there[1:] > there[:-1]) | (which[1:] != which[:-1])):
            raise self._damage(f"{array_name('hash')} does not ascend")
        same = np.flatnonzero(there == hashes[which])
        found = np.full(len(hashes), NO_PLACE, dtype=np.int64)
        found[which[same]] = at[same]
        return found

    def lab_counts(self, places: Places) -> Counts:
        """How many different labs of the segment have each k-mer (m,) -> (m,); 0 for NO_PLACE."""
        return self._counts("labs", places)

    def plasmid_counts(self, places: Places) -> Counts:
        """How many plasmids of the segment have each k-mer (m,) -> (m,); 0 for NO_PLACE."""
        return self._counts("plasmids", places)

    def is_common(self, places: Places) -> NDArray[np.bool_]:
        """Which k-mers more than MOST_LABS labs of the segment have (m,) -> (m,)."""
        common: NDArray[np.bool_] = self.lab_counts(places) > MOST_LABS
        return common

    def sketch(self, row: int) -> Places:
        """The places of one plasmid's k-mers (s,), ascending; little else is read."""
        start, stop = self._sketch_offsets[row : row + 2].tolist()
        places = self._file.slice(array_name("sketch/place"), start, stop).astype(np.int64)
        if len(places) and not places[-1] < self._size:
            raise self._damage(f"the sketch of row {row} leaves the {self._size} k-mers")
        if not np.all(places[1:] > places[:-1]):
            raise self._damage(f"the sketch of row {row} does not ascend")
        return places

    @property
    def sketch_sizes(self) -> Places:
        """How many k-mers each plasmid has (n,)."""
        return np.diff(self._sketch_offsets)

    @cached_property
    def rare_sizes(self) -> Places:
        """How many of each plasmid's k-mers are not common (n,)."""
        if array_name("rare") in self._file:
            return self._column("rare").astype(np.int64)
        posted = cast("NDArray[np.uint32]", self._column("posting/row"))
        return np.bincount(posted, minlength=self._rows)

    @property
    def has_compositions(self) -> bool:
        """Whether the file says what its plasmids are made of."""
        return array_name("composition") in self._file

    @property
    def compositions(self) -> NDArray[np.float32]:
        """As `vecattr.sequences.composition.composition`, of each plasmid (n, WORDS); zeros in a
        file that was made before there were any."""
        if not self.has_compositions:
            return np.zeros((self._rows, WORDS), dtype=np.float32)
        found = cast("NDArray[np.float32]", self._column("composition"))
        if not np.all((found >= 0) & (found <= 1)):
            raise self._damage(f"{array_name('composition')} holds no shares")
        return found

    def postings(self, places: Places) -> tuple[Places, Places]:
        """The plasmids that have each of these k-mers (m,) -> ((t,), (t,)): `which[i]` is the
        position in `places` that posting i belongs to, `rows[i]` its plasmid.

        In the order of `places`, and for each by lab code, group code and row. A common k-mer and
        NO_PLACE give none.
        """
        known = np.flatnonzero(places != NO_PLACE)
        starts = self._picked("posting/offsets", places[known]).astype(np.int64)
        stops = self._picked("posting/offsets", places[known] + 1).astype(np.int64)
        [length] = self._file.shape(array_name("posting/row"))
        if not np.all((starts >= 0) & (starts <= stops) & (stops <= length)):
            raise self._damage("kmers/posting/offsets does not divide kmers/posting/row")
        at = joined_ranges(starts, stops - starts)  # (t,)
        self._check_type("posting/row")
        rows = self._file.pieces(array_name("posting/row"), starts, stops)(at).astype(np.int64)
        if len(rows) and not int(rows.max()) < self._rows:
            raise self._damage(f"a posting leaves the {self._rows} rows")
        return np.repeat(known, stops - starts), rows

    def differing(self, expected: Mapping[str, NDArray[np.generic]]) -> list[str]:
        """The names of the arrays that are not these (of every name of COLUMNS), in file order."""
        assert expected.keys() == {array_name(column) for column in COLUMNS}
        return [
            array_name(column)
            for column in COLUMNS
            if (column not in LATER or array_name(column) in self._file)
            and not np.array_equal(self._column(column), expected[array_name(column)])
        ]

    def _counts(self, column: str, places: Places) -> Counts:
        """The counts at these places, 0 for NO_PLACE."""
        found = np.zeros(len(places), dtype=np.int32)
        known = places != NO_PLACE
        found[known] = self._picked(column, places[known])
        return found

    def _picked(self, column: str, places: Places) -> NDArray[np.generic]:
        """The numbers of a column at these places, reading little else."""
        self._check_type(column)
        return self._file.items(array_name(column), places)

    @cached_property
    def _sketch_offsets(self) -> Places:
        return self._offsets("sketch/offsets", "sketch/place")

    def _offsets(self, column: str, pieces: str) -> Places:
        """Where the pieces of an array begin, and its end."""
        offsets = cast("Places", self._column(column))
        ends = int(offsets[0]), int(offsets[-1])
        [length] = self._file.shape(array_name(pieces))
        if ends != (0, length) or not np.all(offsets[1:] >= offsets[:-1]):
            raise self._damage(f"{array_name(column)} does not divide {array_name(pieces)}")
        return offsets

    def _column(self, column: str) -> NDArray[np.generic]:
        self._check_type(column)
        return self._file.array(array_name(column))

    def _check_type(self, column: str) -> None:
        found, shape = self._file.dtype(array_name(column)), self._file.shape(array_name(column))
        if found != COLUMNS[column] or len(shape) != 1 + (column == "composition"):
            raise self._damage(f"{array_name(column)} is of type {found}, {len(shape)}-d")

    def _damage(self, what: str) -> DamagedError:
        return DamagedError(
            what, where=self._file.name, hint="restore the file, or build the index again"
        )


def _shown(parameters: Mapping[str, Attribute | None]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())
