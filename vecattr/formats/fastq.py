"""FASTQ: an open file in, its records out: reads, or the consensus of an assembly."""

from __future__ import annotations

from collections.abc import Iterator

from Bio.SeqIO.QualityIO import FastqGeneralIterator

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.formats.topology import topology_in
from vecattr.inputs.input_files import InputFile


def read_fastq(file: InputFile) -> Iterator[Record]:
    """One record per `@`; its id is the first word of the header. Qualities are not used.

    Where the file stops being FASTQ, a last record carries the problem.
    """
    text = file.text(b"\n@", b"\r@")
    number = 0
    try:
        for header, bases, _ in FastqGeneralIterator(text):
            number += 1
            words = header.split(maxsplit=1)
            name = words[0] if words else ""
            place = f"{file.name}, record {name!r}"
            yield Record(name, place, bases, topology=topology_in(header))
    except ValueError as error:
        problem = InputError(
            f"this is not FASTQ ({error})",
            hint="the file is probably cut short; what follows this record was not read",
        )
        place = f"{file.name}, record number {number + 1}"
        yield Record(f"record {number + 1}", place, "", problem=problem)
