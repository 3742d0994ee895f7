"""Sealed files: bytes in, the same bytes behind a table of checksums out, and back, verified.

A sealed file is a header and a body. The header is as long as a power of two (at least 512), so
that an HDF5 body may stand behind it as behind any "user block" and common tools still open it:

    "vecattr-sealed 2\\n", body size u64, block size u32, blocks u32, directory size u32, CRC-32 of
    each block u32 …, the directory, CRC-32 of the header so far u32, zeros

Numbers are little-endian. The header's SHA-256 therefore identifies the whole file, at little
cost. The directory says what lies where in the body, so that the body need not be parsed; files of
version 1 have none, and blocks of 64 KiB.
"""

from __future__ import annotations

import io
import mmap
import struct
from collections.abc import Callable, Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError
from vecattr.files.atomic import sha256_bytes, translated_errors
from vecattr.files.folder import Location, open_to_read

try:  # the same checksum in half the time; installed with xopen on most machines
    from zlib_ng.zlib_ng import crc32
except ImportError:
    from zlib import crc32

#: Places of items (p,), or a slice of them.
Places = NDArray[np.int64] | slice

#: Bytes in one block. A query's k-mers are spread over their arrays, so smaller blocks mean less
#: to read and verify; a CRC of 8 KiB takes one to three microseconds, the call itself one.
BLOCK_SIZE = 1 << 13

_MAGIC = b"vecattr-sealed 2\n"
_FIXED = struct.Struct("<QIII")
_OLD_MAGIC = b"vecattr-sealed 1\n"
_OLD_FIXED = struct.Struct("<QII")
_OLD_BLOCK_SIZE = 1 << 16
_SMALLEST_HEADER = 512
_HINT = "restore the file from a copy, or make it again"


def seal(body: bytes, *, directory: bytes = b"") -> bytes:
    """The body behind its header."""
    return header(checksums_of(body), size=len(body), directory=directory) + body


def checksums_of(body: bytes | memoryview) -> list[int]:
    """The checksum of each block of a body, or of a part of it that begins with a block."""
    view = memoryview(body)
    return [crc32(view[start : start + BLOCK_SIZE]) for start in range(0, len(body), BLOCK_SIZE)]


def header(checksums: Sequence[int], *, size: int, directory: bytes) -> bytes:
    """The header of a body of so many bytes, whose blocks have these checksums."""
    head = _MAGIC + _FIXED.pack(size, BLOCK_SIZE, len(checksums), len(directory))
    head += np.array(checksums, dtype="<u4").tobytes() + directory
    head += struct.pack("<I", crc32(head))
    return head.ljust(_header_size(len(head)), b"\0")


