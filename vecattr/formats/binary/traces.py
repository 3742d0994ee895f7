"""Traces of Sanger sequencing (AB1, SCF): an open file in; its one record, the bases called, out.

The layouts are those of Applied Biosystems' "Genetic Analysis Data File Format" and of the Staden
package's manual. A read is linear.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import InputFile, input_stem

ABI_MAGIC = b"ABIF"
SCF_MAGIC = b".scf"

#: The directory of an AB1 file: number, size and place of its entries; then an entry: tag, number,
#: type, size and number of elements, bytes, place.
_ABI_DIRECTORY = struct.Struct(">4sH4sIHHIII")
_ABI_ENTRY = struct.Struct(">4sIHHIII")
_ABI_ENTRY_BYTES = 28
#: Data of four bytes or fewer stand in the entry itself, here.
_ABI_INLINE = 20
#: More entries than any sequencer writes.
_MOST_ENTRIES = 10_000

#: Number and place of bases, and the version, in the head of an SCF file.
_SCF_HEAD = struct.Struct(">12xI8xI8x4s")
_SCF_BASE = 12


def read_abi(file: InputFile) -> Iterator[Record]:
    """The bases that an AB1 file holds: those edited (PBAS1) unless there are none (PBAS2)."""
    yield _read(file, _abi_bases(file.limited().read()))


def read_scf(file: InputFile) -> Iterator[Record]:
    """The bases that an SCF file holds."""
    yield _read(file, _scf_bases(file.limited().read()))


def _read(file: InputFile, bases: bytes | None) -> Record:
    name = input_stem(file.name)
    place = f"{file.name}, record {name!r}"
    if bases is None or not bases.strip(b"\x00 "):
        problem = InputError(
            "the trace holds no bases, or is cut short",
            hint="call its bases first, and export them as FASTA",
        )
        return Record(name, place, "", problem=problem)
    letters = bases.rstrip(b"\x00").decode("latin-1").replace("-", "N")
    return Record(name, place, letters, topology="linear")


def _abi_bases(content: bytes) -> bytes | None:
    if len(content) < _ABI_DIRECTORY.size:
        return None
    *_, number, _, place = _ABI_DIRECTORY.unpack_from(content)
    found: dict[int, bytes] = {}
    for entry in range(min(number, _MOST_ENTRIES)):
        start = place + entry * _ABI_ENTRY_BYTES
        if start + _ABI_ENTRY_BYTES > len(content):
            return None
        tag, tag_number, _, _, _, size, where = _ABI_ENTRY.unpack_from(content, start)
        if tag == b"PBAS":
            where = start + _ABI_INLINE if size <= 4 else where
            if where + size > len(content):
                return None
            found[tag_number] = content[where : where + size]
    return found.get(1) or found.get(2)


def _scf_bases(content: bytes) -> bytes | None:
    if len(content) < _SCF_HEAD.size:
        return None
    number, place, version = _SCF_HEAD.unpack_from(content)
    if place + _SCF_BASE * number > len(content):
        return None
    if version[:1] >= b"3":  # places and four probabilities of all bases, then the bases
        return content[place + 8 * number : place + 9 * number]
    return content[place + 8 : place + _SCF_BASE * number : _SCF_BASE]
