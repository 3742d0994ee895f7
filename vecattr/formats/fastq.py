"""FASTQ: an open file in, its records out: reads, or the consensus of an assembly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

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
        for header, bases in _reads(text):
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


def _reads(text: TextIO) -> Iterator[tuple[str, str]]:
    """Headers and bases; both and the qualities may be wrapped, as consensus sequences are.

    A line of qualities may begin with `@`, so that only their number tells where they end.
    Source: Cock et al. 2010, doi:10.1093/nar/gkp1137. ValueError where the text is not FASTQ.
    """
    line = text.readline()
    while line:
        header = line.rstrip()
        if header and not header.startswith("@"):
            raise ValueError(f"a record begins with @, not with {header[:1]!r}")
        if header:
            yield header[1:], _bases(text, header[1:])
        line = text.readline()


def _bases(text: TextIO, header: str) -> str:
    """The bases of the record whose header was read; its qualities are read, too."""
    lines = list[str]()
    while not (line := text.readline()).startswith("+"):
        if not line:
            raise ValueError("the file ends before the line with +")
        lines.append(line.strip())
    if line.rstrip()[1:] not in ("", header):
        raise ValueError("the headers after @ and + differ")
    bases = "".join(lines)
    missing = len(bases)
    while missing > 0 and (line := text.readline()):
        missing -= len(line.strip("\r\n"))
    if missing:
        raise ValueError(f"there are {len(bases)} bases and {len(bases) - missing} qualities")
    return bases