def header_size(*, size: int, directory: bytes) -> int:
    """How many bytes the header of such a body takes."""
    blocks = -(-size // BLOCK_SIZE)
    return _header_size(len(_MAGIC) + _FIXED.size + 4 * blocks + len(directory) + 4)


def _header_size(needed: int) -> int:
    return max(_SMALLEST_HEADER, 1 << (needed - 1).bit_length())


class SealedBytes:
    """The body of a sealed file, memory-mapped; a block is verified when it is first read.

    Every method that returns bytes raises DamagedError that names the file and the block.
    """

    def __init__(self, data: bytes | mmap.mmap, *, name: str) -> None:
        self.name = name
        view = memoryview(data)
        start, self._block_size, self._checksums, self.directory = self._read_header(view)
        self.digest = sha256_bytes(bytes(view[:start]))  # of the header: identifies the file
        self._body = view[start:]
        self._verified = bytearray(len(self._checksums))  # one byte a block, 1 once it is verified
        self._is_verified = np.frombuffer(self._verified, dtype=bool)  # a view of the same bytes

    @classmethod
    def open(cls, path: Location) -> SealedBytes:
        """Map a file; MissingError when it is not there, ArtifactError when it is no regular
        file."""
        with translated_errors(path), open_to_read(path) as handle:
            if handle.seek(0, io.SEEK_END) == 0:
                raise DamagedError("the file is empty", where=str(path), hint=_HINT)
            data = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        return cls(data, name=str(path))

    def __len__(self) -> int:
        return len(self._body)

    def view(self, start: int, stop: int) -> memoryview:
        """The body's bytes from start to stop, verified."""
        if not 0 <= start <= stop <= len(self._body):
            self._refuse(f"holds no bytes {start} to {stop}: its directory is wrong")
        first, last = start // self._block_size, -(-stop // self._block_size)
        if 0 in self._verified[first:last]:
            self._check_blocks(first + np.flatnonzero(~self._is_verified[first:last]))
        return self._body[start:stop]

    def items(
        self, start: int, places: NDArray[np.int64], *, dtype: np.dtype[np.generic]
    ) -> NDArray[np.generic]:
        """The items at these places (m,) of the array that begins at byte `start`, copied; only
        their blocks are verified."""
        return self.pieces(start, places, places + 1, dtype=dtype)(places)

    def pieces(
        self,
        start: int,
        begins: NDArray[np.int64],
        ends: NDArray[np.int64],
        *,
        dtype: np.dtype[np.generic],
    ) -> Callable[[Places], NDArray[np.generic]]:
        """A function from places (p,), or a slice, to items (p,) of the array that begins at byte
        `start`. Only the blocks of the pieces from each begin to its end, (m,) both, are verified:
        the places must be in them."""
        size = int(ends.max(initial=0))
        if int(begins.min(initial=0)) < 0 or start + size * dtype.itemsize > len(self._body):
            self._refuse(f"holds no items up to {size}: its directory is wrong")
        is_filled = ends > begins
        first = (start + begins[is_filled] * dtype.itemsize) // self._block_size
        last = (start + ends[is_filled] * dtype.itemsize - 1) // self._block_size
        unverified = self._unverified(first, last)
        if len(unverified):
            self._check_blocks(unverified)
        array = np.frombuffer(self._body, dtype=dtype, count=size, offset=start)
        return array.__getitem__

    def _unverified(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
        """The blocks not verified yet, from each first to its last (m,), ascending (u,); what it
        takes follows the blocks that are asked for, not the size of the file."""
        counts = last - first + 1
        blocks: NDArray[np.int64]
        if len(counts) and int(counts.max()) > 2:
            before = np.cumsum(counts) - counts
            blocks = np.arange(int(counts.sum())) + np.repeat(first - before, counts)
        else:  # as of pieces of a few items
            blocks = np.concatenate([first, last])
        missing: NDArray[np.int64] = blocks[~self._is_verified[blocks]]
        if not len(missing):
            return missing
        missing.sort()
        is_first = np.ones(len(missing), dtype=bool)
        is_first[1:] = missing[1:] != missing[:-1]
        distinct: NDArray[np.int64] = missing[is_first]
        return distinct

    def _check_blocks(self, blocks: NDArray[np.int64]) -> None:
        """Verify some blocks (b,); of several damaged ones the first is named."""
        body, size = self._body, self._block_size
        starts = (blocks * size).tolist()
        checksums = np.array([crc32(body[start : start + size]) for start in starts], np.uint32)
        is_damaged = checksums != self._checksums[blocks]
        self._is_verified[blocks[~is_damaged]] = True
        for block, checksum in zip(blocks[is_damaged], checksums[is_damaged], strict=True):
            self._refuse(
                f"block {block + 1} of {len(self._checksums)} has checksum {checksum:08x}, "
                f"expected {self._checksums[block]:08x}"
            )

    def _read_header(self, view: memoryview) -> tuple[int, int, NDArray[np.uint32], bytes]:
        """Where the body begins, the size of a block, the checksum of each, and the directory."""
        magic = bytes(view[: len(_MAGIC)])
        if magic not in (_MAGIC, _OLD_MAGIC) or len(view) < _SMALLEST_HEADER:
            self._refuse("not a vecattr file, or its first bytes are damaged")
        is_old = magic == _OLD_MAGIC
        layout = _OLD_FIXED if is_old else _FIXED
        fixed = len(magic) + layout.size
        size, block_size, blocks, *version_2 = layout.unpack(view[len(magic) : fixed])
        [directory_size] = version_2 or [0]
        directory = fixed + 4 * blocks
        end = directory + directory_size
        start = _header_size(end + 4)
        is_known_size = block_size == (_OLD_BLOCK_SIZE if is_old else BLOCK_SIZE)
        if not is_known_size or blocks != -(-size // block_size) or len(view) < start:
            self._refuse("the header is damaged")
        if view[end : end + 4] != struct.pack("<I", crc32(view[:end])):
            self._refuse("the header does not have the checksum it states")
        if bytes(view[end + 4 : start]).strip(b"\0"):
            self._refuse("the header's padding is not empty")
        if len(view) != start + size:
            self._refuse(f"holds {len(view)} bytes, expected {start + size}")
        checksums = np.frombuffer(view[fixed:directory], dtype="<u4")
        return start, block_size, checksums, bytes(view[directory:end])

    def _refuse(self, what: str) -> NoReturn:
        raise DamagedError(what, where=self.name, hint=_HINT)
