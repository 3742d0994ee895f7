"""GenBank, EMBL and SBOL files in; annotated records out, one at a time, of files of any size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vecattr.designers.embl_header import embl_record
from vecattr.designers.genbank_header import genbank_record
from vecattr.designers.records import AnnotatedRecord
from vecattr.designers.sbol import is_sbol, read_sbol
from vecattr.errors import InputError
from vecattr.formats.flat_text import read_entries
from vecattr.inputs.input_files import InputFile, open_input
from vecattr.inputs.limits import DEFAULT_LIMITS, Limits

#: Where the first record begins; a release file has a header before it.
_GENBANK = re.compile(rb"(?:^|[\r\n])LOCUS[ \t]")
_EMBL = re.compile(rb"(?:^|[\r\n])ID {3}\S")


def read_public_file(
    source: str | Path, *, source_url: str = "", limits: Limits = DEFAULT_LIMITS
) -> Iterator[AnnotatedRecord]:
    """Every record of a GenBank, EMBL or SBOL file, or of standard input (`-`); packed files are
    unpacked as they are read. InputError for a file of another kind, or a damaged one."""
    with open_input(source, limits=limits) as file:
        yield from read_annotated(file, source_url=source_url)


def read_annotated(file: InputFile, *, source_url: str = "") -> Iterator[AnnotatedRecord]:
    """Every record of an open GenBank, EMBL or SBOL file; InputError for another kind.

    A record that cannot be read, holds another number of bases than it states, or is cut short
    carries its problem.
    """
    if is_sbol(file.head):
        yield from read_sbol(file, source_url=source_url)
    elif _GENBANK.search(file.head):
        for number, entry in enumerate(read_entries(file, "LOCUS"), start=1):
            yield genbank_record(entry, number, file.name, source_url=source_url)
    elif _EMBL.search(file.head):
        for number, entry in enumerate(read_entries(file, "ID"), start=1):
            yield embl_record(entry, number, file.name, source_url=source_url)
    else:
        raise InputError(
            "this is no GenBank, EMBL or SBOL file, which say who designed what they hold",
            where=file.name,
            hint="a file of sequences alone goes to build-index or add-lab, with its lab",
        )


def is_flat(head: bytes) -> bool:
    """Whether a GenBank or EMBL record begins in a file's first bytes."""
    return _GENBANK.search(head) is not None or _EMBL.search(head) is not None
