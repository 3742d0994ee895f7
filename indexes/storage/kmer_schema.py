"""The k-mer arrays of a segment file: an opened file in, its number of k-mers out; and the buckets
that divide them.

Says how k-mers are sampled, and the name, the type and the length of each array. Checked before any
array is read. There are two samples: one of all k-mers, and a finer one of those that few labs
have, which tell labs apart best and take little room. The layout is described in indexes/FORMAT.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError, MismatchError
from vecattr.files.array_directory import Attribute
from vecattr.files.arrays import ArrayFile
from vecattr.sequences.composition import WORDS
from vecattr.sequences.kmers import Hashes
from vecattr.sequences.postings import add_counts, in_parts

#: Long enough that unrelated plasmids share next to none by chance.
K = 21
#: One k-mer in so many is kept, the same ones of every sequence.
SCALED = 8
#: One in so many is in the sketch of a plasmid, by which near copies are ruled out.
SKETCH_SCALED = 32
#: A k-mer that more labs of a segment have than this is common: it has no postings.
MOST_LABS = 400
#: One k-mer in so many is kept in the finer sample, which holds those that the other leaves out …
FINE_SCALED = 2
#: … and in which a k-mer that more labs have than this has no postings.
FINE_MOST_LABS = 16
#: How many k-mers that few labs have are kept for one that would be kept without a finer sample.
FINENESS = SCALED // FINE_SCALED
#: The least hash of the finer sample.
FIRST_FINE = np.uint64((1 << 64) // SCALED)

#: What the arrays depend on beside the sequences, as attributes of the file.
PARAMETERS: Mapping[str, Attribute] = {
    "kmer_k": K,
    "kmer_scaled": SCALED,
    "kmer_most_labs": MOST_LABS,
}
#: What the sketches depend on; in files without this attribute they have all k-mers of the sample.
SKETCH_PARAMETER = "kmer_sketch_scaled"
FINE_PARAMETERS: Mapping[str, Attribute] = {
    "fine_kmer_scaled": FINE_SCALED,
    "fine_kmer_most_labs": FINE_MOST_LABS,
}

#: Every array of the group, without the group's name, and its type.
COLUMNS: Mapping[str, type[np.generic]] = {
    "hash": np.uint64,
    "labs": np.int32,
    "plasmids": np.int32,
    "sketch/offsets": np.int64,
    "sketch/place": np.uint32,
    "posting/list": np.uint32,
    "posting/offsets": np.int64,
    "posting/row": np.uint32,
    "rare": np.int32,
    "bucket": np.uint32,
    "composition": np.float32,
}
#: Absent from files written before these arrays were introduced; they only save time or room.
OPTIONAL_COLUMNS = ("rare", "bucket", "composition", "posting/list")

#: The same of the finer sample, which is absent from files written before there was one. Counts of
#: labs end at 255; `units` are of plasmids.
FINE_COLUMNS: Mapping[str, type[np.generic]] = {
    "hash": np.uint64,
    "labs": np.uint8,
    "posting/list": np.uint32,
    "posting/offsets": np.uint32,
    "posting/row": np.uint32,
    "bucket": np.uint32,
    "units": np.int32,
}


@dataclass(frozen=True)
class KmerSample:
    """One of the two samples: the group of its arrays, what they depend on, the type of each, which
    may be absent; one in how many k-mers have hashes in the range of its buckets, and how many are
    in a bucket at most, on average."""

    group: str
    parameters: Mapping[str, Attribute]
    columns: Mapping[str, type[np.generic]]
    optional: tuple[str, ...]
    scaled: int
    bucket_size: int

    def array_name(self, column: str) -> str:
        """The name of an array of `columns` inside the segment file."""
        return f"{self.group}/{column}"

    def is_in(self, file: ArrayFile) -> bool:
        """Whether the file has any of the arrays."""
        return any(self.array_name(column) in file for column in self.columns)


KMERS = KmerSample("kmers", PARAMETERS, COLUMNS, OPTIONAL_COLUMNS, SCALED, 32)
FINE_KMERS = KmerSample(
    "fine_kmers", FINE_PARAMETERS, FINE_COLUMNS, ("posting/list",), FINE_SCALED, 8
)

#: The same of several segments together, which have no rows of their own.
_OF_SEGMENTS = ("hash", "labs", "posting/list", "posting/offsets", "posting/row", "bucket")
JOINED_KMERS, JOINED_FINE_KMERS = (
    replace(
        sample,
        columns={name: sample.columns[name] for name in _OF_SEGMENTS},
        optional=("posting/list",),
    )
    for sample in (KMERS, FINE_KMERS)
)


def array_name(column: str) -> str:
    """The name of an array of COLUMNS inside the segment file."""
    return KMERS.array_name(column)


def bucket_bits(size: int, *, sample: KmerSample = KMERS) -> int:
    """The number b of bits that number the buckets of so many k-mers."""
    return max(0, -(-size // sample.bucket_size) - 1).bit_length()


def bucket_of(hashes: Hashes, *, bits: int, sample: KmerSample = KMERS) -> NDArray[np.int64]:
    """The bucket of each hash, 2^bits of them dividing the sample's range equally (m,) -> (m,)."""
    range_bits = 64 - (sample.scaled - 1).bit_length()
    return (hashes >> np.uint64(range_bits - bits)).astype(np.int64)


