"""Zip archives: an open input in; its files, each an open input, out.

Nothing is written to a place that an archive names. Members, sizes and nesting are bounded: all
files of an archive together, those of archives inside of it included, unpack to no more than one
packed file may.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from vecattr.errors import InputError, LimitError, VecattrError
from vecattr.inputs.input_files import InputFile, open_stream

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")

#: Archives in archives in an archive are not opened.
_DEEPEST = 2
#: More files than this are not read from one archive.
_MOST_MEMBERS = 100_000
#: The largest directory of an archive (bytes); it is in memory at once.
_LARGEST_DIRECTORY = 1 << 25
#: A larger copy of an archive lies on disk (bytes).
_IN_MEMORY = 1 << 26
#: The end of an archive, with the longest comment.
_END = 66_000

_IS_ENCRYPTED = 1

#: What office programs put into their documents, which are archives, too.
_OFFICE = re.compile(
    rb"xl/|word/|ppt/|\[Content_Types\]\.xml|mimetypeapplication/vnd\.(?:oasis|sun)|"
    rb"META-INF/MANIFEST|Index/Document\.iwa"
)


def is_archive(head: bytes) -> bool:
    """Whether a file that begins so is a zip archive, and no document of an office program."""
    return head.startswith(_MAGIC) and _OFFICE.search(head) is None


@dataclass
class _Budget:
    """How many bytes the files of an archive may still unpack to."""

    left: int
    error: InputError


class _Counted(io.RawIOBase):
    """The bytes of `inner`; reading more than the budget has left raises its error, and a damaged
    archive an InputError that names the file."""

    def __init__(self, inner: IO[bytes], budget: _Budget, *, name: str) -> None:
        super().__init__()
        self._inner, self._budget, self._name = inner, budget, name

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer and say how many bytes it holds now."""
        view = memoryview(buffer)
        try:
            chunk = self._inner.read(len(view))
        except (VecattrError, MemoryError):
            raise
        except Exception as error:  # zlib, lzma, bz2 and zipfile have classes of their own
            raise _damaged(self._name, error) from error
        self._budget.left -= len(chunk)
        if self._budget.left < 0:
            raise self._budget.error
        view[: len(chunk)] = chunk
        return len(chunk)


def _damaged(name: str, error: Exception) -> InputError:
    return InputError(
        f"the archive is cut short or damaged ({error})",
        where=name,
        hint="copy or download it again",
    )


@dataclass(frozen=True)
class Unopened:
    """A file of an archive that cannot be opened, and why."""

    name: str
    error: InputError


def members(file: InputFile) -> Iterator[InputFile | Unopened]:
    """Every file of an archive, in its order, each open until the next is asked for; archives
    inside of it are opened as well. Folders, links and files whose name begins with a dot are left
    out.

    Raises InputError for a damaged archive, one that has too many files, and one that unpacks to
    more than the limits allow.
    """
    budget = _Budget(file.limits.unpacked, file.limits.too_much(where=file.name))
    yield from _members(file, budget, depth=1)


def _members(file: InputFile, budget: _Budget, *, depth: int) -> Iterator[InputFile | Unopened]:
    with ExitStack() as stack:
        copy = stack.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY))
        _copy(file, cast("IO[bytes]", copy), budget)
        archive = stack.enter_context(_opened(cast("IO[bytes]", copy), file.name))
        for info in filter(_is_file, archive.infolist()):
            if budget.left < 0:  # told by the file that was read last
                raise budget.error
            yield from _member(archive, info, file, budget, depth=depth)


def _member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: InputFile, budget: _Budget, *, depth: int
) -> Iterator[InputFile | Unopened]:
    """One file of an archive, or those of the archive that it is; what cannot be opened says so."""
    name = f"{file.name}/{info.filename}"
    with ExitStack() as stack:
        try:
            if info.flag_bits & _IS_ENCRYPTED:
                raise InputError(
                    "the file is encrypted", where=name, hint="unpack it with its password"
                )
            stream = _Counted(stack.enter_context(_stream(archive, info, name)), budget, name=name)
            opened_stream = open_stream(cast("BinaryIO", stream), name=name, limits=file.limits)
            member = stack.enter_context(opened_stream)
            if is_archive(member.head):
                if depth == _DEEPEST:
                    raise _too_deep(name)
                yield from _members(member, budget, depth=depth + 1)
                return
        except InputError as error:
            if budget.left < 0:
                raise
            yield Unopened(name, error)
            return
        yield member


def _stream(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> IO[bytes]:
    try:
        return archive.open(info)
    except Exception as error:  # a method that Python lacks, a damaged header
        raise _damaged(name, error) from error


def _too_deep(name: str) -> InputError:
    return InputError(
        "the archive lies in an archive within an archive",
        where=name,
        hint="unpack it, and give its files",
    )


def _copy(file: InputFile, copy: IO[bytes], budget: _Budget) -> None:
    """Copy an archive to where it can be read from anywhere; its directory stands at the end."""
    left = budget.left
    while chunk := file.stream.read(1 << 20):
        left -= len(chunk)
        if left < 0:
            raise budget.error
        copy.write(chunk)


def _opened(copy: IO[bytes], name: str) -> zipfile.ZipFile:
    size = copy.seek(0, io.SEEK_END)
    copy.seek(max(0, size - _END))
    directory = _directory_bytes(copy.read())
    if directory > _LARGEST_DIRECTORY:
        raise _too_many(name)
    try:
        archive = zipfile.ZipFile(copy)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, LookupError) as error:
        raise _damaged(name, error) from error
    if len(archive.infolist()) > _MOST_MEMBERS:
        raise _too_many(name)
    return archive


def _too_many(name: str) -> LimitError:
    return LimitError(
        f"the archive holds more than {_MOST_MEMBERS:,} files",
        where=name,
        hint="unpack it, and give its files in several commands",
    )


def _directory_bytes(end: bytes) -> int:
    """How long the directory says it is, in an archive's last bytes (APPNOTE.TXT, 4.3.14-16)."""
    place = end.rfind(b"PK\x05\x06")
    wide = end.rfind(b"PK\x06\x06")
    if wide >= 0:
        return int.from_bytes(end[wide + 40 : wide + 48], "little")
    return int.from_bytes(end[place + 12 : place + 16], "little") if place >= 0 else 0


def _is_file(info: zipfile.ZipInfo) -> bool:
    """Whether a member is a file that a person packed: no folder, no link, no file of a system."""
    parts = info.filename.replace("\\", "/").split("/")
    is_hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    return not (info.is_dir() or is_hidden or is_link or parts[0] == "__MACOSX")


def opened(file: InputFile) -> Iterator[InputFile | Unopened]:
    """The file itself, or the files of the archive that it is."""
    if is_archive(file.head):
        yield from members(file)
    else:
        yield file
