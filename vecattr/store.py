"""Named arrays as one HDF5 file: arrays in, bytes out; a path or bytes in, checked arrays out.

The file is made in memory and handed over whole, because h5py's in-place writing survives neither
a full disk nor a crash. Arrays are contiguous and raw, so that reading maps them in place; the
checksums of `vecattr.checksums` stand before the HDF5 part, so that no byte is used unchecked, and
beside them what HDF5 says of the arrays, so that reading needs no HDF5 library.
This is the only module that imports h5py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import le
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.checksums import SealedBytes, seal
from vecattr.errors import DamagedError, MismatchError
from vecattr.table import EmbeddingTable

if TYPE_CHECKING:
    import h5py

Attribute = str | int | float

#: Format and version of a file that holds one table of named vectors.
TABLE_FORMAT = "vecattr-table"
TABLE_VERSION = 1

#: All that an array may be: little-endian numbers, in one to three dimensions.
_DTYPES = frozenset(("|u1", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8"))
_MOST_DIMENSIONS = 3
#: No file has so many bytes; NumPy counts to less than twice as many.
_MOST = 1 << 62
#: Groups inside of groups; a file of ours has two.
_DEEPEST = 8

# Names come from files of any encoding: undecodable bytes live on as lone surrogates.
_SURROGATES = "surrogatepass"


def write_arrays(
    arrays: Mapping[str, NDArray[np.generic]], attributes: Mapping[str, Attribute]
) -> bytes:
    """The bytes of a sealed HDF5 file; the same arrays give the same bytes.

    A name with slashes makes groups. No clock enters (`track_times=False`).
    """
    import h5py

    with h5py.File(
        "memory",
        "w",
        driver="core",
        backing_store=False,
        libver=("v110", "v110"),
        alignment_threshold=4,
        alignment_interval=64,
    ) as file:
        for key, value in attributes.items():
            file.attrs[key] = value
        for name, array in arrays.items():
            little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            file.create_dataset(name, data=little, track_times=False)
        file.flush()
        body: bytes = file.id.get_file_image()
        directory = _directory(_attributes(file), dict(_extents(file, size=len(body))))
    return seal(body, directory=directory)


def string_arrays(name: str, strings: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """A column of n strings as two arrays: `name/bytes` (UTF-8, end to end) and `name/offsets`
    (n + 1, where each begins); reading one is then two slices."""
    encoded = [text.encode("utf-8", _SURROGATES) for text in strings]
    offsets = np.zeros(len(encoded) + 1, dtype=np.uint64)
    offsets[1:] = np.cumsum([len(piece) for piece in encoded], dtype=np.uint64)
    blob = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    return {f"{name}/bytes": blob, f"{name}/offsets": offsets}


@dataclass(frozen=True)
class _Extent:
    """Where an array lies in the HDF5 part."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    offset: int


def _attributes(file: h5py.File) -> dict[str, Attribute]:
    return {key: _plain(value) for key, value in file.attrs.items()}


def _directory(attributes: Mapping[str, Attribute], extents: Mapping[str, _Extent]) -> bytes:
    """Both as canonical JSON, which stands beside the checksums, so that a reader need not load the
    HDF5 library."""
    arrays = {name: [one.dtype.str, one.shape, one.offset] for name, one in extents.items()}
    content = {"arrays": arrays, "attributes": attributes}
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


