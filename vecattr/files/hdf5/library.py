"""HDF5 files in memory: arrays in, bytes out; bytes in, a directory of the arrays out.

A file is built in memory and returned as bytes, because h5py's in-place writing survives neither a
full disk nor a crash; of one that is larger than memory everything but the numbers. Arrays are
contiguous and not compressed, so that reading maps them in place.
This is the only module that imports h5py; untrusted files are read through `process`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import h5py
import numpy as np

from vecattr.files.array_directory import Attribute, Directory, Extent, NamedArrays, plain_value

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

#: The type of an array (as NumPy writes it, `<f4`) and its shape.
Layout = tuple[str, tuple[int, ...]]

#: How files are laid out: arrays begin at multiples of 64 bytes.
_LAID_OUT: dict[str, Any] = {
    "libver": ("v110", "v110"),
    "alignment_threshold": 4,
    "alignment_interval": 64,
}
#: The deepest nesting of groups; a file that vecattr writes has two levels.
_MAX_DEPTH = 8


def write_hdf5(arrays: NamedArrays, attributes: Mapping[str, Attribute]) -> tuple[bytes, Directory]:
    """A file and its directory; the same arrays give the same bytes. Of arrays that come one after
    the other each is let go when it is written.

    A name with slashes makes groups. No time is stored (`track_times=False`).
    """
    with h5py.File(
        "memory",
        "w",
        driver="core",
        backing_store=False,
        **_LAID_OUT,
    ) as file:
        for key, value in attributes.items():
            file.attrs[key] = value
        for name, array in arrays.items() if isinstance(arrays, Mapping) else arrays:
            little_endian = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            file.create_dataset(name, data=little_endian, track_times=False)
        file.flush()
        body: bytes = file.id.get_file_image()
        return body, _directory(file, size=len(body))


class BlankHdf5(NamedTuple):
    """A file whose arrays are not written yet: its size in bytes, what stands between the arrays,
    by the byte that it begins at, and where each array belongs."""

    size: int
    pieces: dict[int, bytes]
    directory: Directory


def blank_hdf5(layouts: Mapping[str, Layout], attributes: Mapping[str, Attribute]) -> BlankHdf5:
    """A file for arrays of these layouts, laid out as `write_hdf5` lays out arrays."""
    pieces = _Pieces()
    contiguous = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    contiguous.set_layout(h5py.h5d.CONTIGUOUS)
    contiguous.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    contiguous.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    contiguous.set_obj_track_times(False)
    with h5py.File(pieces, "w", **_LAID_OUT) as file:
        for key, value in attributes.items():
            file.attrs[key] = value
        for name, (dtype, shape) in layouts.items():
            group, _, last = name.rpartition("/")
            parent = file.require_group(group) if group else file
            number = h5py.h5t.py_create(np.dtype(dtype))
            space = h5py.h5s.create_simple(shape)
            h5py.h5d.create(parent.id, last.encode(), number, space, contiguous)
        file.flush()
        directory = _directory(file, size=pieces.size)
    return BlankHdf5(pieces.size, pieces.written, directory)


class _Pieces(io.RawIOBase):
    """A file that keeps what is written to it, by the byte at which that begins."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        self.written: dict[int, bytes] = {}
        self._place = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def truncate(self, size: int | None = None, /) -> int:
        self.size = self._place if size is None else size
        return self.size

    def write(self, data: ReadableBuffer, /) -> int:
        piece = bytes(data)
        self.written[self._place] = piece
        self._place += len(piece)
        self.size = max(self.size, self._place)
        return len(piece)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """What was written in one piece is read in one piece."""
        view = memoryview(buffer).cast("B")
        piece = self.written[self._place][: len(view)]
        view[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)


def read_hdf5(stream: BinaryIO, *, size: int) -> Directory:
    """The directory of a file of `size` bytes.

    A file that `write_hdf5` did not write may raise any exception; libhdf5 may also crash the
    process, or never return.
    """
    with h5py.File(stream, "r") as file:
        return _directory(file, size=size)


def _directory(file: h5py.File, *, size: int) -> Directory:
    attributes = {key: plain_value(value) for key, value in file.attrs.items()}
    return Directory(attributes, dict(_extents(file, size=size)))


def _extents(group: h5py.Group, *, size: int, path: str = "") -> Iterator[tuple[str, Extent]]:
    """Where every array of a file lies; ValueError for what `write_hdf5` does not write: links to
    other places, arrays that are in other files, chunked, compressed or not of plain numbers.

    No content of an array is read, and only hard links are followed.
    """
    for key in group:
        name = f"{path}{key}"
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ValueError(f"{name!r} is a link to another place")
        item = group[key]
        if isinstance(item, h5py.Group):
            if path.count("/") >= _MAX_DEPTH:
                raise ValueError(f"{name!r} is nested too deep")
            yield from _extents(item, size=size, path=f"{name}/")
        elif isinstance(item, h5py.Dataset):
            yield name, _extent(item, name=name, size=size)
        else:
            raise ValueError(f"{name!r} is no array")


def _extent(item: h5py.Dataset, *, name: str, size: int) -> Extent:
    """Where an array lies inside of `size` bytes."""
    layout = item.id.get_create_plist()
    if layout.get_layout() != h5py.h5d.CONTIGUOUS or layout.get_external_count():
        raise ValueError(f"{name!r} is not in one piece in this file")
    offset = item.id.get_offset() if item.size else 0
    return Extent.from_description(name, item.dtype.str, item.shape or (), offset, size=size)
