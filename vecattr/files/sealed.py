"""Files that prove every block they hand out: bytes in, the same bytes behind a table of CRCs out.

A sealed file is a header and a body. The header is as long as a power of two (at least 512), so
that an HDF5 body may stand behind it as behind any "user block" and common tools still open it:

    "vecattr-sealed 2\\n", body size u64, block size u32, blocks u32, directory size u32, CRC-32 of
    each block u32 …, the directory, CRC-32 of the header so far u32, zeros

Numbers are little-endian. The header's SHA-256 therefore stands for the whole file, and is cheap.
The directory tells what lies where in the body, so that nobody need ask the body; files of version
1 have none, and blocks of 64 KiB.
"""

from __future__ import annotations

import io
import mmap
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from vecattr.errors import DamagedError
from vecattr.files.atomic import sha256_bytes, translated_errors

try:  # the same sum in half the time; it comes with xopen on most machines
    from zlib_ng.zlib_ng import crc32
except ImportError:
    from zlib import crc32

#: Bytes in one block. A query's k-mers lie all over their arrays, so the smaller a block, the less
#: is read and summed for them; a CRC of 8 KiB takes one to three microseconds, a call of it one.
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
    view = memoryview(body)
    sums = [crc32(view[start : start + BLOCK_SIZE]) for start in range(0, len(body), BLOCK_SIZE)]
    head = _MAGIC + _FIXED.pack(len(body), BLOCK_SIZE, len(sums), len(directory))
    head += np.array(sums, dtype="<u4").tobytes() + directory
    head += struct.pack("<I", crc32(head))
    return head.ljust(_header_size(len(head)), b"\0") + body


def _header_size(needed: int) -> int:
    return max(_SMALLEST_HEADER, 1 << (needed - 1).bit_length())


class SealedBytes:
    """The body of a sealed file, memory-mapped; a block is checked when it is first touched.

    Every method that hands out bytes raises DamagedError, naming the file and the block.
    """

    def __init__(self, data: bytes | mmap.mmap, *, name: str) -> None:
        self.name = name
        view = memoryview(data)
        start, self._block_size, self._sums, self.directory = self._read_header(view)
        self.digest = sha256_bytes(bytes(view[:start]))  # of the header: stands for the file
        self._body = view[start:]
        self._seen = bytearray(len(self._sums))

    @classmethod
    def open(cls, path: Path) -> SealedBytes:
        """Map a file; MissingError when it is not there."""
        with translated_errors(path), path.open("rb") as handle:
            if handle.seek(0, io.SEEK_END) == 0:
                raise DamagedError("the file is empty", where=str(path), hint=_HINT)
            data = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        return cls(data, name=str(path))

    def __len__(self) -> int:
        return len(self._body)

    def view(self, start: int, stop: int) -> memoryview:
        """The body's bytes from start to stop, checked."""
        if not 0 <= start <= stop <= len(self._body):
            self._refuse(f"holds no bytes {start} to {stop}: what says where they are is wrong")
        first, last = start // self._block_size, -(-stop // self._block_size)
        if 0 in self._seen[first:last]:
            self._check_blocks(block for block in range(first, last) if not self._seen[block])
        return self._body[start:stop]

    def items(
        self, start: int, places: NDArray[np.int64], *, dtype: np.dtype[np.generic]
    ) -> NDArray[np.generic]:
        """Of the array that begins at byte `start` the items at these places (m,), a copy; only the
        blocks that they lie in are checked."""
        return self.pieces(start, places, places + 1, dtype=dtype)(places)

    def pieces(
        self,
        start: int,
        begins: NDArray[np.int64],
        ends: NDArray[np.int64],
        *,
        dtype: np.dtype[np.generic],
    ) -> Callable[[NDArray[np.int64]], NDArray[np.generic]]:
        """Of the array that begins at byte `start` the items from each begin to its end, (m,) both:
        what gives those at any places among them, a copy. Only their blocks are checked."""
        size = int(ends.max(initial=0))
        if int(begins.min(initial=0)) < 0 or start + size * dtype.itemsize > len(self._body):
            self._refuse(f"holds no items up to {size}: what says where they are is wrong")
        if 0 in self._seen:
            full = ends > begins
            first = (start + begins[full] * dtype.itemsize) // self._block_size
            last = (start + ends[full] * dtype.itemsize - 1) // self._block_size
            self._check_blocks(self._unseen(first, last).tolist())
        array = np.frombuffer(self._body, dtype=dtype, count=size, offset=start)
        return array.__getitem__

    def _unseen(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
        """The blocks not checked yet, from each first to its last (m,), (m,) -> (u,)."""
        unseen = np.frombuffer(self._seen, dtype=np.uint8) == 0
        if not np.any(last > first + 1):  # as pieces of a few items are
            touched = np.zeros(len(unseen), dtype=bool)
            touched[first] = touched[last] = True
            return np.flatnonzero(touched & unseen)
        blocks = len(unseen) + 1
        depth = np.bincount(first, minlength=blocks) - np.bincount(last + 1, minlength=blocks)
        return np.flatnonzero((np.cumsum(depth)[:-1] > 0) & unseen)

    def _check_blocks(self, blocks: Iterable[int]) -> None:
        for block in blocks:
            self._check_block(block)

    def _check_block(self, block: int) -> None:
        start = block * self._block_size
        found = crc32(self._body[start : start + self._block_size])
        expected = int(self._sums[block])
        if found != expected:
            self._refuse(
                f"block {block + 1} of {len(self._sums)} has checksum {found:08x}, "
                f"expected {expected:08x}"
            )
        self._seen[block] = 1

    def _read_header(self, view: memoryview) -> tuple[int, int, NDArray[np.uint32], bytes]:
        """Where the body begins, the size of a block, the sum of each, and the directory."""
        magic = bytes(view[: len(_MAGIC)])
        if magic not in (_MAGIC, _OLD_MAGIC) or len(view) < _SMALLEST_HEADER:
            self._refuse("not a vecattr file, or its first bytes are damaged")
        old = magic == _OLD_MAGIC
        layout = _OLD_FIXED if old else _FIXED
        fixed = len(magic) + layout.size
        size, block_size, blocks, *more = layout.unpack(view[len(magic) : fixed])
        [directory] = more or [0]
        sums = fixed + 4 * blocks
        end = sums + directory
        start = _header_size(end + 4)
        right_size = block_size == (_OLD_BLOCK_SIZE if old else BLOCK_SIZE)
        if not right_size or blocks != -(-size // block_size) or len(view) < start:
            self._refuse("the header is damaged")
        if view[end : end + 4] != struct.pack("<I", crc32(view[:end])):
            self._refuse("the header does not have the checksum it states")
        if bytes(view[end + 4 : start]).strip(b"\0"):
            self._refuse("the header's padding is not empty")
        if len(view) != start + size:
            self._refuse(f"holds {len(view)} bytes, expected {start + size}")
        found = np.frombuffer(view[fixed:sums], dtype="<u4")
        return start, block_size, found, bytes(view[sums:end])

    def _refuse(self, what: str) -> NoReturn:
        raise DamagedError(what, where=self.name, hint=_HINT)