class ArrayFile:
    """A file made by `write_arrays`, mapped; arrays are read-only views, checked block by block.

    Opening raises MissingError (no file), DamagedError (not what was written) or MismatchError
    (another format or version); reading raises DamagedError.
    """

    def __init__(self, source: Path | bytes, *, format: str, version: int) -> None:
        if isinstance(source, bytes):
            self._sealed = SealedBytes(source, name="bytes in memory")
        else:
            self._sealed = SealedBytes.open(source)
        self.name = self._sealed.name
        self.digest = self._sealed.digest
        self.attributes, self._extents = self._read_directory()
        self._check_format(format, version)

    def _read_directory(self) -> tuple[dict[str, Attribute], dict[str, _Extent]]:
        if not self._sealed.directory:
            return self._read_hdf5()
        try:
            content = json.loads(self._sealed.directory)
            extents = {name: self._believed(*place) for name, place in content["arrays"].items()}
            return {key: _plain(value) for key, value in content["attributes"].items()}, extents
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise self._damage(f"its directory cannot be read: {error!r}") from error

    def _believed(self, dtype: object, shape: Sequence[object], offset: object) -> _Extent:
        """What the directory says of an array; ValueError when it is not of numbers that lie inside
        the file."""
        if dtype not in _DTYPES or not 1 <= len(shape) <= _MOST_DIMENSIONS:
            raise ValueError(f"no array of this program: {dtype} {shape}")
        sizes = [number for number in shape if type(number) is int and 0 <= number < _MOST]
        if len(sizes) < len(shape) or type(offset) is not int or not 0 <= offset < _MOST:
            raise ValueError(f"no place in a file: {shape} {offset}")
        extent = _Extent(np.dtype(str(dtype)), tuple(sizes), offset)
        if offset + math.prod(sizes) * extent.dtype.itemsize > len(self._sealed):
            raise ValueError(f"no place in this file: {extent}")
        return extent

    def _read_hdf5(self) -> tuple[dict[str, Attribute], dict[str, _Extent]]:
        import h5py

        try:
            with h5py.File(self._sealed.stream(), "r") as file:
                return _attributes(file), dict(_extents(file, size=len(self._sealed)))
        except DamagedError:
            raise
        except (OSError, RuntimeError, TypeError, ValueError, KeyError, OverflowError) as error:
            raise self._damage(f"HDF5 cannot read it: {error}") from error

    def _check_format(self, format: str, version: int) -> None:
        found = self.attributes.get("format"), self.attributes.get("version")
        if found != (format, version):
            raise MismatchError(
                f"format {found[0]!r} version {found[1]!r}, expected {format!r} version {version}",
                where=self.name,
                hint="use the vecattr that wrote it, or make the file again",
            )

    def _damage(self, what: str) -> DamagedError:
        return DamagedError(what, where=self.name, hint="make the file again")

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
            raise self._damage(f"{name!r} has {extent.shape[0]} rows, and not {start} to {stop}")
        row = math.prod(extent.shape[1:]) * extent.dtype.itemsize
        data = self._sealed.view(extent.offset + start * row, extent.offset + stop * row)
        return np.frombuffer(data, dtype=extent.dtype).reshape(stop - start, *extent.shape[1:])

    def rows(self, name: str, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.generic]:
        """The named rows in that order, a copy; only their blocks are read and checked."""
        extent = self._extent(name)
        places = np.asarray(rows, dtype=np.int64)
        self._check_places(name, places)
        size = math.prod(extent.shape[1:]) * extent.dtype.itemsize
        if not size:
            return np.empty((len(places), *extent.shape[1:]), dtype=extent.dtype)
        found = self._sealed.items(extent.offset, places, dtype=np.dtype((np.void, size)))
        return found.view(extent.dtype).reshape(len(places), *extent.shape[1:])

    def items(self, name: str, places: NDArray[np.int64]) -> NDArray[np.generic]:
        """The numbers at these places (m,) of an array of one dimension, a copy; only their blocks
        are read and checked."""
        extent = self._flat(name)
        self._check_places(name, places)
        return self._sealed.items(extent.offset, places, dtype=extent.dtype)

    def pieces(
        self, name: str, begins: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> Callable[[NDArray[np.int64]], NDArray[np.generic]]:
        """What gives the numbers at any places from each begin to its end (m,), a copy, of an array
        of one dimension; only the blocks of those pieces are read and checked."""
        extent = self._flat(name)
        [length] = extent.shape
        if not np.all((begins >= 0) & (begins <= ends) & (ends <= length)):
            raise self._damage(f"{name!r} has {length} rows, and not those asked for")
        return self._sealed.pieces(extent.offset, begins, ends, dtype=extent.dtype)

    def _check_places(self, name: str, places: NDArray[np.int64]) -> None:
        length = self._extent(name).shape[0]
        if len(places) and not 0 <= int(places.min()) <= int(places.max()) < length:
            raise self._damage(f"{name!r} has {length} rows, and not those asked for")

    def strings(self, name: str) -> tuple[str, ...]:
        """All strings of a column."""
        self._check_column(name)
        offsets = self.array(f"{name}/offsets").tolist()
        blob = self.array(f"{name}/bytes").tobytes()
        if not all(map(le, offsets, offsets[1:])) or offsets[:1] + offsets[-1:] != [0, len(blob)]:
            raise self._damage(f"the offsets of {name!r} do not divide its bytes")
        if blob.isascii():
            return tuple(map(blob.decode("ascii").__getitem__, map(slice, offsets, offsets[1:])))
        return tuple(self._text(blob[start:stop], name) for start, stop in pairwise(offsets))

    def string(self, name: str, row: int) -> str:
        """One string of a column."""
        self._check_column(name)
        start, stop = self.slice(f"{name}/offsets", row, row + 2).tolist()
        return self._text(self.slice(f"{name}/bytes", start, stop).tobytes(), name)

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
        if self._sealed.directory and self._read_hdf5() != (self.attributes, self._extents):
            raise self._damage("its directory and HDF5 differ about what it holds")

    def _flat(self, name: str) -> _Extent:
        """The extent of an array of one dimension."""
        extent = self._extent(name)
        if len(extent.shape) != 1:
            raise self._damage(f"{name!r} has {len(extent.shape)} dimensions, expected 1")
        return extent

    def _extent(self, name: str) -> _Extent:
        if name not in self._extents:
            raise self._damage(f"array {name!r} is missing")
        return self._extents[name]


def _extents(group: h5py.Group, *, size: int, path: str = "") -> Iterator[tuple[str, _Extent]]:
    """Where every array of a file lies; ValueError for what `write_arrays` does not write: links
    to elsewhere, arrays in other files or in pieces, packed, or of any type but plain numbers.

    Nothing of an array is read, and no link but a hard one is followed.
    """
    import h5py

    for key in group:
        name = f"{path}{key}"
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ValueError(f"{name!r} is a link to elsewhere")
        item = group[key]
        if isinstance(item, h5py.Group):
            if path.count("/") >= _DEEPEST:
                raise ValueError(f"{name!r} lies too deep")
            yield from _extents(item, size=size, path=f"{name}/")
        elif isinstance(item, h5py.Dataset):
            yield name, _extent(item, name=name, size=size)
        else:
            raise ValueError(f"{name!r} is no array")


def _extent(item: h5py.Dataset, *, name: str, size: int) -> _Extent:
    """Where an array lies inside of `size` bytes."""
    import h5py

    layout = item.id.get_create_plist()
    if layout.get_layout() != h5py.h5d.CONTIGUOUS or layout.get_external_count():
        raise ValueError(f"{name!r} is not in one piece in this file")
    dtype, shape = item.dtype, item.shape
    if dtype.str not in _DTYPES or shape is None or not 1 <= len(shape) <= _MOST_DIMENSIONS:
        raise ValueError(f"{name!r} is of type {dtype} and shape {shape}")
    offset = item.id.get_offset() if item.size else 0
    if offset is None or offset + math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"{name!r} of shape {shape} leaves the file")
    return _Extent(dtype, shape, offset)


def _plain(value: object) -> Attribute:
    """An attribute as a Python value; TypeError for any other than a text or a number."""
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, str | int | float) or isinstance(plain, bool):
        raise TypeError(f"attribute of type {type(plain).__name__}")
    return plain


def write_table(
    table: EmbeddingTable, *, attributes: Mapping[str, Attribute] | None = None
) -> bytes:
    """A table of named vectors as bytes: `names`, `vectors` (n, d), and free attributes."""
    arrays = string_arrays("names", table.names) | {"vectors": table.vectors}
    facts = {"format": TABLE_FORMAT, "version": TABLE_VERSION, **(attributes or {})}
    return write_arrays(arrays, facts)


def read_table(source: Path | bytes) -> EmbeddingTable:
    """The table that `write_table` wrote; errors as in `ArrayFile`."""
    file = ArrayFile(source, format=TABLE_FORMAT, version=TABLE_VERSION)
    vectors = np.array(file.array("vectors"), dtype=np.float32)
    return EmbeddingTable(file.strings("names"), vectors)
