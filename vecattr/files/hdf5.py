"""HDF5 files in memory: arrays in, bytes out; bytes in, what they hold and where.

A file is made in memory and handed over whole, because h5py's in-place writing survives neither a
full disk nor a crash. Arrays are contiguous and raw, so that reading maps them in place.
This is the only module that imports h5py; what strangers made is read in `hdf5_process`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from vecattr.files.directory import Attribute, Directory, Extent, plain

#: Groups inside of groups; a file of ours has two.
_DEEPEST = 8


def write_hdf5(
    arrays: Mapping[str, NDArray[np.generic]], attributes: Mapping[str, Attribute]
) -> tuple[bytes, Directory]:
    """A file, and what it holds; the same arrays give the same bytes.

    A name with slashes makes groups. No clock enters (`track_times=False`).
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
        for name, array in arrays.items():
            little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            file.create_dataset(name, data=little, track_times=False)
        file.flush()
        body: bytes = file.id.get_file_image()
        return body, _directory(file, size=len(body))


def read_hdf5(stream: BinaryIO, *, size: int) -> Directory:
    """What a file of `size` bytes holds.

    Any error of Python's may come for what `write_hdf5` does not write; libhdf5 may also end the
    process, or never come back.
    """
    with h5py.File(stream, "r") as file:
        return _directory(file, size=size)


def _directory(file: h5py.File, *, size: int) -> Directory:
    attributes = {key: plain(value) for key, value in file.attrs.items()}
    return Directory(attributes, dict(_extents(file, size=size)))


def _extents(group: h5py.Group, *, size: int, path: str = "") -> Iterator[tuple[str, Extent]]:
    """Where every array of a file lies; ValueError for what `write_hdf5` does not write: links
    to elsewhere, arrays in other files or in pieces, packed, or of any type but plain numbers.

    Nothing of an array is read, and no link but a hard one is followed.
    """
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


def _extent(item: h5py.Dataset, *, name: str, size: int) -> Extent:
    """Where an array lies inside of `size` bytes."""
    layout = item.id.get_create_plist()
    if layout.get_layout() != h5py.h5d.CONTIGUOUS or layout.get_external_count():
        raise ValueError(f"{name!r} is not in one piece in this file")
    offset = item.id.get_offset() if item.size else 0
    return Extent.of(name, item.dtype.str, item.shape or (), offset, size=size)
