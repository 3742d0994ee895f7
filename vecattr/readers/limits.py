"""How much of a file is taken in: bytes of an untrusted file in, the same bytes or InputError out.

A few kilobytes can unpack to terabytes, and one record can be as long as a disk; both end here,
before memory does.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from vecattr.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: What a file may hold beside each base (blanks, numbers, feature tables, other columns): so many
#: bytes a base, and so many more.
_BYTES_A_BASE, _MORE_BYTES = 4, 1 << 20
#: Bytes kept of what was read, so that a mark that two reads cut in two is seen.
_LONGEST_MARK = 4


@dataclass(frozen=True)
class Limits:
    """The longest record (bases), and the most that a packed file may unpack to (bytes)."""

    bases: int = 20_000_000
    unpacked: int = 1 << 34

    @property
    def record_bytes(self) -> int:
        """The longest that the text of a record may be."""
        return self.bases * _BYTES_A_BASE + _MORE_BYTES

    def too_long(self, found: int | None, *, where: str) -> InputError:
        """The error for a record of so many bases (None: of so many that nobody counted them)."""
        return InputError(
            f"the record holds {'far ' if found is None else f'{found:,} bases, '}more than "
            f"{self.bases:,}{' bases' if found is None else ''}",
            where=where,
            hint="if it is meant to be so long, allow it with --max-bases",
        )

    def too_much(self, *, where: str) -> InputError:
        """The error for a file that unpacks to more than it may."""
        return InputError(
            f"the file unpacks to more than {self.unpacked / 1e9:,.3g} GB",
            where=where,
            hint="if it is meant to be so large, allow it with --max-unpacked",
        )


#: What is read unless more is asked for.
DEFAULT_LIMITS = Limits()


class LimitedBytes(io.RawIOBase):
    """The bytes of `inner`, of which at most `most` may come before the next of the `marks`.

    Raises `error` when there are more.
    """

    def __init__(
        self, inner: BinaryIO, *, marks: tuple[bytes, ...] = (), most: int, error: InputError
    ) -> None:
        super().__init__()
        self._inner, self._marks, self._most, self._error = inner, marks, most, error
        self._since = 0
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
        self._since += len(chunk)
        seen = self._tail + chunk
        last = max((seen.rfind(mark) for mark in self._marks), default=-1)
        if last >= 0:
            self._since = len(seen) - last
        if self._since > self._most:
            raise self._error
        self._tail = seen[-_LONGEST_MARK:]


class LimitedLines:
    """Lines of text, of which those since the last `reset` hold at most `most` characters; `error`
    when they hold more."""

    def __init__(self, lines: Iterable[str], *, most: int, error: InputError) -> None:
        self._lines, self._most, self._error = iter(lines), most, error
        self._since = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._since += len(line)
        if self._since > self._most:
            raise self._error
        return line

    def reset(self) -> None:
        """The next line begins something new."""
        self._since = 0
