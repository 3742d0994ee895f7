"""Encodings of text: bytes of an input in; UTF-8 bytes or text out, which no byte refuses.

Bases are ASCII in every encoding that programs write, so no letter of a header or a name is a
reason to refuse them. UTF-16 is recognized by its first bytes. A byte that is not UTF-8 is taken
for a letter of Windows-1252, of which Latin-1 is a part.
"""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BOMS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

#: How many bytes without a byte order mark are looked at.
_LOOKED_AT = 64
_PRINTABLE = frozenset({*range(0x20, 0x7F), *range(0xA0, 0x100), *b"\t\r\n"})

#: The name of the error handler for bytes that are not UTF-8.
LENIENT = "vecattr-windows-1252"


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    odd = error.object[error.start : error.end]
    text = odd.decode("cp1252", "replace").replace("\ufffd", "?")
    return text, error.end


codecs.register_error(LENIENT, _as_windows_1252)


def utf16_of(head: bytes) -> str | None:
    """The name of the encoding when a file that begins so is UTF-16, with a byte order mark or,
    as every second byte of the first ones is 0, without; else None.

    >>> utf16_of(">p1".encode("utf-16-le")), utf16_of(b">p1")
    ('utf-16-le', None)
    """
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    looked_at = head[:_LOOKED_AT]
    for first, encoding in ((0, "utf-16-le"), (1, "utf-16-be")):
        letters, others = looked_at[first::2], looked_at[1 - first :: 2]
        if len(letters) > 1 and not any(others) and _PRINTABLE.issuperset(letters):
            return encoding
    return None


class Utf8Bytes(io.RawIOBase):
    """The text of `inner`, which is in another encoding, as UTF-8 without byte order mark."""

    def __init__(self, inner: BinaryIO, encoding: str) -> None:
        super().__init__()
        self._inner = inner
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._is_first = True
        self._ready = b""

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer and say how many bytes it holds now."""
        view = memoryview(buffer)
        while not self._ready:
            chunk = self._inner.read(len(view))
            text = self._decoder.decode(chunk, final=not chunk)
            if self._is_first and text:
                text, self._is_first = text.removeprefix("\ufeff"), False
            self._ready = text.encode()
            if not chunk:
                break
        part, self._ready = self._ready[: len(view)], self._ready[len(view) :]
        view[: len(part)] = part
        return len(part)