def bucket_starts(kmers: Hashes, *, sample: KmerSample = KMERS) -> NDArray[np.uint32]:
    """Where each bucket of ascending hashes (u,) begins, and the end, (2^b + 1,)."""
    bits = bucket_bits(len(kmers), sample=sample)
    sizes = np.zeros(1 << bits, dtype=np.int32)
    for part in in_parts(kmers):
        add_counts(sizes, bucket_of(part, bits=bits, sample=sample))
    return starts_of_buckets(sizes)


def starts_of_buckets(sizes: NDArray[np.integer]) -> NDArray[np.uint32]:
    """Where each bucket of so many k-mers begins, and the end, (2^b,) -> (2^b + 1,)."""
    starts = np.zeros(len(sizes) + 1, dtype=np.uint32)
    np.cumsum(sizes, out=starts[1:])
    return starts


def check_kmer_layout(file: ArrayFile, *, rows: int, sample: KmerSample = KMERS) -> int:
    """The number u of distinct k-mers of a segment of so many rows; MismatchError when they were
    sampled in another way, DamagedError when an array does not fit the others."""
    _check_parameters(file, sample.parameters)
    [size] = file.shape(sample.array_name("hash"))
    for column, expected in {
        "labs": size,
        "plasmids": size,
        "sketch/offsets": rows + 1,
        "posting/list": size,
        "rare": rows,
        "units": rows,
        "bucket": (1 << bucket_bits(size, sample=sample)) + 1,
    }.items():
        name = sample.array_name(column)
        if column not in sample.columns or (column in sample.optional and name not in file):
            continue
        if file.shape(name) != (expected,):
            raise kmer_damage(file, f"{name} is not of length {expected}")
    name = sample.array_name("composition")
    if name in file and file.shape(name) != (rows, WORDS):
        raise kmer_damage(file, f"{name} is of shape {file.shape(name)}")
    name = sample.array_name("posting/offsets")
    are_shared = sample.array_name("posting/list") in file  # then there are fewer lists
    if len(file.shape(name)) != 1 or file.shape(name) == (0,):
        raise kmer_damage(file, f"{name} is of shape {file.shape(name)}")
    if not are_shared and file.shape(name) != (size + 1,):
        raise kmer_damage(file, f"{name} is not of length {size + 1}")
    return size


def _check_parameters(file: ArrayFile, parameters: Mapping[str, Attribute]) -> None:
    stored = {name: file.attributes.get(name) for name in parameters}
    if stored != parameters:
        raise MismatchError(
            f"k-mers made with {_shown(stored)}, expected {_shown(parameters)}",
            where=file.name,
            hint="use the vecattr that wrote it, or build the index again",
        )


def _shown(parameters: Mapping[str, Attribute | None]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def check_kmer_type(file: ArrayFile, column: str, sample: KmerSample = KMERS) -> None:
    """DamagedError unless the array of this column has its type and number of dimensions."""
    name = sample.array_name(column)
    dtype, dimensions = file.dtype(name), len(file.shape(name))
    if dtype != sample.columns[column] or dimensions != 1 + (column == "composition"):
        raise kmer_damage(file, f"{name} is of type {dtype}, {dimensions}-d")


def kmer_damage(file: ArrayFile, what: str) -> DamagedError:
    """The error to raise for k-mer arrays that contradict each other."""
    return DamagedError(
        what, where=file.name, hint="restore the file from a copy, or run `vecattr verify --repair`"
    )
