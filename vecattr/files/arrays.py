"""Named arrays as one HDF5 file: arrays in, bytes out; a path or bytes in, checked arrays out.

Arrays are contiguous and not compressed, so that reading maps them in place. Before the HDF5 part
stand its checksums (`vecattr.files.sealed`), so that no byte is used unverified, and a directory
of the arrays (`vecattr.files.array_directory`), so that reading needs no HDF5 library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError, MismatchError
from vecattr.files.array_directory import Attribute, Directory, Extent, NamedArrays
from vecattr.files.folder import Location
from vecattr.files.sealed import Places, SealedBytes, seal
from vecattr.vectors import EmbeddingTable

#: Format and version of a file that holds one table of named vectors.
TABLE_FORMAT = "vecattr-table"
TABLE_VERSION = 1

#: An array of which pieces are read so often is checked as a whole.
_OFTEN = 64

# Names come from files of any encoding: undecodable bytes are kept as lone surrogates.
_SURROGATES = "surrogatepass"


def write_arrays(arrays: NamedArrays, attributes: Mapping[str, Attribute]) -> bytes:
    """The bytes of a sealed HDF5 file; the same arrays give the same bytes. Of arrays that come one
    after the other each is let go when it is written.

    A name with slashes makes groups.
    """
    from vecattr.files.hdf5.library import write_hdf5  # start-up

    body, directory = write_hdf5(arrays, attributes)
    return seal(body, directory=directory.to_bytes())


def string_arrays(name: str, strings: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """A column of n strings as two arrays: `name/bytes` (UTF-8, concatenated) and `name/offsets`
    (n + 1, where each begins); reading one string takes two slices."""
    encoded = [text.encode("utf-8", _SURROGATES) for text in strings]
    offsets = np.zeros(len(encoded) + 1, dtype=np.uint64)
    offsets[1:] = np.cumsum([len(piece) for piece in encoded], dtype=np.uint64)
    blob = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    return {f"{name}/bytes": blob, f"{name}/offsets": offsets}


class ArrayFile:
    """A file made by `write_arrays`, mapped; arrays are read-only views, checked block by block.

    Opening raises MissingError (no file), DamagedError (not what was written) or MismatchError
    (another format or version); reading raises DamagedError.
    """

    def __init__(
        self, source: Location | bytes, *, format: str, version: int, oldest: int | None = None
    ) -> None:
        """`version` is the newest that is read, `oldest` the oldest (None: the same)."""
        if isinstance(source, bytes):
            self._sealed = SealedBytes(source, name="bytes in memory")
        else:
            self._sealed = SealedBytes.open(source)
        self.name = self._sealed.name
        self.digest = self._sealed.digest
        self._directory = self._read_directory()
        self.attributes = self._directory.attributes
        self._extents = self._directory.extents
        self._reads: dict[str, int] = {}
        self._checked: dict[str, NDArray[np.generic]] = {}
        self._check_format(format, version if oldest is None else oldest, version)

    def _read_directory(self) -> Directory:
        if not self._sealed.directory:  # the oldest format
            return self._read_hdf5()
        try:
            return Directory.from_bytes(self._sealed.directory, size=len(self._sealed))
        except ValueError as error:
            raise self._damage(f"its directory cannot be read: {error}") from error

    def _read_hdf5(self) -> Directory:
        from vecattr.files.hdf5.process import read_in_child  # start-up

        return read_in_child(self._sealed)

    def _check_format(self, format: str, oldest: int, version: int) -> None:
        stored, stored_version = self.attributes.get("format"), self.attributes.get("version")
        if stored != format or stored_version not in range(oldest, version + 1):
            raise MismatchError(
                f"format {stored!r} version {stored_version!r}, "
                f"expected {format!r} version {version}",
                where=self.name,
                hint="use the vecattr that wrote it, or make the file again",
            )

    def _damage(self, what: str) -> DamagedError:
        return DamagedError(what, where=self.name, hint="make the file again")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all arrays, sorted."""
        return tuple(sorted(self._extents))

    def __contains__(self, name: str) -> bool:
        return name in self._extents

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array, without reading it."""
        return self._extent(name).shape

    def dtype(self, name: str) -> np.dtype[np.generic]:
        """The type of an array, without reading it."""
        return self._extent(name).dtype

    def layout(self, name: str) -> tuple[str, tuple[int, ...]]:
        """Type (as NumPy writes it, `<f4`) and shape of an array, without reading it."""
        extent = self._extent(name)
        return extent.dtype.str, extent.shape

    def array(self, name: str) -> NDArray[np.generic]:
        """The whole array, checked, as a read-only view of the file."""
        extent = self._extent(name)
        size = math.prod(extent.shape) * extent.dtype.itemsize
        data = self._sealed.view(extent.offset, extent.offset + size)
        return np.frombuffer(data, dtype=extent.dtype).reshape(extent.shape)

    def slice(self, name: str, start: int, stop: int) -> NDArray[np.generic]:
        """Rows start to stop of the array; only their blocks are read and checked."""
        extent = self._extent(name)
        if not 0 <= start <= stop <= extent.shape[0]:
            raise self._damage(
                f"{name!r} has {extent.shape[0]} rows, but {start} to {stop} are referred to"
            )
        row = math.prod(extent.shape[1:]) * extent.dtype.itemsize
        data = self._sealed.view(extent.offset + start * row, extent.offset + stop * row)
        return np.frombuffer(data, dtype=extent.dtype).reshape(stop - start, *extent.shape[1:])

    def rows(self, name: str, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.generic]:
        """The given rows in that order, a copy; only their blocks are read and checked."""
        extent = self._extent(name)
        places = np.asarray(rows, dtype=np.int64)
        self._check_places(name, places)
        size = math.prod(extent.shape[1:]) * extent.dtype.itemsize
        if not size:
            return np.empty((len(places), *extent.shape[1:]), dtype=extent.dtype)
        items = self._sealed.items(extent.offset, places, dtype=np.dtype((np.void, size)))
        return items.view(extent.dtype).reshape(len(places), *extent.shape[1:])

    def items(self, name: str, places: NDArray[np.int64]) -> NDArray[np.generic]:
        """The numbers at these places (m,) of an array of one dimension, a copy; only their blocks
        are read and checked."""
        extent = self._flat(name)
        self._check_places(name, places)
        array = self._checked_array(name)
        if array is not None:
            return array[places]
        return self._sealed.items(extent.offset, places, dtype=extent.dtype)

    def pieces(
        self, name: str, begins: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> Callable[[Places], NDArray[np.generic]]:
        """A function from places (p,), or a slice, to numbers (p,) of an array of one dimension.
        Only the blocks of the pieces from each begin to its end, (m,) both, are read and checked:
        the places must be in them."""
        extent = self._flat(name)
        [length] = extent.shape
        if not np.all((begins >= 0) & (begins <= ends) & (ends <= length)):
            raise self._damage(f"{name!r} has {length} rows, but others are referred to")
        array = self._checked_array(name)
        if array is not None:
            return array.__getitem__
        return self._sealed.pieces(extent.offset, begins, ends, dtype=extent.dtype)

    def _checked_array(self, name: str) -> NDArray[np.generic] | None:
        """The whole array, once pieces of it were read _OFTEN: from then on that takes less time
        than to tell which blocks are checked. None before, and for an array that is damaged
        anywhere: that is raised where what is damaged is read."""
        if name not in self._checked:
            self._reads[name] = self._reads.get(name, 0) + 1
            if self._reads[name] == _OFTEN:
                with suppress(DamagedError):
                    self._checked[name] = self.array(name)
        return self._checked.get(name)

    def _check_places(self, name: str, places: NDArray[np.int64]) -> None:
        length = self._extent(name).shape[0]
        if len(places) and not 0 <= int(places.min()) <= int(places.max()) < length:
            raise self._damage(f"{name!r} has {length} rows, but others are referred to")

    def strings(self, name: str) -> tuple[str, ...]:
        """All strings of a column."""
        self._check_column(name)
        stored_offsets = cast("NDArray[np.uint64]", self.array(f"{name}/offsets"))
        offsets = stored_offsets.tolist()
        blob = self.array(f"{name}/bytes").tobytes()
        ascend = bool(np.all(stored_offsets[1:] >= stored_offsets[:-1]))
        if not ascend or offsets[:1] + offsets[-1:] != [0, len(blob)]:
            raise self._damage(f"the offsets of {name!r} do not divide its bytes")
        if blob.isascii():
            return tuple(map(blob.decode("ascii").__getitem__, map(slice, offsets, offsets[1:])))
        return tuple(self._text(blob[start:stop], name) for start, stop in pairwise(offsets))

    def is_ascii(self, name: str) -> bool:
        """Whether all strings of a column are ASCII."""
        self._check_column(name)
        return self.array(f"{name}/bytes").tobytes().isascii()

    def string(self, name: str, row: int) -> str:
        """One string of a column."""
        self._check_column(name)
        start, stop = self.slice(f"{name}/offsets", row, row + 2).tolist()
        return self._text(self.slice(f"{name}/bytes", start, stop).tobytes(), name)

    def some_strings(self, name: str, rows: NDArray[np.int64]) -> list[str]:
        """The strings of these rows (m,) of a column; only their blocks are read and checked."""
        self._check_column(name)
        places = np.asarray(rows, dtype=np.int64)
        starts, stops = (
            self.items(f"{name}/offsets", ends).astype(np.int64) for ends in (places, places + 1)
        )
        lengths = stops - starts
        read = self.pieces(f"{name}/bytes", starts, stops)
        last = np.cumsum(lengths)
        joined = read(np.arange(int(lengths.sum())) + np.repeat(starts - last + lengths, lengths))
        blob = joined.tobytes()
        return [self._text(blob[start:stop], name) for start, stop in pairwise([0, *last.tolist()])]

    def _check_column(self, name: str) -> None:
        for part, dtype in (("offsets", "<u8"), ("bytes", "|u1")):
            if self._flat(f"{name}/{part}").dtype.str != dtype:
                raise self._damage(f"{name}/{part} is of type {self.dtype(f'{name}/{part}')}")

    def _text(self, piece: bytes, name: str) -> str:
        try:
            return piece.decode("utf-8", _SURROGATES)
        except UnicodeDecodeError as error:
            raise self._damage(f"a text of {name!r} is not UTF-8") from error

    def check_all(self) -> None:
        """Check every block, and that the directory says what HDF5 says; DamagedError names the
        first bad block."""
        self._sealed.view(0, len(self._sealed))
        if self._sealed.directory and self._read_hdf5() != self._directory:
            raise self._damage("its directory and HDF5 differ about what it holds")

    def _flat(self, name: str) -> Extent:
        """The extent of an array of one dimension."""
        extent = self._extent(name)
        if len(extent.shape) != 1:
            raise self._damage(f"{name!r} has {len(extent.shape)} dimensions, expected 1")
        return extent

    def _extent(self, name: str) -> Extent:
        if name not in self._extents:
            raise self._damage(f"array {name!r} is missing")
        return self._extents[name]


def write_table(
    table: EmbeddingTable, *, attributes: Mapping[str, Attribute] | None = None
) -> bytes:
    """A table of named vectors as bytes: `names`, `vectors` (n, d), and free attributes."""
    arrays = string_arrays("names", table.names) | {"vectors": table.vectors}
    facts = {"format": TABLE_FORMAT, "version": TABLE_VERSION, **(attributes or {})}
    return write_arrays(arrays, facts)


def read_table(source: Location | bytes) -> EmbeddingTable:
    """The table that `write_table` wrote; errors as in `ArrayFile`."""
    file = ArrayFile(source, format=TABLE_FORMAT, version=TABLE_VERSION)
    vectors = np.array(file.array("vectors"), dtype=np.float32)
    return EmbeddingTable(file.strings("names"), vectors)
