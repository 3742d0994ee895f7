"""SnapGene `.dna`: an open file in; its one record, with its topology, out."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from xml.parsers.expat import ExpatError

from Bio import SeqIO

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import InputFile, input_stem

#: What Biopython's SnapGene parser raises at damaged files (found by mutating good ones).
_PARSER_ERRORS = (
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    AssertionError,
    ExpatError,
    struct.error,
)


def read_snapgene(file: InputFile) -> Iterator[Record]:
    """The one record of a SnapGene `.dna` file; its id is the file's name without suffix.

    Raises InputError when the file is cut short or holds no DNA. A file whose notes are nested too
    deeply for the parser is a record that carries its problem.
    """
    place = f"{file.name}, record {input_stem(file.name)!r}"
    try:
        content = io.BytesIO(file.limited().read())
        entry = SeqIO.read(content, "snapgene")  # type: ignore[no-untyped-call]
    except RecursionError:
        yield Record(input_stem(file.name), place, "", problem=_too_deep())
        return
    except _PARSER_ERRORS as error:
        raise InputError(
            f"the SnapGene file cannot be read ({error})",
            where=file.name,
            hint="the file is probably cut short; copy it again, or export it as GenBank",
        ) from error
    topology = str(entry.annotations["topology"])
    yield Record(input_stem(file.name), place, str(entry.seq), topology=topology)


def _too_deep() -> InputError:
    return InputError(
        "the SnapGene file cannot be read (its notes or features are nested too deeply)",
        hint="export the plasmid as GenBank or FASTA",
    )
