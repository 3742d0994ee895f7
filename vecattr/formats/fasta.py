"""FASTA: an open file in, its records out; the only module that imports dnaio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, cast

from dnaio import FastaReader
from dnaio.exceptions import FastaFormatError

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import InputFile


class _Entry(NamedTuple):
    """What dnaio fills. Its own class rejects letters that are not ASCII and with them the rest
    of the file; here a Plasmid rejects them, record by record."""

    header: str
    sequence: str
    qualities: None


def read_fasta(file: InputFile) -> Iterator[Record]:
    """One record per `>`; its id is the first word of the header, empty when there is none, and its
    title the whole header.

    Raises InputError when the text is not UTF-8 or not FASTA.
    """
    stream = file.limited(b"\n>")
    reader = cast(Iterable[_Entry], FastaReader(stream, sequence_class=_Entry))
    try:
        for number, entry in enumerate(reader, start=1):
            words = entry.header.split(maxsplit=1)
            name = words[0] if words else ""
            shown = repr(name) if name else f"number {number}"
            place = f"{file.name}, record {shown}"
            yield Record(name, place, entry.sequence, title=entry.header)
    except UnicodeDecodeError as error:
        raise InputError("the text is not UTF-8", where=file.name, hint="save it so") from error
    except FastaFormatError as error:
        raise InputError(f"this is not FASTA ({error})", where=file.name) from error
