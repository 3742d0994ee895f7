"""GenBank, EMBL and SBOL files in; annotated records out, one at a time, of files of any size.

A release file holds millions of records of which most are set aside. So a record is cut out by
its end mark, its header is taken apart, and its features and bases are looked at only when asked
for; Biopython takes a hundred times as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vecattr.designers.embl_header import embl_record, is_embl
from vecattr.designers.genbank_header import genbank_record, is_genbank
from vecattr.designers.records import AnnotatedRecord
from vecattr.designers.sbol import is_sbol, read_sbol
from vecattr.errors import InputError
from vecattr.inputs.input_files import InputFile, open_input
from vecattr.inputs.limits import DEFAULT_LIMITS, Limits

_BLOCK = 1 << 20
_END = b"\n//"

#: Where a record begins; what stands before it in a release file is no part of it.
_START = re.compile(rb"^(?:LOCUS[ \t]|ID {3})", re.MULTILINE)


def read_public_file(
    source: str | Path, *, source_url: str = "", limits: Limits = DEFAULT_LIMITS
) -> Iterator[AnnotatedRecord]:
    """Every record of a GenBank, EMBL or SBOL file, or of standard input (`-`); packed files are
    unpacked as they are read. InputError for a file of another kind, or a damaged one."""
    with open_input(source, limits=limits) as file:
        yield from read_annotated(file, source_url=source_url)


def read_annotated(file: InputFile, *, source_url: str = "") -> Iterator[AnnotatedRecord]:
    """Every record of an open GenBank, EMBL or SBOL file; InputError for another kind."""
    if is_sbol(file.head):
        yield from read_sbol(file, source_url=source_url)
    elif is_flat(file.head):
        yield from read_flat_file(file, source_url=source_url)
    else:
        raise InputError(
            "this is no GenBank, EMBL or SBOL file, which say who designed what they hold",
            where=file.name,
            hint="a file of sequences alone goes to build-index or add-lab, with its lab",
        )


def is_flat(head: bytes) -> bool:
    """Whether a GenBank or EMBL record begins in a file's first bytes."""
    return _START.search(_plain_ends(head)) is not None


def read_flat_file(file: InputFile, *, source_url: str = "") -> Iterator[AnnotatedRecord]:
    """Every record of a GenBank or EMBL flat file, in the order of the file; text before the first
    LOCUS or ID line is skipped.

    A record that cannot be read, holds another number of bases than it states, or is cut short
    carries its problem. InputError when a record is longer than the limits, or the file damaged.
    """
    for number, text in enumerate(_entries(file), start=1):
        is_closed = text.endswith(b"//\n")
        yield record_of(
            text, file=file.name, number=number, is_closed=is_closed, source_url=source_url
        )


def record_of(
    text: bytes, *, file: str, number: int = 1, is_closed: bool = True, source_url: str = ""
) -> AnnotatedRecord:
    """The record of one entry's text, which begins with its LOCUS or ID line."""
    try:
        if is_genbank(text):
            return genbank_record(text, file=file, number=number, source_url=source_url)
        if is_embl(text):
            return embl_record(text, file=file, number=number, source_url=source_url)
        raise InputError("neither a LOCUS nor an ID line begins the record")
    except InputError as error:
        hint = error.hint
        if not is_closed:
            hint = "the last record is not closed by '//'; copy or download the file again"
        place = f"{file}, record number {number}" if error.where is None else error.where
        problem = InputError(error.what, where=place, hint=hint)
        return AnnotatedRecord(f"record-{number}", place, source=file, problem=problem)


def _entries(file: InputFile) -> Iterator[bytes]:
    """The text of each record, from its first line to its `//` line, with `\\n` ends of lines."""
    stream = file.limited(_END)
    rest = b""
    while block := stream.read(_BLOCK):
        whole, rest = _cut(rest + block)
        for part in whole:
            yield from _from_start(part)
    # A file of an old Macintosh has no `\n`, so that all of it is left here.
    whole, rest = _cut(_plain_ends(rest) + b"\n")
    for part in whole:
        yield from _from_start(part)
    if rest.strip():
        yield from _from_start(rest)


def _cut(text: bytes) -> tuple[list[bytes], bytes]:
    """The records that end in the text, and what follows the last of them."""
    parts = []
    begin = search = 0
    while (mark := text.find(_END, search)) >= 0:
        end = text.find(b"\n", mark + 1)
        if end < 0:
            break
        search = end
        if not text[mark + len(_END) : end].strip():
            parts.append(text[begin : end + 1])
            begin = end + 1
            search = begin - 1
    return parts, text[begin:]


def _from_start(text: bytes) -> Iterator[bytes]:
    """The record that begins in the text, if any."""
    plain = _plain_ends(text)
    start = _START.search(plain)
    if start is not None:
        yield plain[start.start() :]


def _plain_ends(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text
