"""The k-mer arrays of a segment file: an opened file in, its number of k-mers out.

Says how k-mers are sampled, and the name, the type and the length of each array. Checked before any
array is read. The layout is described in indexes/FORMAT.md.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError, MismatchError
from vecattr.files.array_directory import Attribute
from vecattr.files.arrays import ArrayFile
from vecattr.sequences.composition import WORDS
from vecattr.sequences.kmers import Hashes, distinct, sampled_kmers

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
#: Absent from files written before these arrays were introduced; they only save time.
OPTIONAL_COLUMNS = ("rare", "bucket", "composition")

#: The mean number of k-mers in a bucket is at most this.
_BUCKET_SIZE = 32

_GROUP = "kmers"


def array_name(column: str) -> str:
    """The name of an array of COLUMNS inside the segment file."""
    return f"{_GROUP}/{column}"


def sketch_of(bases: str, *, circular: bool) -> Hashes:
    """The sampled canonical k-mers of upper-case `bases` (s,), ascending, each once."""
    return distinct(sampled_kmers(bases, k=K, scaled=SCALED, circular=circular))


def bucket_bits(size: int) -> int:
    """The number b of bits that number the buckets of so many k-mers."""
    return max(0, -(-size // _BUCKET_SIZE) - 1).bit_length()


def bucket_of(hashes: Hashes, *, bits: int) -> NDArray[np.int64]:
    """The bucket of each hash, 2^bits of them dividing the sample's range equally (m,) -> (m,)."""
    range_bits = 64 - (SCALED - 1).bit_length()
    return (hashes >> np.uint64(range_bits - bits)).astype(np.int64)


def check_kmer_layout(file: ArrayFile, *, rows: int) -> int:
    """The number u of distinct k-mers of a segment of so many rows; MismatchError when they were
    sampled in another way, DamagedError when an array does not fit the others."""
    _check_parameters(file)
    [size] = file.shape(array_name("hash"))
    for column, expected in {
        "labs": size,
        "plasmids": size,
        "sketch/offsets": rows + 1,
        "posting/offsets": size + 1,
        "rare": rows,
        "bucket": (1 << bucket_bits(size)) + 1,
    }.items():
        name = array_name(column)
        if column in OPTIONAL_COLUMNS and name not in file:
            continue
        if file.shape(name) != (expected,):
            raise kmer_damage(file, f"{name} is not of length {expected}")
    name = array_name("composition")
    if name in file and file.shape(name) != (rows, WORDS):
        raise kmer_damage(file, f"{name} is of shape {file.shape(name)}")
    return size


def _check_parameters(file: ArrayFile) -> None:
    stored = {name: file.attributes.get(name) for name in PARAMETERS}
    if stored != PARAMETERS:
        raise MismatchError(
            f"k-mers made with {_shown(stored)}, expected {_shown(PARAMETERS)}",
            where=file.name,
            hint="use the vecattr that wrote it, or build the index again",
        )


def _shown(parameters: Mapping[str, Attribute | None]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def check_kmer_type(file: ArrayFile, column: str) -> None:
    """DamagedError unless the array of this column has its type and number of dimensions."""
    name = array_name(column)
    dtype, dimensions = file.dtype(name), len(file.shape(name))
    if dtype != COLUMNS[column] or dimensions != 1 + (column == "composition"):
        raise kmer_damage(file, f"{name} is of type {dtype}, {dimensions}-d")


def kmer_damage(file: ArrayFile, what: str) -> DamagedError:
    """The error to raise for k-mer arrays that contradict each other."""
    return DamagedError(what, where=file.name, hint="restore the file, or build the index again")
