"""A path or `-` in; one readable stream of plain bytes out, and which kind of text it holds.

Compression and kind are told by content, never by suffix. A file that is cut short or damaged
raises InputError that names it, wherever in the file the damage lies.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from vecattr.errors import InputError, VecattrError
from vecattr.readers.limits import DEFAULT_LIMITS, LimitedBytes, Limits

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Kind = Literal["table", "fasta", "genbank", "snapgene"]

#: The name that stands for standard input.
STDIN = "-"

#: How much of a file is read to tell its kind (bytes).
HEAD = 1 << 16

_BUFFER = 1 << 17
_BOM = b"\xef\xbb\xbf"
_SNAPGENE = b"\x09\x00\x00\x00\x0eSnapGene"
_COMPRESSIONS = (
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)
#: Columns that mark a first line as a table's header, whatever the delimiter.
_HEADER_MARKS = frozenset({"sequence_id", "sequence"})


#: What a record of each kind begins or ends with; a SnapGene file is one record.
_MARKS: dict[Kind, tuple[bytes, ...]] = {
    "table": (b"\n", b"\r"),
    "fasta": (b"\n>",),
    "genbank": (b"\n//",),
    "snapgene": (),
}


@dataclass(frozen=True)
class InputFile:
    """An open input: `head` is its first bytes (at most `HEAD`), which `stream` still holds."""

    name: str
    head: bytes
    stream: BinaryIO
    limits: Limits = DEFAULT_LIMITS

    def records(self, kind: Kind) -> BinaryIO:
        """The stream, from which reading raises InputError when a record of this kind is longer
        than the limits allow, before it is in memory."""
        error = self.limits.too_long(None, where=self.name)
        most = self.limits.record_bytes
        bounded = LimitedBytes(self.stream, marks=_MARKS[kind], most=most, error=error)
        return io.BufferedReader(bounded, _BUFFER)


class _Bytes(io.RawIOBase):
    """`head`, then what `inner` still holds; a failing `inner` is an InputError naming `name`."""

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


def input_name(source: str | Path) -> str:
    """How messages name a source.

    >>> input_name("-")
    '<stdin>'
    """
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
def open_input(source: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[InputFile]:
    """Open a file or standard input, decompressed, without a UTF-8 byte order mark.

    Raises InputError when there is no such file, it cannot be read, is empty, cut short, or
    unpacks to more than the limits allow.
    """
    name = input_name(source)
    with ExitStack() as stack:
        packed = _open_raw(source, stack)
        magic = _read_up_to(_Bytes(packed, name=name), 6)
        joined = io.BufferedReader(_Bytes(packed, name=name, head=magic), _BUFFER)
        plain = _unpacked(joined, magic, stack, limits=limits, name=name)
        head = _read_up_to(_Bytes(plain, name=name), HEAD)
        head = head.removeprefix(_BOM)
        if not head.strip():
            raise InputError("the file is empty", where=name, hint="give a file with sequences")
        stream = io.BufferedReader(_Bytes(plain, name=name, head=head), _BUFFER)
        yield InputFile(name, head, stream, limits)


def _open_raw(source: str | Path, stack: ExitStack) -> BinaryIO:
    if str(source) == STDIN:
        return sys.stdin.buffer
    try:
        return stack.enter_context(Path(source).open("rb"))
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(source), hint="check the path") from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(source)) from error


def _unpacked(
    packed: BinaryIO, magic: bytes, stack: ExitStack, *, limits: Limits, name: str
) -> BinaryIO:
    for mark, compression in _COMPRESSIONS:
        if magic.startswith(mark):
            from xopen import xopen

            # The format is passed because xopen alone would believe the suffix; threads=0 keeps
            # it in this process, where a cut file is an exception and not a silent end.
            opened = stack.enter_context(xopen(packed, "rb", threads=0, format=compression))
            error = limits.too_much(where=name)
            return cast("BinaryIO", LimitedBytes(opened, most=limits.unpacked, error=error))
    return packed


def _read_up_to(raw: _Bytes, size: int) -> bytes:
    """`size` bytes, fewer only at the end of the file (a pipe may deliver one at a time)."""
    parts: list[bytes] = []
    missing = size
    while missing and (part := raw.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def kind_of(opened: InputFile) -> Kind:
    """Which kind of input this is, told by its first bytes.

    Raises InputError for binary junk and for text that is none of the kinds.
    """
    if opened.head.startswith(_SNAPGENE):
        return "snapgene"
    text = opened.head.lstrip()
    if text.startswith(b">"):
        return "fasta"
    if text.startswith((b"LOCUS ", b"LOCUS\t")):
        return "genbank"
    if b"\x00" in opened.head:
        raise _unknown_kind(opened, "binary data of no known kind")
    first = first_line(opened.head)
    if any(mark in first for mark in "\t,;") or first.strip().strip('"') in _HEADER_MARKS:
        return "table"
    raise _unknown_kind(opened, "neither a table, FASTA, GenBank nor SnapGene .dna")


def first_line(head: bytes) -> str:
    """The first line that is not blank; bytes that are not UTF-8 are shown as replacements."""
    return re.split(r"[\r\n]", head.decode("utf-8", "replace").lstrip(), maxsplit=1)[0]


def _unknown_kind(opened: InputFile, what: str) -> InputError:
    text = opened.head.lstrip()
    if opened.head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        hint = "this looks like UTF-16; save the file as UTF-8"
    elif text.startswith(b"@"):
        hint = "this looks like FASTQ; convert it to FASTA"
    elif text[:1000].strip(b"ACGTNUacgtnu\r\n ") == b"":
        hint = "this looks like a bare sequence; put a line '>name' above it"
    else:
        hint = "a table begins with a header, FASTA with '>', GenBank with 'LOCUS'"
    return InputError(what, where=opened.name, hint=hint)
