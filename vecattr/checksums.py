"""Files that prove every block they hand out: bytes in, the same bytes behind a table of CRCs out.

A sealed file is a header and a body. The header is as long as a power of two (at least 512), so
that an HDF5 body may stand behind it as behind any "user block" and common tools still open it:

    "vecattr-sealed 1\\n", body size u64, block size u32, blocks u32, CRC-32 of each block u32 …,
    CRC-32 of the header so far u32, zeros

Numbers are little-endian. The header's SHA-256 therefore stands for the whole file, and is cheap.
"""

from __future__ import annotations

import io
import mmap
import struct
import zlib
from pathlib import Path
from typing import NoReturn

import numpy as np

from vecattr.errors import DamagedError
from vecattr.files import sha256_bytes, translated_errors

#: Bytes in one block: one CRC of 64 KiB takes about 20 microseconds.
BLOCK_SIZE = 1 << 16

_MAGIC = b"vecattr-sealed 1\n"
_FIXED = struct.Struct("<QII")
_SMALLEST_HEADER = 512
_HINT = "restore the file from a copy, or make it again"


def seal(body: bytes) -> bytes:
    """The body behind its header."""
    view = memoryview(body)
    sums = [
        zlib.crc32(view[start : start + BLOCK_SIZE]) for start in range(0, len(body), BLOCK_SIZE)
    ]
    head = _MAGIC + _FIXED.pack(len(body), BLOCK_SIZE, len(sums))
    head += np.array(sums, dtype="<u4").tobytes()
    head += struct.pack("<I", zlib.crc32(head))
    return head.ljust(_header_size(len(sums)), b"\0") + body


def _header_size(blocks: int) -> int:
    needed = len(_MAGIC) + _FIXED.size + 4 * blocks + 4
    return max(_SMALLEST_HEADER, 1 << (needed - 1).bit_length())


class SealedBytes:
    """The body of a sealed file, memory-mapped; a block is checked when it is first touched.

    Every method that hands out bytes raises DamagedError, naming the file and the block.
    """

    def __init__(self, data: bytes | mmap.mmap, *, name: str) -> None:
        self.name = name
        view = memoryview(data)
        start, self._sums = self._read_header(view)
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
        for block in range(start // BLOCK_SIZE, -(-stop // BLOCK_SIZE)):
            if not self._seen[block]:
                self._check_block(block)
        return self._body[start:stop]

    def stream(self) -> SealedStream:
        """The body as a file object, each read checked."""
        return SealedStream(self)

    def _check_block(self, block: int) -> None:
        found = zlib.crc32(self._body[block * BLOCK_SIZE : (block + 1) * BLOCK_SIZE])
        expected = self._sums[block]
        if found != expected:
            self._refuse(
                f"block {block + 1} of {len(self._sums)} has checksum {found:08x}, "
                f"expected {expected:08x}"
            )
        self._seen[block] = 1

    def _read_header(self, view: memoryview) -> tuple[int, list[int]]:
        fixed = len(_MAGIC) + _FIXED.size
        if bytes(view[: len(_MAGIC)]) != _MAGIC or len(view) < _SMALLEST_HEADER:
            self._refuse("not a vecattr file, or its first bytes are damaged")
        size, block_size, blocks = _FIXED.unpack(view[len(_MAGIC) : fixed])
        start = _header_size(blocks)
        end = fixed + 4 * blocks
        if block_size != BLOCK_SIZE or blocks != -(-size // BLOCK_SIZE) or len(view) < start:
            self._refuse("the header is damaged")
        if view[end : end + 4] != struct.pack("<I", zlib.crc32(view[:end])):
            self._refuse("the header does not have the checksum it states")
        if any(view[end + 4 : start]):
            self._refuse("the header's padding is not empty")
        if len(view) != start + size:
            self._refuse(f"holds {len(view)} bytes, expected {start + size}")
        return start, np.frombuffer(view[fixed:end], dtype="<u4").tolist()

    def _refuse(self, what: str) -> NoReturn:
        raise DamagedError(what, where=self.name, hint=_HINT)


class SealedStream(io.RawIOBase):
    """A readable, seekable file over a sealed body (for h5py, which then reads checked bytes)."""

    def __init__(self, sealed: SealedBytes) -> None:
        self._sealed = sealed
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._sealed)}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: object, /) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        start = min(self._at, len(self._sealed))
        stop = min(start + len(target), len(self._sealed))
        target[: stop - start] = self._sealed.view(start, stop)
        self._at = stop
        return stop - start
