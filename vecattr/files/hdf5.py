"""HDF5 files in memory: arrays in, bytes out; bytes in, a directory of the arrays out.

A file is built in memory and returned as bytes, because h5py's in-place writing survives neither a
full disk nor a crash. Arrays are contiguous and not compressed, so that reading maps them in place.
This is the only module that imports h5py; untrusted files are read through `hdf5_process`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

import h5py
import numpy as np

from vecattr.files.array_directory import Attribute, Directory, Extent, NamedArrays, plain_value

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
        libver=("v110", "v110"),
        alignment_threshold=4,
        alignment_interval=64,
    ) as file:
        for key, value in attributes.items():
            file.attrs[key] = value
        for name, array in arrays.items() if isinstance(arrays, Mapping) else arrays:
            little_endian = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            file.create_dataset(name, data=little_endian, track_times=False)
        file.flush()
        body: bytes = file.id.get_file_image()
        return body, _directory(file, size=len(body))


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
