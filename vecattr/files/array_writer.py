"""Named arrays that are larger than memory: their layouts and their numbers, a piece at a time, in;
the file that `vecattr.files.arrays` reads out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vecattr.files.array_directory import Attribute
from vecattr.files.atomic import atomic_file
from vecattr.files.disk import disk, write_all
from vecattr.files.folder import Location
from vecattr.files.sealed import BLOCK_SIZE, checksums_of, header, header_size

if TYPE_CHECKING:
    from vecattr.files.hdf5.library import BlankHdf5, Layout

#: Bytes that are read again at once, to make their checksums.
_READ_AT_ONCE = 1024 * BLOCK_SIZE


class ArrayWriter:
    """Writes the numbers of each array one after the other; arrays may take turns."""

    def __init__(self, file: int, blank: BlankHdf5) -> None:
        self._file = file
        self._blank = blank
        self._extents = blank.directory.extents
        self._directory = blank.directory.to_bytes()
        self._start = header_size(size=blank.size, directory=self._directory)
        self._filled = dict.fromkeys(self._extents, 0)

    def append(self, name: str, numbers: NDArray[np.generic]) -> None:
        """The next numbers (m, ...) of an array."""
        extent, filled = self._extents[name], self._filled[name]
        assert numbers.shape[1:] == extent.shape[1:], f"{name} is of another shape"
        assert filled + len(numbers) <= extent.shape[0], f"{name} is full"
        row = extent.dtype.itemsize * int(np.prod(extent.shape[1:], dtype=np.int64))
        data = np.ascontiguousarray(numbers, dtype=extent.dtype)
        self._write(extent.offset + filled * row, data.tobytes())
        self._filled[name] = filled + len(numbers)

    def finish(self) -> None:
        """Write what stands between the arrays, which must be complete, and the header."""
        assert all(self._filled[name] == extent.shape[0] for name, extent in self._extents.items())
        disk().truncate(self._file, self._start + self._blank.size)
        for offset, piece in self._blank.pieces.items():
            self._write(offset, piece)
        head = header(self._checksums(), size=self._blank.size, directory=self._directory)
        self._write(-self._start, head)

    def _write(self, offset: int, data: bytes) -> None:
        """Write these bytes at a byte of the HDF5 part."""
        os.lseek(self._file, self._start + offset, os.SEEK_SET)
        write_all(self._file, data)

    def _checksums(self) -> list[int]:
        checksums: list[int] = []
        os.lseek(self._file, self._start, os.SEEK_SET)
        left = self._blank.size
        while left:
            part = b""
            wanted = min(left, _READ_AT_ONCE)
            while len(part) < wanted:
                part += os.read(self._file, wanted - len(part))
            checksums += checksums_of(part)
            left -= wanted
        return checksums


@contextmanager
def array_file(
    path: Location, layouts: Mapping[str, Layout], attributes: Mapping[str, Attribute]
) -> Iterator[ArrayWriter]:
    """A new file in a shared folder, of arrays of these layouts, all of which are to be written; it
    is put at `path` at the end, as `vecattr.files.atomic.atomic_file` does."""
    from vecattr.files.hdf5.library import blank_hdf5  # start-up

    blank = blank_hdf5(layouts, attributes)
    with atomic_file(path, in_shared_folder=True) as file:
        writer = ArrayWriter(file, blank)
        yield writer
        writer.finish()
