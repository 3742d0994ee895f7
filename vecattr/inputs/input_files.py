"""Input files: a path or `-` in; one readable stream of decompressed bytes out.

Compression is recognized by content, never by suffix. A file that is cut short or damaged raises
InputError that names it, wherever in the file the damage lies.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from vecattr.errors import InputError, VecattrError
from vecattr.inputs.limits import DEFAULT_LIMITS, LimitedBytes, Limits
from vecattr.inputs.text import LENIENT, Utf8Bytes, utf16_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: The name that stands for standard input.
STDIN = "-"

#: How much of a file is read to recognize its format (bytes).
HEAD = 1 << 16

_BUFFER = 1 << 17
_BOM = b"\xef\xbb\xbf"
_COMPRESSIONS = (
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)
_LONGEST_MAGIC = max(len(magic) for magic, _ in _COMPRESSIONS)


@dataclass(frozen=True)
class HeldFile:
    """The bytes of a file that is in memory; its `name`, which may be a stranger's, is never a
    path."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class InputFile:
    """An open input: `head` is its first bytes (at most `HEAD`), which `stream` still holds."""

    name: str
    head: bytes
    stream: BinaryIO
    limits: Limits = DEFAULT_LIMITS

    def limited(self, *marks: bytes) -> BinaryIO:
        """The stream, from which reading raises InputError before a record longer than the limits
        is in memory; a record begins or ends with one of the `marks` (without: one record)."""
        error = self.limits.too_long(None, where=self.name)
        most = self.limits.record_bytes
        limited = LimitedBytes(self.stream, marks=marks, most=most, error=error)
        return io.BufferedReader(limited, _BUFFER)

    def text(self, *marks: bytes) -> io.TextIOWrapper:
        """As `limited`, as text with `\\n` at the end of each line; no byte is refused."""
        return io.TextIOWrapper(self.limited(*marks), encoding="utf-8", errors=LENIENT)


class _Bytes(io.RawIOBase):
    """`head`, then the rest of `inner`, whose errors become an InputError that names `name`."""

    def __init__(self, inner: BinaryIO, *, name: str, head: bytes = b"") -> None:
        super().__init__()
        self._inner = inner
        self._name = name
        self._head = head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        if self._head:
            chunk, self._head = self._head[: len(view)], self._head[len(view) :]
        else:
            chunk = self._read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)

    def _read(self, size: int) -> bytes:
        try:
            return self._inner.read(size)
        except (VecattrError, MemoryError):
            raise
        except Exception as error:  # every decompressor has error classes of its own
            raise InputError(
                f"the file is cut short or damaged ({error})",
                where=self._name,
                hint="copy or download it again",
            ) from error


def input_name(source: str | Path | HeldFile) -> str:
    """How messages name an input.

    >>> input_name("-")
    '<stdin>'
    """
    if isinstance(source, HeldFile):
        return source.name
    return "<stdin>" if str(source) == STDIN else str(source)


def input_stem(name: str) -> str:
    """The file name without folder, compression suffix and suffix: an id for a lone record.

    >>> input_stem("lab/pUC19.dna.gz"), input_stem("<stdin>")
    ('pUC19', 'stdin')
    """
    path = Path(name.strip("<>"))
    if path.suffix in {".gz", ".bz2", ".xz", ".zst"}:
        path = path.with_suffix("")
    return path.stem or path.name


@contextmanager
def open_input(
    source: str | Path | HeldFile, *, limits: Limits = DEFAULT_LIMITS
) -> Iterator[InputFile]:
    """Open a file (on disk or in memory) or standard input, decompressed, without a byte order
    mark, UTF-16 as UTF-8.

    Raises InputError when there is no such file, it cannot be read, is empty, cut short, or
    unpacks to more than the limits allow.
    """
    with ExitStack() as stack:
        stored = _open_raw(source, stack)
        name = input_name(source)
        yield stack.enter_context(open_stream(stored, name=name, limits=limits))


@contextmanager
def open_stream(stored: BinaryIO, *, name: str, limits: Limits) -> Iterator[InputFile]:
    """As `open_input`, for bytes that are open."""
    with ExitStack() as stack:
        magic = _read_up_to(_Bytes(stored, name=name), _LONGEST_MAGIC)
        whole = io.BufferedReader(_Bytes(stored, name=name, head=magic), _BUFFER)
        unpacked = _unpacked(whole, magic, stack, limits=limits, name=name)
        yield _recognizable(unpacked, name=name, limits=limits)


def _recognizable(unpacked: BinaryIO, *, name: str, limits: Limits) -> InputFile:
    """The input with its first bytes, as UTF-8 if it is UTF-16; InputError when it is empty."""
    head = _read_up_to(_Bytes(unpacked, name=name), HEAD).removeprefix(_BOM)
    stream: BinaryIO = io.BufferedReader(_Bytes(unpacked, name=name, head=head), _BUFFER)
    encoding = utf16_of(head)
    if encoding is not None:
        recoded = cast("BinaryIO", Utf8Bytes(stream, encoding))
        head = _read_up_to(_Bytes(recoded, name=name), HEAD)
        stream = io.BufferedReader(_Bytes(recoded, name=name, head=head), _BUFFER)
    if not head.strip():
        raise InputError("the file is empty", where=name, hint="give a file with sequences")
    return InputFile(name, head, stream, limits)


def _open_raw(source: str | Path | HeldFile, stack: ExitStack) -> BinaryIO:
    if isinstance(source, HeldFile):
        return io.BytesIO(source.data)
    if str(source) == STDIN:
        return sys.stdin.buffer
    try:
        return stack.enter_context(Path(source).open("rb"))
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(source), hint="check the path") from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(source)) from error


def _unpacked(
    stored: BinaryIO, magic: bytes, stack: ExitStack, *, limits: Limits, name: str
) -> BinaryIO:
    for prefix, compression in _COMPRESSIONS:
        if magic.startswith(prefix):
            from xopen import xopen  # start-up

            # The format is passed because xopen alone would believe the suffix; threads=0 keeps
            # it in this process, where a cut file is an exception and not a silent end.
            unpacked = stack.enter_context(xopen(stored, "rb", threads=0, format=compression))
            error = limits.too_much(where=name)
            return cast("BinaryIO", LimitedBytes(unpacked, most=limits.unpacked, error=error))
    return stored


def _read_up_to(raw: _Bytes, size: int) -> bytes:
    """`size` bytes, fewer only at the end of the file (a pipe may deliver one at a time)."""
    parts: list[bytes] = []
    missing = size
    while missing and (part := raw.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
