"""Limits of reading: bytes of an untrusted file in, the same bytes or an InputError out.

A few kilobytes can unpack to terabytes, and one record can be as long as a disk; both are refused
before they fill the memory.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from vecattr.errors import InputError, LimitError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Bytes of text allowed per base and per record (spaces, numbers, feature tables, other columns).
_BYTES_PER_BASE, _BYTES_PER_RECORD = 4, 1 << 20
#: Bytes kept of the previous read, so that a mark divided between two reads is seen.
_LONGEST_MARK = 4


@dataclass(frozen=True)
class Limits:
    """The longest record (bases), and the most that a packed file may unpack to (bytes)."""

    bases: int = 20_000_000
    unpacked: int = 1 << 34

    @property
    def record_bytes(self) -> int:
        """The longest text of a record (bytes)."""
        return self.bases * _BYTES_PER_BASE + _BYTES_PER_RECORD

    def too_long(self, bases: int | None, *, where: str) -> LimitError:
        """The error for a record of so many bases (None: too many to be counted)."""
        return LimitError(
            f"the record holds {'far ' if bases is None else f'{bases:,} bases, '}more than "
            f"{self.bases:,}{' bases' if bases is None else ''}",
            where=where,
            hint="if it is meant to be so long, allow it with --max-bases",
        )

    def too_much(self, *, where: str) -> LimitError:
        """The error for a file that unpacks to more than it may."""
        return LimitError(
            f"the file unpacks to more than {self.unpacked / 1e9:,.3g} GB",
            where=where,
            hint="if it is meant to be so large, allow it with --max-unpacked",
        )


#: The limits that apply unless options change them.
DEFAULT_LIMITS = Limits()


class LimitedBytes(io.RawIOBase):
    """The bytes of `inner`; reading raises `error` when more than `most` of them come before the
    next of the `marks`."""

    def __init__(
        self, inner: BinaryIO, *, marks: tuple[bytes, ...] = (), most: int, error: InputError
    ) -> None:
        super().__init__()
        self._inner, self._marks, self._most, self._error = inner, marks, most, error
        self._unmarked = 0
        self._tail = b""

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer and say how many bytes it holds now; raises `error` over the limit."""
        view = memoryview(buffer)
        chunk = self._inner.read(len(view))
        self._count(chunk)
        view[: len(chunk)] = chunk
        return len(chunk)

    def _count(self, chunk: bytes) -> None:
        self._unmarked += len(chunk)
        recent = self._tail + chunk
        last = max((recent.rfind(mark) for mark in self._marks), default=-1)
        if last >= 0:
            self._unmarked = len(recent) - last
        if self._unmarked > self._most:
            raise self._error
        self._tail = recent[-_LONGEST_MARK:]


class LimitedLines:
    """Lines of text; raises `error` when those since the last `reset` hold more than `most`
    characters."""

    def __init__(self, lines: Iterable[str], *, most: int, error: InputError) -> None:
        self._lines, self._most, self._error = iter(lines), most, error
        self._characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._characters += len(line)
        if self._characters > self._most:
            raise self._error
        return line

    def reset(self) -> None:
        """The next line begins a new row."""
        self._characters = 0
